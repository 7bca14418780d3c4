// SPDX-License-Identifier: MIT
/*
 * Affinity on the simulated machine (D3, T11), and idle CPUs that take waiting threads.
 */
#include "core/percpu.h"
#include "lib/errno.h"
#include "machine.h"

enum { MOVES = 30, THREADS = 4 };

static _Atomic bool stop;

static struct cpumask only(unsigned cpu)
{
	struct cpumask mask = {0};

	cpumask_set(&mask, cpu);
	return mask;
}

static void move_itself(void *argument)
{
	for (int i = 0; i < MOVES; i++) {
		unsigned cpu = (unsigned)(host_random() % cpu_count());
		struct cpumask mask = only(cpu);

		EXPECT_EQ(sched_set_affinity(sched_current(), &mask), 0);
		EXPECT_EQ(arch_cpu_number(), cpu);
		if (host_random() % 2) {
			machine_sleep((nsec_t)(host_random() % 3000));
		} else {
			sched_yield_current();
		}
		EXPECT_EQ(arch_cpu_number(), cpu);
	}
	machine_finish();
}

static void threads_move_themselves(void)
{
	host_set_steps_max(5000000);
	for (u64 i = 0; i < THREADS; i++) {
		machine_start(move_itself, i);
	}
	machine_wait_finished(THREADS);
}

TEST(a_thread_moves_at_once_and_stays)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(200), threads_move_themselves),
		  0);
}

static void runs_or_sleeps(void *argument)
{
	while (!atomic_load(&stop)) {
		if (argument && host_random() % 2) {
			machine_sleep((nsec_t)(host_random() % 5000));
		} else {
			arch_cpu_relax();
		}
	}
	machine_finish();
}

static void others_are_moved(void)
{
	struct sched_entity *threads[THREADS];

	host_set_steps_max(5000000);
	for (u64 i = 0; i < THREADS; i++) {
		threads[i] = machine_start(runs_or_sleeps, i % 2);
	}
	for (int i = 0; i < MOVES; i++) {
		struct sched_entity *thread = threads[host_random() % THREADS];
		unsigned cpu = (unsigned)(host_random() % cpu_count());
		struct cpumask mask = only(cpu), seen;

		EXPECT_EQ(sched_set_affinity(thread, &mask), 0);
		if (atomic_load(&thread->on_cpu)) {
			EXPECT_EQ(atomic_load(&thread->cpu), cpu);
		}
		sched_get_affinity(thread, &seen);
		EXPECT(cpumask_test(&seen, cpu));
	}
	atomic_store(&stop, true);
	machine_wait_finished(THREADS);
}

TEST(others_are_moved_at_once)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(200), others_are_moved), 0);
}

static void masks(void)
{
	struct cpumask mask = {0};

	EXPECT_EQ(sched_set_affinity(sched_current(), &mask), -EINVAL);
	cpumask_set(&mask, cpu_count());
	EXPECT_EQ(sched_set_affinity(sched_current(), &mask), -EINVAL);
	EXPECT(!cpumask_test(&mask, MAX_CPUS));
	EXPECT(!cpumask_test(&mask, 1u << 31));
	cpumask_set(&mask, 0);
	EXPECT_EQ(sched_set_affinity(sched_current(), &mask), 0);
	EXPECT_EQ(arch_cpu_number(), 0);
}

TEST(masks_without_a_cpu_are_refused)
{
	EXPECT_EQ(host_machine_run(3, 1, masks), 0);
}

static u64 cpu_time(struct sched_entity *thread)
{
	u64 user, system;

	sched_cpu_time(thread, &user, &system);
	return user + system;
}

/* As many runners as CPUs, all begun on one: soon each has a CPU of its own. */
static void idle_cpus_help(void)
{
	struct cpumask all, first = only(0);
	struct sched_entity *threads[THREADS];
	u64 before[THREADS];

	host_set_step(5000);
	cpumask_fill(&all, MAX_CPUS);
	for (u64 i = 0; i < THREADS; i++) {
		threads[i] = machine_start(runs_or_sleeps, 0);
		EXPECT_EQ(sched_set_affinity(threads[i], &first), 0);
	}
	machine_sleep(20 * NSEC_PER_MSEC);
	for (u64 i = 0; i < THREADS; i++) {
		EXPECT_EQ(sched_set_affinity(threads[i], &all), 0);
	}
	machine_sleep(50 * NSEC_PER_MSEC);
	for (u64 i = 0; i < THREADS; i++) {
		before[i] = cpu_time(threads[i]);
	}
	machine_sleep(100 * NSEC_PER_MSEC);
	for (u64 i = 0; i < THREADS; i++) {
		EXPECT(cpu_time(threads[i]) - before[i] > 80 * (u64)NSEC_PER_MSEC);
	}
	atomic_store(&stop, true);
	machine_wait_finished(THREADS);
}

TEST(idle_cpus_take_waiting_threads)
{
	for (u64 seed = 1; seed <= 10; seed++) {
		EXPECT_EQ(host_machine_run(THREADS + 1, seed, idle_cpus_help), 0);
	}
}

static struct timer blocker;
static _Atomic unsigned blocked;
static _Atomic bool taken_over;

/* In an interrupt of the idle CPU, which so does not come for what is given to it. */
static void keep_cpu(struct timer *timer)
{
	atomic_fetch_add(&blocked, 1);
	while (!atomic_load(&taken_over)) {
		arch_cpu_relax();
	}
}

static void wait_on_one(void *argument)
{
	struct cpumask mask = only(1);

	EXPECT_EQ(sched_set_affinity(sched_current(), &mask), 0);
	cpumask_fill(&mask, MAX_CPUS);
	EXPECT_EQ(sched_set_affinity(sched_current(), &mask), 0);
	timer_init(&blocker, keep_cpu);
	sched_prepare_wait(THREAD_UNINTERRUPTIBLE);
	timer_start(&blocker, clock_monotonic() + 50 * NSEC_PER_USEC);
	sched_block(NSEC_NEVER);
	sched_finish_wait();
	EXPECT_EQ(arch_cpu_number(), 0);
	atomic_store(&taken_over, true);
	machine_finish();
}

static void one_is_late(void)
{
	struct cpumask mask = only(0);
	struct sched_entity *waiter;
	nsec_t end;

	EXPECT_EQ(sched_set_affinity(sched_current(), &mask), 0);
	waiter = machine_start(wait_on_one, 0);
	while (!atomic_load(&blocked)) {
		arch_cpu_relax();
	}
	EXPECT(sched_wake(waiter));
	for (end = clock_monotonic() + NSEC_PER_MSEC; clock_monotonic() < end;) {
		arch_cpu_relax();
	}
	machine_wait_finished(1);
}

TEST(what_a_late_cpu_was_sent_for_is_taken_over)
{
	for (u64 seed = 1; seed <= machine_seeds(50); seed++) {
		EXPECT_EQ(host_machine_run(2, seed, one_is_late), 0);
	}
}

/* ---- what may not run here hides nothing that may ---- */

static struct timer blockers[3];
static _Atomic bool armed[3];

/* Its CPU alone is its place, and that is kept from coming for it. */
static void wait_there(void *argument)
{
	unsigned cpu = (unsigned)(uintptr_t)argument;
	struct cpumask mask = only(cpu);

	EXPECT_EQ(sched_set_affinity(sched_current(), &mask), 0);
	sched_prepare_wait(THREAD_UNINTERRUPTIBLE);
	if (!atomic_exchange(&armed[cpu], true)) {
		timer_init(&blockers[cpu], keep_cpu);
		timer_start(&blockers[cpu], clock_monotonic() + 500 * NSEC_PER_USEC);
	}
	sched_block(NSEC_NEVER);
	sched_finish_wait();
	if (arch_cpu_number() != cpu) {
		EXPECT_EQ(arch_cpu_number(), 0);
		atomic_store(&taken_over, true);
	}
	machine_finish();
}

static void spin_for(nsec_t time)
{
	for (nsec_t end = clock_monotonic() + time; clock_monotonic() < end;) {
		arch_cpu_relax();
	}
}

/* Two that wait: the other may be taken over, from a CPU that was sent for later or from behind the first. */
static void first_stays(u64 cpu_of_other)
{
	struct cpumask mask = only(0);
	struct sched_entity *first, *other;

	EXPECT_EQ(sched_set_affinity(sched_current(), &mask), 0);
	first = machine_start(wait_there, 1);
	other = machine_start(wait_there, cpu_of_other);
	while (atomic_load(&blocked) < cpu_of_other) {
		arch_cpu_relax();
	}
	EXPECT(sched_wake(first));
	spin_for(NSEC_PER_USEC);
	EXPECT(sched_wake(other));
	cpumask_fill(&mask, MAX_CPUS);
	EXPECT_EQ(sched_set_affinity(other, &mask), 0);
	spin_for(NSEC_PER_MSEC);
	machine_wait_finished(2);
}

static void other_is_elsewhere(void)
{
	first_stays(2);
}

static void other_is_behind(void)
{
	first_stays(1);
}

TEST(what_must_stay_on_a_late_cpu_hides_no_other)
{
	for (u64 seed = 1; seed <= machine_seeds(50); seed++) {
		EXPECT_EQ(host_machine_run(3, seed, other_is_elsewhere), 0);
		EXPECT_EQ(host_machine_run(2, seed, other_is_behind), 0);
	}
}
