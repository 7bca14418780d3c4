// SPDX-License-Identifier: MIT
/*
 * F1: FUTEX_WAIT, WAKE and the bitset forms: values, timeouts, counts, selection, bad input.
 * libc: musl
 */
#include "raw.h"

enum { WAITERS = 8 };

static uint32_t word;
static atomic_int awake;

static void *wait_once(void *unused)
{
	(void)unused;
	CHECK_EQ(futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), 0);
	atomic_fetch_add(&awake, 1);
	return NULL;
}

static void check_values(void)
{
	struct timespec soon = {0, 1000000};
	struct timespec bad = {0, 1000000000};
	struct timespec negative = {-1, 0};

	word = 1;
	CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EAGAIN);
	CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 1, &soon, NULL, 0), ETIMEDOUT);
	CHECK_ERRNO(futex(&word, FUTEX_WAIT, 1, &soon, NULL, 0), ETIMEDOUT);
	CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 1, &bad, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 1, &negative, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 1, UNMAPPED_ADDRESS, NULL, 0),
		    EFAULT);
	CHECK_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
	CHECK_ERRNO(futex((char *)&word + 1, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0),
		    EINVAL);
	CHECK_ERRNO(futex((char *)&word + 2, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0),
		    EINVAL);
	CHECK_ERRNO(futex(UNMAPPED_ADDRESS, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0),
		    EFAULT);
	CHECK_ERRNO(futex(KERNEL_ADDRESS, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(futex(NON_CANONICAL, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(futex(UNMAPPED_ADDRESS, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(futex(&word, 99, 0, NULL, NULL, 0), ENOSYS);
	ok("values");
}

static void check_timeout_lengths(void)
{
	struct timespec relative = {0, 20000000};
	struct timespec absolute;
	long long start = now_ns();

	word = 0;
	CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 0, &relative, NULL, 0), ETIMEDOUT);
	CHECK(now_ns() - start >= 20000000);
	clock_gettime(CLOCK_MONOTONIC, &absolute);
	CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, &absolute, NULL, 1),
		    ETIMEDOUT);
	clock_gettime(CLOCK_REALTIME, &absolute);
	CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0,
			  &absolute, NULL, 1),
		    ETIMEDOUT);
	CHECK_ERRNO(
		futex(&word, FUTEX_WAKE_PRIVATE | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0),
		ENOSYS);
	ok("timeout_lengths");
}

/* Exactly as many wake as the caller asked for, and the count says so. */
static void check_counts(void)
{
	pthread_t threads[WAITERS];
	int woken = 0;

	word = 0;
	for (int i = 0; i < WAITERS; i++) {
		threads[i] = start_thread(wait_once, NULL);
	}
	while (woken < 3) {
		long now = futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);

		CHECK(now == 0 || now == 1);
		woken += (int)now;
		sched_yield();
	}
	WAIT_UNTIL(atomic_load(&awake) == 3);
	CHECK_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 0, NULL, NULL, 0) <= 1, 1);
	WAIT_UNTIL((woken += (int)futex(&word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL,
					0)) >= WAITERS - 1);
	WAIT_UNTIL(atomic_load(&awake) == WAITERS ||
		   futex(&word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0) < 0);
	for (int i = 0; i < WAITERS; i++) {
		join_thread(threads[i]);
	}
	ok("counts");
}

static atomic_int group_awake[2];

static void *wait_for_bit(void *group)
{
	long which = (long)group;

	CHECK_EQ(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, 1u << which), 0);
	atomic_fetch_add(&group_awake[which], 1);
	return NULL;
}

static void check_bitset_selects(void)
{
	pthread_t one = start_thread(wait_for_bit, (void *)0);
	pthread_t two = start_thread(wait_for_bit, (void *)1);

	word = 0;
	CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 1, NULL, NULL, 0), EINVAL);
	WAIT_UNTIL(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 2) == 1);
	join_thread(two);
	CHECK_EQ(atomic_load(&group_awake[0]), 0);
	CHECK_EQ(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 4), 0);
	WAIT_UNTIL(futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0) == 1);
	join_thread(one);
	ok("bitset_selects");
}

/* Two threads hand a token to and fro: a lost wake-up hangs here. */
static uint32_t turn;

static void *play(void *me_pointer)
{
	uint32_t me = (uint32_t)(uintptr_t)me_pointer;

	for (int round = 0; round < 3000; round++) {
		uint32_t seen;

		while ((seen = __atomic_load_n(&turn, __ATOMIC_SEQ_CST)) != me) {
			futex(&turn, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
		}
		__atomic_store_n(&turn, !me, __ATOMIC_SEQ_CST);
		futex(&turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
	return NULL;
}

static void check_no_lost_wake(void)
{
	pthread_t zero = start_thread(play, (void *)0);
	pthread_t one = start_thread(play, (void *)1);

	join_thread(zero);
	join_thread(one);
	ok("no_lost_wake");
}

int main(void)
{
	check_values();
	check_timeout_lengths();
	check_counts();
	check_bitset_selects();
	check_no_lost_wake();
	return 0;
}
