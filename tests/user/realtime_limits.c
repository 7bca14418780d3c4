// SPDX-License-Identifier: MIT
/*
 * C7, D2: RLIMIT_RTTIME: SIGXCPU when a real-time thread has used its time without a sleep, SIGKILL at the hard limit; sleeping begins
 * anew, other policies do not count. What real-time threads leave to fair ones on their CPU. Needs CAP_SYS_NICE.
 * deadline: 40
 * oracle: guest
 */
#include "raw.h"
#include <sys/resource.h>

enum { MILLISECOND = 1000000, SOFT_US = 100000, SECOND_US = 1000000 };

static atomic_int signals;

static void count(int signal)
{
	(void)signal;
	atomic_fetch_add(&signals, 1);
}

static int set_policy(int policy, int priority)
{
	struct sched_param parameters = {.sched_priority = priority};

	return (int)syscall(SYS_sched_setscheduler, 0, policy, &parameters);
}

static long long cpu_ns(void)
{
	struct timespec now;

	CHECK_EQ(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static void work(long long milliseconds)
{
	long long end = cpu_ns() + milliseconds * MILLISECOND;

	while (cpu_ns() < end) {
	}
}

static void set_limit(rlim_t soft, rlim_t hard)
{
	struct rlimit limit = {soft, hard};

	CHECK_EQ(setrlimit(RLIMIT_RTTIME, &limit), 0);
	CHECK(signal(SIGXCPU, count) != SIG_ERR);
}

static rlim_t soft_limit(void)
{
	struct rlimit limit;

	CHECK_EQ(getrlimit(RLIMIT_RTTIME, &limit), 0);
	return limit.rlim_cur;
}

static void soft(void)
{
	long long before;

	set_limit(SOFT_US, RLIM_INFINITY);
	before = cpu_ns();
	CHECK_EQ(set_policy(SCHED_FIFO, 1), 0);
	while (!atomic_load(&signals)) {
		CHECK(cpu_ns() - before < 2000ll * MILLISECOND);
	}
	CHECK(cpu_ns() - before >= 90 * MILLISECOND);
	CHECK_EQ(atomic_load(&signals), 1);
	CHECK_EQ(soft_limit(), SOFT_US + SECOND_US); // the next one a second later
}

static void sleeping(void)
{
	struct timespec moment = {0, MILLISECOND};

	set_limit(3 * SOFT_US, RLIM_INFINITY);
	CHECK_EQ(set_policy(SCHED_RR, 1), 0);
	for (int i = 0; i < 8; i++) {
		work(60);
		CHECK_EQ(nanosleep(&moment, NULL), 0);
	}
	CHECK_EQ(atomic_load(&signals), 0);
	CHECK_EQ(soft_limit(), 3 * SOFT_US);
}

static void other_policy(void)
{
	set_limit(SOFT_US, 2 * SOFT_US);
	work(300);
	CHECK_EQ(atomic_load(&signals), 0);
}

static void hard(void)
{
	set_limit(SOFT_US, 3 * SOFT_US);
	CHECK_EQ(set_policy(SCHED_FIFO, 1), 0);
	work(3000);
}

/* ---- what is left ---- */

static atomic_int enough;
static clockid_t clocks[2];
static atomic_int started;

static void *spin(void *priority)
{
	int number = (int)(intptr_t)priority;

	CHECK_EQ(pthread_getcpuclockid(pthread_self(), &clocks[number ? 1 : 0]), 0);
	CHECK_EQ(set_policy(number ? SCHED_FIFO : SCHED_OTHER, number), 0);
	atomic_fetch_add(&started, 1);
	while (!atomic_load(&enough)) {
	}
	return NULL;
}

static long long used(int which)
{
	struct timespec now;

	CHECK_EQ(clock_gettime(clocks[which], &now), 0);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* Of two seconds on one CPU beside a real-time thread: a twentieth. */
static void left_over(void)
{
	struct timespec long_time = {2, 200 * MILLISECOND};
	long long fair, realtime, began;
	pthread_t threads[2];
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	CHECK_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
	CHECK_EQ(set_policy(SCHED_FIFO, 60), 0);
	threads[0] = start_thread(spin, (void *)0);
	threads[1] = start_thread(spin, (void *)50);
	while (atomic_load(&started) < 2) {
		struct timespec moment = {0, MILLISECOND};

		nanosleep(&moment, NULL);
	}
	began = now_ns();
	fair = used(0);
	realtime = used(1);
	CHECK_EQ(nanosleep(&long_time, NULL), 0);
	fair = used(0) - fair;
	realtime = used(1) - realtime;
	began = now_ns() - began;
	say("# of %lld ms: fair %lld, real-time %lld\n", began / MILLISECOND,
	    fair / MILLISECOND, realtime / MILLISECOND);
	CHECK(fair >= 40 * MILLISECOND && fair <= began / 6);
	CHECK(realtime >= began / 2);
	atomic_store(&enough, 1);
	join_thread(threads[0]);
	join_thread(threads[1]);
}

int main(void)
{
	if (set_policy(SCHED_FIFO, 1) < 0) {
		skip("nobody may be real-time here");
	}
	CHECK_EQ(set_policy(SCHED_OTHER, 0), 0);
	must_pass_in_child(soft);
	must_pass_in_child(sleeping);
	must_pass_in_child(other_policy);
	ok("soft");
	CHECK_EQ(in_child(hard), SIGKILL);
	ok("hard");
	must_pass_in_child(left_over);
	ok("left_over");
	return 0;
}
