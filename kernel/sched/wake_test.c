// SPDX-License-Identifier: MIT
/*
 * Sleeping and waking on the simulated machine (T2): no wake-up is lost, none is doubled;
 * sleeps end in order and not early; breaks end the waits they should. The states' transitions.
 */
#include "lib/errno.h"
#include "machine.h"
#include "sched/run_queue.h"
#include "sched/wait.h"

enum { THREADS = 4, ROUNDS = 30, SLEEPERS = 8 };

static struct wait_queue queue;
static _Atomic int tokens, taken;

static bool take_token(void)
{
	int seen = atomic_load(&tokens);

	while (seen > 0) {
		if (atomic_compare_exchange_strong(&tokens, &seen, seen - 1)) {
			return true;
		}
	}
	return false;
}

static void consumer(void *argument)
{
	for (int i = 0; i < ROUNDS; i++) {
		EXPECT_EQ(wait_until(&queue, take_token(), THREAD_UNINTERRUPTIBLE,
				     NSEC_NEVER),
			  0);
		atomic_fetch_add(&taken, 1);
	}
	machine_finish();
}

static void exclusive_consumer(void *argument)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct wait_entry entry = {0};

		for (;;) {
			wait_begin_exclusive(&queue, &entry, THREAD_UNINTERRUPTIBLE);
			if (take_token()) {
				break;
			}
			sched_block(NSEC_NEVER);
		}
		wait_end(&queue, &entry);
		atomic_fetch_add(&taken, 1);
	}
	machine_finish();
}

static void producer(void *argument)
{
	for (int i = 0; i < ROUNDS; i++) {
		atomic_fetch_add(&tokens, 1);
		wake_one(&queue, 0);
		if (host_random() % 4 == 0) {
			machine_sleep((nsec_t)(host_random() % 20000));
		}
	}
	machine_finish();
}

static void pass_tokens(void (*consume)(void *))
{
	host_set_steps_max(3000000);
	wait_queue_init(&queue);
	for (u64 i = 0; i < THREADS; i++) {
		machine_start(consume, i);
		machine_start(producer, i);
	}
	machine_wait_finished(2 * THREADS);
	EXPECT_EQ(atomic_load(&taken), THREADS * ROUNDS);
	EXPECT_EQ(atomic_load(&tokens), 0);
}

static void tokens_to_all(void)
{
	pass_tokens(consumer);
}

static void tokens_to_one(void)
{
	pass_tokens(exclusive_consumer);
}

TEST(no_wake_up_is_lost)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(400), tokens_to_all), 0);
}

TEST(no_exclusive_wake_up_is_lost)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(400), tokens_to_one), 0);
}

/* Wakers race for a sleeper that sleeps ROUNDS times: one wake-up a sleep, at most. */
static _Atomic int wakes, sleeps, stop;
static struct sched_entity *_Atomic sleeper_thread;

static void counted_sleeper(void *argument)
{
	atomic_store(&sleeper_thread, sched_current());
	for (int i = 0; i < ROUNDS; i++) {
		sched_prepare_wait(THREAD_INTERRUPTIBLE);
		atomic_fetch_add(&sleeps, 1);
		sched_block(clock_monotonic() + 50 * NSEC_PER_USEC);
		sched_finish_wait();
	}
	atomic_store(&stop, 1);
	while (atomic_load(&machine_finished) < THREADS) {
		machine_sleep(10 * NSEC_PER_USEC); /* the wakers hold a pointer to us */
	}
	machine_finish();
}

static void counting_waker(void *argument)
{
	while (!atomic_load(&stop)) {
		struct sched_entity *thread = atomic_load(&sleeper_thread);

		if (thread && sched_wake_mask(thread, 1u << THREAD_INTERRUPTIBLE)) {
			atomic_fetch_add(&wakes, 1);
		}
		arch_cpu_relax();
	}
	machine_finish();
}

static void wakes_are_counted(void)
{
	host_set_steps_max(3000000);
	for (u64 i = 0; i < THREADS; i++) {
		machine_start(counting_waker, i);
	}
	machine_start(counted_sleeper, 0);
	machine_wait_finished(THREADS + 1);
	EXPECT(atomic_load(&wakes) <= atomic_load(&sleeps));
}

TEST(no_wake_up_is_doubled)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(200), wakes_are_counted), 0);
}

static nsec_t deadlines[SLEEPERS];
static _Atomic unsigned order[SLEEPERS], ended;

static void ordered_sleeper(void *argument)
{
	u64 self = (u64)argument;

	EXPECT_EQ(sched_sleep_until(deadlines[self], THREAD_INTERRUPTIBLE), 0);
	EXPECT(clock_monotonic() >= deadlines[self]);
	/* Late is allowed while others use the CPUs, but not by this much. */
	EXPECT(clock_monotonic() < deadlines[self] + 5 * NSEC_PER_MSEC);
	order[atomic_fetch_add(&ended, 1)] = (unsigned)self;
	machine_finish();
}

/*
 * Deadlines are 1 ms apart in a shuffled order: threads wake in the order of the
 * deadlines.
 */
static void sleeps_are_ordered(void)
{
	nsec_t start = clock_monotonic() + 2 * NSEC_PER_MSEC;
	u64 stride = 1 + 2 * (host_random() % 4);

	for (u64 i = 0; i < SLEEPERS; i++) {
		deadlines[i] = start + (nsec_t)(i * stride % SLEEPERS) * NSEC_PER_MSEC;
		machine_start(ordered_sleeper, i);
	}
	machine_wait_finished(SLEEPERS);
	for (unsigned i = 1; i < SLEEPERS; i++) {
		EXPECT(deadlines[order[i - 1]] < deadlines[order[i]]);
	}
}

TEST(sleeps_end_in_order)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(200), sleeps_are_ordered), 0);
}

static _Atomic int results[3];

static void broken_sleeper(void *argument)
{
	static const enum thread_state states[3] = {THREAD_INTERRUPTIBLE, THREAD_KILLABLE,
						    THREAD_UNINTERRUPTIBLE};
	u64 self = (u64)argument;
	nsec_t deadline = clock_monotonic() + 20 * NSEC_PER_MSEC;

	atomic_store(&results[self], sched_sleep_until(deadline, states[self]));
	machine_finish();
	sched_clear_break(sched_current(), ~0u);
}

static void breaks_end_waits(void)
{
	struct sched_entity *threads[3];
	u32 what = host_seed() % 2 ? BREAK_SIGNAL : BREAK_KILL;

	for (u64 i = 0; i < 3; i++) {
		threads[i] = machine_start(broken_sleeper, i);
	}
	for (u64 i = 0; i < 3; i++) {
		sched_break(threads[i], what);
	}
	machine_wait_finished(3);
	EXPECT_EQ(atomic_load(&results[0]), -EINTR);
	EXPECT_EQ(atomic_load(&results[1]), what == BREAK_KILL ? -EINTR : 0);
	EXPECT_EQ(atomic_load(&results[2]), 0);
}

TEST(breaks_end_the_waits_they_should)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(200), breaks_end_waits), 0);
}

/* ---- transitions ---- */

/* As the diagram has them: written down again, not taken from state.c. */
static bool is_allowed(enum thread_state from, enum thread_state to)
{
	switch (from) {
	case THREAD_CREATING:
		return to == THREAD_READY || to == THREAD_DEAD;
	case THREAD_READY:
		return to == THREAD_RUNNING;
	case THREAD_RUNNING:
		return to != THREAD_CREATING && to != THREAD_RUNNING;
	case THREAD_ZOMBIE:
		return to == THREAD_DEAD;
	case THREAD_DEAD:
		return false;
	default: // a wait, or stopped
		return to == THREAD_READY || to == THREAD_RUNNING;
	}
}

static enum thread_state tried_from, tried_to;

static void try_one(void)
{
	static struct sched_entity entity;

	sched_entity_init(&entity, 0);
	atomic_store(&entity.state, (u32)tried_from);
	state_change(&entity, tried_from, tried_to);
	EXPECT_EQ(atomic_load(&entity.state), tried_to);
}

TEST(T2_only_the_allowed_transitions)
{
	for (unsigned from = 0; from < THREAD_STATES; from++) {
		for (unsigned to = 0; to < THREAD_STATES; to++) {
			tried_from = from;
			tried_to = to;
			EXPECT_EQ(host_machine_run(1, 1, try_one),
				  is_allowed(from, to) ? 0 : 255);
		}
	}
}

static void change_of_another(void)
{
	static struct sched_entity entity;

	sched_entity_init(&entity, 0);
	atomic_store(&entity.state, (u32)THREAD_READY);
	EXPECT(!state_try_change(&entity, THREAD_RUNNING, THREAD_READY));
	EXPECT_EQ(atomic_load(&entity.state), THREAD_READY);
	state_change(&entity, THREAD_RUNNING, THREAD_READY);
}

/* A compare-and-set: it is not in the state the change begins with. */
TEST(T2_a_change_from_another_state_is_none)
{
	EXPECT_EQ(host_machine_run(1, 1, change_of_another), 255);
}
