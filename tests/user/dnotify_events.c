// SPDX-License-Identifier: MIT
/*
 * fcntl(2), F_NOTIFY: signals for what happens in a directory: which, once or again and again, with what information, to whom, and until
 * when; and the owners of files (F_SETOWN_EX).
 * libc: musl
 */
#include "ledger.h"
#include "settings.h"
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int dir;

static void set_up(void)
{
	CHECK_EQ(mkdir("d", 0755), 0);
	close(open("d/f", O_CREAT | O_WRONLY, 0644));
	dir = open("d", O_RDONLY | O_DIRECTORY);
	CHECK(dir >= 0);
	CHECK_EQ(fcntl(dir, F_SETSIG, SIGRTMIN), 0);
}

static void clear_up(void)
{
	close(dir);
	(void)!unlink("d/f");
	CHECK_EQ(rmdir("d"), 0);
}

static void block(int signal)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
}

/* Take those that wait; how many, and the last one's information. */
static int signals(int signal, siginfo_t *info)
{
	const struct timespec none = {0};
	siginfo_t one;
	sigset_t set;
	int count = 0;

	sigemptyset(&set);
	sigaddset(&set, signal);
	while (sigtimedwait(&set, &one, &none) == signal) {
		*info = one;
		count++;
	}
	return count;
}

static int told(void)
{
	siginfo_t info = {0};
	int count = signals(SIGRTMIN, &info);

	if (count > 0) {
		CHECK_EQ(info.si_fd, dir);
		CHECK_EQ(info.si_code, POLL_MSG);
		CHECK_EQ(info.si_band, POLLIN | POLLRDNORM | POLLMSG);
	}
	return count;
}

static void check_events(void)
{
	int fd;

	set_up();
	CHECK_EQ(fcntl(dir, F_NOTIFY, DN_CREATE | DN_MULTISHOT), 0);
	CHECK_EQ(fcntl(dir, F_GETOWN), getpid()); // from now on
	close(open("d/n", O_CREAT | O_WRONLY, 0600));
	CHECK_EQ(told(), 1);
	CHECK_EQ(mkdir("d/s", 0700), 0);
	CHECK_EQ(told(), 1);
	CHECK_EQ(rename("d/n", "d/m"), 0); // moved to it, too
	CHECK_EQ(told(), 1);
	CHECK_EQ(unlink("d/m"), 0);
	CHECK_EQ(rmdir("d/s"), 0);
	CHECK_EQ(told(), 0);
	CHECK_EQ(fcntl(dir, F_NOTIFY, DN_DELETE | DN_MULTISHOT), 0); // in addition
	close(open("d/n", O_CREAT | O_WRONLY, 0600));
	CHECK_EQ(unlink("d/n"), 0);
	CHECK_EQ(told(), 2);
	CHECK_EQ(fcntl(dir, F_NOTIFY, 0), 0);
	close(open("d/n", O_CREAT | O_WRONLY, 0600));
	CHECK_EQ(told(), 0);
	CHECK_EQ(fcntl(dir, F_NOTIFY, DN_RENAME | DN_MULTISHOT), 0);
	CHECK_EQ(rename("d/n", "d/m"), 0);
	CHECK_EQ(told(), 1);
	CHECK_EQ(rename("d/m", "m"), 0); // out of it is no renaming
	CHECK_EQ(rename("m", "d/m"), 0);
	CHECK_EQ(told(), 0);
	CHECK_EQ(unlink("d/m"), 0);
	CHECK_EQ(fcntl(dir, F_NOTIFY, 0), 0);
	CHECK_EQ(fcntl(dir, F_NOTIFY, DN_MODIFY | DN_ACCESS | DN_ATTRIB | DN_MULTISHOT),
		 0);
	fd = open("d/f", O_RDWR);
	CHECK_EQ(told(), 0);
	CHECK_EQ(write(fd, "a", 1), 1);
	CHECK_EQ(told(), 1);
	CHECK_EQ(pread(fd, &(char){0}, 1, 0), 1);
	CHECK_EQ(told(), 1);
	CHECK_EQ(fchmod(fd, 0600), 0);
	CHECK_EQ(told(), 1);
	CHECK_EQ(chmod("d", 0700), 0); // itself
	CHECK_EQ(told(), 1);
	close(fd);
	CHECK_EQ(told(), 0);
	clear_up();
	ok("events");
}

static void check_once(void)
{
	set_up();
	CHECK_EQ(fcntl(dir, F_NOTIFY, DN_CREATE), 0);
	CHECK_EQ(mkdir("d/s", 0700), 0);
	CHECK_EQ(mkdir("d/t", 0700), 0);
	CHECK_EQ(told(), 1);
	CHECK_EQ(fcntl(dir, F_NOTIFY, DN_DELETE), 0); // and again
	CHECK_EQ(rmdir("d/s"), 0);
	CHECK_EQ(rmdir("d/t"), 0);
	CHECK_EQ(told(), 1);
	clear_up();
	ok("once");
}

static void check_end(void)
{
	int other, status;

	set_up();
	CHECK_EQ(fcntl(dir, F_NOTIFY, DN_CREATE | DN_MULTISHOT), 0);
	other = dup(dir);
	close(other); // any close of the file ends it
	CHECK_EQ(mkdir("d/s", 0700), 0);
	CHECK_EQ(told(), 0);
	CHECK_EQ(fcntl(dir, F_NOTIFY, DN_DELETE | DN_MULTISHOT), 0);
	pid_t child = fork(); // whose table never asked
	if (child == 0) {
		close(dir);
		CHECK_EQ(rmdir("d/s"), 0);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_EQ(told(), 1); // the owner
	CHECK_EQ(unlink("d/f"), 0);
	CHECK_EQ(rmdir("d"), 0);
	told();
	close(dir);
	ok("the end");
}

static void check_default(void)
{
	siginfo_t info;

	set_up();
	CHECK_EQ(fcntl(dir, F_SETSIG, 0), 0);
	CHECK_EQ(fcntl(dir, F_NOTIFY, DN_CREATE | DN_MULTISHOT), 0);
	CHECK_EQ(mkdir("d/s", 0700), 0);
	CHECK_EQ(mkdir("d/t", 0700), 0);
	CHECK_EQ(signals(SIGIO, &info), 1); // not queued
	CHECK_EQ(info.si_code, SI_KERNEL);
	CHECK_EQ(fcntl(dir, F_SETSIG, SIGIO), 0);
	CHECK_EQ(rmdir("d/s"), 0);
	CHECK_EQ(mkdir("d/s", 0700), 0);
	CHECK_EQ(signals(SIGIO, &info), 1);
	CHECK_EQ(info.si_code, POLL_MSG);
	CHECK_EQ(info.si_fd, dir);
	CHECK_EQ(rmdir("d/s"), 0);
	CHECK_EQ(rmdir("d/t"), 0);
	clear_up();
	ok("SIGIO");
}

static void *count_own(void *argument)
{
	siginfo_t info;

	*(int *)argument = signals(SIGRTMIN, &info);
	return NULL;
}

/* One thread, or a whole group. */
static void check_owners(void)
{
	struct f_owner_ex owner = {.type = F_OWNER_TID, .pid = thread_id()}, seen = {0};
	int status, others = -1, ready[2], ended[2];

	set_up();
	CHECK_EQ(fcntl(dir, F_SETOWN_EX, &owner), 0);
	CHECK_EQ(fcntl(dir, F_GETOWN_EX, &seen), 0);
	CHECK_EQ(seen.type, F_OWNER_TID);
	CHECK_EQ(seen.pid, owner.pid);
	CHECK_EQ(fcntl(dir, F_NOTIFY, DN_CREATE | DN_MULTISHOT), 0);
	CHECK_EQ(mkdir("d/s", 0700), 0);
	join_thread(start_thread(count_own, &others));
	CHECK_EQ(others, 0);
	CHECK_EQ(told(), 1);
	CHECK_EQ(pipe(ready), 0);
	CHECK_EQ(pipe(ended), 0);
	pid_t child = fork();
	if (child == 0) {
		char byte;

		CHECK_EQ(setpgid(0, 0), 0);
		CHECK_EQ(write(ready[1], "r", 1), 1);
		CHECK_EQ(read(ended[0], &byte, 1), 1);
		_exit(told() + 10);
	}
	CHECK_EQ(read(ready[0], &status, 1), 1);
	owner = (struct f_owner_ex){F_OWNER_PGRP, child};
	CHECK_EQ(fcntl(dir, F_SETOWN_EX, &owner), 0);
	CHECK_EQ(fcntl(dir, F_GETOWN), -child);
	CHECK_EQ(rmdir("d/s"), 0);
	CHECK_EQ(mkdir("d/s", 0700), 0);
	CHECK_EQ(rmdir("d/s"), 0);
	CHECK_EQ(write(ended[1], "e", 1), 1);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(WEXITSTATUS(status), 11);
	CHECK_EQ(told(), 0);
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(ended[i]);
	}
	clear_up();
	ok("owners");
}

static void check_errors(void)
{
	int fd = open(".", O_PATH);

	CHECK_ERRNO(fcntl(fd, F_NOTIFY, DN_CREATE), EBADF);
	CHECK_ERRNO(fcntl(-1, F_NOTIFY, DN_CREATE), EBADF);
	close(fd);
	fd = open("f", O_CREAT | O_RDWR, 0600);
	CHECK_ERRNO(fcntl(fd, F_NOTIFY, DN_CREATE), ENOTDIR);
	CHECK_EQ(fcntl(fd, F_NOTIFY, 0), 0);
	close(fd);
	CHECK_EQ(unlink("f"), 0);
	ok("errors");
}

/* The machine's owner may turn it off. */
static void check_setting(void)
{
	struct setting setting = {.path = "/proc/sys/fs/dir-notify-enable"};
	int error, result;

	if (access(setting.path, W_OK)) {
		return;
	}
	set_up();
	change_setting(&setting, "0");
	result = fcntl(dir, F_NOTIFY, DN_CREATE);
	error = errno;
	restore_setting(&setting);
	CHECK(result == -1 && error == EINVAL);
	CHECK_EQ(fcntl(dir, F_NOTIFY, DN_CREATE), 0);
	clear_up();
	ok("the setting");
}

static void check_failures(void)
{
	int plans = open("/proc/heddle/fail_nth", O_WRONLY | O_CLOEXEC), refused = 0,
	    result;
	struct ledger before;

	if (plans < 0) {
		return; // not Heddle
	}
	set_up();
	ledger_begin(&before);
	do {
		fail_nth(plans, refused + 1);
		result = fcntl(dir, F_NOTIFY, DN_CREATE);
		CHECK(result == 0 || errno == ENOMEM);
	} while (result < 0 && ++refused < 20);
	fail_nth(plans, 0);
	CHECK_EQ(refused, 2);
	CHECK_EQ(fcntl(dir, F_NOTIFY, 0), 0);
	ledger_expect(&before);
	close(plans);
	clear_up();
	ok("failures");
}

/* Directories come and go, and descriptors, while things happen. */
static void *ask(void *argument)
{
	for (int i = 0; i < 300; i++) {
		int fd = open("d", O_RDONLY | O_DIRECTORY);

		CHECK(fd >= 0);
		CHECK_EQ(fcntl(fd, F_SETSIG, SIGRTMIN), 0);
		CHECK_EQ(fcntl(fd, F_NOTIFY, DN_CREATE | (i % 2 ? DN_MULTISHOT : 0)), 0);
		close(fd);
	}
	return NULL;
}

static void *happen(void *argument)
{
	for (int i = 0; i < 300; i++) {
		CHECK_EQ(mkdir("d/s", 0700), 0);
		CHECK_EQ(rmdir("d/s"), 0);
	}
	return NULL;
}

static void check_races(void)
{
	pthread_t threads[3];
	siginfo_t info;

	set_up();
	threads[0] = start_thread(ask, NULL);
	threads[1] = start_thread(ask, NULL);
	threads[2] = start_thread(happen, NULL);
	for (int i = 0; i < 3; i++) {
		join_thread(threads[i]);
	}
	signals(SIGRTMIN, &info);
	signals(SIGIO, &info);
	clear_up();
	ok("races");
}

int main(void)
{
	const char *soak = getenv("HEDDLE_SOAK");
	struct ledger before;

	block(SIGRTMIN);
	block(SIGIO);
	check_events();
	check_once();
	check_end();
	check_default();
	check_owners();
	check_errors();
	check_setting();
	check_failures();
	check_races();
	if (access("/proc/heddle/ledger", R_OK) == 0) {
		ledger_begin(&before);
		for (int i = 0; i < (soak ? atoi(soak) : 1); i++) {
			check_races();
		}
		ledger_expect(&before);
	}
	return 0;
}
