// SPDX-License-Identifier: MIT
/*
 * C4, G1: what PR_SET_PDEATHSIG brings: who sent it, to whom it goes, how often, and where it does not come.
 * libc: musl
 */
#include "raw.h"
#include <sys/prctl.h>

enum { NONE = 0, FOR_USER = 1000 };

static int ready[2], hold[2], told[2];

struct news {
	int number, code, pid, uid, error;
};

static void byte_to(int fd)
{
	CHECK_EQ(write(fd, "b", 1), 1);
}

static void byte_from(int fd)
{
	char byte;

	CHECK_EQ(read(fd, &byte, 1), 1);
}

static void block_all(void)
{
	sigset_t all;

	sigfillset(&all);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &all, NULL), 0);
}

/* Tells what is pending, one by one, then NONE. */
static void tell_pending(void)
{
	const struct timespec now = {0};
	struct news news;
	siginfo_t info;
	sigset_t all;
	int signal;

	sigfillset(&all);
	while ((signal = sigtimedwait(&all, &info, &now)) > 0) {
		news = (struct news){signal, info.si_code, info.si_pid, (int)info.si_uid,
				     info.si_errno};
		CHECK_EQ(write(told[1], &news, sizeof(news)), sizeof(news));
	}
	news = (struct news){.number = NONE};
	CHECK_EQ(write(told[1], &news, sizeof(news)), sizeof(news));
}

static int wanted_signal, wanting_threads;

static void *want(void *unused)
{
	CHECK_EQ(prctl(PR_SET_PDEATHSIG, wanted_signal), 0);
	byte_to(ready[1]);
	for (;;) {
		pause();
	}
	return unused;
}

/* A child that asks with each of its threads; the end of `hold` says that its parent is gone. */
static void ask_and_wait(void)
{
	char byte;

	close(hold[1]);
	for (int i = 1; i < wanting_threads; i++) {
		start_thread(want, NULL);
	}
	CHECK_EQ(prctl(PR_SET_PDEATHSIG, wanted_signal), 0);
	byte_to(ready[1]);
	CHECK_EQ(read(hold[0], &byte, 1), 0);
	tell_pending();
	_exit(0);
}

/* Runs `parent` in a child; its number. What it leaves behind is told by expect(). */
static pid_t let_die(void (*parent)(void), int signal, int threads)
{
	pid_t middle;
	int status;

	wanted_signal = signal;
	wanting_threads = threads;
	CHECK_EQ(pipe(ready) | pipe(hold) | pipe(told), 0);
	middle = fork();
	CHECK(middle >= 0);
	if (middle == 0) {
		parent();
		_exit(0);
	}
	CHECK_EQ(waitpid(middle, &status, 0), middle);
	CHECK_EQ(status, 0);
	close(hold[1]);
	return middle;
}

static void expect(int signal, pid_t pid, int uid)
{
	struct news news;

	CHECK_EQ(read(told[0], &news, sizeof(news)), sizeof(news));
	CHECK_EQ(news.number, signal);
	if (signal == NONE) {
		return;
	}
	CHECK_EQ(news.code, SI_USER);
	CHECK_EQ(news.pid, pid);
	CHECK_EQ(news.uid, uid);
	CHECK_EQ(news.error, 0);
}

static void finish(void)
{
	int status;

	CHECK(wait(&status) > 0);
	CHECK_EQ(status, 0);
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(told[i]);
	}
	close(hold[0]);
}

static void leave_child(void)
{
	if (fork() == 0) {
		ask_and_wait();
	}
	for (int i = 0; i < wanting_threads; i++) {
		byte_from(ready[0]);
	}
}

static void check_information(void)
{
	pid_t parent = let_die(leave_child, SIGUSR1, 1);

	expect(SIGUSR1, parent, (int)getuid());
	expect(NONE, 0, 0);
	finish();
	ok("information");
}

/* Each thread is answered: signals that queue come as often. */
static void check_threads(void)
{
	pid_t parent = let_die(leave_child, SIGRTMIN + 3, 4);

	for (int i = 0; i < 4; i++) {
		expect(SIGRTMIN + 3, parent, (int)getuid());
	}
	expect(NONE, 0, 0);
	finish();
	parent = let_die(leave_child, SIGUSR2, 4);
	expect(SIGUSR2, parent, (int)getuid());
	expect(NONE, 0, 0);
	finish();
	ok("threads");
}

static void *leave_from_thread(void *tid)
{
	*(pid_t *)tid = thread_id();
	leave_child();
	return NULL;
}

/* The thread that made it ends, and then the process: two deaths, of one number. */
static void leave_twice(void)
{
	char path[64];
	pid_t tid;

	join_thread(start_thread(leave_from_thread, &tid));
	snprintf(path, sizeof(path), "/proc/self/task/%d", (int)tid);
	WAIT_UNTIL(access(path, F_OK) != 0);
}

static void check_thread_of_parent(void)
{
	pid_t parent = let_die(leave_twice, SIGRTMIN, 1);

	expect(SIGRTMIN, parent, (int)getuid());
	expect(SIGRTMIN, parent, (int)getuid());
	expect(NONE, 0, 0);
	finish();
	ok("thread_of_parent");
}

/* Its real user is named, and the rest of them decides whether it may. */
static void leave_as_other_user(void)
{
	leave_child();
	CHECK_EQ(setresuid(FOR_USER, (uid_t)-1, (uid_t)-1), 0);
}

static void leave_without_right(void)
{
	leave_child();
	CHECK_EQ(setresuid(FOR_USER, FOR_USER, FOR_USER), 0);
}

/* Out of a pid namespace's sight the sender has no number. */
static void leave_below(void)
{
	CHECK_EQ(unshare(CLONE_NEWPID), 0);
	leave_child();
}

static void check_as_root(void)
{
	pid_t parent = let_die(leave_as_other_user, SIGUSR1, 1);

	expect(SIGUSR1, parent, FOR_USER);
	expect(NONE, 0, 0);
	finish();
	let_die(leave_without_right, SIGUSR1, 1);
	expect(NONE, 0, 0);
	finish();
	ok("other_user");
	let_die(leave_below, SIGUSR1, 1);
	expect(SIGUSR1, 0, 0);
	expect(NONE, 0, 0);
	finish();
	ok("namespace");
}

/* Each allocation of the parent's end fails once: the signal comes, without information if need be. */
static int failing;

static void leave_failing(void)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", failing);
	int fd = open("/proc/heddle/fail_nth", O_WRONLY);

	leave_child();
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, (size_t)length), length);
	_exit(0);
}

static void check_failures(void)
{
	struct news news;
	int without = 0;

	for (failing = 1; failing <= 12; failing++) {
		pid_t parent = let_die(leave_failing, SIGUSR1, 1);

		CHECK_EQ(read(told[0], &news, sizeof(news)), sizeof(news));
		CHECK_EQ(news.number, SIGUSR1);
		CHECK(news.pid == parent || news.pid == 0);
		without += news.pid == 0;
		expect(NONE, 0, 0);
		finish();
	}
	CHECK(without > 0);
	ok("failures");
}

int main(void)
{
	block_all();
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	check_information();
	check_threads();
	check_thread_of_parent();
	if (getuid() == 0) {
		check_as_root();
	}
	if (access("/proc/heddle/fail_nth", F_OK) == 0) {
		check_failures();
	}
	return 0;
}
