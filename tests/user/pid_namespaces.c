// SPDX-License-Identifier: MIT
/*
 * C1, C8: pid namespaces: a number a level, unshare, 32 of them nested, what parents, groups and
 * /proc see of each other.
 * deadline: 60
 */
#include "pid_namespace.h"
#include <sys/mount.h>
#include <sys/stat.h>

static char child_stack[65536] __attribute__((aligned(16)));

static void read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t length;

	CHECK(fd >= 0);
	length = read(fd, text, size - 1);
	CHECK(length >= 0);
	text[length] = 0;
	close(fd);
}

/* The numbers of a line "NAME:\t1\t2…" of /proc/PID/status. Returns how many. */
static int status_numbers(pid_t pid, const char *name, int *numbers, int most)
{
	char path[64], text[8192], *at;
	int count = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	read_file(path, text, sizeof(text));
	at = strstr(text, name);
	CHECK(at != NULL);
	for (at += strlen(name); *at == '\t' && count < most; count++) {
		numbers[count] = (int)strtol(at + 1, &at, 10);
	}
	return count;
}

/* ---- numbers ---- */

static void grandchild_numbers(void)
{
	CHECK_EQ(getpid(), 2);
	CHECK_EQ(getppid(), 1);
	CHECK_EQ(thread_id(), 2);
	CHECK_EQ(getpgrp(), 0);
	CHECK_EQ(getpgid(1), 0);
	CHECK_EQ(setsid(), 2);
	CHECK_EQ(getsid(0), 2);
	CHECK_EQ(getpgrp(), 2);
}

static void *note_thread_id(void *to)
{
	*(pid_t *)to = thread_id();
	return NULL;
}

static void init_numbers(void)
{
	pid_t tid = 0, child;

	CHECK_EQ(getpid(), 1);
	CHECK_EQ(syscall(SYS_getpid), 1);
	CHECK_EQ(thread_id(), 1);
	CHECK_EQ(getppid(), 0);
	CHECK_EQ(getpgrp(), 0); // the group and the session are from outside
	CHECK_EQ(getsid(0), 0);
	CHECK_ERRNO(kill(2, 0), ESRCH);
	child = fork_with(0);
	if (child == 0) {
		grandchild_numbers();
		_exit(0);
	}
	CHECK_EQ(child, 2);
	CHECK_EQ(wait_for(2), 0);
	join_thread(start_thread(note_thread_id, &tid));
	CHECK_EQ(tid, 3);
	CHECK_EQ(setsid(), 1);
	CHECK_EQ(getpgrp(), 1);
	CHECK_EQ(getsid(0), 1);
	CHECK_EQ(syscall(SYS_set_tid_address, NULL), 1);
	CHECK_EQ(fork_with(CLONE_PARENT), -1);
	CHECK_EQ(errno, EINVAL);
}

static void check_numbers(void)
{
	CHECK_EQ(as_init(init_numbers), 0);
	ok("numbers");
}

static int hold_until_closed(void *end)
{
	char byte;

	return read(*(int *)end, &byte, 1) != 0;
}

static void check_status_lines(void)
{
	int numbers[40], ends[2], own = status_numbers(getpid(), "\nNSpid:", numbers, 40);
	pid_t child;

	CHECK_EQ(pipe(ends), 0);
	child = fork_with(CLONE_NEWPID);
	if (child == 0) {
		close(ends[1]);
		_exit(hold_until_closed(&ends[0]));
	}
	CHECK_EQ(status_numbers(child, "\nNSpid:", numbers, 40), own + 1);
	CHECK_EQ(numbers[own - 1], child);
	CHECK_EQ(numbers[own], 1);
	CHECK_EQ(status_numbers(child, "\nNStgid:", numbers, 40), own + 1);
	CHECK_EQ(numbers[own], 1);
	CHECK_EQ(status_numbers(child, "\nNSpgid:", numbers, 40), own + 1);
	CHECK_EQ(numbers[own - 1], getpgrp());
	CHECK_EQ(numbers[own], 0);
	CHECK_EQ(status_numbers(child, "\nNSsid:", numbers, 40), own + 1);
	CHECK_EQ(numbers[own], 0);
	CHECK_EQ(status_numbers(child, "\nPid:", numbers, 40), 1);
	CHECK_EQ(numbers[0], child);
	CHECK_EQ(status_numbers(child, "\nPPid:", numbers, 40), 1);
	CHECK_EQ(numbers[0], getpid());
	close(ends[0]);
	close(ends[1]);
	CHECK_EQ(wait_for(child), 0);
	ok("status_lines");
}

static long fork_wanting(uint64_t flags, const pid_t *list, int count)
{
	struct clone_args args = {.flags = flags,
				  .exit_signal = SIGCHLD,
				  .set_tid = (uintptr_t)list,
				  .set_tid_size = (uint64_t)count};
	long result = syscall(SYS_clone3, &args, sizeof(args));

	if (result == 0) {
		_exit(getpid());
	}
	return result;
}

static void init_wants(void)
{
	CHECK_EQ(fork_wanting(0, (pid_t[]){77}, 1), 77);
	CHECK_EQ(wait_for(77), 77 << 8);
	CHECK_ERRNO(fork_wanting(0, (pid_t[]){1}, 1), EEXIST);
	CHECK_EQ(fork_wanting(CLONE_NEWPID, (pid_t[]){1, 88}, 2), 88);
	CHECK_EQ(wait_for(88), 1 << 8);
}

static void check_wanted_numbers(void)
{
	pid_t free_number = fork_with(0);
	long child;

	if (free_number == 0) {
		_exit(0);
	}
	CHECK_EQ(wait_for(free_number), 0);
	CHECK_ERRNO(fork_wanting(CLONE_NEWPID, (pid_t[]){2}, 1), EINVAL);
	CHECK_ERRNO(fork_wanting(CLONE_NEWPID, (pid_t[]){1, getpid()}, 2), EEXIST);
	CHECK_ERRNO(fork_wanting(CLONE_NEWPID, (pid_t[]){2, getpid()}, 2), EINVAL);
	child = fork_wanting(CLONE_NEWPID, (pid_t[]){1, free_number}, 2);
	CHECK_EQ(child, free_number);
	CHECK_EQ(wait_for(free_number), 1 << 8);
	CHECK_EQ(as_init(init_wants), 0);
	ok("wanted_numbers");
}

/* ---- unshare ---- */

static void unshare_and_fork(void)
{
	struct clone_args thread = {
		.flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM,
		.stack = (uintptr_t)child_stack,
		.stack_size = sizeof(child_stack),
	};
	pid_t own = getpid(), child, second;

	CHECK_EQ(unshare(CLONE_NEWPID), 0);
	CHECK_EQ(getpid(), own);
	// Its own number does not change; it only decides about its children, and once.
	CHECK_ERRNO(unshare(CLONE_NEWPID), EINVAL);
	CHECK_EQ(fork_with(CLONE_NEWPID), -1);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(syscall(SYS_clone3, &thread, sizeof(thread)), -1);
	CHECK_EQ(errno, EINVAL);
	child = fork_with(0);
	if (child == 0) {
		_exit(getpid() == 1 && getppid() == 0 ? pause() : 1);
	}
	CHECK(child > 1);
	second = fork_with(0);
	if (second == 0) {
		_exit(getpid() == 2 && getppid() == 0 ? 0 : 1);
	}
	CHECK_EQ(wait_for(second), 0);
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(wait_for(child), SIGKILL);
	CHECK_EQ(fork_with(0), -1);
	CHECK_EQ(errno, ENOMEM);
	CHECK_EQ(vfork() < 0 ? errno : 0, ENOMEM);
}

static void check_unshare(void)
{
	must_pass_in_child(unshare_and_fork);
	ok("unshare");
}

/* Each level makes the next; the last one that Linux allows is the 32nd inside the first. */
static void nest(int level)
{
	int status;
	pid_t child;

	if (unshare(CLONE_NEWPID)) {
		_exit(errno == ENOSPC && level == 32 ? 0 : 1);
	}
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQ(getpid(), 1);
		nest(level + 1);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 2);
}

static void check_depth(void)
{
	int numbers[40];
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		nest(status_numbers(getpid(), "\nNSpid:", numbers, 40) - 1);
	}
	CHECK_EQ(wait_for(child), 0);
	ok("depth");
}

/* ---- what the parents are told ---- */

static siginfo_t child_news;

static void note_child(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	child_news = *info;
}

static void exit_five(void)
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		_exit(5);
	}
	CHECK_EQ(child, 2);
	siginfo_t info = {0};
	CHECK_EQ(waitid(P_ALL, 0, &info, WEXITED), 0);
	CHECK_EQ(info.si_pid, 2);
	CHECK_EQ(child_news.si_pid, 2);
}

static void check_child_news(void)
{
	struct sigaction action = {.sa_sigaction = note_child, .sa_flags = SA_SIGINFO};
	siginfo_t info = {0};
	pid_t init;

	CHECK_EQ(sigaction(SIGCHLD, &action, NULL), 0);
	init = fork_with(CLONE_NEWPID);
	if (init == 0) {
		exit_five();
		_exit(6);
	}
	while (waitid(P_ALL, 0, &info, WEXITED) != 0) {
		CHECK_EQ(errno, EINTR);
	}
	CHECK_EQ(info.si_pid, init);
	CHECK_EQ(info.si_status, 6);
	WAIT_UNTIL(*(volatile pid_t *)&child_news.si_pid == init);
	signal(SIGCHLD, SIG_DFL);
	ok("child_news");
}

/* ---- groups ---- */

static void signal_own_group(void)
{
	CHECK_EQ(getpgrp(), 0);
	CHECK_EQ(kill(0, SIGUSR1), 0);
}

/* kill(0) means the group, though it has no number inside; the members outside get it too. */
static void check_group_from_inside(void)
{
	pid_t leader = fork();

	CHECK(leader >= 0);
	if (leader == 0) {
		CHECK_EQ(setpgid(0, 0), 0);
		catch_with_sender(SIGUSR1);
		CHECK_EQ(as_init(signal_own_group), 0);
		WAIT_UNTIL(seen_pid != -1);
		_exit(0);
	}
	CHECK_EQ(wait_for(leader), 0);
	ok("group_from_inside");
}

static void kill_everybody(void)
{
	pid_t first = fork(), second;

	if (first == 0) {
		pause();
	}
	second = fork();
	if (second == 0) {
		pause();
	}
	CHECK_EQ(kill(-1, SIGKILL), 0);
	CHECK_EQ(wait_for(first), SIGKILL);
	CHECK_EQ(wait_for(second), SIGKILL);
}

static void check_everybody(void)
{
	CHECK_EQ(as_init(kill_everybody), 0);
	ok("everybody");
}

/* ---- procfs ---- */

static char mount_point[] = "/tmp/pid-namespaces-XXXXXX";

static void look_at_proc(void)
{
	char path[128], text[4096];
	ssize_t length;
	pid_t child;

	CHECK_EQ(mount("proc", mount_point, "proc", 0, NULL), 0);
	snprintf(path, sizeof(path), "%s/self", mount_point);
	length = readlink(path, text, sizeof(text));
	CHECK(length == 1 && text[0] == '1');
	snprintf(path, sizeof(path), "%s/thread-self", mount_point);
	length = readlink(path, text, sizeof(text) - 1);
	CHECK(length == 8 && memcmp(text, "1/task/1", 8) == 0);
	child = fork();
	if (child == 0) {
		pause();
	}
	snprintf(path, sizeof(path), "%s/2/stat", mount_point);
	read_file(path, text, sizeof(text));
	CHECK(strncmp(text, "2 (", 3) == 0);
	CHECK(strstr(text, ") ") != NULL);
	CHECK_EQ(atoi(strrchr(text, ')') + 4), 1); // its parent
	snprintf(path, sizeof(path), "%s/2/status", mount_point);
	read_file(path, text, sizeof(text));
	CHECK(strstr(text, "\nPid:\t2\n") && strstr(text, "\nNSpid:\t2\n"));
	snprintf(path, sizeof(path), "%s/2/task/2/stat", mount_point);
	CHECK_EQ(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/3", mount_point);
	CHECK_ERRNO(access(path, F_OK), ENOENT);
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(wait_for(child), SIGKILL);
	snprintf(path, sizeof(path), "%s/2", mount_point);
	CHECK_ERRNO(access(path, F_OK), ENOENT);
}

/* Reads the mount point from outside, where the namespace has ended. */
static void check_proc(void)
{
	char path[128], text[64];

	CHECK(mkdtemp(mount_point) != NULL);
	CHECK_EQ(as_init(look_at_proc), 0);
	snprintf(path, sizeof(path), "%s/self", mount_point);
	CHECK_ERRNO(readlink(path, text, sizeof(text)), ENOENT);
	snprintf(path, sizeof(path), "%s/1", mount_point);
	CHECK_ERRNO(access(path, F_OK), ENOENT);
	CHECK_EQ(umount(mount_point), 0);
	CHECK_EQ(rmdir(mount_point), 0);
	ok("proc");
}

int main(void)
{
	require_pid_namespaces();
	check_numbers();
	check_status_lines();
	check_wanted_numbers();
	check_unshare();
	check_depth();
	check_child_news();
	check_group_from_inside();
	check_everybody();
	check_proc();
	return 0;
}
