// SPDX-License-Identifier: MIT
/*
 * D4, T7: however short a timer's interval, it interrupts no more often than its signals are taken: what it would have expired
 * meanwhile is counted. Timers whose signals are blocked, ignored or none, ITIMER_REAL, timerfds.
 * deadline: 60
 */
#include "test.h"
#include <limits.h>
#include <sys/resource.h>
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

static void nothing(int signal)
{
	(void)signal;
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
		CHECK(now.it_value.tv_sec == 0 && now.it_value.tv_nsec > 0 &&
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

/* The rhythm is that of the point it was set to, however long ago that was. */
static void check_rhythm(void)
{
	const long second = 1000 * MILLISECOND;
	struct itimerspec full = {{1, 0}, {0, 1}}, now;
	timer_t timer = make(CLOCK_REALTIME, SIGEV_SIGNAL, SIGUSR1, 4);
	int fd = timerfd_create(CLOCK_REALTIME, 0);
	struct timespec time;
	uint64_t count;
	siginfo_t info;

	block(SIG_BLOCK, SIGUSR1);
	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &time), 0);
	CHECK_EQ(timer_settime(timer, TIMER_ABSTIME, &full, NULL), 0);
	CHECK_EQ(take(SIGUSR1, &info, 10), SIGUSR1);
	CHECK(info.si_overrun >= time.tv_sec && info.si_overrun <= time.tv_sec + 10);
	CHECK_EQ(take(SIGUSR1, &info, 10), SIGUSR1);
	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &time), 0);
	CHECK_EQ(timer_gettime(timer, &now), 0);
	CHECK(time.tv_nsec + now.it_value.tv_nsec <= second + 1);
	CHECK_EQ(timer_settime(timer, 0, &(struct itimerspec){{0, 0}, {100, 0}}, NULL),
		 0);
	CHECK_EQ(timer_getoverrun(timer), 0);
	CHECK_EQ(timer_delete(timer), 0);
	CHECK(fd >= 0);
	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &full, NULL), 0);
	CHECK_EQ(read(fd, &count, sizeof(count)), sizeof(count));
	CHECK(count > (uint64_t)time.tv_sec && count <= (uint64_t)time.tv_sec + 10);
	full.it_interval.tv_sec = LONG_MAX; // is not off
	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &full, NULL), 0);
	CHECK_EQ(read(fd, &count, sizeof(count)), sizeof(count));
	CHECK_EQ(count, 1);
	CHECK_EQ(timerfd_gettime(fd, &now), 0);
	CHECK(now.it_value.tv_sec > 1000000000);
	close(fd);
	ok("rhythm");
}

/* A timer whose signal was dropped by a stop's opposite takes nothing back when it is sent again. */
static void check_stop_kept(void)
{
	timer_t timer = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGCONT, 4);
	struct itimerspec rare = {{100, 0}, {0, 1}};
	siginfo_t info;

	block(SIG_BLOCK, SIGCONT);
	block(SIG_BLOCK, SIGTSTP);
	CHECK(signal(SIGCONT, SIG_IGN) != SIG_ERR);
	block(SIG_UNBLOCK, SIGCONT);
	CHECK_EQ(timer_settime(timer, 0, &rare, NULL), 0);
	rest(MILLISECOND);
	CHECK_EQ(kill(getpid(), SIGTSTP), 0);
	block(SIG_BLOCK, SIGCONT);
	CHECK(signal(SIGCONT, nothing) != SIG_ERR);
	CHECK_EQ(take(SIGCONT, &info, 10), SIGCONT);
	CHECK_EQ(take(SIGTSTP, &info, 0), SIGTSTP);
	CHECK_EQ(timer_delete(timer), 0);
	CHECK(signal(SIGCONT, SIG_DFL) != SIG_ERR);
	block(SIG_UNBLOCK, SIGCONT);
	block(SIG_UNBLOCK, SIGTSTP);
	ok("stop_kept");
}

/* One more than may be queued comes without information, and is not one more. */
static void check_queue_full(void)
{
	struct rlimit limit, few;
	siginfo_t info;
	int queued = 0;

	CHECK_EQ(getrlimit(RLIMIT_SIGPENDING, &limit), 0);
	few = (struct rlimit){20, limit.rlim_max};
	CHECK_EQ(setrlimit(RLIMIT_SIGPENDING, &few), 0);
	block(SIG_BLOCK, SIGRTMIN);
	while (sigqueue(getpid(), SIGRTMIN, (union sigval){queued + 1}) == 0) {
		queued++;
	}
	CHECK_EQ(errno, EAGAIN);
	CHECK(queued <= 20);
	if (queued) {
		CHECK_EQ(kill(getpid(), SIGRTMIN), 0);
	}
	for (int i = 0; i < queued; i++) {
		CHECK_EQ(take(SIGRTMIN, &info, 0), SIGRTMIN);
		CHECK_EQ(info.si_value.sival_int, i + 1);
	}
	CHECK_EQ(take(SIGRTMIN, &info, 0), -1);
	CHECK_EQ(setrlimit(RLIMIT_SIGPENDING, &limit), 0);
	ok("queue_full");
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

/* What another process used while the signal waited counts. */
static void check_other_cpu_time(void)
{
	struct itimerspec each = {{0, MILLISECOND}, {0, MILLISECOND}};
	pid_t child = fork();
	struct timespec used;
	clockid_t clock;
	siginfo_t info;
	timer_t timer;

	CHECK(child >= 0);
	while (child == 0) {
	}
	CHECK_EQ(clock_getcpuclockid(child, &clock), 0);
	timer = make(clock, SIGEV_SIGNAL, SIGUSR1, 7);
	CHECK_EQ(timer_settime(timer, 0, &each, NULL), 0);
	do {
		rest(10 * MILLISECOND);
		CHECK_EQ(clock_gettime(clock, &used), 0);
	} while (used.tv_sec == 0 && used.tv_nsec < 300 * MILLISECOND);
	CHECK_EQ(take(SIGUSR1, &info, 10), SIGUSR1);
	CHECK(info.si_overrun > 150);
	CHECK_EQ(timer_delete(timer), 0);
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	ok("other_cpu_time");
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
	check_rhythm();
	check_stop_kept();
	check_queue_full();
	check_cpu_time();
	check_other_cpu_time();
	return 0;
}
