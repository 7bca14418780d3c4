// SPDX-License-Identifier: MIT
/*
 * C6: pidfd_open, CLONE_PIDFD, poll, waitid by pidfd, pidfd_send_signal and pidfd_getfd, with what each
 * refuses, and that none of them ever takes a number's next owner for its first.
 */
#include "raw.h"
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#ifndef P_PIDFD
#	define P_PIDFD 3
#endif

enum { NONBLOCK = O_NONBLOCK, OF_THREAD = O_EXCL };
enum { TO_THREAD = 1, TO_PROCESS = 2, TO_GROUP = 4 };

static int hold[2];

static int open_pidfd(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

static int send_signal(int fd, int signal, siginfo_t *info, unsigned flags)
{
	return (int)syscall(SYS_pidfd_send_signal, fd, signal, info, flags);
}

static int get_file(int fd, int target, unsigned flags)
{
	return (int)syscall(SYS_pidfd_getfd, fd, target, flags);
}

/* A child that ends with 7 once hold[1] is closed. */
static pid_t start_held(void)
{
	char byte;
	pid_t child;

	CHECK_EQ(pipe(hold), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(hold[1]);
		_exit(read(hold[0], &byte, 1) == 0 ? 7 : 1);
	}
	close(hold[0]);
	return child;
}

static void reap(pid_t child, int wanted)
{
	int status;

	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, wanted);
}

static short poll_now(int fd)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};

	CHECK(poll(&one, 1, 0) >= 0);
	return one.revents;
}

static pid_t thread_number;
static atomic_int thread_may_end;

static void *stay(void *unused)
{
	*(volatile pid_t *)&thread_number = thread_id();
	WAIT_UNTIL(atomic_load(&thread_may_end));
	return unused;
}

static pthread_t start_staying(void)
{
	pthread_t thread;

	thread_number = 0;
	atomic_store(&thread_may_end, 0);
	thread = start_thread(stay, NULL);
	WAIT_UNTIL(*(volatile pid_t *)&thread_number);
	return thread;
}

/* ---- opening ---- */

static void check_open(void)
{
	pthread_t thread = start_staying();
	int fd, plain;

	CHECK_ERRNO(open_pidfd(0, 0), EINVAL);
	CHECK_ERRNO(open_pidfd(-1, 0), EINVAL);
	CHECK_ERRNO(open_pidfd(getpid(), 1), EINVAL);
	CHECK_ERRNO(open_pidfd(getpid(), O_CLOEXEC), EINVAL);
	CHECK_ERRNO(open_pidfd(getpid(), ~0u), EINVAL);
	CHECK_ERRNO(open_pidfd(INT32_MAX, 0), ESRCH);
	CHECK_ERRNO(open_pidfd(thread_number, 0), ENOENT);
	fd = open_pidfd(getpid(), 0);
	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
	fd = open_pidfd(getpid(), NONBLOCK);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	close(fd);
	fd = open_pidfd(thread_number, OF_THREAD);
	CHECK(fd >= 0);
	CHECK_EQ(poll_now(fd), 0);
	atomic_store(&thread_may_end, 1);
	join_thread(thread);
	WAIT_UNTIL(poll_now(fd) & POLLIN);
	close(fd);
	plain = open("/dev/null", O_RDONLY);
	CHECK_ERRNO(send_signal(plain, 0, NULL, 0), EBADF);
	CHECK_ERRNO(get_file(plain, 0, 0), EBADF);
	CHECK_ERRNO(waitid(P_PIDFD, (id_t)plain, NULL, WEXITED), EBADF);
	close(plain);
	ok("open");
}

/* ---- polling ---- */

static void check_poll(void)
{
	pid_t child = start_held();
	int fd = open_pidfd(child, 0);
	struct pollfd one = {.fd = fd, .events = POLLIN};
	char byte;

	CHECK(fd >= 0);
	CHECK_EQ(poll_now(fd), 0);
	CHECK_ERRNO(read(fd, &byte, 1), EINVAL);
	close(hold[1]);
	CHECK_EQ(poll(&one, 1, -1), 1);
	CHECK_EQ(one.revents, POLLIN);
	CHECK_EQ(kill(child, 0), 0); // a zombie is there
	reap(child, 7 << 8);
	CHECK_EQ(poll_now(fd), POLLIN | POLLHUP);
	close(fd);
	ok("poll");
}

static void *end_later(void *unused)
{
	char byte;

	CHECK_EQ(read(hold[0], &byte, 1), 0);
	syscall(SYS_exit, 0);
	return unused;
}

/* The process ends with its last thread, not with its leader. */
static void check_leader_first(void)
{
	int fd, status;
	char state;
	pid_t child;

	CHECK_EQ(pipe(hold), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(hold[1]);
		start_thread(end_later, NULL);
		syscall(SYS_exit, 0);
	}
	close(hold[0]);
	fd = open_pidfd(child, 0);
	do {
		state = process_state(child);
		CHECK(state != '?');
	} while (state != 'Z');
	CHECK_EQ(poll_now(fd), 0);
	CHECK_EQ(waitpid(child, &status, WNOHANG), 0);
	close(hold[1]);
	struct pollfd one = {.fd = fd, .events = POLLIN};
	CHECK_EQ(poll(&one, 1, -1), 1);
	reap(child, 0);
	close(fd);
	ok("leader_first");
}

/* ---- waiting ---- */

static void check_wait(void)
{
	pid_t child = start_held();
	int fd = open_pidfd(child, 0), patient = open_pidfd(child, NONBLOCK);
	int self = open_pidfd(getpid(), 0);
	siginfo_t info = {0};

	CHECK_EQ(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG), 0);
	CHECK_EQ(info.si_pid, 0);
	CHECK_ERRNO(waitid(P_PIDFD, (id_t)patient, &info, WEXITED), EAGAIN);
	CHECK_EQ(waitid(P_PIDFD, (id_t)patient, &info, WEXITED | WNOHANG), 0);
	CHECK_ERRNO(waitid(P_PIDFD, (id_t)self, &info, WEXITED), ECHILD);
	close(hold[1]);
	CHECK_EQ(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(info.si_pid, child);
	CHECK_EQ(waitid(P_PIDFD, (id_t)patient, &info, WEXITED), 0);
	CHECK_EQ(info.si_status, 7);
	CHECK_ERRNO(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), ECHILD);
	CHECK_ERRNO(waitid(P_PIDFD, (id_t)patient, &info, WEXITED), ECHILD);
	close(fd);
	close(patient);
	close(self);
	ok("wait");
}

/* ---- signals ---- */

static volatile int seen_value, seen_code, seen_pid;

static void note(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	seen_value = info->si_value.sival_int;
	seen_pid = info->si_pid;
	seen_code = info->si_code;
}

static siginfo_t made_up(int signal, int code)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = signal;
	info.si_code = code;
	info.si_pid = 12345;
	info.si_value.sival_int = 99;
	return info;
}

static void check_refused_signals(int fd)
{
	siginfo_t info = made_up(SIGUSR1, SI_QUEUE);

	CHECK_ERRNO(send_signal(fd, 65, NULL, 0), EINVAL);
	CHECK_ERRNO(send_signal(fd, -1, NULL, 0), EINVAL);
	CHECK_ERRNO(send_signal(fd, 0, NULL, 8), EINVAL);
	CHECK_ERRNO(send_signal(fd, 0, NULL, ~0u), EINVAL);
	CHECK_ERRNO(send_signal(fd, 0, NULL, TO_THREAD | TO_PROCESS), EINVAL);
	CHECK_ERRNO(send_signal(-1, 0, NULL, 0), EBADF);
	CHECK_ERRNO(send_signal(fd, SIGUSR2, &info, 0), EINVAL);
	CHECK_ERRNO(send_signal(fd, SIGUSR1, UNMAPPED_ADDRESS, 0), EFAULT);
	info = made_up(SIGUSR1, SI_USER);
	CHECK_ERRNO(send_signal(fd, SIGUSR1, &info, 0), EPERM);
	info = made_up(SIGUSR1, SI_KERNEL);
	CHECK_ERRNO(send_signal(fd, SIGUSR1, &info, 0), EPERM);
	info = made_up(SIGUSR1, SI_TKILL);
	CHECK_ERRNO(send_signal(fd, SIGUSR1, &info, 0), EPERM);
	CHECK_EQ(send_signal(fd, 0, NULL, 0), 0);
}

static void check_own_signals(void)
{
	struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
	int fd = open_pidfd(getpid(), 0);
	siginfo_t info = made_up(SIGUSR1, SI_QUEUE);

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	CHECK_EQ(send_signal(fd, SIGUSR1, NULL, 0), 0);
	CHECK(seen_pid == getpid() && seen_code == SI_USER);
	CHECK_EQ(send_signal(fd, SIGUSR1, NULL, TO_THREAD), 0);
	CHECK(seen_pid == getpid() && seen_code == SI_TKILL);
	CHECK_EQ(send_signal(fd, SIGUSR1, &info, TO_PROCESS), 0);
	CHECK(seen_pid == 12345 && seen_code == SI_QUEUE && seen_value == 99);
	info = made_up(SIGUSR1, SI_USER); // to oneself anything may be said
	CHECK_EQ(send_signal(fd, SIGUSR1, &info, 0), 0);
	CHECK(seen_pid == 12345 && seen_code == SI_USER);
	CHECK_ERRNO(send_signal(fd, SIGUSR1, &info, TO_GROUP), EPERM);
	close(fd);
}

static void drop_rights(void)
{
	int fd = open_pidfd(getppid(), 0);

	CHECK(fd >= 0);
	CHECK_EQ(setuid(65534), 0);
	CHECK_ERRNO(send_signal(fd, 0, NULL, 0), EPERM);
	CHECK_ERRNO(get_file(fd, 0, 0), EPERM);
}

static void check_signals(void)
{
	pid_t child = start_held();
	int fd = open_pidfd(child, 0);

	check_refused_signals(fd);
	check_own_signals();
	CHECK_EQ(send_signal(fd, SIGTERM, NULL, 0), 0);
	struct pollfd one = {.fd = fd, .events = POLLIN};
	CHECK_EQ(poll(&one, 1, -1), 1);
	CHECK_EQ(send_signal(fd, SIGTERM, NULL, 0), 0); // to a zombie, as kill(2) does
	reap(child, SIGTERM);
	CHECK_ERRNO(send_signal(fd, SIGTERM, NULL, 0), ESRCH);
	CHECK_ERRNO(send_signal(fd, 0, NULL, 0), ESRCH);
	close(fd);
	close(hold[1]);
	if (geteuid() == 0) {
		must_pass_in_child(drop_rights);
	}
	ok("signals");
}

/* A directory /proc/PID counts as one here, and nowhere else. */
static int open_directory(pid_t pid, const char *below)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d%s", (int)pid, below);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	return fd;
}

static void refuse_directory(int fd)
{
	CHECK_ERRNO(send_signal(fd, 0, NULL, 0), EBADF);
	close(fd);
}

static void check_directories(void)
{
	pid_t child = start_held();
	int fd = open_directory(child, ""), path_only = open("/proc/self", O_PATH);

	CHECK_EQ(send_signal(fd, 0, NULL, 0), 0);
	CHECK_EQ(send_signal(fd, 0, NULL, TO_THREAD), 0);
	CHECK_ERRNO(send_signal(fd, 0, NULL, 8), EINVAL);
	CHECK_ERRNO(get_file(fd, 0, 0), EBADF);
	CHECK_ERRNO(waitid(P_PIDFD, (id_t)fd, NULL, WEXITED), EBADF);
	CHECK_ERRNO(setns(fd, CLONE_NEWUTS), EINVAL);
	refuse_directory(path_only);
	refuse_directory(open_directory(child, "/task"));
	refuse_directory(open_directory(child, "/stat"));
	refuse_directory(open("/proc", O_RDONLY));
	refuse_directory(open("/proc/thread-self", O_RDONLY));
	CHECK_EQ(send_signal(fd, SIGTERM, NULL, 0), 0);
	reap(child, SIGTERM);
	CHECK_ERRNO(send_signal(fd, SIGTERM, NULL, 0), ESRCH);
	close(fd);
	close(hold[1]);
	ok("directories");
}

/* The directory of a thread's number too, where only its process is listed. */
static void check_thread_directory(void)
{
	pthread_t thread = start_staying();
	int fd = open_directory(thread_number, "");

	CHECK_EQ(send_signal(fd, 0, NULL, 0), 0);
	CHECK_EQ(send_signal(fd, 0, NULL, TO_THREAD), 0);
	atomic_store(&thread_may_end, 1);
	join_thread(thread);
	WAIT_UNTIL(send_signal(fd, 0, NULL, 0) < 0);
	CHECK_EQ(errno, ESRCH);
	close(fd);
	ok("thread_directory");
}

/* A group by its leader's descriptor. */
static void check_group_signal(void)
{
	pid_t child = fork(), second;
	int fd;

	CHECK(child >= 0);
	if (child == 0) {
		for (;;) {
			pause();
		}
	}
	CHECK_EQ(setpgid(child, child), 0);
	second = fork();
	CHECK(second >= 0);
	if (second == 0) {
		for (;;) {
			pause();
		}
	}
	CHECK_EQ(setpgid(second, child), 0);
	fd = open_pidfd(child, 0);
	CHECK_EQ(send_signal(fd, SIGTERM, NULL, TO_GROUP), 0);
	reap(child, SIGTERM);
	reap(second, SIGTERM);
	close(fd);
	ok("group_signal");
}

/* ---- files ---- */

static void check_getfd(void)
{
	int ends[2], copy, fd, zero = open("/dev/zero", O_RDONLY);
	struct rlimit limit, none;
	char byte = 0;
	pid_t child;

	CHECK_EQ(pipe(ends), 0);
	child = start_held();
	fd = open_pidfd(child, 0);
	close(ends[0]); // now only the child has it
	CHECK_ERRNO(get_file(fd, zero, 1), EINVAL);
	CHECK_ERRNO(get_file(fd, 999, 0), EBADF);
	CHECK_ERRNO(get_file(fd, -1, 0), EBADF);
	CHECK_ERRNO(get_file(-1, 0, 0), EBADF);
	copy = get_file(fd, ends[0], 0);
	CHECK(copy >= 0);
	CHECK_EQ(fcntl(copy, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(read(copy, &byte, 1), 1);
	CHECK_EQ(byte, 'x');
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	CHECK_ERRNO(get_file(fd, zero, 0), EMFILE);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	close(copy);
	close(ends[1]);
	close(hold[1]);
	struct pollfd one = {.fd = fd, .events = POLLIN};
	CHECK_EQ(poll(&one, 1, -1), 1);
	CHECK_ERRNO(get_file(fd, zero, 0), ESRCH);
	reap(child, 7 << 8);
	CHECK_ERRNO(get_file(fd, zero, 0), ESRCH);
	close(fd);
	close(zero);
	ok("getfd");
}

/* ---- numbers ---- */

static void read_fdinfo(int fd, char *text, size_t size)
{
	char path[64];
	int info;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY);
	CHECK(info >= 0);
	length = read(info, text, size - 1);
	CHECK(length > 0);
	text[length] = 0;
	close(info);
}

/* What /proc calls it, and its mode: newer kernels add S_IXUSR. */
static void check_identity(int fd)
{
	char path[64], name[64] = "";
	struct stat status;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(readlink(path, name, sizeof(name) - 1) > 0);
	CHECK_EQ(strcmp(name, "anon_inode:[pidfd]"), 0);
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_mode & ~0100u, 0600);
}

static void check_fdinfo(void)
{
	char text[1024], line[64];
	pid_t child = start_held();
	int fd = open_pidfd(child, 0);

	check_identity(fd);
	read_fdinfo(fd, text, sizeof(text));
	snprintf(line, sizeof(line), "\nPid:\t%d\nNSpid:\t%d", (int)child, (int)child);
	CHECK(strstr(text, line) != NULL);
	close(hold[1]);
	reap(child, 7 << 8);
	read_fdinfo(fd, text, sizeof(text));
	CHECK(strstr(text, "\nPid:\t-1\n") != NULL);
	close(fd);
	ok("fdinfo");
}

/* The number's next owner is somebody else. */
static void check_next_owner(void)
{
	pid_t child = start_held(), list[1] = {child};
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uintptr_t)list, .set_tid_size = 1};
	int fd = open_pidfd(child, 0);
	long next;

	close(hold[1]);
	reap(child, 7 << 8);
	next = syscall(SYS_clone3, &args, sizeof(args));
	if (next == 0) {
		for (;;) {
			pause();
		}
	}
	if (next < 0) { // not ours to choose
		CHECK_EQ(errno, EPERM);
		close(fd);
		return;
	}
	CHECK_EQ(next, child);
	CHECK_ERRNO(send_signal(fd, SIGKILL, NULL, 0), ESRCH);
	CHECK_ERRNO(waitid(P_PIDFD, (id_t)fd, NULL, WEXITED | WNOHANG), ECHILD);
	CHECK_ERRNO(get_file(fd, 0, 0), ESRCH);
	CHECK(poll_now(fd) & POLLIN);
	CHECK_EQ(kill(child, SIGKILL), 0);
	reap(child, SIGKILL);
	close(fd);
	ok("next_owner");
}

static void check_clone(void)
{
	int fd = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD, .exit_signal = SIGCHLD, .pidfd = (uintptr_t)&fd};
	siginfo_t info = {0};
	long child = syscall(SYS_clone3, &args, sizeof(args));

	if (child == 0) {
		_exit(fd == -1 ? 3 : 4); // it is the parent's alone
	}
	CHECK(child > 0 && fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), 0);
	CHECK_EQ(info.si_pid, child);
	CHECK(info.si_status == 3 || info.si_status == 4);
	close(fd);
	ok("clone");
}

int main(void)
{
	check_open();
	check_poll();
	check_leader_first();
	check_wait();
	check_signals();
	check_directories();
	check_thread_directory();
	check_group_signal();
	check_getfd();
	check_fdinfo();
	check_next_owner();
	check_clone();
	return 0;
}
