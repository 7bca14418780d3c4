// SPDX-License-Identifier: MIT
/*
 * pid 1 of the test guests: runs the programs that /tests/list names, one after the other.
 *
 * The list holds lines `NAME SECONDS`; the program is /tests/NAME, of NAME@ROUND too. On the console:
 *   BEGIN NAME, the program's output, RESULT NAME exit N | signal N | timeout, and TESTS-END.
 * Each program gets a session, an empty directory below /tmp, and nobody left over from the
 * one before. It asks little of the kernel: fork, exec, wait4, sigtimedwait, mount.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct {
	const char *type, *where, *data;
	mode_t mode;
} mounts[] = {
	{"devtmpfs", "/dev", NULL, 0755},
	{"proc", "/proc", NULL, 0555},
	{"sysfs", "/sys", NULL, 0555},
	{"tmpfs", "/tmp", "mode=1777", 01777},
	{"devpts", "/dev/pts", "mode=620", 0755},
	{"tmpfs", "/dev/shm", "mode=1777", 01777},
};

static void prepare_tree(void)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].where, mounts[i].mode);
		if (mount("none", mounts[i].where, mounts[i].type, 0, mounts[i].data) !=
		    0) {
			printf("runner: mount %s on %s: %s\n", mounts[i].type,
			       mounts[i].where, strerror(errno));
		}
	}
}

/* Debian's kernel, when it stands in for ours, has its overlay in a module. */
static void load_modules(void)
{
	int fd = open("/overlay.ko", O_RDONLY);

	if (fd >= 0 && syscall(SYS_finit_module, fd, "", 0) != 0) {
		printf("runner: overlay.ko: %s\n", strerror(errno));
	}
	close(fd);
}

static void open_console(void)
{
	int console = open("/dev/console", O_RDWR);

	if (console < 0) {
		return;
	}
	for (int fd = 0; fd < 3; fd++) {
		dup2(console, fd);
	}
	if (console > 2) {
		close(console);
	}
}

static void become_test(const char *name)
{
	char path[128], folder[128];
	char *arguments[] = {path, NULL};
	char *environment[7] = {"PATH=/bin:/usr/bin", "HOME=/", "HEDDLE_TEST_GUEST=1"};
	int next = 3;

	for (int i = 0; environ[i] && next < 6; i++) {
		// From the kernel's command line: how long, with which random numbers (run-user --soak, --seed), whether it counts.
		if (strncmp(environ[i], "HEDDLE_", 7) == 0) {
			environment[next++] = environ[i];
		}
	}
	snprintf(path, sizeof(path), "/tests/%.*s", (int)strcspn(name, "@"), name);
	snprintf(folder, sizeof(folder), "/tmp/%s", name);
	setsid();
	mkdir(folder, 0700);
	if (chdir(folder) != 0) {
		printf("runner: chdir %s: %s\n", folder, strerror(errno));
	}
	execve(path, arguments, environment);
	printf("runner: execve %s: %s\n", path, strerror(errno));
	fflush(stdout);
	_exit(126);
}

static sigset_t child_ends; /* SIGCHLD, which is blocked but in the programs */

/*
 * Returns whether the child ended before its deadline, reaping orphans as they end: programs count processes, and
 * a dead one that waits for its parent is one.
 */
static int wait_for(pid_t child, int *status, int seconds)
{
	struct timespec pause = {1, 0};
	struct timespec start, now;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		int one;
		pid_t ended = waitpid(-1, &one, WNOHANG);

		if (ended == child) {
			*status = one;
			return 1;
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec >= seconds) {
			return 0;
		}
		if (ended <= 0) {
			sigtimedwait(&child_ends, NULL, &pause);
		}
	}
}

static void run_test(const char *name, int seconds)
{
	int status = 0;
	pid_t child;

	printf("BEGIN %s\n", name);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		sigprocmask(SIG_UNBLOCK, &child_ends, NULL);
		become_test(name);
	}
	if (child < 0) {
		printf("RESULT %s nofork\n", name);
		return;
	}
	int ended = wait_for(child, &status, seconds);

	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, ended ? WNOHANG : 0) > 0) {
	}
	if (!ended) {
		printf("RESULT %s timeout\n", name);
	} else if (WIFSIGNALED(status)) {
		printf("RESULT %s signal %d\n", name, WTERMSIG(status));
	} else {
		printf("RESULT %s exit %d\n", name, WEXITSTATUS(status));
	}
	fflush(stdout);
}

int main(void)
{
	char line[160], name[100];
	int seconds;
	FILE *list;

	sigemptyset(&child_ends);
	sigaddset(&child_ends, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_ends, NULL);
	prepare_tree();
	open_console();
	load_modules();
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TESTS-BEGIN\n");
	list = fopen("/tests/list", "re"); // no test may move its place
	if (!list) {
		printf("runner: /tests/list: %s\n", strerror(errno));
	}
	while (list && fgets(line, sizeof(line), list)) {
		if (sscanf(line, "%99s %d", name, &seconds) == 2) {
			run_test(name, seconds);
		}
	}
	printf("TESTS-END\n");
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	for (;;) {
		pause();
	}
}
