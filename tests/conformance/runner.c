// SPDX-License-Identifier: MIT
/*
 * pid 1 of the guests of run-conformance: runs the programs of /tests/list, HEDDLE_LANES of them side by side.
 *
 * The list holds lines `NAME SECONDS`; the program is /tests/NAME. It gets process ids, System V IPC, /tmp and /dev/shm of
 * its own, so that programs that use the same names do not meet, and nobody it leaves behind outlives it. For each one:
 *   BEGIN NAME, the end of what it wrote, RESULT NAME exit N | signal N | timeout
 * in one piece when it has ended; with one lane BEGIN comes before it starts. Then TESTS-END.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST_LANES 32
#define SHOWN      3000 /* bytes of a program's output that are passed on, its last */
#define SET_UP     125  /* a program's status when it could not be started */

static struct lane {
	pid_t keeper; /* 0: nobody runs here */
	char name[100];
	int output;
	int *status; /* the program's wait status, written by its keeper; -1 before */
	time_t deadline;
} lanes[MOST_LANES];

static int lane_count = 1, running;
static sigset_t child_ends; /* SIGCHLD, which is blocked but in the programs */

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

static void mount_one(const char *type, const char *where, const char *data)
{
	mkdir(where, 0755);
	if (mount("none", where, type, 0, data) != 0) {
		printf("runner: mount %s on %s: %s\n", type, where, strerror(errno));
	}
}

static void open_console(void)
{
	int console = open("/dev/console", O_RDWR);

	for (int fd = 0; console >= 0 && fd < 3; fd++) {
		dup2(console, fd);
	}
	if (console > 2) {
		close(console);
	}
}

static void prepare(void)
{
	struct sched_param first = {.sched_priority = sched_get_priority_max(SCHED_FIFO)};
	const char *count = getenv("HEDDLE_LANES");

	sigemptyset(&child_ends);
	sigaddset(&child_ends, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_ends, NULL);
	mount_one("devtmpfs", "/dev", NULL);
	mount_one("proc", "/proc", NULL);
	mount_one("sysfs", "/sys", NULL);
	mount_one("tmpfs", "/tmp", "mode=1777");
	mount_one("devpts", "/dev/pts", "mode=620");
	mount_one("tmpfs", "/dev/shm", "mode=1777");
	open_console();
	setvbuf(stdout, NULL, _IOLBF, 0);
	lane_count = count ? atoi(count) : 1;
	if (lane_count < 1 || lane_count > MOST_LANES) {
		lane_count = 1;
	}
	// Who keeps the deadlines comes before programs that try real-time classes.
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first) != 0) {
		printf("runner: sched_setscheduler: %s\n", strerror(errno));
	}
	for (int i = 0; i < lane_count; i++) {
		lanes[i].status = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	}
}

static void become_program(const struct lane *lane)
{
	char path[128];
	char *arguments[] = {path, NULL};
	char *environment[] = {"PATH=/bin:/usr/bin", "HOME=/", "TERM=dumb", NULL};

	snprintf(path, sizeof(path), "/tests/%s", lane->name);
	sigprocmask(SIG_UNBLOCK, &child_ends, NULL);
	setsid();
	dup2(open("/dev/null", O_RDWR), 0);
	dup2(lane->output, 1);
	dup2(lane->output, 2);
	for (int fd = 3; fd < 64; fd++) {
		close(fd);
	}
	execve(path, arguments, environment);
	dprintf(2, "runner: execve %s: %s\n", path, strerror(errno));
	_exit(SET_UP + 1);
}

/* pid 1 of a program's own process ids: it waits for the program, and its end ends who is left. */
static int keep(void *argument)
{
	const struct lane *lane = argument;
	int status;

	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (mount("none", "/tmp", "tmpfs", 0, "mode=1777") != 0 ||
	    mount("none", "/dev/shm", "tmpfs", 0, "mode=1777") != 0 ||
	    mount("none", "/proc", "proc", 0, NULL) != 0 || chdir("/tmp") != 0) {
		dprintf(lane->output, "runner: mounts of %s: %s\n", lane->name,
			strerror(errno));
		_exit(SET_UP);
	}
	pid_t child = fork();

	if (child == 0) {
		become_program(lane);
	}
	for (;;) {
		pid_t ended = waitpid(-1, &status, 0);

		if (ended == child) {
			*lane->status = status;
		}
		if (ended == child || (ended < 0 && errno != EINTR)) {
			_exit(ended == child ? 0 : SET_UP);
		}
	}
}

static void start(struct lane *lane, const char *name, int seconds)
{
	const int apart = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC;

	snprintf(lane->name, sizeof(lane->name), "%s", name);
	*lane->status = -1;
	lane->output = (int)syscall(SYS_memfd_create, "output", 0);
	lane->deadline = now() + seconds;
	if (lane_count == 1) {
		printf("BEGIN %s\n", name);
	}
	fflush(stdout);
	lane->keeper = (pid_t)syscall(SYS_clone, apart | SIGCHLD, NULL, NULL, NULL, NULL);
	if (lane->keeper == 0) {
		keep(lane);
	}
	running++;
	if (lane->keeper < 0) {
		printf("runner: clone for %s: %s\n", name, strerror(errno));
		sync();
		reboot(RB_POWER_OFF);
	}
}

/* Show what the program wrote, and how it ended. */
static void report(struct lane *lane, int timed_out)
{
	static char text[SHOWN + 1];
	off_t size = lseek(lane->output, 0, SEEK_END);
	ssize_t got = pread(lane->output, text, SHOWN, size > SHOWN ? size - SHOWN : 0);
	int status = *lane->status;

	text[got > 0 ? got : 0] = '\0';
	if (lane_count > 1) {
		printf("BEGIN %s\n", lane->name);
	}
	printf("%s%sRESULT %s ", text, got > 0 && text[got - 1] != '\n' ? "\n" : "",
	       lane->name);
	if (status == -1) {
		printf("%s\n", timed_out ? "timeout" : "lost");
	} else if (WIFSIGNALED(status)) {
		printf("signal %d\n", WTERMSIG(status));
	} else {
		printf("exit %d\n", WEXITSTATUS(status));
	}
	fflush(stdout);
	close(lane->output);
	lane->keeper = 0;
	running--;
}

/* Wait until a lane is free, and return it; NULL when nobody runs any more and `all` was asked for. */
static struct lane *wait_for_lane(int all)
{
	const struct timespec second = {1, 0};

	for (;;) {
		for (int i = 0; i < lane_count; i++) {
			struct lane *lane = &lanes[i];
			int late = lane->keeper && now() >= lane->deadline;

			if (late) {
				kill(lane->keeper, SIGKILL);
			}
			if (lane->keeper && waitpid(lane->keeper, NULL,
						    late ? 0 : WNOHANG) == lane->keeper) {
				report(lane, late);
			}
		}
		for (int i = 0; i < lane_count && !all; i++) {
			if (!lanes[i].keeper) {
				return &lanes[i];
			}
		}
		if (all && running == 0) {
			return NULL;
		}
		sigtimedwait(&child_ends, NULL, &second);
	}
}

int main(void)
{
	char line[160], name[100];
	int seconds;

	prepare();
	printf("TESTS-BEGIN\n");
	FILE *list = fopen("/tests/list", "r");

	if (!list) {
		printf("runner: /tests/list: %s\n", strerror(errno));
	}
	while (list && fgets(line, sizeof(line), list)) {
		if (sscanf(line, "%99s %d", name, &seconds) == 2) {
			start(wait_for_lane(0), name, seconds);
		}
	}
	wait_for_lane(1);
	printf("TESTS-END\n");
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	for (;;) {
		pause();
	}
}
