// SPDX-License-Identifier: MIT
/*
 * D4, T7: POSIX timers on CPU time, of the process and of one thread: they expire when so much has been used, neither before nor
 * while others run; intervals, absolute points, SIGEV_NONE, clocks by number.
 */
#include "test.h"

#define MILLISECOND 1000000ll

static _Atomic int expiries;

static void count(int signal)
{
	(void)signal;
	atomic_fetch_add(&expiries, 1);
}

static long long used(clockid_t clock)
{
	struct timespec now;

	CHECK_EQ(clock_gettime(clock, &now), 0);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static struct timespec span(long long ns)
{
	return (struct timespec){ns / 1000000000, ns % 1000000000};
}

static timer_t make(clockid_t clock, int notify)
{
	struct sigevent event = {.sigev_notify = notify, .sigev_signo = SIGUSR1};
	timer_t timer;

	event._sigev_un._tid = thread_id();
	CHECK_EQ(timer_create(clock, &event, &timer), 0);
	return timer;
}

static void set(timer_t timer, int flags, long long value, long long interval)
{
	struct itimerspec setting = {span(interval), span(value)};

	CHECK_EQ(timer_settime(timer, flags, &setting, NULL), 0);
}

static long long left(timer_t timer)
{
	struct itimerspec setting;

	CHECK_EQ(timer_gettime(timer, &setting), 0);
	return setting.it_value.tv_sec * 1000000000ll + setting.it_value.tv_nsec;
}

/* Compute until so many expiries have been seen. */
static void burn_until(int wanted)
{
	long long start = now_ns();

	while (atomic_load(&expiries) < wanted) {
		CHECK(now_ns() - start < WAIT_LIMIT_NS);
	}
}

static void *burn(void *length)
{
	long long end = used(CLOCK_THREAD_CPUTIME_ID) + *(long long *)length;

	while (used(CLOCK_THREAD_CPUTIME_ID) < end) {
	}
	return NULL;
}

static void check_once(clockid_t clock, int notify, const char *name)
{
	timer_t timer = make(clock, notify);

	CHECK_EQ(left(timer), 0);
	atomic_store(&expiries, 0);
	long long start = used(clock);

	set(timer, 0, 2000 * MILLISECOND, 0);
	CHECK(left(timer) > 0 && left(timer) <= 2000 * MILLISECOND);
	set(timer, 0, 20 * MILLISECOND, 0);
	burn_until(1);
	CHECK(used(clock) - start >= 20 * MILLISECOND);
	CHECK_EQ(left(timer), 0);
	CHECK_EQ(timer_delete(timer), 0);
	CHECK_ERRNO(timer_delete(timer), EINVAL);
	ok(name);
}

static void check_interval(void)
{
	timer_t timer = make(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL);
	long long start = used(CLOCK_PROCESS_CPUTIME_ID);

	atomic_store(&expiries, 0);
	set(timer, 0, 10 * MILLISECOND, 10 * MILLISECOND);
	burn_until(3);
	CHECK(used(CLOCK_PROCESS_CPUTIME_ID) - start >= 30 * MILLISECOND);
	CHECK(left(timer) > 0 && left(timer) <= 10 * MILLISECOND);
	set(timer, 0, 0, 0);
	CHECK_EQ(left(timer), 0);
	CHECK_EQ(timer_delete(timer), 0);
	ok("interval");
}

static void check_absolute(void)
{
	timer_t timer = make(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL);
	long long when = used(CLOCK_PROCESS_CPUTIME_ID) + 15 * MILLISECOND;

	atomic_store(&expiries, 0);
	set(timer, TIMER_ABSTIME, when, 0);
	burn_until(1);
	CHECK(used(CLOCK_PROCESS_CPUTIME_ID) >= when);
	set(timer, TIMER_ABSTIME, 1, 0); // long past
	burn_until(2);
	CHECK_EQ(timer_delete(timer), 0);
	ok("absolute");
}

/* Others' time does not count, and theirs can be measured. */
static void check_threads(void)
{
	timer_t mine = make(CLOCK_THREAD_CPUTIME_ID, SIGEV_SIGNAL | SIGEV_THREAD_ID),
		theirs;
	long long length = 250 * MILLISECOND, start = used(CLOCK_THREAD_CPUTIME_ID);
	pthread_t thread;
	clockid_t clock;

	atomic_store(&expiries, 0);
	set(mine, 0, 200 * MILLISECOND, 0);
	join_thread(start_thread(burn, &length));
	// A machine without a CPU of its own charges us for what it does meanwhile.
	CHECK(atomic_load(&expiries) == 0 ||
	      used(CLOCK_THREAD_CPUTIME_ID) - start >= 200 * MILLISECOND);
	CHECK_EQ(left(mine) == 0, atomic_load(&expiries));
	set(mine, 0, 0, 0);
	atomic_store(&expiries, 0);
	length = 300 * MILLISECOND;
	thread = start_thread(burn, &length);
	CHECK_EQ(pthread_getcpuclockid(thread, &clock), 0);
	theirs = make(clock, SIGEV_SIGNAL);
	set(theirs, 0, 10 * MILLISECOND, 0);
	join_thread(thread);
	CHECK_EQ(atomic_load(&expiries), 1);
	CHECK_EQ(timer_delete(mine), 0);
	CHECK_EQ(timer_delete(theirs), 0);
	ok("threads");
}

static void check_none(void)
{
	timer_t timer = make(CLOCK_PROCESS_CPUTIME_ID, SIGEV_NONE);
	long long start = now_ns();

	atomic_store(&expiries, 0);
	set(timer, 0, 10 * MILLISECOND, 0);
	while (left(timer) > 0) {
		CHECK(now_ns() - start < WAIT_LIMIT_NS);
	}
	CHECK_EQ(atomic_load(&expiries), 0);
	CHECK_EQ(timer_delete(timer), 0);
	ok("none");
}

static timer_t armed;

static void child_has_none(void)
{
	CHECK_ERRNO(timer_delete(armed), EINVAL);
}

static void check_clocks(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_NONE};
	clockid_t clock;
	timer_t timer;

	CHECK_EQ(clock_getcpuclockid(0, &clock), 0);
	CHECK_EQ(timer_create(clock, &event, &timer), 0);
	CHECK_EQ(timer_delete(timer), 0);
	CHECK_EQ(clock_getcpuclockid(getpid(), &clock), 0);
	CHECK_EQ(timer_create(clock, &event, &timer), 0);
	CHECK_EQ(timer_delete(timer), 0);
	// A thread of another process, and nobody.
	CHECK_ERRNO(timer_create((clockid_t)(~1u << 3 | 6), &event, &timer), EINVAL);
	CHECK_ERRNO(timer_create((clockid_t)(~4000000u << 3 | 2), &event, &timer),
		    EINVAL);
	armed = make(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL);
	set(armed, 0, 3600000 * MILLISECOND, 0);
	must_pass_in_child(child_has_none);
	ok("clocks"); // and the end of the process with one that is set
}

/* ---- the clock of another process ---- */

/* A child that waits until it is told, then computes until it is killed. */
static pid_t start_child(int tell[2])
{
	pid_t child;

	CHECK_EQ(pipe(tell), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		char byte;

		CHECK_EQ(read(tell[0], &byte, 1), 1);
		for (;;) {
		}
	}
	return child;
}

static void wait_for_expiries(int wanted)
{
	WAIT_UNTIL_BY(atomic_load(&expiries) >= wanted, usleep(1000));
}

static void check_others(void)
{
	struct itimerspec setting = {.it_value = {1, 0}};
	struct sigevent event = {.sigev_notify = SIGEV_NONE};
	timer_t once, repeated, silent, unused;
	long long start;
	clockid_t clock;
	int tell[2];
	pid_t child = start_child(tell);

	CHECK_EQ(clock_getcpuclockid(child, &clock), 0);
	once = make(clock, SIGEV_SIGNAL);
	repeated = make(clock, SIGEV_SIGNAL);
	silent = make(clock, SIGEV_NONE);
	atomic_store(&expiries, 0);
	start = used(clock);
	set(once, 0, 60 * MILLISECOND, 0);
	set(silent, 0, 3600 * 1000 * MILLISECOND, 0);
	usleep(150000); // it uses nothing
	CHECK_EQ(atomic_load(&expiries), 0);
	CHECK(left(once) > 0 && left(once) <= 60 * MILLISECOND);
	CHECK_EQ(write(tell[1], "x", 1), 1);
	wait_for_expiries(1);
	CHECK(used(clock) - start >= 60 * MILLISECOND);
	CHECK_EQ(left(once), 0);
	set(repeated, TIMER_ABSTIME, 1, 20 * MILLISECOND); // long past
	wait_for_expiries(5);
	CHECK(used(clock) >= 120 * MILLISECOND); // counted from nothing, not from start
	CHECK(left(silent) > 3500 * 1000 * MILLISECOND);
	CHECK_EQ(timer_delete(repeated), 0);
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_ERRNO(timer_settime(once, 0, &setting, NULL), ESRCH);
	CHECK_EQ(left(silent), 0);
	CHECK_EQ(timer_delete(once), 0);
	CHECK_EQ(timer_delete(silent), 0);
	CHECK_ERRNO(timer_create(clock, &event, &unused), EINVAL);
	ok("others");
}

int main(void)
{
	struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	check_once(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, "process");
	check_once(CLOCK_THREAD_CPUTIME_ID, SIGEV_SIGNAL, "thread");
	check_once(CLOCK_THREAD_CPUTIME_ID, SIGEV_SIGNAL | SIGEV_THREAD_ID,
		   "thread told");
	check_interval();
	check_absolute();
	check_threads();
	check_none();
	check_others();
	check_clocks();
	return 0;
}
