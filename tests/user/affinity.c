// SPDX-License-Identifier: MIT
/*
 * T10, T11, D3: CPU masks of any length, empty masks, inheritance, moving at once; getcpu;
 * priorities inherited.
 * libc: musl
 */
#include "raw.h"
#include <sys/resource.h>

static cpu_set_t usable;

static unsigned current_cpu(void)
{
	unsigned cpu = 9999, node;

	CHECK_EQ(syscall(SYS_getcpu, &cpu, &node, NULL), 0);
	return cpu;
}

static void check_masks(void)
{
	unsigned char mask[1024];
	long length;

	memset(mask, 0, sizeof(mask));
	CHECK_ERRNO(syscall(SYS_sched_setaffinity, 0, 8, mask), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_setaffinity, 0, 0, mask), EINVAL);
	mask[1000] = 1; // only a CPU that does not exist
	CHECK_ERRNO(syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_setaffinity, 0, 8, KERNEL_ADDRESS), EFAULT);
	CHECK_ERRNO(syscall(SYS_sched_setaffinity, 0x3ffffff, 8, mask), ESRCH);
	memset(mask, 0xff,
	       sizeof(mask)); // more CPUs than there are: the others are ignored
	CHECK_EQ(syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask), 0);
	length = syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
	CHECK(length >= 8 && length % 8 == 0);
	CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, 3, mask), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, 9, mask), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, 1024, KERNEL_ADDRESS), EFAULT);
	CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0x3ffffff, 1024, mask), ESRCH);
	CHECK(CPU_ISSET(current_cpu(), &usable));
	ok("masks");
}

static void *check_inherited(void *expected)
{
	cpu_set_t mine;

	CHECK_EQ(sched_getaffinity(0, sizeof(mine), &mine), 0);
	CHECK(CPU_EQUAL(&mine, (cpu_set_t *)expected));
	CHECK(CPU_ISSET(current_cpu(), &mine));
	return NULL;
}

static void check_moves(void)
{
	int cpus = CPU_COUNT(&usable);

	for (int round = 0; round < 20; round++) {
		for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
			cpu_set_t one;

			if (!CPU_ISSET(cpu, &usable)) {
				continue;
			}
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			CHECK_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
			CHECK_EQ(current_cpu(), cpu);
			sched_yield();
			CHECK_EQ(current_cpu(), cpu);
			CHECK_EQ(sched_getcpu(), cpu);
			if (round == 0) {
				join_thread(start_thread(check_inherited, &one));
			}
		}
	}
	CHECK_EQ(sched_setaffinity(0, sizeof(usable), &usable), 0);
	say("# %d CPUs\n", cpus);
	ok("moves");
}

static atomic_int spinning, enough;
static volatile pid_t spinner_tid;

static void *spin(void *unused)
{
	(void)unused;
	spinner_tid = thread_id();
	atomic_store(&spinning, 1);
	while (!atomic_load(&enough)) {
	}
	return NULL;
}

/* A running thread is moved by another one. */
static void check_moves_running_thread(void)
{
	pthread_t thread = start_thread(spin, NULL);

	WAIT_UNTIL(atomic_load(&spinning));
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		cpu_set_t one;

		if (!CPU_ISSET(cpu, &usable)) {
			continue;
		}
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		CHECK_EQ(sched_setaffinity(spinner_tid, sizeof(one), &one), 0);
	}
	atomic_store(&enough, 1);
	join_thread(thread);
	ok("moves_running_thread");
}

static void check_nice_inherited(void)
{
	errno = 0;
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 7);
}

static void check_priorities(void)
{
	struct sched_param parameters;

	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 7), 0);
	must_pass_in_child(check_nice_inherited);
	CHECK_EQ(sched_get_priority_max(SCHED_FIFO), 99);
	CHECK_EQ(sched_get_priority_min(SCHED_OTHER), 0);
	CHECK_ERRNO(syscall(SYS_sched_get_priority_max, 77), EINVAL);
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER);
	CHECK_EQ(syscall(SYS_sched_getparam, 0, &parameters), 0);
	CHECK_EQ(parameters.sched_priority, 0);
	parameters.sched_priority = 5;
	CHECK_ERRNO(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &parameters), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_getparam, 0, KERNEL_ADDRESS), EFAULT);
	ok("priorities");
}

int main(void)
{
	CHECK_EQ(sched_getaffinity(0, sizeof(usable), &usable), 0);
	check_masks();
	CHECK_EQ(sched_setaffinity(0, sizeof(usable), &usable), 0);
	check_moves();
	check_moves_running_thread();
	check_priorities();
	return 0;
}
