// SPDX-License-Identifier: MIT
/*
 * G1: signalfd: what a read takes and says of each signal, waiting, poll and epoll, whose signals they
 * are after fork, another mask, and bad input.
 * libc: musl
 */
#include "ledger.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/time.h>

static sigset_t set_of(int first, int second)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, first);
	if (second) {
		sigaddset(&set, second);
	}
	return set;
}

static int open_signals(int first, int second, int flags)
{
	sigset_t set = set_of(first, second);
	int fd;

	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	fd = signalfd(-1, &set, flags);
	CHECK(fd >= 0);
	return fd;
}

static struct signalfd_siginfo take(int fd)
{
	struct signalfd_siginfo info;

	memset(&info, 0xff, sizeof(info));
	CHECK_EQ(read(fd, &info, sizeof(info)), sizeof(info));
	return info;
}

static bool readable(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN | POLLOUT};

	CHECK(poll(&wait, 1, 0) >= 0);
	CHECK((wait.revents & ~POLLIN) == 0);
	return wait.revents & POLLIN;
}

static void check_contents(void)
{
	int fd = open_signals(SIGUSR1, SIGRTMIN, SFD_NONBLOCK | SFD_CLOEXEC);
	struct signalfd_siginfo info, two[3];
	union sigval value = {.sival_int = 17};

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_ERRNO(read(fd, &info, sizeof(info)), EAGAIN);
	CHECK(!readable(fd));
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK(readable(fd));
	info = take(fd);
	CHECK_EQ(info.ssi_signo, SIGUSR1);
	CHECK_EQ(info.ssi_code, SI_USER);
	CHECK_EQ(info.ssi_pid, getpid());
	CHECK_EQ(info.ssi_uid, getuid());
	CHECK(!readable(fd));
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(sigqueue(getpid(), SIGRTMIN, value), 0);
	}
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0); // one is enough
	CHECK_EQ(read(fd, two, sizeof(two) - 1), 2 * sizeof(two[0]));
	CHECK(two[0].ssi_signo == SIGUSR1 && two[1].ssi_signo == (unsigned)SIGRTMIN);
	CHECK_EQ(two[1].ssi_code, SI_QUEUE);
	CHECK_EQ(two[1].ssi_int, 17);
	CHECK_EQ(take(fd).ssi_int, 17);
	CHECK_ERRNO(read(fd, &info, sizeof(info)), EAGAIN);
	CHECK_EQ(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1), 0);
	CHECK_EQ(take(fd).ssi_code, SI_TKILL);
	close(fd);
	ok("contents");
}

static void check_child_and_timer(void)
{
	int fd = open_signals(SIGCHLD, SIGALRM, 0);
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	struct itimerspec soon = {.it_value = {.tv_nsec = 1000000}};
	struct signalfd_siginfo info;
	timer_t timer;
	pid_t child = fork();

	if (!child) {
		_exit(9);
	}
	info = take(fd); // waits
	CHECK_EQ(info.ssi_signo, SIGCHLD);
	CHECK_EQ(info.ssi_code, CLD_EXITED);
	CHECK_EQ(info.ssi_pid, child);
	CHECK_EQ(info.ssi_status, 9);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	event.sigev_value.sival_int = 5;
	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	CHECK_EQ(timer_settime(timer, 0, &soon, NULL), 0);
	info = take(fd);
	CHECK_EQ(info.ssi_signo, SIGALRM);
	CHECK_EQ(info.ssi_code, SI_TIMER);
	CHECK_EQ(info.ssi_int, 5);
	CHECK_EQ(timer_delete(timer), 0);
	close(fd);
	ok("child_and_timer");
}

static void *read_one(void *fd)
{
	return (void *)(long)take(*(int *)fd).ssi_signo;
}

/* A thread reads its own signals and the process's; another thread's are not for it. */
static void check_threads(void)
{
	int fd = open_signals(SIGUSR1, SIGUSR2, 0);
	pthread_t thread;
	void *signal;

	CHECK_EQ(pthread_create(&thread, NULL, read_one, &fd), 0);
	CHECK_EQ(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR2), 0);
	CHECK_EQ(pthread_kill(thread, SIGUSR1), 0);
	CHECK_EQ(pthread_join(thread, &signal), 0);
	CHECK_EQ((long)signal, SIGUSR1);
	CHECK_EQ(take(fd).ssi_signo, SIGUSR2);
	close(fd);
	ok("threads");
}

static void check_epoll(void)
{
	int fd = open_signals(SIGUSR1, 0, SFD_NONBLOCK), epoll = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN};

	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	pid_t child = fork();
	if (!child) {
		CHECK_EQ(kill(getppid(), SIGUSR1), 0);
		_exit(0);
	}
	CHECK_EQ(epoll_wait(epoll, &event, 1, 15000), 1);
	CHECK_EQ(take(fd).ssi_pid, child);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	close(fd); // while it is watched
	close(epoll);
	ok("epoll");
}

/* After fork a descriptor is about the signals of who uses it; one that watched it may have ended. */
static void check_fork(void)
{
	int fd = open_signals(SIGUSR1, 0, 0), status;

	for (int i = 0; i < 4; i++) {
		pid_t child = fork();

		if (!child) {
			struct pollfd wait = {.fd = fd, .events = POLLIN};
			struct epoll_event event = {.events = EPOLLIN};
			int epoll = epoll_create1(0);

			CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
			CHECK_EQ(poll(&wait, 1, 15000), 1);
			CHECK_EQ(take(fd).ssi_pid, getppid());
			_exit(0);
		}
		CHECK_EQ(kill(child, SIGUSR1), 0);
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(status, 0);
		CHECK(!readable(fd));
	}
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(take(fd).ssi_pid, getpid());
	close(fd);
	ok("fork");
}

static void check_mask(void)
{
	int fd = open_signals(SIGUSR1, 0, SFD_NONBLOCK);
	sigset_t set = set_of(SIGUSR2, SIGKILL);
	struct signalfd_siginfo info;

	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(kill(getpid(), SIGUSR2), 0);
	CHECK_EQ(signalfd(fd, &set, 0), fd); // without SIGKILL, and says nothing of it
	CHECK_EQ(take(fd).ssi_signo, SIGUSR2);
	CHECK_ERRNO(read(fd, &info, sizeof(info)), EAGAIN);
	set = set_of(SIGUSR1, 0);
	CHECK_EQ(signalfd(fd, &set, 0), fd);
	CHECK_EQ(take(fd).ssi_signo, SIGUSR1);
	close(fd);
	ok("mask");
}

static void on_signal(int number)
{
	(void)number;
}

static void check_interrupted(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	int fd = open_signals(SIGUSR1, 0, 0);
	struct itimerval soon = {.it_value = {.tv_usec = 2000},
				 .it_interval = {.tv_usec = 2000}};
	struct itimerval never = {0};
	struct signalfd_siginfo info;
	sigset_t alarm = set_of(SIGALRM, 0);

	CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
	CHECK_EQ(sigprocmask(SIG_UNBLOCK, &alarm, NULL), 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &soon, NULL), 0);
	CHECK_ERRNO(read(fd, &info, sizeof(info)), EINTR);
	CHECK_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
	close(fd);
	ok("interrupted");
}

/* What /proc calls it, and its mode. */
static void check_identity(int fd)
{
	char path[64], name[64] = "";
	struct stat status;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(readlink(path, name, sizeof(name) - 1) > 0);
	CHECK_EQ(strcmp(name, "anon_inode:[signalfd]"), 0);
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_mode, 0600);
}

static void check_bad_input(void)
{
	int fd = open_signals(SIGUSR1, 0, SFD_NONBLOCK);
	sigset_t set = set_of(SIGUSR1, 0);
	struct signalfd_siginfo info;
	char name[64], text[128] = "";

	CHECK_ERRNO(syscall(SYS_signalfd4, -1, &set, 16, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_signalfd4, -1, &set, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_signalfd4, -1, &set, 8, 0x4), EINVAL);
	CHECK_ERRNO(syscall(SYS_signalfd4, -1, UNMAPPED_ADDRESS, 8, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_signalfd4, -1, KERNEL_ADDRESS, 8, 0x4), EFAULT);
	CHECK_ERRNO(syscall(SYS_signalfd4, 999, &set, 8, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_signalfd4, -2, &set, 8, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_signalfd4, 1, &set, 8, 0), EINVAL);
	CHECK_ERRNO(read(fd, &info, sizeof(info) - 1), EINVAL);
	CHECK_ERRNO(write(fd, &info, sizeof(info)), EINVAL);
	CHECK_ERRNO(pread(fd, &info, sizeof(info), 0), ESPIPE);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_ERRNO(read(fd, UNMAPPED_ADDRESS, sizeof(info)), EFAULT);
	CHECK(!readable(fd)); // it is gone, as on Linux
	check_identity(fd);
	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	int file = open(name, O_RDONLY);
	CHECK(read(file, text, sizeof(text) - 1) > 0);
	CHECK(strstr(text, "sigmask:\t0000000000000200\n"));
	close(file);
	close(fd);
	ok("bad_input");
}

/* Every allocation on the way fails once: then there is no descriptor, and nothing is left of it. */
static void check_failures(void)
{
	sigset_t set = set_of(SIGUSR1, 0);
	struct ledger before;
	int arm = open("/proc/heddle/fail_nth", O_WRONLY), fd, failed = 0;
	char number[8];

	if (arm < 0) {
		return; // not Heddle
	}
	close(open_signals(SIGUSR1, 0, 0));
	ledger_begin(&before);
	do {
		int length = snprintf(number, sizeof(number), "%d", failed + 1);

		CHECK_EQ(write(arm, number, (size_t)length), length);
		fd = signalfd(-1, &set, 0);
		CHECK(fd >= 0 || errno == ENOMEM);
	} while (fd < 0 && ++failed < 50);
	CHECK(failed >= 3 && fd >= 0);
	CHECK(write(arm, "0", 1) == 1 || errno == ENOMEM); // this, or it was what failed
	close(fd);
	ledger_expect(&before);
	close(arm);
	ok("failures");
}

int main(void)
{
	check_contents();
	check_child_and_timer();
	check_threads();
	check_epoll();
	check_fork();
	check_mask();
	check_interrupted();
	check_bad_input();
	check_failures();
	return 0;
}
