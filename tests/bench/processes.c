// SPDX-License-Identifier: MIT
/* Rows of processes: made, replaced, taken apart. */
#include "bench.h"

#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TOUCHED = 64 << 20 };

extern char **environ;

static uint64_t forks(unsigned count)
{
	uint64_t start = counter_nanoseconds();

	for (unsigned i = 0; i < count; i++) {
		pid_t child = fork();

		if (child == 0) {
			_exit(0);
		}
		CHECK(waitpid(child, NULL, 0) == child);
	}
	return counter_nanoseconds() - start;
}

/* By the kernel's choice of pages, as programs have it. */
static uint64_t large_forks(unsigned count)
{
	char *memory = mmap(NULL, TOUCHED, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	for (size_t at = 0; at < TOUCHED; at += 4096) {
		memory[at] = 1;
	}
	uint64_t took = forks(count);
	munmap(memory, TOUCHED);
	return took;
}

static void vfork_once(void)
{
	pid_t child = vfork();

	if (child == 0) {
		_exit(0);
	}
	CHECK(waitpid(child, NULL, 0) == child);
}

static uint64_t vforks(unsigned count)
{
	uint64_t start = counter_nanoseconds();

	for (unsigned i = 0; i < count; i++) {
		vfork_once();
	}
	return counter_nanoseconds() - start;
}

static uint64_t spawns(unsigned count)
{
	char *arguments[] = {PROGRAM, END_NOW, NULL};
	uint64_t start = counter_nanoseconds();

	for (unsigned i = 0; i < count; i++) {
		pid_t child;
		int status;

		CHECK(posix_spawn(&child, PROGRAM, NULL, NULL, arguments, environ) == 0);
		CHECK(waitpid(child, &status, 0) == child && status == 0);
	}
	return counter_nanoseconds() - start;
}

/* One process that replaces itself so often. */
static uint64_t execs(unsigned count)
{
	char number[16];
	char *arguments[] = {PROGRAM, CHAIN_OF, number, NULL};
	pid_t child;
	int status;

	snprintf(number, sizeof(number), "%u", count - 1);
	uint64_t start = counter_nanoseconds();
	CHECK(posix_spawn(&child, PROGRAM, NULL, NULL, arguments, environ) == 0);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	return counter_nanoseconds() - start;
}

/* A namespace of its own, and the one before it is gone. */
static uint64_t unshares(unsigned count, int flags)
{
	uint64_t *took = shared_page();
	pid_t child = fork();
	int status;

	if (child == 0) {
		uint64_t start = counter_nanoseconds();

		for (unsigned i = 0; i < count; i++) {
			CHECK(unshare(flags) == 0);
		}
		*took = counter_nanoseconds() - start;
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	uint64_t result = *took;
	munmap(took, 4096);
	return result;
}

static uint64_t unshare_names(unsigned count)
{
	return unshares(count, CLONE_NEWUTS);
}

static uint64_t unshare_mounts(unsigned count)
{
	return unshares(count, CLONE_NEWNS);
}

const struct row process_rows[] = {
	{"fork, exit and wait", ONE_CPU, 50, forks},
	{"fork with 64 MiB touched", ONE_CPU, 10, large_forks},
	{"vfork, exit and wait", ONE_CPU, 50, vforks},
	{"posix_spawn of a static program", ONE_CPU, 20, spawns},
	{"exec of a static program", ONE_CPU, 40, execs},
	{"unshare: host name", ONE_CPU, 100, unshare_names},
	{"unshare: mounts", ONE_CPU, 50, unshare_mounts},
	{NULL, 0, 0, NULL},
};
