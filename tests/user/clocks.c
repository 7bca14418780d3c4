// SPDX-License-Identifier: MIT
/*
 * D4, T7, issue part 4: clock_gettime through the vDSO and by system call agree and never go
 * back, on any CPU; nanosleep and clock_nanosleep sleep long enough; CPU time clocks; errors.
 * libc: musl
 */
#include "raw.h"
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>

static long long to_ns(struct timespec t)
{
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static long long by_call(clockid_t clock)
{
	struct timespec t = {-1, -1};

	CHECK_EQ(syscall(SYS_clock_gettime, clock, &t), 0);
	CHECK(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
	return to_ns(t);
}

static long long by_library(clockid_t clock)
{
	struct timespec t = {-1, -1};

	CHECK_EQ(clock_gettime(clock, &t), 0);
	return to_ns(t);
}

static void check_agreement(void)
{
	clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME,
			      CLOCK_MONOTONIC_RAW};

	for (int i = 0; i < 4; i++) {
		for (int round = 0; round < 300; round++) {
			long long first = by_call(clocks[i]);
			long long second = by_library(clocks[i]);
			long long third = by_call(clocks[i]);

			CHECK(first <= second && second <= third);
		}
	}
	CHECK(by_call(CLOCK_REALTIME) / 1000000000 > 1600000000);
	CHECK(by_call(CLOCK_MONOTONIC_COARSE) <= by_call(CLOCK_MONOTONIC));
	CHECK(by_call(CLOCK_REALTIME_COARSE) <= by_call(CLOCK_REALTIME));
	struct timeval now;
	time_t seconds = time(NULL);
	CHECK_EQ(gettimeofday(&now, NULL), 0);
	CHECK(now.tv_sec - seconds <= 2 && now.tv_sec >= seconds - 1);
	ok("agreement");
}

static _Atomic long long newest;

static void *watch_clock(void *unused)
{
	(void)unused;
	for (int i = 0; i < 5000; i++) {
		long long seen = atomic_load(&newest);
		long long now = by_library(CLOCK_MONOTONIC);

		CHECK(now >= seen); // what another CPU read before is not later
		while (now > seen && !atomic_compare_exchange_weak(&newest, &seen, now)) {
		}
	}
	return NULL;
}

static void check_one_time_for_all(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++) {
		threads[i] = start_thread(watch_clock, NULL);
	}
	for (int i = 0; i < 4; i++) {
		join_thread(threads[i]);
	}
	ok("one_time_for_all");
}

static void check_sleeps(void)
{
	static const long lengths[] = {0, 1, 50000, 1000000, 5000000, 20000000};
	struct timespec when, left;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct timespec length = {0, lengths[i]};
		long long start = now_ns();

		CHECK_EQ(nanosleep(&length, &left), 0);
		CHECK(now_ns() - start >= lengths[i]);
		clock_gettime(CLOCK_MONOTONIC, &when);
		when.tv_nsec += lengths[i];
		if (when.tv_nsec >= 1000000000) {
			when.tv_nsec -= 1000000000;
			when.tv_sec++;
		}
		CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL), 0);
		CHECK(now_ns() >= to_ns(when));
	}
	when = (struct timespec){1, 0}; // long ago
	CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &when, NULL), 0);
	ok("sleeps");
}

static void check_errors(void)
{
	struct timespec bad = {0, 1000000000}, negative = {-1, 0}, t;

	CHECK_ERRNO(nanosleep(&bad, NULL), EINVAL);
	CHECK_ERRNO(nanosleep(&negative, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_nanosleep, 77, 0, &t, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_gettime, 77, &t), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, KERNEL_ADDRESS), EFAULT);
	CHECK_EQ(clock_getres(CLOCK_MONOTONIC, &t), 0);
	CHECK(t.tv_sec == 0 && t.tv_nsec >= 1);
	CHECK_EQ(syscall(SYS_clock_getres, CLOCK_MONOTONIC, NULL), 0);
	ok("errors");
}

static void do_nothing(int signal)
{
	(void)signal;
}

static void check_interrupted_sleep(void)
{
	struct sigaction action = {.sa_handler = do_nothing};
	/* Again and again: the first may come before the sleep has begun. */
	struct itimerval soon = {{0, 5000}, {0, 5000}}, never = {{0, 0}, {0, 0}};
	struct timespec length = {10, 0}, left = {0, 0};

	CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &soon, NULL), 0);
	CHECK_ERRNO(nanosleep(&length, &left), EINTR);
	CHECK_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
	CHECK(left.tv_sec == 9 && left.tv_nsec < 1000000000);
	ok("interrupted_sleep");
}

static void sleep_for_ever(void)
{
	struct timespec never = {INT64_MAX, 0};

	syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &never,
		NULL);
	_exit(1);
}

/* A time further off than the clock goes is no time that has come. */
static void check_endless_cpu_sleep(void)
{
	struct timespec second = {1, 0};
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		sleep_for_ever();
	}
	WAIT_UNTIL(process_state(child) == 'S');
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, SIGKILL);
	// -2: the running thread's own CPU clock, by number.
	CHECK_ERRNO(syscall(SYS_clock_nanosleep, -2, 0, &second, NULL), EINVAL);
	ok("endless_cpu_sleep");
}

static void check_cpu_time(void)
{
	long long process = by_call(CLOCK_PROCESS_CPUTIME_ID);
	long long thread = by_call(CLOCK_THREAD_CPUTIME_ID);
	struct rusage usage;
	struct tms spent;

	CHECK(by_call(CLOCK_PROCESS_CPUTIME_ID) >= thread);
	WAIT_UNTIL(by_call(CLOCK_THREAD_CPUTIME_ID) > thread + 30000000);
	CHECK(by_call(CLOCK_PROCESS_CPUTIME_ID) >= process + 30000000);
	CHECK_EQ(getrusage(RUSAGE_SELF, &usage), 0);
	CHECK(usage.ru_utime.tv_sec * 1000000ll + usage.ru_utime.tv_usec +
		      usage.ru_stime.tv_sec * 1000000ll + usage.ru_stime.tv_usec >=
	      20000);
	CHECK(times(&spent) != (clock_t)-1);
	CHECK(spent.tms_utime + spent.tms_stime >= 1);
	struct timespec pause = {0, 20000000};
	thread = by_call(CLOCK_THREAD_CPUTIME_ID);
	nanosleep(&pause, NULL);
	CHECK(by_call(CLOCK_THREAD_CPUTIME_ID) - thread <
	      20000000); // sleeping costs nothing
	ok("cpu_time");
}

int main(void)
{
	check_agreement();
	check_one_time_for_all();
	check_sleeps();
	check_errors();
	check_interrupted_sleep();
	check_endless_cpu_sleep();
	check_cpu_time();
	return 0;
}
