// SPDX-License-Identifier: MIT
/*
 * T10: CPU mask, nice, policy and timer slack, and what prctl(2) is told of the machine, are inherited by a thread and by a
 * process, and kept over exec; SCHED_RESET_ON_FORK is not handed on.
 * libc: musl
 */
#include "cpus.h"
#include "raw.h"
#include <sys/prctl.h>
#include <sys/resource.h>

#ifndef SCHED_RESET_ON_FORK
#	define SCHED_RESET_ON_FORK 0x40000000
#endif

#ifndef PR_SET_IO_FLUSHER
#	define PR_SET_IO_FLUSHER 57
#	define PR_GET_IO_FLUSHER 58
#endif

static bool may_flush; // CAP_SYS_RESOURCE, which a container's root may lack

enum { NICE = 5, SLACK_NS = 123456, BATCH = 3 };

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
	CHECK_EQ(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), PR_MCE_KILL_EARLY);
	CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
	if (may_flush) {
		CHECK_EQ(prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0), 1);
	}
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

	pin(0, (unsigned)sched_getcpu());
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, NICE), 0);
	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, policy, &parameters), 0);
	CHECK_EQ(prctl(PR_SET_TIMERSLACK, SLACK_NS), 0);
	CHECK_EQ(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0), 0);
	CHECK_EQ(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);
	may_flush = prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0) == 0;
	CHECK(may_flush || errno == EPERM);
}

/* Nothing said is what it was given, and a real-time thread has none. */
static void check_slack(void)
{
	struct sched_param parameters = {.sched_priority = 1};

	CHECK_EQ(prctl(PR_SET_TIMERSLACK, 777), 0);
	CHECK_EQ(prctl(PR_SET_TIMERSLACK, 0), 0);
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), SLACK_NS);
	CHECK_EQ(prctl(PR_SET_TIMERSLACK, 777), 0);
	if (syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &parameters) < 0) {
		CHECK_EQ(errno, EPERM);
		return;
	}
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), 0);
	CHECK_EQ(prctl(PR_SET_TIMERSLACK, 777), 0);
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), 0);
	parameters.sched_priority = 0;
	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &parameters), 0);
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), SLACK_NS);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		may_flush = prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0) >= 0;
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
	must_pass_in_child(check_slack);
	ok("slack");
	take_attributes(BATCH | SCHED_RESET_ON_FORK);
	check_attributes(BATCH | SCHED_RESET_ON_FORK);
	join_thread(start_thread(check_in_thread, NULL));
	must_pass_in_child(check_here);
	ok("reset_on_fork");
	return 0;
}
