// SPDX-License-Identifier: MIT
/* Rows of threads that wait for each other. The second of a pair is on the second CPU, where there is one. */
#include "bench.h"

#include <pthread.h>
#include <sched.h>

enum { CROWD = 64, RIVALS = 4 };

static atomic_int turn, rounds_left;

static void hand_over(int to)
{
	atomic_store(&turn, to);
	futex_rouse(&turn, 1);
}

static void await_turn(int mine)
{
	int now;

	while ((now = atomic_load(&turn)) != mine) {
		futex_sleep(&turn, now);
	}
}

static void *answer(void *cpu)
{
	pin((unsigned)(uintptr_t)cpu);
	for (;;) {
		await_turn(1);
		if (atomic_fetch_sub(&rounds_left, 1) == 0) {
			return NULL;
		}
		hand_over(0);
	}
}

/* Each round hands over twice. */
static uint64_t hand_overs(unsigned count, unsigned cpu)
{
	pthread_t other;

	pin(0);
	atomic_store(&turn, 0);
	atomic_store(&rounds_left, (int)count / 2);
	CHECK(pthread_create(&other, NULL, answer, (void *)(uintptr_t)cpu) == 0);
	uint64_t start = counter_nanoseconds();
	for (unsigned i = 0; i < count / 2; i++) {
		hand_over(1);
		await_turn(0);
	}
	uint64_t took = counter_nanoseconds() - start;
	hand_over(1);
	pthread_join(other, NULL);
	return took;
}

static uint64_t on_one_cpu(unsigned count)
{
	return hand_overs(count, 0);
}

static uint64_t across_cpus(unsigned count)
{
	return hand_overs(count, 1);
}

static uint64_t wake_nobody(unsigned count)
{
	uint64_t start = counter_nanoseconds();

	for (unsigned i = 0; i < count; i++) {
		futex_rouse(&turn, 1);
	}
	return counter_nanoseconds() - start;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned guarded;

/* The CPU is given away while the lock is held: the others meet it closed. */
static void *contend(void *argument)
{
	unsigned count = (unsigned)(uintptr_t)argument;

	for (unsigned i = 0; i < count; i++) {
		pthread_mutex_lock(&lock);
		guarded++;
		sched_yield();
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static uint64_t contended_mutex(unsigned count)
{
	pthread_t rivals[RIVALS];
	unsigned each = count / RIVALS, before = guarded;
	uint64_t start = counter_nanoseconds();

	for (unsigned i = 0; i < RIVALS; i++) {
		CHECK(pthread_create(&rivals[i], NULL, contend,
				     (void *)(uintptr_t)each) == 0);
	}
	for (unsigned i = 0; i < RIVALS; i++) {
		pthread_join(rivals[i], NULL);
	}
	uint64_t took = counter_nanoseconds() - start;
	CHECK(guarded - before == each * RIVALS);
	return took;
}

static atomic_int generation, heard;

static void *listen_to(void *rounds)
{
	for (int i = 0; i < (int)(intptr_t)rounds; i++) {
		while (atomic_load(&generation) <= i) {
			futex_sleep(&generation, i);
		}
		if (atomic_fetch_add(&heard, 1) + 1 == CROWD) {
			futex_rouse(&heard, 1);
		}
	}
	return NULL;
}

/* An operation wakes all, and waits until they have all been there. */
static uint64_t broadcast(unsigned count)
{
	pthread_t crowd[CROWD];

	atomic_store(&generation, 0);
	for (unsigned i = 0; i < CROWD; i++) {
		CHECK(pthread_create(&crowd[i], NULL, listen_to,
				     (void *)(uintptr_t)count) == 0);
	}
	uint64_t start = counter_nanoseconds();
	for (unsigned i = 0; i < count; i++) {
		int now;

		atomic_store(&heard, 0);
		atomic_fetch_add(&generation, 1);
		futex_rouse(&generation, CROWD);
		while ((now = atomic_load(&heard)) < CROWD) {
			futex_sleep(&heard, now);
		}
	}
	uint64_t took = counter_nanoseconds() - start;
	for (unsigned i = 0; i < CROWD; i++) {
		pthread_join(crowd[i], NULL);
	}
	return took;
}

static void *yield_often(void *argument)
{
	unsigned count = (unsigned)(uintptr_t)argument;

	for (unsigned i = 0; i < count; i++) {
		sched_yield();
	}
	return NULL;
}

/* Two threads of one CPU, by turns. */
static uint64_t yields(unsigned count)
{
	pthread_t other;

	pin(0);
	CHECK(pthread_create(&other, NULL, yield_often, (void *)(uintptr_t)(count / 2)) ==
	      0);
	uint64_t start = counter_nanoseconds();
	yield_often((void *)(uintptr_t)(count / 2));
	pthread_join(other, NULL);
	return counter_nanoseconds() - start;
}

const struct row futex_rows[] = {
	{"futex: wake nobody", ONE_CPU, 2000, wake_nobody},
	{"futex: hand-over on one CPU", ONE_CPU, 2000, on_one_cpu},
	{"futex: hand-over across CPUs", TWO_CPUS, 2000, across_cpus},
	{"yield", ONE_CPU, 2000, yields},
	{"mutex under contention", EITHER, 2000, contended_mutex},
	{"broadcast: 64 woken and done", EITHER, 20, broadcast},
	{NULL, 0, 0, NULL},
};
