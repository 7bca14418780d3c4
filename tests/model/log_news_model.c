// SPDX-License-Identifier: MIT
/*
 * Host model of how readers of the log are told that it grew: kernel/core/log.c (log_expect, tell_news, order.log) and
 * kernel/sched/log_news.c.
 *
 * Pthreads play readers, which wait for the next record and take it, and writers, each of which adds a record and then
 * waits until every reader has taken it: so a wake-up that is lost is never made good by a later one. One more plays the
 * interrupt.
 *
 * What must hold: a record that was added is taken by all within a time that no delay explains.
 *
 * mutants: 5        MUTANT_n breaks one rule; an assertion must object.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { READERS = 3, WRITERS = 2, PATIENCE = 4 /* seconds */ };

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static long newest; /* log_lock */
static atomic_bool expected, due, interrupt;

struct reader {
	pthread_t thread;
	pthread_mutex_t lock; /* the queue's, for this entry */
	bool linked, woken;   /* lock */
	_Atomic long place;
};

static struct reader readers[READERS];
static _Atomic long rounds;
static atomic_bool stop;

/* Make the windows wide. */
static void linger(void)
{
	static _Thread_local unsigned long random;

	if (random == 0) {
		random = (unsigned long)pthread_self() | 1;
	}
	random = random * 6364136223846793005ul + 1442695040888963407ul;
	for (unsigned i = random >> 33 & 7; i > 4; i--) {
		sched_yield();
	}
}

static bool is_newer(long place)
{
	bool newer;

	pthread_mutex_lock(&log_lock);
	newer = place < newest;
	pthread_mutex_unlock(&log_lock);
	return newer;
}

static bool expect(long place)
{
#ifdef MUTANT_1 /* it looks before it says that it waits */
	bool newer = is_newer(place);

	linger();
	atomic_store(&expected, true);
	return newer;
#else
	atomic_store(&expected, true);
	linger();
	return is_newer(place);
#endif
}

static void set_linked(struct reader *reader, bool linked)
{
	pthread_mutex_lock(&reader->lock);
	reader->linked = linked;
	reader->woken = false;
	pthread_mutex_unlock(&reader->lock);
}

static bool was_woken(struct reader *reader)
{
	bool woken;

	pthread_mutex_lock(&reader->lock);
	woken = reader->woken;
	pthread_mutex_unlock(&reader->lock);
	return woken;
}

static void *read_records(void *argument)
{
	struct reader *reader = argument;

	for (;;) {
#ifdef MUTANT_2 /* it looks before it is in the queue */
		bool newer = expect(atomic_load(&reader->place));

		linger();
		set_linked(reader, true);
#else
		set_linked(reader, true);
		bool newer = expect(atomic_load(&reader->place));
#endif
		while (!newer && !was_woken(reader)) {
			sched_yield();
		}
		set_linked(reader, false);
		if (is_newer(atomic_load(&reader->place))) {
			atomic_fetch_add(&reader->place, 1);
		}
	}
	return NULL;
}

static void wake_all(void)
{
	for (int i = 0; i < READERS; i++) {
		pthread_mutex_lock(&readers[i].lock);
		readers[i].woken = readers[i].woken || readers[i].linked;
		pthread_mutex_unlock(&readers[i].lock);
		linger();
	}
}

static void *serve_interrupts(void *unused)
{
	for (;;) {
		if (atomic_exchange(&interrupt, false) &&
		    atomic_load_explicit(&due, memory_order_relaxed) &&
		    atomic_exchange(&due, false)) {
			wake_all();
		}
		sched_yield();
	}
	return unused;
}

static void note_news(void)
{
#ifdef MUTANT_3 /* the interrupt may find nothing due */
	atomic_store(&interrupt, true);
	for (int i = 0; i < 8; i++) {
		linger();
	}
	atomic_store(&due, true);
#else
	atomic_store(&due, true);
	linger();
	atomic_store(&interrupt, true);
#endif
}

static void add(void)
{
#ifdef MUTANT_4 /* it asks whether somebody waits before the record is there */
	bool told = atomic_load(&expected) && atomic_exchange(&expected, false);

	linger();
#endif
	pthread_mutex_lock(&log_lock);
	newest++;
	pthread_mutex_unlock(&log_lock);
	linger();
#ifndef MUTANT_4
	bool told = atomic_load(&expected) && atomic_exchange(&expected, false);
#endif
#ifdef MUTANT_5 /* what is expected is forgotten once more, when nobody looks */
	linger();
	atomic_store(&expected, false);
#endif
	if (told) {
		note_news();
	}
}

static void wait_for_readers(void)
{
	time_t begun = time(NULL);
	long wanted;

	pthread_mutex_lock(&log_lock);
	wanted = newest;
	pthread_mutex_unlock(&log_lock);
	for (int i = 0; i < READERS; i++) {
		while (atomic_load(&readers[i].place) < wanted) {
			if (time(NULL) - begun > PATIENCE) {
				fprintf(stderr,
					"violated: reader %d never heard of %ld\n", i,
					wanted);
				_exit(1);
			}
			sched_yield();
		}
	}
}

static void *write_records(void *unused)
{
	while (!atomic_load(&stop)) {
		add();
		wait_for_readers();
		atomic_fetch_add(&rounds, 1);
	}
	return unused;
}

int main(int count, char **arguments)
{
	pthread_t writers[WRITERS], server;

	pthread_create(&server, NULL, serve_interrupts, NULL);
	for (int i = 0; i < READERS; i++) {
		pthread_mutex_init(&readers[i].lock, NULL);
		pthread_create(&readers[i].thread, NULL, read_records, &readers[i]);
	}
	for (int i = 0; i < WRITERS; i++) {
		pthread_create(&writers[i], NULL, write_records, NULL);
	}
	sleep(count > 1 ? (unsigned)atoi(arguments[1]) : 3);
	atomic_store(&stop, true);
	for (int i = 0; i < WRITERS; i++) {
		pthread_join(writers[i], NULL);
	}
	printf("%ld records\n", atomic_load(&rounds));
	if (atomic_load(&rounds) < 10) {
		return 1;
	}
	_exit(0); /* the readers go on waiting */
}
