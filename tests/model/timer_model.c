// SPDX-License-Identifier: MIT
/*
 * A timer that moves between the CPUs' queues (kernel/time/timer.c, order.timer), and a concurrency number that goes from one thread to the
 * next (kernel/sched/concurrency.c, order.concurrency).
 *
 * Its queue's lock guards a timer, and which queue that is is a word of the timer's. Two CPUs start it in their own queue; a third cancels it.
 *
 * What must hold: nobody touches the timer beside another who does; what was done with a number is seen by who has it next.
 */
#include "weak.h"

enum { CPU, NODE, NUMBERS, WITH_NUMBER };
enum { NOWHERE = -1, MOVING = -2 };

static struct weak_lock queues[2];
static long inside; /* who touches it */

static void touch(void)
{
	CHECK(inside == 0);
	inside = 1;
	put(NODE, look(NODE) + 1);
	inside = 0;
}

static bool settled(long unused)
{
	return weak_cells[CPU].values[weak_cells[CPU].count - 1] != unused;
}

/* NULL: it was never in one. */
static struct weak_lock *lock_queue_of(void)
{
	for (;;) {
		long cpu = load(CPU, ACQUIRE);

		if (cpu == NOWHERE) {
			return NULL;
		}
		if (cpu >= 0) {
			take(&queues[cpu]);
#ifndef MUTANT_1 /* it may have moved */
			if (load(CPU, RELAXED) != cpu) {
				give(&queues[cpu]);
				continue;
			}
#endif
			return &queues[cpu];
		}
		weak_wait(settled, MOVING);
	}
}

static void start(int self)
{
	struct weak_lock *queue;

#ifdef MUTANT_2 /* a new one is nobody's: two start it */
	queue = lock_queue_of();
#else
	do {
		queue = lock_queue_of();
	} while (!queue &&
		 exchange_if(CPU, NOWHERE, MOVING, ACQUIRE, RELAXED) != NOWHERE);
#endif
	if (queue == &queues[self]) {
		touch();
		give(queue);
		return;
	}
	if (queue) {
		touch();
#ifndef MUTANT_3 /* it stays in the old queue while it is in none */
		store(CPU, MOVING, RELAXED);
#endif
		give(queue);
	}
	take(&queues[self]);
#ifdef MUTANT_4 /* it is in the new queue before that is locked by who puts it there */
	give(&queues[self]);
	store(CPU, self, RELAXED);
	touch();
	return;
#endif
	store(CPU, self, RELEASE);
	touch();
	give(&queues[self]);
}

/* A thread with a number: per-CPU data of a program is found by it. */
static void use_number(void)
{
	if (exchange_if(NUMBERS, 0, 1,
#ifdef MUTANT_5
			RELAXED,
#else
			ACQUIRE,
#endif
			RELAXED) == 0) {
		put(WITH_NUMBER, look(WITH_NUMBER) + 1);
#ifdef MUTANT_6
		store(NUMBERS, 0, RELAXED);
#else
		store(NUMBERS, 0, RELEASE);
#endif
	}
}

static void first_cpu(void)
{
	use_number();
	start(0);
	start(0);
}

static void second_cpu(void)
{
	use_number();
	start(1);
	start(1);
}

static void canceller(void)
{
	for (int i = 0; i < 2; i++) {
		struct weak_lock *queue = lock_queue_of();

		if (queue) {
			touch();
			give(queue);
		}
	}
}

static void begin(void)
{
	queues[0] = queues[1] = (struct weak_lock){0};
	inside = 0;
	weak_initial(CPU, NOWHERE);
}

int main(void)
{
	static const weak_function threads[] = {first_cpu, second_cpu, canceller, NULL};

	return weak_run(begin, weak_nothing, threads);
}
