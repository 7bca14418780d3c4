// SPDX-License-Identifier: MIT
/*
 * C4, C6: every option of wait4 and waitid: which children they mean, what is consumed and what stays,
 * and what they refuse; stops and continues; SIGCHLD's contents; SA_NOCLDSTOP and SA_NOCLDWAIT.
 * libc: musl
 */
#include "raw.h"
#include <sys/resource.h>
#ifndef P_PIDFD
#	define P_PIDFD 3
#endif

static int go[2];

static long wait4_raw(pid_t pid, int *status, int options)
{
	return syscall(SYS_wait4, pid, status, options, NULL);
}

static long waitid_raw(int type, long id, siginfo_t *info, int options)
{
	return syscall(SYS_waitid, type, id, info, options, NULL);
}

/* A child that ends with `code` once the test closes go[1]. */
static pid_t start_held(int code)
{
	char byte;
	pid_t child;

	CHECK_EQ(pipe(go), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(go[1]);
		_exit(read(go[0], &byte, 1) == 0 ? code : 99);
	}
	close(go[0]);
	return child;
}

static pid_t start_ending(int code)
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		_exit(code);
	}
	return child;
}

static void end_pausing(pid_t child)
{
	int status;

	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(wait4_raw(child, &status, __WALL), child);
	CHECK_EQ(status, SIGKILL);
}

/* ---- what is refused ---- */

static void check_refused(void)
{
	static const int wait4_unknown[] = {4,       0x10,       0x100,      WEXITED,
					    WNOWAIT, 0x08000000, 0x10000000, 0x00800000};
	pid_t child = start_pausing();
	siginfo_t info;
	int status;

	for (size_t i = 0; i < sizeof(wait4_unknown) / sizeof(int); i++) {
		CHECK_ERRNO(wait4_raw(-1, &status, WNOHANG | wait4_unknown[i]), EINVAL);
	}
	CHECK_ERRNO(waitid_raw(P_ALL, 0, &info, WNOHANG), EINVAL);
	CHECK_ERRNO(waitid_raw(P_ALL, 0, &info, WNOHANG | WNOWAIT | __WALL), EINVAL);
	CHECK_ERRNO(waitid_raw(P_ALL, 0, &info, WEXITED | 0x10), EINVAL);
	CHECK_ERRNO(waitid_raw(4, 0, &info, WEXITED | WNOHANG), EINVAL);
	CHECK_ERRNO(waitid_raw(-1, 0, &info, WEXITED | WNOHANG), EINVAL);
	CHECK_ERRNO(waitid_raw(P_PID, 0, &info, WEXITED | WNOHANG), EINVAL);
	CHECK_ERRNO(waitid_raw(P_PID, -1, &info, WEXITED | WNOHANG), EINVAL);
	CHECK_ERRNO(waitid_raw(P_PGID, -1, &info, WEXITED | WNOHANG), EINVAL);
	CHECK_ERRNO(waitid_raw(P_PIDFD, -1, &info, WEXITED | WNOHANG), EINVAL);
	CHECK_ERRNO(waitid_raw(P_PIDFD, 999, &info, WEXITED | WNOHANG), EBADF);
	CHECK_ERRNO(waitid_raw(P_PIDFD, 0, &info, WEXITED | WNOHANG), EBADF);
	CHECK_ERRNO(wait4_raw(INT32_MIN, &status, WNOHANG), ESRCH);
	CHECK_ERRNO(wait4_raw(INT32_MAX, &status, WNOHANG), ECHILD);
	CHECK_ERRNO(wait4_raw(-INT32_MAX, &status, WNOHANG), ECHILD);
	CHECK_ERRNO(wait4_raw(getpid(), &status, WNOHANG), ECHILD);
	CHECK_ERRNO(wait4_raw(1, &status, WNOHANG), ECHILD);
	CHECK_ERRNO(waitid_raw(P_PID, getppid(), &info, WEXITED | WNOHANG), ECHILD);
	CHECK_ERRNO(waitid_raw(P_PGID, INT32_MAX, &info, WEXITED | WNOHANG), ECHILD);
	end_pausing(child);
	ok("refused");
}

/* Nothing yet: 0, and waitid writes zeros; status and usage are not touched. */
static void check_nothing_yet(void)
{
	pid_t child = start_held(3);
	struct rusage usage;
	siginfo_t info;
	int status = 12345;

	memset(&info, 0xff, sizeof(info));
	memset(&usage, 0x77, sizeof(usage));
	CHECK_EQ(syscall(SYS_wait4, child, &status, WNOHANG, &usage), 0);
	CHECK_EQ(status, 12345);
	CHECK_EQ(usage.ru_maxrss, 0x7777777777777777);
	CHECK_EQ(waitid_raw(P_PID, child, &info, WEXITED | WNOHANG), 0);
	CHECK_EQ(info.si_signo, 0);
	CHECK_EQ(info.si_pid, 0);
	CHECK_EQ(info.si_code, 0);
	CHECK_EQ(info.si_status, 0);
	CHECK_EQ(waitid_raw(P_PID, child, NULL, WEXITED | WNOHANG), 0);
	close(go[1]);
	CHECK_EQ(syscall(SYS_waitid, P_PID, child, NULL, WEXITED, &usage), 0);
	CHECK(usage.ru_maxrss >= 0 && usage.ru_maxrss < 1 << 30);
	CHECK_ERRNO(wait4_raw(child, &status, 0), ECHILD);
	ok("nothing_yet");
}

/* ---- WNOWAIT ---- */

static void check_left_waitable(void)
{
	pid_t child = start_ending(5);
	siginfo_t info;
	int status;

	for (int i = 0; i < 3; i++) {
		memset(&info, 0, sizeof(info));
		CHECK_EQ(waitid_raw(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
		CHECK_EQ(info.si_signo, SIGCHLD);
		CHECK_EQ(info.si_pid, child);
		CHECK_EQ(info.si_uid, getuid());
		CHECK_EQ(info.si_code, CLD_EXITED);
		CHECK_EQ(info.si_status, 5);
	}
	// It is only there for those who ask for ends.
	CHECK_ERRNO(waitid_raw(P_ALL, 0, &info, WSTOPPED | WCONTINUED | WNOHANG), ECHILD);
	CHECK_EQ(wait4_raw(child, &status, 0), child);
	CHECK_EQ(status, 5 << 8);
	ok("left_waitable");
}

/* ---- stops ---- */

static void stop(pid_t child, int signal)
{
	CHECK_EQ(kill(child, signal), 0);
}

static void expect_info(pid_t child, int options, int code, int status)
{
	siginfo_t info = {0};

	CHECK_EQ(waitid_raw(P_PID, child, &info, options), 0);
	CHECK_EQ(info.si_pid, child);
	CHECK_EQ(info.si_code, code);
	CHECK_EQ(info.si_status, status);
}

static void expect_nothing(pid_t child, int options)
{
	siginfo_t info = {0};

	CHECK_EQ(waitid_raw(P_PID, child, &info, options | WNOHANG), 0);
	CHECK_EQ(info.si_pid, 0);
}

static void check_stops(void)
{
	pid_t child = start_pausing();
	int status;

	stop(child, SIGSTOP);
	expect_info(child, WSTOPPED | WNOWAIT, CLD_STOPPED, SIGSTOP);
	expect_info(child, WSTOPPED | WNOWAIT, CLD_STOPPED, SIGSTOP);
	expect_nothing(child, WCONTINUED);
	expect_nothing(child, WEXITED);
	expect_info(child, WSTOPPED, CLD_STOPPED, SIGSTOP);
	expect_nothing(child, WSTOPPED); // consumed once
	stop(child, SIGSTOP);            // it stands already
	expect_nothing(child, WSTOPPED);
	CHECK_EQ(wait4_raw(child, &status, WNOHANG | WUNTRACED), 0);
	CHECK_EQ(kill(child, SIGCONT), 0);
	expect_info(child, WCONTINUED | WNOWAIT, CLD_CONTINUED, SIGCONT);
	expect_nothing(child, WSTOPPED);
	expect_nothing(child, WEXITED);
	expect_info(child, WCONTINUED, CLD_CONTINUED, SIGCONT);
	expect_nothing(child, WCONTINUED);
	CHECK_EQ(kill(child, SIGCONT), 0); // it runs already
	expect_nothing(child, WCONTINUED);
	CHECK_EQ(setpgid(child, child), 0); // a group somebody outside it can continue
	stop(child, SIGTSTP);
	CHECK_EQ(wait4_raw(child, &status, WUNTRACED), child);
	CHECK_EQ(status, SIGTSTP << 8 | 0x7f);
	CHECK_EQ(wait4_raw(child, &status, WUNTRACED | WNOHANG), 0);
	CHECK_EQ(kill(child, SIGCONT), 0);
	CHECK_EQ(wait4_raw(-1, &status, WCONTINUED), child);
	CHECK_EQ(status, 0xffff);
	// The end takes what was not asked for with it.
	stop(child, SIGSTOP);
	expect_info(child, WSTOPPED | WNOWAIT, CLD_STOPPED, SIGSTOP);
	CHECK_EQ(kill(child, SIGKILL), 0);
	expect_info(child, WEXITED | WNOWAIT, CLD_KILLED, SIGKILL);
	CHECK_ERRNO(waitid_raw(P_PID, child, NULL, WSTOPPED | WCONTINUED), ECHILD);
	CHECK_EQ(setpgid(child, 0), 0); // it is there until it is waited for
	expect_info(child, WEXITED | WSTOPPED | WCONTINUED, CLD_KILLED, SIGKILL);
	ok("stops");
}

/* ---- which children ---- */

static void check_kinds(void)
{
	pid_t plain = start_ending(1), clone_child;
	siginfo_t info = {0};
	int status;

	signal(SIGUSR1, SIG_IGN);
	clone_child = (pid_t)syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0);
	if (clone_child == 0) {
		_exit(2);
	}
	CHECK(clone_child > 0);
	CHECK_EQ(waitid_raw(P_ALL, 0, &info, WEXITED | WNOWAIT | __WCLONE), 0);
	CHECK_EQ(info.si_pid, clone_child);
	CHECK_EQ(waitid_raw(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(info.si_pid, plain);
	CHECK_ERRNO(wait4_raw(plain, &status, __WCLONE), ECHILD);
	CHECK_ERRNO(wait4_raw(clone_child, &status, 0), ECHILD);
	CHECK_EQ(wait4_raw(plain, &status, 0), plain);
	CHECK_ERRNO(wait4_raw(-1, &status, 0), ECHILD);
	CHECK_EQ(wait4_raw(-1, &status, __WALL | __WCLONE), clone_child);
	CHECK_EQ(status, 2 << 8);
	CHECK_ERRNO(wait4_raw(-1, &status, __WALL), ECHILD);
	ok("kinds");
}

/* After execve a child is as any other: it announces its end with SIGCHLD. */
static void check_kind_after_exec(void)
{
	int status;
	pid_t child = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);

	if (child == 0) {
		execl("/proc/self/exe", "wait_options", "end", NULL);
		_exit(1);
	}
	CHECK_EQ(wait4_raw(child, &status, __WALL), child);
	CHECK_EQ(status, 0);
	ok("kind_after_exec");
}

static void check_groups(void)
{
	pid_t own = start_ending(1), other = start_pausing();
	siginfo_t info = {0};
	int status;

	CHECK_EQ(setpgid(other, other), 0);
	CHECK_EQ(waitid_raw(P_PGID, 0, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(info.si_pid, own);
	CHECK_EQ(waitid_raw(P_PGID, getpgrp(), &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(waitid_raw(P_PGID, other, &info, WEXITED | WNOHANG), 0);
	CHECK_EQ(info.si_pid, 0);
	CHECK_EQ(wait4_raw(-other, &status, WNOHANG), 0);
	CHECK_EQ(wait4_raw(0, &status, 0), own);
	CHECK_ERRNO(wait4_raw(0, &status, 0), ECHILD);
	CHECK_ERRNO(wait4_raw(-getpgrp(), &status, 0), ECHILD);
	CHECK_EQ(kill(other, SIGTERM), 0);
	CHECK_EQ(wait4_raw(-other, &status, 0), other);
	CHECK_ERRNO(wait4_raw(-other, &status, 0), ECHILD);
	ok("groups");
}

/* ---- __WNOTHREAD ---- */

static pid_t child_of_thread;
static atomic_int thread_step;

static void *make_child(void *unused)
{
	siginfo_t info;

	(void)unused;
	child_of_thread = start_ending(4);
	CHECK_EQ(waitid_raw(P_PID, child_of_thread, &info,
			    WEXITED | WNOWAIT | __WNOTHREAD),
		 0);
	atomic_store(&thread_step, 1);
	WAIT_UNTIL(atomic_load(&thread_step) == 2);
	return NULL;
}

static void check_own_thread_only(void)
{
	pthread_t thread = start_thread(make_child, NULL);
	pid_t mine = start_held(6);
	siginfo_t info = {0};
	int status;

	WAIT_UNTIL(atomic_load(&thread_step) == 1);
	CHECK_ERRNO(wait4_raw(child_of_thread, &status, __WNOTHREAD), ECHILD);
	CHECK_EQ(waitid_raw(P_ALL, 0, &info, WEXITED | WNOHANG | __WNOTHREAD), 0);
	CHECK_EQ(info.si_pid, 0); // its own is not done
	CHECK_EQ(waitid_raw(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(info.si_pid, child_of_thread);
	close(go[1]);
	CHECK_EQ(wait4_raw(-1, &status, __WNOTHREAD), mine);
	atomic_store(&thread_step, 2);
	join_thread(thread);
	// The children of a thread that is gone are another one's.
	WAIT_UNTIL(wait4_raw(child_of_thread, &status, __WNOTHREAD | WNOHANG) ==
		   child_of_thread);
	ok("own_thread_only");
}

/* ---- results that cannot be written ---- */

/* The fields waitid writes: three, a gap that stays, three more. */
static void expect_zeros(const siginfo_t *info)
{
	const unsigned char *bytes = (const unsigned char *)info;

	for (size_t i = 0; i < sizeof(*info); i++) {
		CHECK_EQ(bytes[i], i < 12 || (i >= 16 && i < 28) ? 0 : 0xff);
	}
}

/* waitid says who it is also where it fails, so a bad place hides the other error. */
static void check_failed_waitid(void)
{
	siginfo_t info;
	int unknown = WEXITED | 0x10;

	memset(&info, 0xff, sizeof(info));
	CHECK_ERRNO(waitid_raw(P_ALL, 0, &info, unknown), EINVAL);
	expect_zeros(&info);
	memset(&info, 0xff, sizeof(info));
	CHECK_ERRNO(waitid_raw(9, 0, &info, WEXITED), EINVAL);
	expect_zeros(&info);
	memset(&info, 0xff, sizeof(info));
	CHECK_ERRNO(waitid_raw(P_PID, getpid(), &info, WEXITED), ECHILD);
	expect_zeros(&info);
	CHECK_ERRNO(waitid_raw(P_ALL, 0, UNMAPPED_ADDRESS, unknown), EFAULT);
	CHECK_ERRNO(waitid_raw(P_PIDFD, 999, KERNEL_ADDRESS, WEXITED), EFAULT);
	CHECK_ERRNO(waitid_raw(P_PID, getpid(), UNMAPPED_ADDRESS, WEXITED), EFAULT);
	CHECK_ERRNO(waitid_raw(P_PID, getpid(), NULL, WEXITED), ECHILD);
	CHECK_ERRNO(syscall(SYS_waitid, P_PID, getpid(), NULL, WEXITED, UNMAPPED_ADDRESS),
		    ECHILD); // there is no usage
}

/* The usage comes before the information, and after the status. */
static void check_order_of_results(void)
{
	pid_t child = start_ending(1);
	struct rusage usage;
	siginfo_t info;
	int status = 12345;

	memset(&info, 0xff, sizeof(info));
	memset(&usage, 0x77, sizeof(usage));
	CHECK_ERRNO(
		syscall(SYS_waitid, P_PID, child, &info, WEXITED | WNOWAIT, (void *)8),
		EFAULT);
	CHECK_EQ(info.si_pid, -1);
	CHECK_ERRNO(syscall(SYS_waitid, P_PID, child, (void *)8, WEXITED, &usage),
		    EFAULT);
	CHECK(usage.ru_maxrss != 0x7777777777777777);
	child = start_ending(1);
	CHECK_ERRNO(syscall(SYS_wait4, child, &status, 0, UNMAPPED_ADDRESS), EFAULT);
	CHECK_EQ(status, 1 << 8);
	child = start_ending(1);
	memset(&usage, 0x77, sizeof(usage));
	CHECK_ERRNO(syscall(SYS_wait4, child, UNMAPPED_ADDRESS, 0, &usage), EFAULT);
	CHECK_EQ(usage.ru_maxrss, 0x7777777777777777);
	CHECK_ERRNO(wait4_raw(-1, &status, 0), ECHILD);
}

/* Where there is nothing to say nothing is looked at, but for waitid's information. */
static void check_places_not_needed(void)
{
	pid_t child = start_pausing();

	CHECK_EQ(syscall(SYS_wait4, child, (void *)8, WNOHANG, (void *)8), 0);
	CHECK_EQ(syscall(SYS_waitid, P_PID, child, NULL, WEXITED | WNOHANG, (void *)8),
		 0);
	CHECK_ERRNO(waitid_raw(P_PID, child, (void *)8, WEXITED | WNOHANG), EFAULT);
	// What a stop says is consumed as well.
	CHECK_EQ(kill(child, SIGSTOP), 0);
	CHECK_EQ(waitid_raw(P_PID, child, NULL, WSTOPPED | WNOWAIT), 0);
	CHECK_ERRNO(waitid_raw(P_PID, child, (void *)8, WSTOPPED), EFAULT);
	CHECK_EQ(waitid_raw(P_PID, child, NULL, WSTOPPED | WNOHANG), 0);
	CHECK_EQ(wait4_raw(child, NULL, WUNTRACED | WNOHANG), 0);
	end_pausing(child);
}

/* Information at the end of what is mapped: what fits is there. */
static void check_place_at_edge(void)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int *edge = (int *)(pages + 4096) - 5; // up to and with si_pid
	pid_t child = start_ending(1);

	CHECK_EQ(munmap(pages + 4096, 4096), 0);
	CHECK_ERRNO(waitid_raw(P_PID, child, (siginfo_t *)edge, WEXITED | WNOWAIT),
		    EFAULT);
	CHECK(edge[0] == SIGCHLD && edge[2] == CLD_EXITED && edge[4] == child);
	edge -= 2; // up to and with si_status
	CHECK_EQ(waitid_raw(P_PID, child, (siginfo_t *)edge, WEXITED), 0);
	CHECK(edge[4] == child && edge[6] == 1);
	CHECK_EQ(munmap(pages, 4096), 0);
}

static void check_bad_places(void)
{
	pid_t child = start_ending(1);
	int status;

	CHECK_ERRNO(waitid_raw(P_PID, child, (siginfo_t *)KERNEL_ADDRESS, WEXITED),
		    EFAULT);
	CHECK_ERRNO(wait4_raw(child, &status, 0), ECHILD); // it is consumed
	child = start_ending(1);
	CHECK_ERRNO(syscall(SYS_wait4, child, &status, 0, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(wait4_raw(child, &status, 0), ECHILD);
	check_failed_waitid();
	check_order_of_results();
	check_places_not_needed();
	check_place_at_edge();
	ok("bad_places");
}

/* ---- SIGCHLD ---- */

static volatile siginfo_t seen;
static volatile int count_of_signals;

static void note(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	*(siginfo_t *)&seen = *info;
	count_of_signals = count_of_signals + 1;
}

static void catch_children(int flags)
{
	struct sigaction action = {.sa_sigaction = note,
				   .sa_flags = SA_SIGINFO | SA_RESTART | flags};

	count_of_signals = 0;
	CHECK_EQ(sigaction(SIGCHLD, &action, NULL), 0);
}

static void expect_signal(int count, pid_t child, int code, int status)
{
	WAIT_UNTIL(count_of_signals == count);
	CHECK_EQ(seen.si_signo, SIGCHLD);
	CHECK_EQ(seen.si_pid, child);
	CHECK_EQ(seen.si_uid, getuid());
	CHECK_EQ(seen.si_code, code);
	CHECK_EQ(seen.si_status, status);
}

static void check_signals(void)
{
	pid_t child;
	int status;

	catch_children(0);
	child = start_pausing();
	stop(child, SIGSTOP);
	expect_signal(1, child, CLD_STOPPED, SIGSTOP);
	CHECK_EQ(kill(child, SIGCONT), 0);
	expect_signal(2, child, CLD_CONTINUED, SIGCONT);
	CHECK_EQ(kill(child, SIGTERM), 0);
	expect_signal(3, child, CLD_KILLED, SIGTERM);
	CHECK_EQ(wait4_raw(child, &status, 0), child);
	catch_children(SA_NOCLDSTOP);
	child = start_pausing();
	stop(child, SIGSTOP);
	CHECK_EQ(wait4_raw(child, &status, WUNTRACED), child);
	CHECK_EQ(kill(child, SIGCONT), 0);
	CHECK_EQ(wait4_raw(child, &status, WCONTINUED), child);
	CHECK_EQ(count_of_signals, 0);
	CHECK_EQ(kill(child, SIGKILL), 0);
	expect_signal(1, child, CLD_KILLED, SIGKILL);
	CHECK_EQ(wait4_raw(child, &status, 0), child);
	ok("signals");
}

/* The signal comes with SA_NOCLDWAIT too, but the child is gone; with SIG_IGN there is none. */
static void check_no_zombies(void)
{
	pid_t child;
	int status;

	catch_children(SA_NOCLDWAIT);
	child = start_ending(8);
	expect_signal(1, child, CLD_EXITED, 8);
	CHECK_ERRNO(wait4_raw(child, &status, 0), ECHILD);
	WAIT_UNTIL(kill(child, 0) == -1 && errno == ESRCH);
	signal(SIGCHLD, SIG_IGN);
	child = start_held(0);
	close(go[1]);
	CHECK_ERRNO(wait4_raw(-1, &status, 0), ECHILD);
	// A zombie from before stays one.
	signal(SIGCHLD, SIG_DFL);
	child = start_ending(1);
	siginfo_t info;
	CHECK_EQ(waitid_raw(P_PID, child, &info, WEXITED | WNOWAIT), 0);
	signal(SIGCHLD, SIG_IGN);
	CHECK_EQ(wait4_raw(child, &status, 0), child);
	// Only children that say SIGCHLD vanish.
	child = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);
	if (child == 0) {
		_exit(7);
	}
	CHECK_EQ(wait4_raw(child, &status, __WALL), child);
	CHECK_EQ(status, 7 << 8);
	signal(SIGCHLD, SIG_DFL);
	ok("no_zombies");
}

/* A wait that a handler breaks: EINTR without SA_RESTART. */
static void note_only(int signal)
{
	(void)signal;
}

static void *poke(void *thread)
{
	WAIT_UNTIL(thread_state((pid_t)(long)thread) == 'S');
	CHECK_EQ(syscall(SYS_tgkill, getpid(), (pid_t)(long)thread, SIGUSR2), 0);
	return NULL;
}

static void check_interrupted(void)
{
	struct sigaction action = {.sa_handler = note_only};
	pid_t child = start_pausing();
	pthread_t thread;
	int status;

	CHECK_EQ(sigaction(SIGUSR2, &action, NULL), 0);
	thread = start_thread(poke, (void *)(long)thread_id());
	CHECK_ERRNO(wait4_raw(child, &status, 0), EINTR);
	join_thread(thread);
	end_pausing(child);
	ok("interrupted");
}

int main(int count, char **arguments)
{
	(void)arguments;
	if (count > 1) {
		return 0;
	}
	check_refused();
	check_nothing_yet();
	check_left_waitable();
	check_stops();
	check_kinds();
	check_kind_after_exec();
	check_groups();
	check_own_thread_only();
	check_bad_places();
	check_signals();
	check_no_zombies();
	check_interrupted();
	return 0;
}
