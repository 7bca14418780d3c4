// SPDX-License-Identifier: MIT
/*
 * Sleeping and waking on the simulated machine (T2): none lost, none doubled; sleeps
 * end in order and not early.
 */
#include "host/machine.h"
#include "lib/errno.h"
#include "sched/sched.h"
#include "sched/wait.h"
#include "time/clock.h"
#include "unit.h"

enum { THREADS = 4, ROUNDS = 40 };

static struct wait_queue queue;
static _Atomic int tokens, taken, finished;

static void start(void (*entry)(void *), u64 argument)
{
	EXPECT_EQ(sched_kernel_thread("worker", entry, (void *)argument, NULL), 0);
}

static void wait_finished(int count)
{
	while (atomic_load(&finished) < count) {
		EXPECT_EQ(sched_sleep_until(clock_monotonic() + 100 * NSEC_PER_USEC,
					    THREAD_UNINTERRUPTIBLE),
			  0);
	}
}

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
	atomic_fetch_add(&finished, 1);
}

static void producer(void *argument)
{
	for (int i = 0; i < ROUNDS; i++) {
		atomic_fetch_add(&tokens, 1);
		wake_one(&queue, 0);
	}
	atomic_fetch_add(&finished, 1);
}

/*
 * If a wake-up is lost, the machine comes to rest with consumers asleep: only the
 * test's own poll goes on, until the step limit.
 */
static void tokens_are_passed(void)
{
	host_set_steps_max(2000000);
	wait_queue_init(&queue);
	for (u64 i = 0; i < THREADS; i++) {
		start(consumer, i);
		start(producer, i);
	}
	wait_finished(2 * THREADS);
	EXPECT_EQ(atomic_load(&taken), THREADS * ROUNDS);
	EXPECT_EQ(atomic_load(&tokens), 0);
}

TEST(no_wake_up_is_lost)
{
	EXPECT_EQ(host_machine_explore(4, 1, 200, tokens_are_passed), 0);
}
