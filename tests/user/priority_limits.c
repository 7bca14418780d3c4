// SPDX-License-Identifier: MIT
/*
 * C7: RLIMIT_NICE and RLIMIT_RTPRIO: how far who has no privilege may raise a priority, its own nice value and real-time one, and
 * what is given up for good. Needs root to set the limits.
 * oracle: guest
 */
#include "test.h"
#include <sys/prctl.h>
#include <sys/resource.h>

enum { SOMEBODY = 1000 };

static void limit_and_become(int nice, int realtime)
{
	struct rlimit limit = {(rlim_t)nice, (rlim_t)nice};

	CHECK_EQ(setrlimit(RLIMIT_NICE, &limit), 0);
	limit = (struct rlimit){(rlim_t)realtime, (rlim_t)realtime};
	CHECK_EQ(setrlimit(RLIMIT_RTPRIO, &limit), 0);
	CHECK_EQ(setresgid(SOMEBODY, SOMEBODY, SOMEBODY), 0);
	CHECK_EQ(setresuid(SOMEBODY, SOMEBODY, SOMEBODY), 0);
}

static int set_nice(int nice)
{
	return setpriority(PRIO_PROCESS, 0, nice);
}

static int set_policy(int policy, int priority)
{
	struct sched_param parameters = {.sched_priority = priority};

	return (int)syscall(SYS_sched_setscheduler, 0, policy, &parameters);
}

static int set_priority(int priority)
{
	struct sched_param parameters = {.sched_priority = priority};

	return (int)syscall(SYS_sched_setparam, 0, &parameters);
}

static void expect_nice(int nice)
{
	errno = 0;
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), nice);
	CHECK_EQ(errno, 0);
}

static void nice_within(void)
{
	limit_and_become(25, 0);
	CHECK_EQ(set_nice(10), 0);
	CHECK_EQ(set_nice(3), 0);
	CHECK_EQ(set_nice(-5), 0); // 20 - 25
	CHECK_ERRNO(set_nice(-6), EACCES);
	expect_nice(-5);
}

static void nice_without(void)
{
	limit_and_become(0, 0);
	CHECK_EQ(set_nice(5), 0);
	CHECK_EQ(set_nice(5), 0);
	CHECK_ERRNO(set_nice(4), EACCES);
	expect_nice(5);
	CHECK_EQ(set_nice(19), 0);
	CHECK_ERRNO(set_nice(18), EACCES);
}

static void realtime_within(void)
{
	limit_and_become(20, 7);
	CHECK_ERRNO(set_policy(SCHED_FIFO, 8), EPERM);
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER);
	CHECK_EQ(set_policy(SCHED_FIFO, 7), 0);
	CHECK_EQ(set_policy(SCHED_RR, 5), 0);
	CHECK_EQ(set_priority(7), 0);
	CHECK_ERRNO(set_priority(8), EPERM);
	CHECK_EQ(set_policy(SCHED_OTHER, 0), 0);
	CHECK_EQ(set_policy(SCHED_RR, 1), 0);
}

static void realtime_without(void)
{
	limit_and_become(0, 0);
	CHECK_ERRNO(set_policy(SCHED_FIFO, 1), EPERM);
	CHECK_ERRNO(set_policy(SCHED_RR, 1), EPERM);
	CHECK_EQ(set_policy(SCHED_BATCH, 0), 0);
	CHECK_EQ(set_policy(SCHED_OTHER, 0), 0);
	CHECK_EQ(set_policy(SCHED_IDLE, 0), 0);
	CHECK_ERRNO(set_policy(SCHED_OTHER, 0), EPERM); // idle counts as nice 20
	CHECK_ERRNO(set_policy(SCHED_BATCH, 0), EPERM);
	CHECK_EQ(set_nice(19), 0);
}

/* Who is real-time already may stay and go down, not up, once the limit is gone. */
static void realtime_taken_away(void)
{
	CHECK_EQ(set_policy(SCHED_FIFO, 10), 0);
	limit_and_become(0, 0);
	CHECK_EQ(set_priority(10), 0);
	CHECK_EQ(set_priority(4), 0);
	CHECK_ERRNO(set_priority(5), EPERM);
	CHECK_ERRNO(set_policy(SCHED_RR, 4),
		    EPERM); // another policy needs the right to one
}

static void idle_with_right(void)
{
	limit_and_become(20, 0);
	CHECK_EQ(set_policy(SCHED_IDLE, 0), 0);
	CHECK_EQ(set_policy(SCHED_OTHER, 0), 0);
}

static void try_realtime(void)
{
	_exit(set_policy(SCHED_FIFO, 10) != 0);
}

static void privileged(void)
{
	CHECK_EQ(set_nice(-20), 0);
	CHECK_EQ(set_nice(0), 0);
}

static void keep_power(void)
{
	CHECK_EQ(prctl(PR_SET_KEEPCAPS, 1), 0);
	CHECK_EQ(setresuid(SOMEBODY, SOMEBODY, SOMEBODY), 0);
}

/* 0, or the error of each way to slow down `process`. */
static int slow_down(pid_t process, int way)
{
	struct sched_param parameters = {.sched_priority = 0};
	cpu_set_t mask;

	switch (way) {
	case 0:
		return setpriority(PRIO_PROCESS, (id_t)process, 19) ? errno : 0;
	case 1:
		return sched_setscheduler(process, SCHED_IDLE, &parameters) ? errno : 0;
	case 2:
		CPU_ZERO(&mask);
		CPU_SET(0, &mask);
		return sched_setaffinity(process, sizeof(mask), &mask) ? errno : 0;
	}
	return syscall(SYS_ioprio_set, 1, process, 3 << 13) ? errno : 0; // idle
}

/* A process of the same user with more power is not to be slowed down. */
static void more_power(void)
{
	int ready[2];
	pid_t powerful;
	char byte;

	CHECK_EQ(pipe(ready), 0);
	powerful = fork();
	CHECK(powerful >= 0);
	if (powerful == 0) {
		keep_power();
		CHECK_EQ(write(ready[1], "x", 1), 1);
		for (;;) {
			pause();
		}
	}
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	CHECK_EQ(setresuid(SOMEBODY, SOMEBODY, SOMEBODY), 0);
	for (int way = 0; way < 4; way++) {
		CHECK_EQ(slow_down(powerful, way), EPERM);
		CHECK_EQ(slow_down(getpid(), way), 0);
	}
	CHECK_EQ(kill(powerful, SIGKILL), 0);
	CHECK_EQ(waitpid(powerful, NULL, 0), powerful);
}

int main(void)
{
	struct rlimit limit = {30, 30};

	if (geteuid() != 0 || setrlimit(RLIMIT_NICE, &limit)) {
		skip("needs root to set the limits");
	}
	must_pass_in_child(nice_within);
	must_pass_in_child(nice_without);
	ok("nice");
	must_pass_in_child(idle_with_right);
	must_pass_in_child(realtime_without);
	ok("without");
	if (in_child(try_realtime)) {
		say("# nobody may be real-time here\n");
		return 0;
	}
	must_pass_in_child(realtime_within);
	must_pass_in_child(realtime_taken_away);
	ok("realtime");
	must_pass_in_child(more_power);
	ok("more_power");
	must_pass_in_child(privileged);
	ok("privileged");
	return 0;
}
