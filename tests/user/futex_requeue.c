// SPDX-License-Identifier: MIT
/*
 * F1: FUTEX_REQUEUE, CMP_REQUEUE and WAKE_OP: who moves, who wakes, what is counted.
 * libc: musl
 */
#include "raw.h"

enum { WAITERS = 6 };

static uint32_t first, second;
static atomic_int awake;
static atomic_int started;

static void *wait_on_first(void *unused)
{
	(void)unused;
	atomic_fetch_add(&started, 1);
	CHECK_EQ(futex(&first, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), 0);
	atomic_fetch_add(&awake, 1);
	return NULL;
}

static void wait_until_asleep(int count)
{
	for (int asleep = 0; asleep < count;) {
		// Moving everybody to the same word counts the sleepers and wakes nobody.
		long moved =
			futex(&first, FUTEX_REQUEUE_PRIVATE, 0,
			      (const struct timespec *)(uintptr_t)INT32_MAX, &first, 0);

		CHECK(moved >= 0);
		asleep = (int)moved;
		sched_yield();
	}
}

static const struct timespec *limit(long value)
{
	return (const struct timespec *)value;
}

static void check_requeue(void)
{
	pthread_t threads[WAITERS];

	for (int i = 0; i < WAITERS; i++) {
		threads[i] = start_thread(wait_on_first, NULL);
	}
	wait_until_asleep(WAITERS);
	CHECK_ERRNO(futex(&first, FUTEX_CMP_REQUEUE_PRIVATE, 1, limit(2), &second, 5),
		    EAGAIN);
	CHECK_EQ(futex(&first, FUTEX_CMP_REQUEUE_PRIVATE, 1, limit(3), &second, 0), 4);
	WAIT_UNTIL(atomic_load(&awake) == 1);
	CHECK_EQ(futex(&second, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0), 3);
	WAIT_UNTIL(atomic_load(&awake) == 4);
	CHECK_EQ(futex(&first, FUTEX_REQUEUE_PRIVATE, 0, limit(9), &second, 0), 2);
	CHECK_EQ(futex(&first, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 0);
	CHECK_EQ(futex(&second, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 2);
	for (int i = 0; i < WAITERS; i++) {
		join_thread(threads[i]);
	}
	ok("requeue");
}

static void check_bad_requeue(void)
{
	CHECK_ERRNO(futex(&first, FUTEX_REQUEUE_PRIVATE, -1u, limit(1), &second, 0),
		    EINVAL);
	CHECK_ERRNO(futex(&first, FUTEX_CMP_REQUEUE_PRIVATE, 1, limit(-1), &second, 0),
		    EINVAL);
	CHECK_ERRNO(
		futex(&first, FUTEX_REQUEUE_PRIVATE, 1, limit(1), (char *)&second + 1, 0),
		EINVAL);
	CHECK_ERRNO(
		futex(&first, FUTEX_CMP_REQUEUE_PRIVATE, 1, limit(1), KERNEL_ADDRESS, 0),
		EFAULT);
	ok("bad_requeue");
}

static void *wait_on(void *word)
{
	CHECK_EQ(futex(word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), 0);
	return NULL;
}

/* WAKE_OP changes the second word, wakes the first's waiters, and the second's if it compares. */
static void check_wake_op(void)
{
	pthread_t thread;

	first = 0;
	second = 10;
	CHECK_EQ(futex(&first, FUTEX_WAKE_OP_PRIVATE, 1, limit(1), &second,
		       FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 10)),
		 0);
	CHECK_EQ(second, 15);
	futex(&first, FUTEX_WAKE_OP_PRIVATE, 0, limit(0), &second,
	      FUTEX_OP(FUTEX_OP_SET, 6, FUTEX_OP_CMP_EQ, 0));
	CHECK_EQ(second, 6);
	futex(&first, FUTEX_WAKE_OP_PRIVATE, 0, limit(0), &second,
	      FUTEX_OP(FUTEX_OP_OR, 9, FUTEX_OP_CMP_EQ, 0));
	CHECK_EQ(second, 15);
	futex(&first, FUTEX_WAKE_OP_PRIVATE, 0, limit(0), &second,
	      FUTEX_OP(FUTEX_OP_ANDN, 1, FUTEX_OP_CMP_EQ, 0));
	CHECK_EQ(second, 14);
	futex(&first, FUTEX_WAKE_OP_PRIVATE, 0, limit(0), &second,
	      FUTEX_OP(FUTEX_OP_XOR, 15, FUTEX_OP_CMP_EQ, 0));
	CHECK_EQ(second, 1);
	futex(&first, FUTEX_WAKE_OP_PRIVATE, 0, limit(0), &second,
	      FUTEX_OP(FUTEX_OP_SET | FUTEX_OP_OPARG_SHIFT, 4, FUTEX_OP_CMP_EQ, 0));
	CHECK_EQ(second, 16);
	second = 0;
	thread = start_thread(wait_on, &second);
	// The comparison looks at the old value, and holds: the second word's waiter wakes.
	WAIT_UNTIL(futex(&first, FUTEX_WAKE_OP_PRIVATE, 1, limit(1), &second,
			 FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_GE, 0)) == 1);
	join_thread(thread);
	thread = start_thread(wait_on, &first);
	// It does not hold: only the first word's waiter wakes.
	WAIT_UNTIL(futex(&first, FUTEX_WAKE_OP_PRIVATE, 1, limit(1), &second,
			 FUTEX_OP(FUTEX_OP_SET, 0, FUTEX_OP_CMP_NE, 0)) == 1);
	join_thread(thread);
	CHECK_ERRNO(
		futex(&first, FUTEX_WAKE_OP_PRIVATE, 1, limit(1), UNMAPPED_ADDRESS, 0),
		EFAULT);
	CHECK_ERRNO(futex(&first, FUTEX_WAKE_OP_PRIVATE, 1, limit(1), &second,
			  FUTEX_OP(5, 0, FUTEX_OP_CMP_EQ, 0)),
		    ENOSYS);
	ok("wake_op");
}

/* A condition variable broadcast as libc does it, many times over. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int generation, waiting;

static void *follow_generations(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&mutex);
	for (int last = 0; last < 200;) {
		waiting++;
		while (generation == last) {
			pthread_cond_wait(&condition, &mutex);
		}
		last = generation;
	}
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void check_condition_variables(void)
{
	pthread_t threads[WAITERS];

	for (int i = 0; i < WAITERS; i++) {
		threads[i] = start_thread(follow_generations, NULL);
	}
	for (int round = 0; round < 200;) {
		pthread_mutex_lock(&mutex);
		if (waiting == WAITERS) {
			waiting = 0;
			generation = ++round;
			pthread_cond_broadcast(&condition);
		}
		pthread_mutex_unlock(&mutex);
		sched_yield();
	}
	for (int i = 0; i < WAITERS; i++) {
		join_thread(threads[i]);
	}
	ok("condition_variables");
}

int main(void)
{
	check_requeue();
	check_bad_requeue();
	check_wake_op();
	check_condition_variables();
	return 0;
}
