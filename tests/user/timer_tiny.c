// SPDX-License-Identifier: MIT
/*
 * D4, T7: however short a timer's interval, it interrupts no more often than its signals are taken: what it would have expired
 * meanwhile is counted. Timers whose signals are blocked, ignored or none, ITIMER_REAL, timerfds.
 * deadline: 60
 */
#include "test.h"
#include <sys/time.h>
#include <sys/timerfd.h>

enum { TIMERS = 8, MILLISECOND = 1000000, QUIET_NS = 200 * MILLISECOND, INTERVAL_NS = 2 };

static const struct itimerspec tiny = {{0, INTERVAL_NS}, {0, 1}};
static const struct itimerspec off;

/* Of all CPUs, by their timers. */
static long interrupts(void)
{
	FILE *file = fopen("/proc/interrupts", "r");
	char line[1024];
	long sum = 0;

	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		char *at = strchr(line, ':'), *end;

		if (!at || !strcasestr(line, "timer")) {
			continue;
		}
		for (at++;; at = end) {
			long count = strtol(at, &end, 10);

			if (end == at) {
				break;
			}
			sum += count;
		}
	}
	fclose(file);
	return sum;
}

static void rest(long nanoseconds)
{
	struct timespec time = {0, nanoseconds};

	CHECK_EQ(nanosleep(&time, NULL), 0);
}

/* Few interrupts, while the timers that are set have nobody to tell. */
static void check_quiet(const char *name)
{
	long long start = now_ns();
	long count = interrupts(), took;

	rest(QUIET_NS);
	count = interrupts() - count;
	took = (long)((now_ns() - start) / MILLISECOND);
	printf("# %s: %ld interrupts in %ld ms\n", name, count, took);
	fflush(stdout);
	// A busy Linux ticks on every CPU, and others sleep there.
	CHECK(count < (2 + 2 * sysconf(_SC_NPROCESSORS_ONLN)) * took);
	ok(name);
}

static sigset_t set_of(int signal)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	return set;
}

static void block(int how, int signal)
{
	sigset_t set = set_of(signal);

	CHECK_EQ(sigprocmask(how, &set, NULL), 0);
}

/* The signal, if it is pending within so many seconds. */
static int take(int signal, siginfo_t *info, int seconds)
{
	sigset_t set = set_of(signal);
	struct timespec limit = {seconds, 0};

	return sigtimedwait(&set, info, &limit);
}

static timer_t make(clockid_t clock, int notify, int signal, int value)
{
	struct sigevent event = {.sigev_notify = notify, .sigev_signo = signal};
	timer_t timer;

	event.sigev_value.sival_int = value;
	CHECK_EQ(timer_create(clock, &event, &timer), 0);
	return timer;
}

static void check_timers(const char *name, int notify, int signal)
{
	timer_t timers[TIMERS];

	for (int i = 0; i < TIMERS; i++) {
		timers[i] = make(CLOCK_MONOTONIC, notify, signal, i);
		CHECK_EQ(timer_settime(timers[i], 0, &tiny, NULL), 0);
	}
	check_quiet(name);
	for (int i = 0; i < TIMERS; i++) {
		struct itimerspec now;

		CHECK_EQ(timer_gettime(timers[i], &now), 0);
		CHECK_EQ(now.it_interval.tv_nsec, INTERVAL_NS);
		CHECK(now.it_value.tv_sec == 0 && now.it_value.tv_nsec >= 0 &&
		      now.it_value.tv_nsec <= INTERVAL_NS);
		CHECK_EQ(timer_delete(timers[i]), 0);
	}
}

static void check_interval_timer(void)
{
	struct itimerval value = {{0, 1}, {0, 1}}, none = {0}, now;
	siginfo_t info;

	block(SIG_BLOCK, SIGALRM);
	CHECK_EQ(setitimer(ITIMER_REAL, &value, NULL), 0);
	check_quiet("interval_timer_blocked");
	for (int i = 0; i < 3; i++) { // it goes on each time
		CHECK_EQ(take(SIGALRM, &info, 10), SIGALRM);
		CHECK_EQ(info.si_code, SI_KERNEL);
	}
	CHECK(signal(SIGALRM, SIG_IGN) != SIG_ERR);
	CHECK_EQ(setitimer(ITIMER_REAL, &value, NULL), 0);
	block(SIG_UNBLOCK, SIGALRM);
	check_quiet("interval_timer_ignored");
	CHECK_EQ(getitimer(ITIMER_REAL, &now), 0);
	CHECK_EQ(now.it_interval.tv_usec, 1);
	CHECK_EQ(setitimer(ITIMER_REAL, &none, NULL), 0);
	CHECK(signal(SIGALRM, SIG_DFL) != SIG_ERR);
}

static void check_descriptor(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	struct itimerspec now;
	long long before, after;
	uint64_t count;

	CHECK(fd >= 0);
	before = now_ns();
	CHECK_EQ(timerfd_settime(fd, 0, &tiny, NULL), 0);
	check_quiet("descriptor");
	CHECK_EQ(read(fd, &count, sizeof(count)), sizeof(count));
	CHECK(count >= QUIET_NS / INTERVAL_NS);
	CHECK_EQ(read(fd, &count, sizeof(count)), sizeof(count)); // it goes on
	CHECK_EQ(timerfd_gettime(fd, &now), 0);
	CHECK(now.it_value.tv_sec == 0 && now.it_value.tv_nsec <= INTERVAL_NS);
	rest(MILLISECOND);
	CHECK_EQ(read(fd, &count, sizeof(count)), sizeof(count));
	after = now_ns();
	CHECK(count >= 1 && count <= (uint64_t)(after - before) / INTERVAL_NS + 2);
	close(fd);
	ok("descriptor_counts");
}

static void check_overruns(void)
{
	timer_t timer = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 5);
	siginfo_t info;

	block(SIG_BLOCK, SIGUSR1);
	for (int i = 0; i < 3; i++) {
		long long before = now_ns(), set, overruns, after;

		CHECK_EQ(timer_settime(timer, 0, &tiny, NULL), 0);
		set = now_ns();
		rest(5 * MILLISECOND);
		overruns = (now_ns() - set) / INTERVAL_NS - 1;
		for (int signals = 0; signals < 2; signals++) {
			CHECK_EQ(take(SIGUSR1, &info, 10), SIGUSR1);
			after = now_ns();
			CHECK_EQ(info.si_code, SI_TIMER);
			CHECK_EQ(info.si_value.sival_int, 5);
			CHECK(info.si_overrun >= (signals ? 0 : overruns));
			CHECK(info.si_overrun <= (after - before) / INTERVAL_NS);
			CHECK_EQ(timer_getoverrun(timer), info.si_overrun);
		}
	}
	CHECK_EQ(timer_delete(timer), 0);
	CHECK_EQ(take(SIGUSR1, &info, 0), -1); // what was pending of it has gone
	ok("overruns");
}

/* What could not be told is told to who wants it. */
static void check_ignored(int default_of)
{
	timer_t timer = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, default_of, 6);
	siginfo_t info;

	CHECK(signal(default_of, SIG_IGN) != SIG_ERR);
	block(SIG_UNBLOCK, default_of);
	CHECK_EQ(timer_settime(timer, 0, &tiny, NULL), 0);
	rest(MILLISECOND);
	block(SIG_BLOCK, default_of);
	CHECK(signal(default_of, SIG_DFL) != SIG_ERR);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(take(default_of, &info, 10), default_of);
		CHECK_EQ(info.si_value.sival_int, 6);
	}
	CHECK_EQ(timer_delete(timer), 0);
	ok("ignored");
}

/* Each tells of itself, though they have one signal, which is not a real-time one. */
static void check_one_signal(void)
{
	struct itimerspec once = {{0, 0}, {0, 1}};
	timer_t timers[2];
	unsigned seen = 0;
	siginfo_t info;

	block(SIG_BLOCK, SIGUSR2);
	CHECK_EQ(kill(getpid(), SIGUSR2), 0);
	for (int i = 0; i < 2; i++) {
		timers[i] = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR2, i);
		CHECK_EQ(timer_settime(timers[i], 0, &once, NULL), 0);
	}
	rest(20 * MILLISECOND);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(take(SIGUSR2, &info, 0), SIGUSR2);
		seen |= info.si_code == SI_TIMER ? 1u << info.si_value.sival_int : 4;
	}
	CHECK_EQ(seen, 7);
	CHECK_EQ(take(SIGUSR2, &info, 0), -1);
	for (int i = 0; i < 2; i++) {
		struct itimerspec now;

		CHECK_EQ(timer_gettime(timers[i], &now), 0);
		CHECK_EQ(now.it_value.tv_nsec, 0);
		CHECK_EQ(timer_delete(timers[i]), 0);
	}
	ok("one_signal");
}

/* An alarm that is pending hides no timer, and goes with none. */
static void check_alarm(void)
{
	struct itimerval soon = {{0, 0}, {0, 1}};
	struct itimerspec once = {{0, 0}, {0, 1}};
	timer_t timer = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGALRM, 9);
	siginfo_t info;

	block(SIG_BLOCK, SIGALRM);
	for (int deleted = 0; deleted < 2; deleted++) {
		CHECK_EQ(setitimer(ITIMER_REAL, &soon, NULL), 0);
		rest(20 * MILLISECOND);
		CHECK_EQ(timer_settime(timer, 0, &once, NULL), 0);
		rest(20 * MILLISECOND);
		if (deleted) {
			CHECK_EQ(timer_delete(timer), 0);
		}
		CHECK_EQ(take(SIGALRM, &info, 0), SIGALRM);
		CHECK_EQ(info.si_code, SI_KERNEL);
		if (!deleted) {
			CHECK_EQ(take(SIGALRM, &info, 0), SIGALRM);
			CHECK_EQ(info.si_code, SI_TIMER);
		}
		CHECK_EQ(take(SIGALRM, &info, 0), -1);
	}
	ok("alarm");
}

/* On CPU time: the same, but time must be used. */
static void check_cpu_time(void)
{
	timer_t timer = make(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGUSR1, 8);
	long long start = now_ns();
	siginfo_t info;

	block(SIG_BLOCK, SIGUSR1);
	CHECK_EQ(timer_settime(timer, 0, &tiny, NULL), 0);
	while (now_ns() - start < 30 * MILLISECOND) {
	}
	CHECK_EQ(take(SIGUSR1, &info, 10), SIGUSR1);
	CHECK(info.si_overrun > 100);
	start = now_ns();
	while (now_ns() - start < 30 * MILLISECOND) {
	}
	CHECK_EQ(take(SIGUSR1, &info, 10), SIGUSR1); // it goes on
	CHECK_EQ(timer_settime(timer, 0, &off, NULL), 0);
	CHECK_EQ(timer_delete(timer), 0);
	ok("cpu_time");
}

int main(void)
{
	check_timers("none", SIGEV_NONE, 0);
	block(SIG_BLOCK, SIGUSR1);
	check_timers("blocked", SIGEV_SIGNAL, SIGUSR1);
	block(SIG_UNBLOCK, SIGUSR1);
	CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	check_timers("ignored_by_all", SIGEV_SIGNAL, SIGUSR1);
	CHECK(signal(SIGUSR1, SIG_DFL) != SIG_ERR);
	check_interval_timer();
	check_descriptor();
	check_overruns();
	check_ignored(SIGUSR1);
	check_one_signal();
	check_alarm();
	check_cpu_time();
	return 0;
}
