// SPDX-License-Identifier: MIT
/*
 * Time namespaces: offsets, who comes into one and when, what is shifted and what is not (C8, R1, R6).
 * libc: musl
 */
#include "raw.h"
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>

#ifndef CLONE_NEWTIME
#	define CLONE_NEWTIME 0x80
#endif
#define SECOND 1000000000ll

enum { MONOTONIC_OFFSET = 5000, BOOTTIME_OFFSET = 900000, SLACK = 600, SHORT = 20000000 };

static long long clock_ns(int clock)
{
	struct timespec now;

	CHECK_EQ(clock_gettime(clock, &now), 0);
	return now.tv_sec * SECOND + now.tv_nsec;
}

static long long kernel_clock_ns(int clock)
{
	struct timespec now;

	CHECK_EQ(syscall(SYS_clock_gettime, clock, &now), 0);
	return now.tv_sec * SECOND + now.tv_nsec;
}

static struct timespec to_timespec(long long ns)
{
	return (struct timespec){.tv_sec = ns / SECOND, .tv_nsec = ns % SECOND};
}

static unsigned long link_number(const char *name)
{
	struct stat status;

	CHECK_EQ(stat(name, &status), 0);
	return status.st_ino;
}

#define TIME_LINK     link_number("/proc/self/ns/time")
#define CHILDREN_LINK link_number("/proc/self/ns/time_for_children")

static void read_offsets(char *to, size_t size)
{
	int fd = open("/proc/self/timens_offsets", O_RDONLY);
	ssize_t length;

	CHECK(fd >= 0);
	length = read(fd, to, size - 1);
	CHECK(length > 0);
	to[length] = 0;
	close(fd);
}

static int write_offsets(const char *text)
{
	int fd = open("/proc/self/timens_offsets", O_WRONLY), saved;
	ssize_t length;

	CHECK(fd >= 0);
	length = write(fd, text, strlen(text));
	saved = errno;
	close(fd);
	errno = saved;
	return length == (ssize_t)strlen(text) ? 0 : -1;
}

static void expect_offsets(const char *wanted)
{
	char text[256];

	read_offsets(text, sizeof(text));
	CHECK_EQ(strcmp(text, wanted), 0);
}

static void set_offsets(void)
{
	static const char *const bad[] = {
		"monotonic",
		"monotonic 5",
		"monotonic x 0",
		"monotonic 5 x",
		"realtime 5 0",
		"0 5 0",
		"monotonic 5 1000000000",
		"monotonic 5 -1",
		"boottime 1 0\nnothing 1 0",
	};
	char huge[64];

	expect_offsets(
		"monotonic           0         0\nboottime            0         0\n");
	CHECK_ERRNO(write_offsets("monotonic 1 0"), EACCES); // the first has been entered
	CHECK_EQ(unshare(CLONE_NEWTIME), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_ERRNO(write_offsets(bad[i]), EINVAL);
	}
	CHECK_ERRNO(write_offsets("monotonic -400000000 0"), ERANGE);
	CHECK_ERRNO(write_offsets("boottime 9223372036 0"), ERANGE);
	CHECK_ERRNO(write_offsets("boottime 5000000000 0"), ERANGE);
	CHECK_ERRNO(write_offsets("boottime 7 0\nmonotonic -400000000 0"), ERANGE);
	snprintf(huge, sizeof(huge), "boottime %lld 0", INT64_MAX);
	CHECK_ERRNO(write_offsets(huge), ERANGE);
	expect_offsets(
		"monotonic           0         0\nboottime            0         0\n");
	CHECK_EQ(write_offsets("monotonic 5 7\n"), 0);
	CHECK_EQ(write_offsets("7 -0 5\n1 12 999999999\n"), 0);
	expect_offsets(
		"monotonic          12 999999999\nboottime            0         5\n");
	CHECK_EQ(write_offsets("boottime 900000 0\n"), 0);
	expect_offsets(
		"monotonic          12 999999999\nboottime       900000         0\n");
	CHECK_EQ(in_child((void (*)(void))getpid), 0); // somebody enters
	CHECK_ERRNO(write_offsets("boottime 1 0\n"), EACCES);
	CHECK_ERRNO(write_offsets("boottime\n"), EINVAL);
}

static void write_as_nobody(void)
{
	int fd, given;

	CHECK_EQ(unshare(CLONE_NEWTIME), 0);
	given = open("/proc/self/timens_offsets", O_WRONLY);
	CHECK(given >= 0);
	CHECK_EQ(setuid(65534), 0);
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0); // its files in /proc are its own
	fd = open("/proc/self/timens_offsets", O_WRONLY);
	CHECK(fd >= 0);
	CHECK_ERRNO(write(fd, "monotonic 5 0", 13), EPERM);
	CHECK_EQ(write(given, "monotonic 5 0", 13), 13); // who opened it counts
	CHECK_EQ(write(given, "monotonic 5 0", 13), 13);
	expect_offsets(
		"monotonic           5         0\nboottime            0         0\n");
	CHECK_ERRNO(unshare(CLONE_NEWTIME), EPERM);
	CHECK_ERRNO(setns(open("/proc/self/ns/time", O_RDONLY), CLONE_NEWTIME), EPERM);
}

/* Of the outside, before. */
static struct outside {
	long long monotonic, boottime, realtime, coarse, raw;
	long uptime, btime;
	unsigned long number, children;
} outside;

static long read_btime(void)
{
	static char text[65536];
	int fd = open("/proc/stat", O_RDONLY);
	ssize_t length = read(fd, text, sizeof(text) - 1);
	const char *at;

	CHECK(length > 0);
	text[length] = 0;
	close(fd);
	at = strstr(text, "\nbtime ");
	CHECK(at);
	return atol(at + 7);
}

static void look_outside(void)
{
	struct sysinfo info;

	CHECK_EQ(sysinfo(&info), 0);
	outside.uptime = info.uptime;
	outside.btime = read_btime();
	outside.monotonic = clock_ns(CLOCK_MONOTONIC);
	outside.coarse = clock_ns(CLOCK_MONOTONIC_COARSE);
	outside.raw = clock_ns(CLOCK_MONOTONIC_RAW);
	outside.boottime = clock_ns(CLOCK_BOOTTIME);
	outside.realtime = clock_ns(CLOCK_REALTIME);
	outside.number = TIME_LINK;
	outside.children = CHILDREN_LINK;
}

static bool shifted(long long now, long long before, long long seconds)
{
	long long least = before + seconds * SECOND;

	return now >= least && now < least + SLACK * SECOND;
}

static void expect_clock(int clock, long long before, long long seconds)
{
	CHECK(shifted(clock_ns(clock), before, seconds));
	CHECK(shifted(kernel_clock_ns(clock), before, seconds));
}

static void expect_clocks(long long monotonic, long long boottime)
{
	struct sysinfo info;

	expect_clock(CLOCK_MONOTONIC, outside.monotonic, monotonic);
	expect_clock(CLOCK_MONOTONIC_COARSE, outside.coarse, monotonic);
	expect_clock(CLOCK_MONOTONIC_RAW, outside.raw, monotonic);
	expect_clock(CLOCK_BOOTTIME, outside.boottime, boottime);
	expect_clock(CLOCK_REALTIME, outside.realtime, 0);
	CHECK_EQ(sysinfo(&info), 0);
	CHECK(info.uptime >= outside.uptime + boottime &&
	      info.uptime < outside.uptime + boottime + SLACK);
	CHECK(labs(read_btime() + boottime - outside.btime) <= 2);
}

static void make_shifted(void)
{
	char text[128];

	look_outside();
	CHECK_EQ(unshare(CLONE_NEWTIME), 0);
	snprintf(text, sizeof(text), "monotonic %d 0\nboottime %d 0\n", MONOTONIC_OFFSET,
		 BOOTTIME_OFFSET);
	CHECK_EQ(write_offsets(text), 0);
	CHECK_EQ(TIME_LINK, outside.number);
	CHECK(CHILDREN_LINK != outside.children);
}

static void expect_inside(void)
{
	CHECK_EQ(TIME_LINK, CHILDREN_LINK);
	CHECK(TIME_LINK != outside.number);
	expect_clocks(MONOTONIC_OFFSET, BOOTTIME_OFFSET);
}

static void *look_in_thread(void *unused)
{
	expect_clocks(0, 0);
	return unused;
}

static void be_forked(void)
{
	make_shifted();
	expect_clocks(0, 0);
	join_thread(start_thread(look_in_thread, NULL));
	must_pass_in_child(expect_inside);
	expect_clocks(0, 0);
	// Another one starts with the offsets of the last.
	CHECK_EQ(unshare(CLONE_NEWTIME), 0);
	CHECK(CHILDREN_LINK != outside.children);
	expect_offsets(
		"monotonic        5000         0\nboottime       900000         0\n");
}

static int be_spawned(void *unused)
{
	static char arguments[3][32];
	char *const list[] = {arguments[0], arguments[1], arguments[2], NULL};

	// Memory is shared still: so is the clock.
	expect_clocks(0, 0);
	strcpy(arguments[0], "time_namespaces");
	snprintf(arguments[1], sizeof(arguments[1]), "%lld", outside.monotonic);
	snprintf(arguments[2], sizeof(arguments[2]), "%lu", outside.number);
	execv("/proc/self/exe", list);
	return unused != NULL || 1;
}

/* The program started by be_spawned. */
static int report(char **arguments)
{
	CHECK(TIME_LINK != strtoul(arguments[2], NULL, 10));
	CHECK_EQ(TIME_LINK, CHILDREN_LINK);
	expect_clock(CLOCK_MONOTONIC, atoll(arguments[1]), MONOTONIC_OFFSET);
	return 0;
}

static void be_executed(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	struct clone_args args = {.flags = CLONE_VM | CLONE_VFORK,
				  .exit_signal = SIGCHLD,
				  .stack = (uintptr_t)stack,
				  .stack_size = sizeof(stack)};
	long child;
	int status;

	make_shifted();
	child = clone3_call(&args, sizeof(args), be_spawned, NULL);
	CHECK(child > 0);
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 0);
	expect_clocks(0, 0);
	be_spawned(NULL); // execve without a fork enters too
	CHECK(!"execve does not come back");
}

static int see_new_links(void *shared)
{
	((unsigned long *)shared)[0] = TIME_LINK;
	((unsigned long *)shared)[1] = CHILDREN_LINK;
	return 0;
}

static void be_cloned(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	unsigned long *numbers = shared_page();
	struct clone_args args = {.flags = CLONE_NEWTIME,
				  .exit_signal = SIGCHLD,
				  .stack = (uintptr_t)stack,
				  .stack_size = sizeof(stack)};
	int status;
	long child = clone3_call(&args, sizeof(args), see_new_links, numbers);

	CHECK(child > 0);
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_EQ(numbers[0], numbers[1]);
	CHECK(numbers[0] != TIME_LINK);
	CHECK_EQ(CHILDREN_LINK, TIME_LINK);
}

/* ---- absolute times, inside ---- */

static void sleep_until(int clock)
{
	long long target = clock_ns(clock) + SHORT, start = clock_ns(CLOCK_REALTIME);
	struct timespec when = to_timespec(target);

	CHECK_EQ(clock_nanosleep(clock, TIMER_ABSTIME, &when, NULL), 0);
	CHECK(clock_ns(clock) >= target);
	when = to_timespec(1);
	CHECK_EQ(clock_nanosleep(clock, TIMER_ABSTIME, &when, NULL), 0);
	CHECK(clock_ns(CLOCK_REALTIME) - start < SLACK * SECOND);
}

static void use_timerfd(int clock)
{
	int fd = timerfd_create(clock, 0);
	long long target = clock_ns(clock) + SHORT;
	struct itimerspec value = {.it_value = to_timespec(target)}, now;
	uint64_t count;

	CHECK(fd >= 0);
	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &value, NULL), 0);
	CHECK_EQ(read(fd, &count, sizeof(count)), sizeof(count));
	CHECK_EQ(count, 1);
	CHECK(clock_ns(clock) >= target);
	value.it_value = to_timespec(clock_ns(clock) + 100 * SECOND);
	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &value, NULL), 0);
	CHECK_EQ(timerfd_gettime(fd, &now), 0);
	CHECK(now.it_value.tv_sec <= 100 && now.it_value.tv_sec > 0);
	value.it_value = to_timespec(1); // long ago: at once
	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &value, NULL), 0);
	CHECK_EQ(read(fd, &count, sizeof(count)), sizeof(count));
	value.it_value.tv_nsec = SECOND;
	CHECK_ERRNO(timerfd_settime(fd, TFD_TIMER_ABSTIME, &value, NULL), EINVAL);
	close(fd);
}

static void use_timer(int clock)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	long long target = clock_ns(clock) + SHORT;
	struct itimerspec value = {.it_value = to_timespec(target)};
	sigset_t set;
	timer_t timer;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(timer_create(clock, &event, &timer), 0);
	CHECK_EQ(timer_settime(timer, TIMER_ABSTIME, &value, NULL), 0);
	CHECK_EQ(sigwait(&set, &number), 0);
	CHECK(clock_ns(clock) >= target);
	CHECK_EQ(timer_delete(timer), 0);
}

static void use_futex(void)
{
	uint32_t word = 0;
	long long target = clock_ns(CLOCK_MONOTONIC) + SHORT;
	struct timespec when = to_timespec(target);

	CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, &when, NULL, ~0u),
		    ETIMEDOUT);
	CHECK(clock_ns(CLOCK_MONOTONIC) >= target);
	when = to_timespec(clock_ns(CLOCK_REALTIME) + SHORT);
	CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0,
			  &when, NULL, ~0u),
		    ETIMEDOUT);
}

static void wait_absolutely(void)
{
	sleep_until(CLOCK_MONOTONIC);
	sleep_until(CLOCK_BOOTTIME);
	sleep_until(CLOCK_REALTIME);
	use_timerfd(CLOCK_MONOTONIC);
	use_timerfd(CLOCK_BOOTTIME);
	use_timer(CLOCK_MONOTONIC);
	use_timer(CLOCK_BOOTTIME);
	use_futex();
}

static void use_absolute_times(void)
{
	make_shifted();
	must_pass_in_child(wait_absolutely);
}

static void see_earlier(void)
{
	CHECK(clock_ns(CLOCK_MONOTONIC) < outside.monotonic);
	CHECK(kernel_clock_ns(CLOCK_MONOTONIC) < outside.monotonic);
	wait_absolutely();
}

/* A clock that was set back: as processes have it that moved here from another machine. */
static void use_negative_offset(void)
{
	char text[64];

	look_outside();
	CHECK_EQ(unshare(CLONE_NEWTIME), 0);
	// Half of it, at least a second more than this test takes.
	snprintf(text, sizeof(text), "monotonic %lld %lld",
		 -(outside.monotonic / 2 / SECOND) - 1,
		 SECOND - outside.monotonic / 2 % SECOND - 1);
	CHECK_EQ(write_offsets(text), 0);
	must_pass_in_child(see_earlier);
}

/* ---- setns ---- */

static void *try_to_enter(void *fd)
{
	CHECK_ERRNO(setns((int)(intptr_t)fd, CLONE_NEWTIME), EUSERS);
	return NULL;
}

static void enter(void)
{
	int fd, back = open("/proc/self/ns/time", O_RDONLY);

	make_shifted();
	fd = open("/proc/self/ns/time_for_children", O_RDONLY);
	CHECK(fd >= 0);
	join_thread(start_thread(try_to_enter, (void *)(intptr_t)fd));
	CHECK_ERRNO(setns(fd, CLONE_NEWUTS), EINVAL);
	WAIT_UNTIL(setns(fd, CLONE_NEWTIME) == 0); // once the thread is quite gone
	expect_inside();
	must_pass_in_child(expect_inside);
	CHECK_ERRNO(write_offsets("monotonic 1 0"), EACCES);
	CHECK_EQ(setns(back, 0), 0);
	CHECK_EQ(TIME_LINK, outside.number);
	expect_clocks(0, 0);
}

int main(int count, char **arguments)
{
	if (count == 3) {
		return report(arguments);
	}
	if (geteuid() != 0 || access("/proc/self/timens_offsets", F_OK)) {
		skip("needs time namespaces, and the right to make them");
	}
	must_pass_in_child(set_offsets);
	must_pass_in_child(write_as_nobody);
	ok("offsets");
	must_pass_in_child(be_forked);
	ok("fork");
	must_pass_in_child(be_executed);
	ok("execve");
	must_pass_in_child(be_cloned);
	ok("clone");
	must_pass_in_child(use_absolute_times);
	ok("absolute");
	must_pass_in_child(use_negative_offset);
	ok("negative");
	must_pass_in_child(enter);
	ok("setns");
	return 0;
}
