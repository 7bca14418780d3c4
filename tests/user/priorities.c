// SPDX-License-Identifier: MIT
/*
 * setpriority and ioprio_set of a thread, of a process group and of a user: they reach every thread of those, not the leaders
 * alone; what ioprio_get finds there, and what is no I/O priority.
 * libc: musl
 */
#include "raw.h"
#include <sys/resource.h>

enum { NONE = 0, REALTIME = 1, BEST_EFFORT = 2, IDLE = 3 };
enum { OF_PROCESS = 1, OF_GROUP = 2, OF_USER = 3 };
enum { SOMEBODY = 54321 };

#define PRIORITY(class, level) ((class) << 13 | (level))

static atomic_int other, finish;

static void *stay(void *unused)
{
	(void)unused;
	atomic_store(&other, thread_id());
	WAIT_UNTIL(atomic_load(&finish));
	return NULL;
}

static long io_get(int which, int who)
{
	return syscall(SYS_ioprio_get, which, who);
}

static long io_set(int which, int who, int priority)
{
	return syscall(SYS_ioprio_set, which, who, priority);
}

static void expect_nice(int which, int who, int nice)
{
	errno = 0;
	CHECK_EQ(getpriority((unsigned)which, (unsigned)who), nice);
	CHECK_EQ(errno, 0);
}

static pthread_t start_other(void)
{
	pthread_t thread = start_thread(stay, NULL);

	WAIT_UNTIL(atomic_load(&other));
	return thread;
}

/* Nice values and I/O priorities of (which, who), which is this process and its second thread. */
static void change_all(int nice_which, int io_which, int who)
{
	pthread_t thread = start_other();

	CHECK_EQ(setpriority((unsigned)nice_which, 0, 15), 0);
	expect_nice(PRIO_PROCESS, 0, 15);
	expect_nice(PRIO_PROCESS, other, 15);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 19), 0);
	expect_nice(PRIO_PROCESS, other, 15);
	expect_nice(nice_which, 0, 15); // the best of them

	CHECK_EQ(io_get(OF_PROCESS, other), 0);
	CHECK_EQ(io_get(io_which, 0), PRIORITY(BEST_EFFORT, 7)); // of nice 15
	CHECK_EQ(io_set(io_which, who, PRIORITY(BEST_EFFORT, 6)), 0);
	CHECK_EQ(io_get(OF_PROCESS, 0), PRIORITY(BEST_EFFORT, 6));
	CHECK_EQ(io_get(OF_PROCESS, other), PRIORITY(BEST_EFFORT, 6));
	CHECK_EQ(io_set(OF_PROCESS, other, PRIORITY(IDLE, 0)), 0);
	CHECK_EQ(io_get(io_which, 0), PRIORITY(BEST_EFFORT, 6));
	CHECK_EQ(io_set(OF_PROCESS, 0, PRIORITY(IDLE, 0)), 0);
	CHECK_EQ(io_get(io_which, 0), PRIORITY(IDLE, 0));
	atomic_store(&finish, 1);
	join_thread(thread);
}

static void change_group(void)
{
	CHECK_EQ(setpgid(0, 0), 0);
	change_all(PRIO_PGRP, OF_GROUP, getpid());
	WAIT_UNTIL(getpriority(PRIO_PGRP, (unsigned)getpid()) ==
		   19); // the other has gone
	CHECK_EQ(io_get(OF_GROUP, getpid()), PRIORITY(IDLE, 0));
	CHECK_ERRNO(setpriority(PRIO_PGRP, 0x3ffffff, 5), ESRCH);
	CHECK_ERRNO(io_set(OF_GROUP, 0x3ffffff, 0), ESRCH);
	CHECK_ERRNO(io_get(OF_GROUP, 0x3ffffff), ESRCH);
}

static void change_user(void)
{
	CHECK_EQ(setresuid(SOMEBODY, SOMEBODY, SOMEBODY), 0);
	change_all(PRIO_USER, OF_USER, SOMEBODY);
	WAIT_UNTIL(getpriority(PRIO_USER, SOMEBODY) == 19);
	CHECK_ERRNO(setpriority(PRIO_USER, SOMEBODY + 1, 5), ESRCH);
	CHECK_ERRNO(io_set(OF_USER, SOMEBODY + 1, 0), ESRCH);
	CHECK_ERRNO(io_set(OF_USER, 0, PRIORITY(BEST_EFFORT, 4)), EPERM); // root
	CHECK_EQ(io_get(OF_PROCESS, 0), PRIORITY(IDLE, 0));
	CHECK_EQ(io_get(OF_USER, 0), PRIORITY(IDLE, 0)); // the caller
	CHECK_ERRNO(io_set(OF_PROCESS, getppid(), 0), EPERM);
	CHECK_ERRNO(io_set(OF_PROCESS, 0, PRIORITY(REALTIME, 0)), EPERM);
}

static void check_refusals(void)
{
	CHECK_ERRNO(io_set(OF_PROCESS, 0, PRIORITY(NONE, 4)), EINVAL);
	CHECK_ERRNO(io_set(OF_PROCESS, 0, PRIORITY(4, 0)), EINVAL);
	CHECK_EQ(io_set(OF_PROCESS, 0, PRIORITY(NONE, 0)), 0);
	CHECK_EQ(io_set(OF_PROCESS, 0, PRIORITY(IDLE, 7)), 0);
	CHECK_EQ(io_get(OF_PROCESS, 0), PRIORITY(IDLE, 7));
	CHECK_EQ(io_set(OF_PROCESS, 0, PRIORITY(BEST_EFFORT, 4)), 0);
	for (int which = -1; which < 5; which += which ? 5 : 1) {
		CHECK_ERRNO(io_get(which, 0), EINVAL);
		CHECK_ERRNO(io_set(which, 0, PRIORITY(BEST_EFFORT, 4)), EINVAL);
	}
	CHECK_ERRNO(io_get(OF_PROCESS, 0x3ffffff), ESRCH);
	CHECK_ERRNO(setpriority(PRIO_USER + 1, 0, 0), EINVAL);
	CHECK_ERRNO(getpriority(PRIO_USER + 1, 0), EINVAL);
	CHECK_ERRNO(setpriority(PRIO_PROCESS, 0x3ffffff, 0), ESRCH);
	ok("refusals");
}

int main(void)
{
	must_pass_in_child(check_refusals);
	must_pass_in_child(change_group);
	ok("group");
	if (geteuid() == 0) {
		must_pass_in_child(change_user);
		ok("user");
	}
	return 0;
}
