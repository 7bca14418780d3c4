// SPDX-License-Identifier: MIT
/*
 * T10: CPU mask, nice, policy and timer slack are inherited by a thread and by a process, and
 * kept over exec; SCHED_RESET_ON_FORK is not handed on.
 * libc: musl
 */
#include "raw.h"
#include <sys/prctl.h>
#include <sys/resource.h>

#ifndef SCHED_RESET_ON_FORK
#	define SCHED_RESET_ON_FORK 0x40000000
#endif

enum { NICE = 5, SLACK_NS = 123456, BATCH = 3 };

static int first_cpu(const cpu_set_t *mask)
{
	int cpu = 0;

	while (cpu < CPU_SETSIZE && !CPU_ISSET(cpu, mask)) {
		cpu++;
	}
	return cpu;
}

static void check_attributes(int policy)
{
	cpu_set_t mask;

	CPU_ZERO(&mask);
	CHECK_EQ(sched_getaffinity(0, sizeof(mask), &mask), 0);
	CHECK_EQ(CPU_COUNT(&mask), 1);
	errno = 0;
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), NICE);
	CHECK_EQ(errno, 0);
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), policy);
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), SLACK_NS);
}

static void *check_in_thread(void *unused)
{
	(void)unused;
	check_attributes(BATCH);
	return NULL;
}

static void check_here(void)
{
	check_attributes(BATCH);
}

static void execute(void)
{
	char *arguments[] = {"x", "again", NULL};
	char *environment[] = {NULL};

	execve("/proc/self/exe", arguments, environment);
}

static void take_attributes(int policy)
{
	struct sched_param parameters = {0};
	cpu_set_t mask, one;

	CHECK_EQ(sched_getaffinity(0, sizeof(mask), &mask), 0);
	CPU_ZERO(&one);
	CPU_SET(first_cpu(&mask), &one);
	CHECK_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, NICE), 0);
	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, policy, &parameters), 0);
	CHECK_EQ(prctl(PR_SET_TIMERSLACK, SLACK_NS), 0);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		check_attributes(BATCH);
		return 0;
	}
	take_attributes(BATCH);
	join_thread(start_thread(check_in_thread, NULL));
	ok("thread");
	must_pass_in_child(check_here);
	ok("process");
	must_pass_in_child(execute);
	ok("exec");
	take_attributes(BATCH | SCHED_RESET_ON_FORK);
	check_attributes(BATCH | SCHED_RESET_ON_FORK);
	join_thread(start_thread(check_in_thread, NULL));
	must_pass_in_child(check_here);
	ok("reset_on_fork");
	return 0;
}
