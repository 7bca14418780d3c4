// SPDX-License-Identifier: MIT
/*
 * Host model of going to sleep and being woken: kernel/sched/wake.c and switch.c (T2, order.wake).
 *
 * A pthread plays a kernel thread. Its CPU is played by `queue`: whoever is queue->current
 * runs; leaving the CPU means saving the registers (a plain variable), no longer being
 * current, and waiting for a semaphore, which stands for the run queue: a post is "linked as
 * READY". Sleepers wait for their flag; wakers set flags and wake, several for each sleeper.
 *
 * What must hold: a sleeper whose flag is set goes on (the watchdog sees those that do not);
 * nobody is linked twice (the semaphore's value); saved registers are never looked at while
 * they are written (TSan).
 *
 * mutants: 6        MUTANT_n breaks one rule; TSan, an assertion or the watchdog must object.
 */
#define _GNU_SOURCE
#include "model.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { SLEEPERS = 2, WAKERS_EACH = 2 };
enum state { READY, RUNNING, WAITING };

struct sleeper {
	_Atomic int state;
	_Atomic int flag;      /* the condition: set by wakers, taken by the sleeper */
	pthread_mutex_t queue; /* run_queue.lock of the CPU it belongs to */
	bool current;          /* queue: it is on the CPU */
	long registers;        /* queue: saved by it, loaded when it is switched to */
	sem_t linked;
	_Atomic long rounds;
};

static struct sleeper sleepers[SLEEPERS];
static _Atomic bool stop;

static bool change(struct sleeper *s, int from, int to)
{
	return atomic_compare_exchange_strong(&s->state, &from, to);
}

static void leave_cpu(struct sleeper *s, long round)
{
#ifdef MUTANT_6 /* off the CPU, for all to see, before the registers are saved */
	pthread_mutex_lock(&s->queue);
	s->current = false;
	pthread_mutex_unlock(&s->queue);
	linger();
	s->registers = round;
#else
	pthread_mutex_lock(&s->queue);
#	ifndef MUTANT_5 /* leave without another look at the state */
	if (atomic_load(&s->state) != WAITING) {
		pthread_mutex_unlock(&s->queue);
		return;
	}
#	endif
	s->registers = round;
	linger();
	s->current = false;
	pthread_mutex_unlock(&s->queue);
#endif
	while (sem_wait(&s->linked)) {
	}
	pthread_mutex_lock(&s->queue);
	CHECK(s->registers == round);
	s->current = true;
	CHECK(change(s, READY, RUNNING));
	pthread_mutex_unlock(&s->queue);
}

static void *sleeper_main(void *argument)
{
	struct sleeper *s = argument;

	for (long round = 1; !atomic_load(&stop); round++) {
		for (;;) {
#ifdef MUTANT_1 /* look first, then say that one waits */
			bool set = atomic_exchange(&s->flag, 0);

			linger();
			change(s, RUNNING, WAITING);
#else
			change(s, RUNNING, WAITING);
			atomic_thread_fence(memory_order_seq_cst);
			linger();
			bool set = atomic_exchange(&s->flag, 0);
#endif
			if (set || atomic_load(&stop)) {
				break;
			}
			linger();
			leave_cpu(s, round);
		}
		change(s, WAITING, RUNNING);
		atomic_fetch_add(&s->rounds, 1);
	}
	return NULL;
}

static void wake(struct sleeper *s)
{
	int value;

	if (atomic_load(&s->state) != WAITING) {
		return;
	}
	linger();
#ifndef MUTANT_3 /* wake without the queue's lock */
	pthread_mutex_lock(&s->queue);
#endif
	if (s->current) {
		change(s, WAITING, RUNNING);
#ifdef MUTANT_4 /* no compare: an earlier waker may have been here */
	} else {
		atomic_store(&s->state, READY);
#else
	} else if (change(s, WAITING, READY)) {
#endif
		CHECK(s->registers > 0);
		sem_post(&s->linked);
		CHECK(!sem_getvalue(&s->linked, &value) && value <= 1);
	}
#ifndef MUTANT_3
	pthread_mutex_unlock(&s->queue);
#endif
}

static void *waker_main(void *argument)
{
	struct sleeper *s = argument;

	while (!atomic_load(&stop)) {
#ifdef MUTANT_2 /* look at the state before the condition is true */
		bool waits = atomic_load(&s->state) == WAITING;

		linger();
		atomic_store_explicit(&s->flag, 1, memory_order_relaxed);
		if (waits) {
			wake(s);
		}
#else
		atomic_store_explicit(&s->flag, 1, memory_order_relaxed);
		atomic_thread_fence(memory_order_seq_cst);
		wake(s);
#endif
		/* Not again before the sleeper has seen it: else the next wake-up mends a lost one. */
		while (atomic_load(&s->flag) && !atomic_load(&stop)) {
			sched_yield();
		}
	}
	return NULL;
}

/* Every sleeper goes on, or the model has lost a wake-up. */
static void watch(int seconds)
{
	long before[SLEEPERS] = {0};

	for (int second = 0; second < seconds; second++) {
		sleep(1);
		for (int i = 0; i < SLEEPERS; i++) {
			long now = atomic_load(&sleepers[i].rounds);

			CHECK(now > before[i]);
			before[i] = now;
		}
	}
}

static void start(void *(*entry)(void *argument), struct sleeper *s)
{
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, entry, s));
	pthread_detach(thread);
}

int main(int argc, char **argv)
{
	long rounds = 0;

	for (int i = 0; i < SLEEPERS; i++) {
		struct sleeper *s = &sleepers[i];

		atomic_init(&s->state, RUNNING);
		pthread_mutex_init(&s->queue, NULL);
		s->current = true;
		sem_init(&s->linked, 0, 0);
		start(sleeper_main, s);
		for (int j = 0; j < WAKERS_EACH; j++) {
			start(waker_main, s);
		}
	}
	watch(argc > 1 ? atoi(argv[1]) : 3);
	atomic_store(&stop, true);
	for (int i = 0; i < SLEEPERS; i++) {
		rounds += atomic_load(&sleepers[i].rounds);
	}
	printf("%ld rounds, none lost, none doubled\n", rounds);
	fflush(stdout);
	_exit(0); /* sleepers may sleep for ever now */
}
