// SPDX-License-Identifier: MIT
/* Threads made by clone3 itself, and the CPU they run on. */
#include "bench.h"

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

void bare_prepare(struct bare_thread *thread, int (*body)(void *), void *argument)
{
	thread->body = body;
	thread->argument = argument;
	thread->stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(thread->stack != MAP_FAILED);
}

void bare_start(struct bare_thread *thread, uint64_t flags)
{
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
			 CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | flags,
		.parent_tid = (uintptr_t)&thread->tid,
		.child_tid = (uintptr_t)&thread->tid,
		.stack = (uintptr_t)thread->stack,
		.stack_size = STACK_SIZE,
	};

	CHECK(clone3_call(&args, sizeof(args), thread->body, thread->argument) > 0);
}

void bare_join(struct bare_thread *thread)
{
	int tid;

	while ((tid = atomic_load(&thread->tid)) != 0) {
		// The kernel wakes those on the word of any process.
		futex(&thread->tid, FUTEX_WAIT, (uint32_t)tid, NULL, NULL, 0);
	}
}

void bare_discard(struct bare_thread *thread)
{
	munmap(thread->stack, STACK_SIZE);
}

void pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu < cpus_online() ? cpu : 0, &set);
	CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
}

unsigned cpus_online(void)
{
	static unsigned known;

	if (!known) {
		known = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	}
	return known;
}
