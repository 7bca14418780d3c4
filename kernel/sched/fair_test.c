// SPDX-License-Identifier: MIT
/* Shares of CPU time on the simulated machine (D2), and who comes before whom. */
#include "lib/errno.h"
#include "machine.h"
#include <linux/sched.h>

enum { THREADS = 4 };

static _Atomic bool stop;
static struct sched_entity *threads[THREADS];

static void spin(void *argument)
{
	while (!atomic_load(&stop)) {
		arch_cpu_relax();
	}
	machine_finish();
	machine_sleep(NSEC_PER_SEC); /* stay, to be looked at */
}

static u64 cpu_time(unsigned i)
{
	u64 user, system;

	sched_cpu_time(threads[i], &user, &system);
	return user + system;
}

/* Let them run for `length`, the test's thread before all of them. */
static void measure(nsec_t length, u64 used[THREADS])
{
	u64 before[THREADS];

	EXPECT_EQ(sched_set_policy(sched_current(), SCHED_FIFO, 50, 0, false), 0);
	machine_sleep(20 * NSEC_PER_MSEC);
	for (unsigned i = 0; i < THREADS; i++) {
		before[i] = cpu_time(i);
	}
	machine_sleep(length);
	for (unsigned i = 0; i < THREADS; i++) {
		used[i] = cpu_time(i) - before[i];
	}
	atomic_store(&stop, true);
	machine_wait_finished(THREADS);
}

static void weights(void)
{
	static const int nices[THREADS] = {0, 5, -5, 10};
	static const u64 weight[THREADS] = {1024, 335, 3121, 110};
	u64 used[THREADS], total = 0, total_weight = 0;

	host_set_step(20000);
	for (unsigned i = 0; i < THREADS; i++) {
		threads[i] = machine_start(spin, i);
		EXPECT_EQ(sched_set_policy(threads[i], SCHED_NORMAL, 0, nices[i], false),
			  0);
	}
	measure(8 * NSEC_PER_SEC, used);
	for (unsigned i = 0; i < THREADS; i++) {
		total += used[i];
		total_weight += weight[i];
	}
	for (unsigned i = 0; i < THREADS; i++) {
		u64 due = total * weight[i] / total_weight;

		if (used[i] * 100 < due * 95 || used[i] * 100 > due * 105) {
			unit_printf("nice %d: %llu ns used, %llu due\n", nices[i],
				    (unsigned long long)used[i], (unsigned long long)due);
			EXPECT(!"within 5 %");
		}
	}
	EXPECT(total > 79 * (u64)NSEC_PER_SEC / 10);
}

TEST(nice_weights_within_5_percent)
{
	for (u64 seed = 1; seed <= 6; seed++) {
		EXPECT_EQ(host_machine_run(1, seed, weights), 0);
	}
}

/* Equal threads on two CPUs, more than CPUs: nobody gets less than half of its share. */
static void equal_on_two(void)
{
	u64 used[THREADS];

	host_set_step(20000);
	for (unsigned i = 0; i < THREADS; i++) {
		threads[i] = machine_start(spin, i);
	}
	measure(2 * NSEC_PER_SEC, used);
	for (unsigned i = 0; i < THREADS; i++) {
		EXPECT(used[i] > (u64)NSEC_PER_SEC * 95 / 100);
	}
}

TEST(four_threads_share_two_cpus)
{
	for (u64 seed = 1; seed <= 6; seed++) {
		EXPECT_EQ(host_machine_run(2, seed, equal_on_two), 0);
	}
}

static const struct sched_limits everything = {1000000, -1, 100, 1 << 22};

/*
 * FIFO before fair; of two RR threads each has its turn; a FIFO thread of lower
 * priority none.
 */
static void realtime(void)
{
	static const unsigned policy[THREADS] = {SCHED_RR, SCHED_RR, SCHED_FIFO,
						 SCHED_NORMAL};
	static const unsigned priority[THREADS] = {20, 20, 10, 0};
	u64 used[THREADS];

	host_set_step(20000);
	EXPECT_EQ(sched_set_limits(&everything), 0);
	EXPECT_EQ(sched_set_policy(sched_current(), SCHED_FIFO, 60, 0, false), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		threads[i] = machine_start(spin, i);
		EXPECT_EQ(sched_set_policy(threads[i], policy[i], priority[i], 0, false),
			  0);
	}
	measure(2 * NSEC_PER_SEC, used);
	EXPECT(used[0] > (u64)NSEC_PER_SEC * 9 / 10);
	EXPECT(used[1] > (u64)NSEC_PER_SEC * 9 / 10);
	EXPECT_EQ(used[2], 0);
	EXPECT_EQ(used[3], 0);
}

TEST(realtime_comes_first)
{
	EXPECT_EQ(host_machine_run(1, 1, realtime), 0);
}

/* SCHED_IDLE gets what its weight of 3 gives it; a sleeper that wakes is served soon. */
static nsec_t worst_latency;

static void interactive(void *argument)
{
	for (int i = 0; i < 50; i++) {
		nsec_t deadline = clock_monotonic() + 10 * NSEC_PER_MSEC;

		EXPECT_EQ(sched_sleep_until(deadline, THREAD_INTERRUPTIBLE), 0);
		worst_latency = MAX(worst_latency, clock_monotonic() - deadline);
	}
	atomic_store(&stop, true);
	machine_finish();
}

static void sleepers_are_served(void)
{
	host_set_step(5000);
	for (unsigned i = 0; i < 3; i++) {
		machine_start(spin, i);
	}
	machine_start(interactive, 0);
	machine_wait_finished(4);
	EXPECT(worst_latency < 10 * NSEC_PER_MSEC);
}

TEST(a_woken_thread_is_served_soon)
{
	EXPECT_EQ(host_machine_run(1, 1, sleepers_are_served), 0);
}

TEST(bad_policies_are_refused)
{
	static struct sched_entity entity;

	sched_entity_init(&entity, 0);
	EXPECT_EQ(sched_set_policy(&entity, SCHED_FIFO, 0, 0, false), -EINVAL);
	EXPECT_EQ(sched_set_policy(&entity, SCHED_RR, 100, 0, false), -EINVAL);
	EXPECT_EQ(sched_set_policy(&entity, SCHED_NORMAL, 1, 0, false), -EINVAL);
	EXPECT_EQ(sched_set_policy(&entity, SCHED_NORMAL, 0, 20, false), -EINVAL);
	EXPECT_EQ(sched_set_policy(&entity, SCHED_DEADLINE, 0, 0, false), -EINVAL);
	EXPECT_EQ(sched_set_policy(&entity, 4, 0, 0, false), -EINVAL);
}

TEST(inheritance)
{
	static struct sched_entity parent, child;

	sched_entity_init(&parent, 0);
	sched_entity_init(&child, 0);
	parent.own.policy = SCHED_RR;
	parent.own.realtime_priority = 7;
	parent.own.nice = -3;
	cpumask_fill(&parent.affinity, 2);
	EXPECT_EQ(sched_entity_inherit(&child, &parent), 0);
	EXPECT_EQ(child.own.policy, SCHED_RR);
	EXPECT_EQ(child.own.realtime_priority, 7);
	EXPECT_EQ(child.own.nice, -3);
	EXPECT(cpumask_test(&child.affinity, 1) && !cpumask_test(&child.affinity, 2));
	parent.reset_on_fork = true;
	EXPECT_EQ(sched_entity_inherit(&child, &parent), 0);
	EXPECT_EQ(child.own.policy, SCHED_NORMAL);
	EXPECT_EQ(child.own.realtime_priority, 0);
	EXPECT_EQ(child.own.nice, 0);
	EXPECT(!child.reset_on_fork);
}
