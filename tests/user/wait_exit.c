// SPDX-License-Identifier: MIT
/*
 * C3, C4: exit, exit_group, death by signal; wait4 and waitid with their options; SIGCHLD
 * information; reparenting and subreapers; SA_NOCLDWAIT.
 * libc: musl
 */
#include "raw.h"
#include <sys/prctl.h>
#include <sys/resource.h>

static void end_with_42(void)
{
	_exit(42);
}

static void die_of_term(void)
{
	raise(SIGTERM);
}

static void die_of_segv(void)
{
	*(volatile int *)UNMAPPED_ADDRESS = 1;
}

static void die_of_illegal(void)
{
	undefined_instruction();
}

static void *exit_group_from_thread(void *unused)
{
	(void)unused;
	syscall(SYS_exit_group, 9);
	return NULL;
}

static void *stay(void *unused)
{
	(void)unused;
	for (;;) {
		pause();
	}
}

static void end_by_other_thread(void)
{
	start_thread(stay, NULL);
	start_thread(exit_group_from_thread, NULL);
	stay(NULL);
}

static void *leave_with_five(void *unused)
{
	(void)unused;
	WAIT_UNTIL(thread_state(getpid()) == 'Z');
	syscall(SYS_exit, 5);
	return NULL;
}

/* The leader leaves first; the process ends with its last thread, whose code is the status. */
static void leader_leaves_first(void)
{
	start_thread(leave_with_five, NULL);
	syscall(SYS_exit, 3);
}

static void check_statuses(void)
{
	int status = in_child(end_with_42);

	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
	status = in_child(die_of_term);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM && !WCOREDUMP(status));
	status = in_child(die_of_segv);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	status = in_child(die_of_illegal);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGILL);
	ok("statuses");
	CHECK_EQ(WEXITSTATUS(in_child(end_by_other_thread)), 9);
	CHECK_EQ(in_child(leader_leaves_first), 5 << 8);
	ok("thread_groups");
}

static pid_t start_child(void (*body)(void))
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		body();
		_exit(0);
	}
	return child;
}

static void stay_forever(void)
{
	stay(NULL);
}

static void check_waitid(void)
{
	siginfo_t info;
	struct rusage usage;
	pid_t child = start_child(end_with_42);

	CHECK_EQ(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(info.si_signo, SIGCHLD);
	CHECK_EQ(info.si_code, CLD_EXITED);
	CHECK_EQ(info.si_pid, child);
	CHECK_EQ(info.si_status, 42);
	memset(&info, 0, sizeof(info));
	CHECK_EQ(syscall(SYS_waitid, P_ALL, 0, &info, WEXITED, &usage), 0);
	CHECK_EQ(info.si_pid, child);
	CHECK_ERRNO(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
	CHECK_ERRNO(waitid(P_ALL, 0, &info, 0), EINVAL);
	CHECK_ERRNO(waitid((idtype_t)77, 0, &info, WEXITED), EINVAL);
	child = start_child(stay_forever);
	memset(&info, 0x5a, sizeof(info));
	CHECK_EQ(waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG), 0);
	CHECK_EQ(info.si_pid, 0);
	kill(child, SIGKILL);
	CHECK_EQ(waitid(P_PID, (id_t)child, &info, WEXITED), 0);
	CHECK_EQ(info.si_code, CLD_KILLED);
	CHECK_EQ(info.si_status, SIGKILL);
	ok("waitid");
}

static void check_stop_continue(void)
{
	siginfo_t info;
	int status;
	pid_t child = start_child(stay_forever);

	kill(child, SIGSTOP);
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	CHECK_EQ(waitpid(child, &status, WUNTRACED | WNOHANG), 0);
	kill(child, SIGCONT);
	CHECK_EQ(waitid(P_PID, (id_t)child, &info, WCONTINUED), 0);
	CHECK_EQ(info.si_code, CLD_CONTINUED);
	CHECK_EQ(waitpid(child, &status, WCONTINUED | WNOHANG), 0);
	kill(child, SIGSTOP);
	CHECK_EQ(waitid(P_PID, (id_t)child, &info, WSTOPPED), 0);
	CHECK_EQ(info.si_code, CLD_STOPPED);
	kill(child, SIGKILL);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(WTERMSIG(status), SIGKILL);
	ok("stop_continue");
}

static void check_wait_errors(void)
{
	int status;

	CHECK_ERRNO(waitpid(-1, &status, 0), ECHILD);
	CHECK_ERRNO(waitpid(getpid(), &status, 0), ECHILD);
	CHECK_ERRNO(syscall(SYS_wait4, -1, &status, 0x10000000, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_wait4, INT32_MIN, &status, 0, NULL), ESRCH);
	pid_t child = start_child(end_with_42);
	CHECK_ERRNO(syscall(SYS_wait4, child, KERNEL_ADDRESS, 0, NULL), EFAULT);
	CHECK_ERRNO(waitpid(child, &status, 0), ECHILD); // the bad address consumed it
	ok("wait_errors");
}

static int *grandchild_parent;

static void orphan_and_report(void)
{
	pid_t parent = getpid();
	if (start_child(end_with_42) < 0) {
		_exit(1);
	}
	pid_t grandchild = fork();

	if (grandchild == 0) {
		WAIT_UNTIL(getppid() != parent);
		*grandchild_parent = getppid();
		_exit(17);
	}
}

static void check_subreaper(void)
{
	int status, seen = 0;

	grandchild_parent = shared_page();
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	CHECK_EQ(in_child(orphan_and_report), 0);
	while (waitpid(-1, &status, 0) > 0) {
		seen += WEXITSTATUS(status);
	}
	CHECK_EQ(seen, 42 + 17);
	CHECK_EQ(*grandchild_parent, getpid());
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	ok("subreaper");
}

/* Each makes the next, says so when there is none to make, and stays until the pipe's end. */
static void descend(int depth, const int said[2], const int go[2])
{
	char byte;

	close(go[1]);
	if (depth) {
		pid_t child = fork();

		CHECK(child >= 0);
		if (child == 0) {
			descend(depth - 1, said, go);
		}
	} else {
		CHECK_EQ(write(said[1], "x", 1), 1);
	}
	CHECK_EQ(read(go[0], &byte, 1), 0);
	_exit(1 << depth);
}

/* Who asks for it when his descendants are there gets them all the same, however far below. */
static void check_late_subreaper(void)
{
	int status, seen = 0, said[2], go[2];
	pid_t child;
	char byte;

	CHECK_EQ(pipe(said), 0);
	CHECK_EQ(pipe(go), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		descend(4, said, go);
	}
	CHECK_EQ(read(said[0], &byte, 1), 1);
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	close(go[1]);
	while (waitpid(-1, &status, 0) > 0) {
		seen += WEXITSTATUS(status);
	}
	CHECK_EQ(seen, 31);
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	close(said[0]);
	close(said[1]);
	close(go[0]);
	ok("late_subreaper");
}

static void check_no_child_wait(void)
{
	struct sigaction action = {.sa_handler = SIG_IGN};
	int status;

	CHECK_EQ(sigaction(SIGCHLD, &action, NULL), 0);
	start_child(end_with_42);
	CHECK_ERRNO(waitpid(-1, &status, 0),
		    ECHILD); // returns when the last one has gone
	action.sa_handler = SIG_DFL;
	action.sa_flags = SA_NOCLDWAIT;
	CHECK_EQ(sigaction(SIGCHLD, &action, NULL), 0);
	start_child(end_with_42);
	CHECK_ERRNO(waitpid(-1, &status, 0), ECHILD);
	action.sa_flags = 0;
	CHECK_EQ(sigaction(SIGCHLD, &action, NULL), 0);
	ok("no_child_wait");
}

static bool child_signal_pending(void)
{
	sigset_t set;

	CHECK_EQ(sigpending(&set), 0);
	return sigismember(&set, SIGCHLD) == 1;
}

static void wait_for_death(void)
{
	for (;;) {
		pause();
	}
}

/* SIGCHLD is blocked: ignored, it is not even pending after a death; with SA_NOCLDWAIT alone it is. */
static void check_no_child_signal(void)
{
	struct sigaction action = {.sa_handler = SIG_IGN};
	sigset_t set, old;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, &old), 0);
	CHECK_EQ(sigaction(SIGCHLD, &action, NULL), 0);
	start_child(end_with_42);
	CHECK_ERRNO(waitpid(-1, &status, 0), ECHILD);
	CHECK(!child_signal_pending());
	pid_t child = start_child(wait_for_death);
	CHECK_EQ(kill(child, SIGSTOP), 0);
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK(!child_signal_pending());
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_ERRNO(waitpid(child, &status, 0), ECHILD);
	CHECK_EQ(raise(SIGCHLD), 0); // any other one is kept for a later action
	CHECK(child_signal_pending());
	action.sa_handler = SIG_DFL;
	action.sa_flags = SA_NOCLDWAIT;
	CHECK_EQ(sigaction(SIGCHLD, &action, NULL), 0);
	CHECK(!child_signal_pending());
	start_child(end_with_42);
	CHECK_ERRNO(waitpid(-1, &status, 0), ECHILD);
	CHECK(child_signal_pending());
	action.sa_flags = 0;
	CHECK_EQ(sigaction(SIGCHLD, &action, NULL), 0);
	CHECK_EQ(sigprocmask(SIG_SETMASK, &old, NULL), 0);
	ok("no_child_signal");
}

static siginfo_t *child_info;

static void note_child(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	*child_info = *info;
}

static void check_child_signal(void)
{
	struct sigaction action = {.sa_sigaction = note_child, .sa_flags = SA_SIGINFO};
	siginfo_t noted = {0};
	int status;

	child_info = &noted;
	CHECK_EQ(sigaction(SIGCHLD, &action, NULL), 0);
	pid_t child = start_child(die_of_term);
	WAIT_UNTIL(*(volatile int *)&noted.si_signo == SIGCHLD);
	CHECK_EQ(noted.si_pid, child);
	CHECK_EQ(noted.si_code, CLD_KILLED);
	CHECK_EQ(noted.si_status, SIGTERM);
	CHECK_EQ(waitpid(child, &status, 0), child);
	signal(SIGCHLD, SIG_DFL);
	ok("child_signal");
}

static void *wait_in_thread(void *child)
{
	int status;

	CHECK_EQ(waitpid((pid_t)(long)child, &status, 0), (long)child);
	return NULL;
}

static void check_other_thread_waits(void)
{
	pid_t child = start_child(end_with_42);
	int status;

	// With __WNOTHREAD only the thread that forked may reap.
	join_thread(start_thread(wait_in_thread, (void *)(long)child));
	CHECK_ERRNO(waitpid(child, &status, 0), ECHILD);
	ok("other_thread_waits");
}

int main(void)
{
	check_statuses();
	check_waitid();
	check_stop_continue();
	check_wait_errors();
	check_subreaper();
	check_late_subreaper();
	check_no_child_wait();
	check_no_child_signal();
	check_child_signal();
	check_other_thread_waits();
	return 0;
}
