// SPDX-License-Identifier: MIT
/*
 * Mutexes, reader-writer locks and completions on the simulated machine: exclusion and
 * progress.
 */
#include "lib/errno.h"
#include "machine.h"
#include "sync/completion.h"
#include "sync/mutex.h"
#include "sync/rwlock.h"

enum { THREADS = 5, ROUNDS = 25 };

void *malloc(size_t size);
void free(void *memory);

static struct mutex mutex;
static struct rwlock rwlock;
static int inside, readers_inside, writers_inside; /* what the locks guard */
static _Atomic int entered, broken;
static struct sched_entity *threads[THREADS];

static void pause_a_little(void)
{
	switch (host_random() % 4) {
	case 0:
		machine_sleep((nsec_t)(host_random() % 3000));
		break;
	case 1:
		sched_yield_current();
		break;
	default:
		break;
	}
}

static void in_mutex(void)
{
	EXPECT_EQ(inside, 0);
	inside++;
	mutex_assert_held(&mutex);
	pause_a_little();
	inside--;
	EXPECT_EQ(inside, 0);
	atomic_fetch_add(&entered, 1);
	mutex_unlock(&mutex);
}

NO_THREAD_SAFETY static void locks_mutex(void *argument)
{
	for (int i = 0; i < ROUNDS; i++) {
		if (host_random() % 4) {
			mutex_lock(&mutex);
		} else if (!mutex_try_lock(&mutex)) {
			atomic_fetch_add(&entered, 1);
			continue;
		}
		in_mutex();
		pause_a_little();
	}
	machine_finish();
}

static void mutex_excludes(void)
{
	host_set_steps_max(5000000);
	mutex_init(&mutex, RANK_INODE, "mutex");
	for (u64 i = 0; i < THREADS; i++) {
		machine_start(locks_mutex, i);
	}
	machine_wait_finished(THREADS);
	EXPECT_EQ(atomic_load(&entered), THREADS * ROUNDS);
}

TEST(mutex_exclusion_and_progress)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(400), mutex_excludes), 0);
}

/* Some waits are broken: nobody is left behind, and the break is not forgotten. */
NO_THREAD_SAFETY static void locks_breakably(void *argument)
{
	for (int i = 0; i < ROUNDS; i++) {
		int err = host_random() % 2 ? mutex_lock_killable(&mutex)
					    : mutex_lock_interruptible(&mutex);

		if (err) {
			EXPECT_EQ(err, -ERESTART);
			atomic_fetch_add(&broken, 1);
			sched_clear_break(sched_current(), ~0u);
		} else {
			in_mutex();
		}
	}
	machine_finish();
	machine_sleep(NSEC_PER_SEC); /* the breaker holds a pointer to us */
}

static void mutex_waits_break(void)
{
	host_set_steps_max(5000000);
	mutex_init(&mutex, RANK_INODE, "mutex");
	for (u64 i = 0; i < THREADS; i++) {
		threads[i] = machine_start(locks_breakably, i);
	}
	while (atomic_load(&machine_finished) < THREADS) {
		sched_break(threads[host_random() % THREADS], BREAK_KILL | BREAK_SIGNAL);
		machine_sleep((nsec_t)(host_random() % 20000));
	}
	EXPECT_EQ(atomic_load(&entered) + atomic_load(&broken), THREADS * ROUNDS);
	EXPECT(mutex_try_lock(&mutex));
}

TEST(broken_mutex_waits)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(300), mutex_waits_break), 0);
}

static void as_reader(void)
{
	EXPECT_EQ(writers_inside, 0);
	readers_inside++;
	pause_a_little();
	EXPECT_EQ(writers_inside, 0);
	readers_inside--;
	rwlock_unlock_shared(&rwlock);
}

static void as_writer(void)
{
	EXPECT_EQ(writers_inside, 0);
	EXPECT_EQ(readers_inside, 0);
	writers_inside++;
	pause_a_little();
	EXPECT_EQ(readers_inside, 0);
	writers_inside--;
	rwlock_unlock(&rwlock);
}

NO_THREAD_SAFETY static void uses_rwlock(void *argument)
{
	int err;

	for (int i = 0; i < ROUNDS; i++) {
		switch (host_random() % 5) {
		case 0:
			rwlock_lock(&rwlock);
			as_writer();
			break;
		case 1:
			err = rwlock_lock_killable(&rwlock);
			if (!err) {
				as_writer();
			}
			break;
		case 2:
			err = rwlock_lock_shared_killable(&rwlock);
			if (!err) {
				as_reader();
			}
			break;
		case 3:
			if (rwlock_try_lock_shared(&rwlock)) {
				as_reader();
			}
			break;
		default:
			rwlock_lock_shared(&rwlock);
			as_reader();
			break;
		}
		sched_clear_break(sched_current(), ~0u);
	}
	machine_finish();
	machine_sleep(NSEC_PER_SEC); /* the breaker holds a pointer to us */
}

/*
 * readers_inside is a plain counter: the machine lets nothing come between its load and
 * its store.
 */
static void rwlock_excludes(void)
{
	host_set_steps_max(5000000);
	rwlock_init(&rwlock, RANK_VM, "rwlock");
	for (u64 i = 0; i < THREADS; i++) {
		threads[i] = machine_start(uses_rwlock, i);
	}
	while (atomic_load(&machine_finished) < THREADS) {
		sched_break(threads[host_random() % THREADS], BREAK_KILL);
		machine_sleep((nsec_t)(host_random() % 30000));
	}
	EXPECT_EQ(rwlock.holders, 0);
	EXPECT(list_empty(&rwlock.waiters));
}

TEST(rwlock_exclusion_and_progress)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(400), rwlock_excludes), 0);
}

/* A writer that waits keeps a new reader out; if it gives up, the reader comes in at once. */
NO_THREAD_SAFETY static void waits_to_write(void *argument)
{
	EXPECT_EQ(rwlock_lock_killable(&rwlock), -ERESTART);
	sched_clear_break(sched_current(), ~0u);
	machine_finish();
	machine_sleep(NSEC_PER_SEC);
}

NO_THREAD_SAFETY static void reads(void *argument)
{
	rwlock_lock_shared(&rwlock);
	atomic_fetch_add(&entered, 1);
	rwlock_unlock_shared(&rwlock);
	machine_finish();
}

NO_THREAD_SAFETY static void writer_gives_up(void)
{
	struct sched_entity *writer;

	rwlock_init(&rwlock, RANK_VM, "rwlock");
	rwlock_lock_shared(&rwlock);
	writer = machine_start(waits_to_write, 0);
	machine_sleep(NSEC_PER_MSEC);
	machine_start(reads, 0);
	machine_sleep(NSEC_PER_MSEC);
	EXPECT_EQ(atomic_load(&entered), 0);
	sched_break(writer, BREAK_KILL);
	machine_wait_finished(2);
	EXPECT_EQ(atomic_load(&entered), 1);
	rwlock_unlock_shared(&rwlock);
}

TEST(a_writer_that_gives_up_lets_readers_in)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(30), writer_gives_up), 0);
}

/* The waiter frees the completion at once: AddressSanitizer watches the completer. */
static void completes(void *argument)
{
	pause_a_little();
	completion_complete(argument);
	machine_finish();
}

static void completions(void)
{
	host_set_steps_max(5000000);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct completion *completion = malloc(sizeof(*completion));

		completion_init(completion);
		machine_start(completes, (u64)completion);
		if (host_random() % 2) {
			completion_wait(completion);
		} else {
			while (completion_wait_until(completion,
						     clock_monotonic() + 500) ==
			       -ETIMEDOUT) {
				continue;
			}
		}
		free(completion);
	}
	machine_wait_finished(ROUNDS);
}

TEST(a_waiter_may_free_its_completion)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(300), completions), 0);
}
