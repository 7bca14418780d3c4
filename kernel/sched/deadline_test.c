// SPDX-License-Identifier: MIT
/*
 * D2: SCHED_DEADLINE on the simulated machine: who gets how much CPU time and by when, what may be promised, what is inherited; and what
 * urgent threads leave to fair ones.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "machine.h"
#include "sched/debt.h"
#include "sched/run_queue.h"
#include <linux/sched.h>

enum { SEEDS = 6, MOST = 4 };

static _Atomic bool stop;
static struct sched_entity *threads[MOST];
static unsigned thread_count;

static struct sched_deadline every(u64 runtime_us, u64 period_us)
{
	return (struct sched_deadline){runtime_us * NSEC_PER_USEC,
				       period_us * NSEC_PER_USEC, 0, false, false};
}

static void spin(void *argument)
{
	while (!atomic_load(&stop)) {
		arch_cpu_relax();
	}
	machine_finish();
}

static u64 cpu_time(struct sched_entity *entity)
{
	u64 user, system;

	sched_cpu_time(entity, &user, &system);
	return user + system;
}

static struct sched_entity *start(void (*entry)(void *))
{
	threads[thread_count] = machine_start(entry, thread_count);
	return threads[thread_count++];
}

static int set_deadline(struct sched_entity *entity, u64 runtime_us, u64 period_us)
{
	struct sched_deadline asked = every(runtime_us, period_us);

	return sched_set_deadline(entity, &asked, 0, false);
}

/* A thread's CPU time, and when that was looked at. */
struct sample {
	u64 used;
	nsec_t at;
};

static struct sample sample(struct sched_entity *entity)
{
	return (struct sample){.used = cpu_time(entity), .at = clock_monotonic()};
}

/* What each uses in about `length`, in thousandths. The test's thread sleeps meanwhile; others may run while it looks at them. */
static void measure(nsec_t length, u64 used[MOST])
{
	struct sample before[MOST];

	for (unsigned i = 0; i < thread_count; i++) {
		before[i] = sample(threads[i]);
	}
	machine_sleep(length);
	for (unsigned i = 0; i < thread_count; i++) {
		struct sample now = sample(threads[i]);

		used[i] =
			(now.used - before[i].used) * 1000 / (u64)(now.at - before[i].at);
	}
}

static void finish(void)
{
	atomic_store(&stop, true);
	machine_wait_finished(thread_count);
}

static bool is_about(u64 value, u64 due)
{
	if (value + 15 < due || value > due + 15) {
		unit_printf("%llu of a thousand, not %llu\n", (unsigned long long)value,
			    (unsigned long long)due);
		return false;
	}
	return true;
}

static void run_seeds(unsigned cpus, void (*run)(void))
{
	for (u64 seed = 1; seed <= machine_seeds(SEEDS); seed++) {
		EXPECT_EQ(host_machine_run(cpus, seed, run), 0);
	}
}

/* ---- the server ---- */

static void throttled(void)
{
	u64 used[MOST];

	host_set_step(20000);
	EXPECT_EQ(set_deadline(start(spin), 2000, 10000), 0);
	EXPECT_EQ(set_deadline(start(spin), 6000, 20000), 0);
	start(spin);
	measure(2 * NSEC_PER_SEC, used);
	EXPECT(is_about(used[0], 200));
	EXPECT(is_about(used[1], 300));
	EXPECT(is_about(used[2], 500));
	finish();
}

TEST(D2_no_more_than_its_runtime)
{
	run_seeds(1, throttled);
}

/* Alone it is throttled as well. */
static void alone(void)
{
	u64 used[MOST];

	host_set_step(20000);
	EXPECT_EQ(set_deadline(start(spin), 3000, 10000), 0);
	measure(NSEC_PER_SEC, used);
	EXPECT(is_about(used[0], 300));
	finish();
}

TEST(D2_no_more_than_its_runtime_alone)
{
	run_seeds(1, alone);
	run_seeds(3, alone);
}

/* ---- reclaiming ---- */

static int set_reclaiming(struct sched_entity *entity, u64 runtime_us, u64 period_us)
{
	struct sched_deadline asked = every(runtime_us, period_us);

	asked.reclaim = true;
	return sched_set_deadline(entity, &asked, 0, false);
}

static _Atomic bool at_rest;

static void spin_until_rest(void *argument)
{
	while (!atomic_load(&at_rest)) {
		arch_cpu_relax();
	}
	machine_sleep(6 * NSEC_PER_SEC);
	machine_finish();
}

/* All that may be promised is for one alone; beside who only might use its part, what that does not; and what a sleeper leaves. */
static void reclaimed(void)
{
	u64 used[MOST];

	host_set_step(20000);
	EXPECT_EQ(set_reclaiming(start(spin), 10000, 100000), 0);
	measure(2 * NSEC_PER_SEC, used);
	EXPECT(is_about(used[0], 950));
	EXPECT_EQ(set_deadline(start(spin_until_rest), 10000, 100000), 0);
	measure(2 * NSEC_PER_SEC, used);
	EXPECT(is_about(used[0], 475)); // 0.1 / (0.2 / 0.95)
	EXPECT(is_about(used[1], 100));
	atomic_store(&at_rest, true);
	machine_sleep(300 * NSEC_PER_MSEC);
	measure(2 * NSEC_PER_SEC, used);
	EXPECT(is_about(used[0], 950));
	EXPECT_EQ(sched_set_policy(threads[1], SCHED_NORMAL, 0, 0, false), 0);
	measure(2 * NSEC_PER_SEC, used);
	EXPECT(is_about(used[0], 950));
	finish();
}

/* Its share is less than the least that is counted; it ends with budget left. */
static void tiny_share(void)
{
	struct sched_limits before, wide;

	sched_get_limits(&before);
	wide = before;
	wide.deadline_period_max_us = UINT32_MAX;
	EXPECT_EQ(sched_set_limits(&wide), 0);
	EXPECT_EQ(set_reclaiming(start(spin), 4000, 4290000000), 0);
	EXPECT_EQ(threads[0]->server.bandwidth, 0);
	finish();
	machine_sleep(NSEC_PER_MSEC);
	EXPECT(!rbtree_first(&run_queue_of(0)->lingering));
	EXPECT_EQ(sched_set_limits(&before), 0);
}

TEST(D2_the_dead_do_not_linger)
{
	run_seeds(1, tiny_share);
}

TEST(D2_what_others_leave_is_reclaimed)
{
	run_seeds(1, reclaimed);
}

/* Two that reclaim, and their CPUs' parts of what nobody was promised. */
static void reclaimed_on_two(void)
{
	u64 used[MOST];

	host_set_step(20000);
	EXPECT_EQ(set_reclaiming(start(spin), 10000, 100000), 0);
	EXPECT_EQ(set_reclaiming(start(spin), 20000, 100000), 0);
	measure(2 * NSEC_PER_SEC, used);
	/* 0.15 of each CPU are promised: max(0.1, 0.15) and max(0.2, 0.15) of 0.95 */
	EXPECT(used[0] >= 610 && used[0] <= 650);
	EXPECT(is_about(used[1], 950));
	finish();
}

TEST(D2_each_cpu_has_its_part_to_reclaim)
{
	run_seeds(2, reclaimed_on_two);
}

static _Atomic unsigned missed, jobs;

/* Jobs of nine tenths of the runtime, each done by its deadline. */
static void work(void *argument)
{
	struct sched_entity *self = sched_current();

	while (self->own.policy != SCHED_DEADLINE) {
		arch_cpu_relax();
	}
	sched_yield_current();
	while (!atomic_load(&stop)) {
		u64 end = cpu_time(self) + self->server.asked.runtime_ns * 9 / 10;
		nsec_t deadline = self->server.deadline;

		while (cpu_time(self) < end) {
			arch_cpu_relax();
		}
		atomic_fetch_add(&missed, clock_monotonic() > deadline);
		atomic_fetch_add(&jobs, 1);
		sched_yield_current();
	}
	machine_finish();
}

static void in_time(void)
{
	host_set_step(10000);
	EXPECT_EQ(sched_set_policy(sched_current(), SCHED_FIFO, 99, 0, false), 0);
	EXPECT_EQ(set_deadline(start(work), 3000, 10000), 0);
	EXPECT_EQ(set_deadline(start(work), 5000, 25000), 0);
	EXPECT_EQ(set_deadline(start(work), 12000, 30000), 0);
	EXPECT_EQ(sched_set_policy(start(spin), SCHED_FIFO, 50, 0, false), 0);
	machine_sleep(NSEC_PER_SEC);
	EXPECT_EQ(missed, 0);
	EXPECT(jobs >= 100 + 40 + 33 - 9 && jobs <= 100 + 40 + 33 + 9);
	EXPECT_EQ(sched_set_policy(threads[3], SCHED_NORMAL, 0, 0, false), 0);
	finish();
}

TEST(D2_jobs_are_done_by_their_deadlines)
{
	run_seeds(1, in_time);
}

/* The three would not fit side by side on two CPUs: they take turns on them. */
static void everywhere(void)
{
	u64 used[MOST];

	host_set_step(1000);
	EXPECT_EQ(set_deadline(sched_current(), 200, 4000), 0);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(set_deadline(start(spin), 6000, 10000), 0);
	}
	start(spin);
	measure(300 * NSEC_PER_MSEC, used);
	for (int i = 0; i < 3; i++) {
		EXPECT(used[i] >= 575 &&
		       used[i] <= 645); // the ends of the time hold a job more or less
	}
	EXPECT(used[3] >= 140 && used[3] <= 215); // the test has its part of it
	finish();
}

TEST(D2_the_earliest_deadlines_run_wherever_there_is_a_cpu)
{
	run_seeds(2, everywhere);
}

/* Likewise by priority: the two of three that come first run, though they were started behind the third. */
static void by_priority(void)
{
	u64 used[MOST];

	host_set_step(2000);
	EXPECT_EQ(sched_set_policy(sched_current(), SCHED_FIFO, 60, 0, false), 0);
	for (unsigned i = 0; i < 3; i++) {
		EXPECT_EQ(sched_set_policy(start(spin), SCHED_FIFO, 10 + i, 0, false), 0);
	}
	machine_sleep(5 * NSEC_PER_MSEC);
	measure(200 * NSEC_PER_MSEC, used);
	EXPECT(is_about(used[0], 0));
	EXPECT(is_about(used[1], 1000));
	EXPECT(is_about(used[2], 1000));
	EXPECT_EQ(sched_set_policy(threads[1], SCHED_FIFO, 9, 0, false), 0);
	measure(200 * NSEC_PER_MSEC, used);
	EXPECT(is_about(used[0], 1000));
	EXPECT(is_about(used[1], 0));
	finish();
}

TEST(D1_the_highest_priorities_run_wherever_there_is_a_cpu)
{
	run_seeds(2, by_priority);
}

/* Waking up: with what is left by the deadline that is not past, if its bandwidth allows that; else anew. */
static void waking(void)
{
	struct sched_entity *self = sched_current();
	nsec_t deadline;

	host_set_step(10000);
	EXPECT_EQ(set_deadline(self, 5000, 10000), 0);
	sched_yield_current();
	deadline = self->server.deadline;
	for (u64 end = cpu_time(self) + 4 * NSEC_PER_MSEC; cpu_time(self) < end;) {
		arch_cpu_relax();
	}
	machine_sleep(NSEC_PER_MSEC);
	EXPECT_EQ(self->server.deadline, deadline); // 1 ms of budget, 5 ms to go
	EXPECT(self->server.budget_ns < 3 * (s64)NSEC_PER_MSEC / 2);
	machine_sleep(9 * NSEC_PER_MSEC / 2);
	EXPECT(self->server.deadline > deadline); // half a millisecond to go
	EXPECT(self->server.budget_ns > 4 * (s64)NSEC_PER_MSEC);
	deadline = self->server.deadline;
	machine_sleep(20 * NSEC_PER_MSEC);
	EXPECT(self->server.deadline >= deadline + 10 * NSEC_PER_MSEC);
	EXPECT(self->server.deadline > clock_monotonic());
}

TEST(D2_a_woken_thread_has_what_its_bandwidth_allows)
{
	run_seeds(1, waking);
}

/* Going away from the policy and coming back does not fill the budget. */
static void coming_back(void)
{
	struct sched_entity *self = sched_current();
	u64 before = cpu_time(self);
	nsec_t began = clock_monotonic();

	host_set_step(10000);
	for (int i = 0; i < 200; i++) {
		EXPECT_EQ(set_deadline(self, 1000, 10000), 0);
		for (u64 end = cpu_time(self) + 900 * NSEC_PER_USEC;
		     cpu_time(self) < end;) {
			arch_cpu_relax();
		}
		EXPECT_EQ(sched_set_policy(self, SCHED_NORMAL, 0, 0, false), 0);
	}
	EXPECT((cpu_time(self) - before) * 100 / (u64)(clock_monotonic() - began) <= 13);
}

TEST(D2_coming_back_gives_nothing)
{
	run_seeds(1, coming_back);
}

/* ---- what may be promised ---- */

static void end_at_once(void *argument)
{
	EXPECT_EQ(set_deadline(sched_current(), 50, 100), 0);
	machine_finish();
}

static void admission(void)
{
	struct sched_entity *self = sched_current();

	EXPECT_EQ(set_deadline(self, 96, 100), -EBUSY);
	EXPECT_EQ(set_deadline(self, 94, 100), 0);
	EXPECT_EQ(set_deadline(start(spin), 2, 100), -EBUSY);
	EXPECT_EQ(set_deadline(self, 50, 100), 0);
	EXPECT_EQ(set_deadline(threads[0], 44, 100), 0);
	EXPECT_EQ(sched_set_policy(self, SCHED_NORMAL, 0, 0, false), 0);
	for (int i = 0; i < 20; i++) {
		machine_start(end_at_once, 0);
		machine_wait_finished((unsigned)i + 1);
		machine_sleep(NSEC_PER_MSEC); // behind its last switch
	}
	atomic_store(&stop, true);
	machine_wait_finished(21);
}

TEST(D2_no_more_is_promised_than_there_is)
{
	run_seeds(1, admission);
}

static void limits(void)
{
	struct sched_entity *self = sched_current();
	struct sched_limits by;

	EXPECT_EQ(set_deadline(self, 50, 100), 0);
	sched_get_limits(&by);
	by.runtime_us = 400000;
	EXPECT_EQ(sched_set_limits(&by), -EBUSY);
	by.runtime_us = 600000;
	EXPECT_EQ(sched_set_limits(&by), 0);
	EXPECT_EQ(set_deadline(self, 70, 100), -EBUSY);
	by.runtime_us = -1;
	EXPECT_EQ(sched_set_limits(&by), 0);
	EXPECT_EQ(set_deadline(self, 100, 100), 0);
	by.runtime_us = by.period_us + 1;
	EXPECT_EQ(sched_set_limits(&by), -EINVAL);
	by.runtime_us = 0;
	by.deadline_period_min_us = by.deadline_period_max_us + 1;
	EXPECT_EQ(sched_set_limits(&by), -EINVAL);
}

TEST(D2_limits_are_held)
{
	EXPECT_EQ(host_machine_run(1, 1, limits), 0);
}

static void parameters(void)
{
	struct sched_entity *self = sched_current();
	struct sched_deadline asked = {1023, 200000, 0, false, false};
	struct cpumask one = {0};

	EXPECT_EQ(sched_set_deadline(self, &asked, 0, false), -EINVAL);
	asked.runtime_ns = 1024;
	EXPECT_EQ(sched_set_deadline(self, &asked, 0, false), 0);
	cpumask_set(&one, 1);
	EXPECT_EQ(sched_set_affinity(self, &one), -EBUSY);
	asked.period_ns = 199999;
	EXPECT_EQ(sched_set_deadline(self, &asked, 0, false), -EINVAL);
	asked = (struct sched_deadline){200001, 200000, 300000, false, false};
	EXPECT_EQ(sched_set_deadline(self, &asked, 0, false), -EINVAL);
	EXPECT_EQ(set_deadline(self, 10, 99), -EINVAL);
	EXPECT_EQ(set_deadline(self, 10, (1 << 22) + 1), -EINVAL);
	asked = (struct sched_deadline){2000, 1ull << 63, 1ull << 63, false, false};
	EXPECT_EQ(sched_set_deadline(self, &asked, 0, false), -EINVAL);
	EXPECT_EQ(sched_set_policy(self, SCHED_NORMAL, 0, 0, false), 0);
	EXPECT_EQ(sched_set_affinity(self, &one), 0);
	EXPECT_EQ(set_deadline(self, 10, 100), -EPERM);
}

TEST(D2_parameters_are_checked)
{
	EXPECT_EQ(host_machine_run(2, 1, parameters), 0);
}

TEST(D2_not_inherited_by_fork)
{
	static struct sched_entity parent, child;

	sched_entity_init(&parent, 0);
	sched_entity_init(&child, 0);
	parent.own.policy = SCHED_DEADLINE;
	EXPECT_EQ(sched_entity_inherit(&child, &parent), -EAGAIN);
	parent.reset_on_fork = true;
	EXPECT_EQ(sched_entity_inherit(&child, &parent), 0);
	EXPECT_EQ(child.own.policy, SCHED_NORMAL);
}

/* ---- inheritance ---- */

static struct sched_debt debt;
static struct sched_loan loan;

/* The debtor is fair, or throttled itself; a real-time thread would keep it from running. */
static void inherited(void)
{
	struct sched_entity *self = sched_current();
	struct sched_entity *owner = start(spin);
	bool own = host_seed() % 2;
	u64 used[MOST];

	host_set_step(20000);
	EXPECT_EQ(own ? set_deadline(owner, 1000, 100000) : 0, 0);
	EXPECT_EQ(sched_set_policy(start(spin), SCHED_FIFO, 50, 0, false), 0);
	EXPECT_EQ(set_deadline(self, 1000, 20000), 0);
	sched_debt_init(&debt);
	EXPECT(sched_debt_begin(&debt, owner));
	loan = (struct sched_loan){.lender = self};
	sched_follow(sched_loan_give(&debt, &loan));
	measure(300 * NSEC_PER_MSEC, used);
	EXPECT(is_about(used[0], 1000)); // not throttled
	sched_follow(sched_loan_take_back(&loan));
	sched_debt_end(&debt);
	measure(300 * NSEC_PER_MSEC, used);
	EXPECT(used[0] <= 20);
	EXPECT(used[1] >= 980);
	EXPECT_EQ(sched_set_policy(owner, SCHED_NORMAL, 0, 0, false), 0);
	EXPECT_EQ(sched_set_policy(self, SCHED_FIFO, 60, 0, false), 0);
	finish();
}

TEST(D2_a_deadline_is_inherited)
{
	run_seeds(1, inherited);
}

/* ---- what is left to fair threads ---- */

static void left_over(void)
{
	u64 used[MOST];

	host_set_step(50000);
	EXPECT_EQ(sched_set_policy(sched_current(), SCHED_FIFO, 60, 0, false), 0);
	EXPECT_EQ(sched_set_policy(start(spin), SCHED_FIFO, 50, 0, false), 0);
	start(spin);
	measure(5 * NSEC_PER_SEC, used);
	EXPECT(is_about(used[0], 950));
	EXPECT(is_about(used[1], 50));
	EXPECT_EQ(set_deadline(threads[0], 94000, 100000), 0);
	measure(5 * NSEC_PER_SEC, used);
	EXPECT(is_about(used[0], 940));
	EXPECT(is_about(used[1], 60));
	finish();
}

TEST(D2_fair_threads_get_a_twentieth)
{
	run_seeds(1, left_over);
}
