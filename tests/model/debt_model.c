// SPDX-License-Identifier: MIT
/*
 * Host model of debts and loans: kernel/sched/debt.c (F1).
 *
 * Each entity holds one thing, which is its debt, and waits at times for that
 * of one before it: chains without rings. Workers give and take back the loans
 * of their own entities, and change the priority of any. Nobody holds more than
 * the locks of one entity and one debt. Now and then all stop: then each loan
 * must be as urgent as its lender, each debt as its first loan, each entity as
 * its own priority and its debt's.
 *
 * mutants: 4        MUTANT_n breaks one rule; TSan or an assertion must object.
 */
#define _GNU_SOURCE
#include "model.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

enum { ENTITIES = 8, WORKERS = 4, OPERATIONS = 40 };

struct entity {
	pthread_mutex_t
		lending; /* entity.lending_lock: `debt`, and `lent` with the debt's */
	pthread_mutex_t queue; /* run_queue.lock */
	int own, owed, acting; /* the greater one */
	struct debt *debt;     /* for which it waits: the loan */
	int lent;              /* the loan's standing: the debt's lock */
};

struct debt {
	pthread_mutex_t lock;
	int first; /* the most urgent loan; the debtor's `lending` too */
};

static struct entity entities[ENTITIES];
static struct debt debts[ENTITIES]; /* debts[i] is that of entities[i] */
static pthread_barrier_t barrier;
static _Atomic long rounds;

static void lock(pthread_mutex_t *mutex)
{
	pthread_mutex_lock(mutex);
}

static void unlock(pthread_mutex_t *mutex)
{
	pthread_mutex_unlock(mutex);
	if (chance(24) == 0) {
		sched_yield();
	}
}

/* The lock of the run queue is held. */
static void act(struct entity *entity)
{
	entity->acting = entity->own > entity->owed ? entity->own : entity->owed;
}

static int acts_by(struct entity *entity)
{
	int best;

	lock(&entity->queue);
	best = entity->acting;
	unlock(&entity->queue);
	return best;
}

/* debt.lock is held, which is enough to look at its loans. */
static int most_urgent(const struct debt *debt)
{
	int best = 0;

	for (int i = 0; i < ENTITIES; i++) {
		if (__atomic_load_n(&entities[i].debt, __ATOMIC_RELAXED) == debt &&
		    entities[i].lent > best) {
			best = entities[i].lent;
		}
	}
	return best;
}

/* debt.lock is held. The debtor, if that is to be carried on; -1. */
static int settle(struct debt *debt)
{
	int debtor = (int)(debt - debts), first = most_urgent(debt);
	struct entity *entity = &entities[debtor];

	if (first == debt->first) {
		return -1;
	}
	lock(&entity->lending);
	debt->first = first;
#ifndef MUTANT_1 /* what is owed is changed without the lock of the run queue  \
                  */
	lock(&entity->queue);
#endif
	entity->owed = first;
	act(entity);
#ifndef MUTANT_1
	unlock(&entity->queue);
#endif
	unlock(&entity->lending);
	return debtor;
}

static struct debt *lock_wait(struct entity *entity)
{
#ifdef MUTANT_2 /* what it waits for is looked up without its lock, and may be \
                   another by then */
	struct debt *debt = __atomic_load_n(&entity->debt, __ATOMIC_RELAXED);

	if (debt) {
		linger();
		lock(&debt->lock);
		lock(&entity->lending);
	}
	return debt;
#endif
	for (;;) {
		lock(&entity->lending);
		if (!entity->debt) {
			unlock(&entity->lending);
			return NULL;
		}
		if (pthread_mutex_trylock(&entity->debt->lock) == 0) {
			return entity->debt;
		}
		unlock(&entity->lending);
		sched_yield();
	}
}

static void follow(int number)
{
	while (number >= 0) {
		struct entity *entity = &entities[number];
		struct debt *debt = lock_wait(entity);
		int now, next = -1;

		if (!debt) {
			return;
		}
		now = acts_by(entity);
		if (now == entity->lent) {
			unlock(&entity->lending);
		} else {
			entity->lent = now;
			unlock(&entity->lending);
			next = settle(debt);
		}
		unlock(&debt->lock);
		number = next;
	}
}

static void give(int number, int to)
{
	struct entity *entity = &entities[number];
	struct debt *debt = &debts[to];
	int next;

	lock(&debt->lock);
	lock(&entity->lending);
#ifdef MUTANT_3 /* how urgent it is, is asked before it is seen to wait */
	entity->lent = acts_by(entity);
	unlock(&entity->lending);
	sched_yield();
	lock(&entity->lending);
	__atomic_store_n(&entity->debt, debt, __ATOMIC_RELAXED);
#else
	__atomic_store_n(&entity->debt, debt, __ATOMIC_RELAXED);
	entity->lent = acts_by(entity);
#endif
	unlock(&entity->lending);
	next = settle(debt);
	unlock(&debt->lock);
	follow(next);
}

static void take_back(int number)
{
	struct entity *entity = &entities[number];
	struct debt *debt = entity->debt;
	int next;

	lock(&debt->lock);
	lock(&entity->lending);
	__atomic_store_n(&entity->debt, NULL, __ATOMIC_RELAXED);
	unlock(&entity->lending);
	next = settle(debt);
	unlock(&debt->lock);
	follow(next);
}

static void change(int number, int own)
{
	struct entity *entity = &entities[number];
#ifdef MUTANT_4 /* whether it waits is asked before the change */
	bool waits;

	lock(&entity->lending);
	waits = entity->debt;
	unlock(&entity->lending);
#endif
	lock(&entity->queue);
	entity->own = own;
	act(entity);
	unlock(&entity->queue);
#ifdef MUTANT_4
	if (!waits) {
		return;
	}
#endif
	follow(number);
}

static void one_operation(int worker)
{
	int mine = worker * (ENTITIES / WORKERS) + (int)chance(ENTITIES / WORKERS);

	if (chance(2)) {
		change((int)chance(ENTITIES), 1 + (int)chance(5));
	} else if (entities[mine].debt) {
		take_back(mine);
	} else if (mine) {
		give(mine, (int)chance((unsigned)mine));
	}
}

static void check_all(void)
{
	for (int i = 0; i < ENTITIES; i++) {
		struct entity *entity = &entities[i];

		CHECK(debts[i].first == most_urgent(&debts[i]));
		CHECK(entity->owed == debts[i].first);
		CHECK(entity->acting ==
		      (entity->own > entity->owed ? entity->own : entity->owed));
		if (entity->debt) {
			CHECK(entity->lent == acts_by(entity));
		}
	}
}

static void *work(void *argument)
{
	int worker = (int)(long)argument;

	for (;;) {
		for (int i = 0; i < OPERATIONS; i++) {
			one_operation(worker);
		}
		pthread_barrier_wait(&barrier);
		if (worker == 0) {
			check_all();
			atomic_fetch_add(&rounds, 1);
		}
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, WORKERS);
	for (int i = 0; i < ENTITIES; i++) {
		pthread_mutex_init(&entities[i].lending, NULL);
		pthread_mutex_init(&entities[i].queue, NULL);
		pthread_mutex_init(&debts[i].lock, NULL);
		entities[i].own = entities[i].acting = 1;
	}
	for (long i = 0; i < WORKERS; i++) {
		CHECK(!pthread_create(&thread, NULL, work, (void *)i));
	}
	sleep(argc > 1 ? (unsigned)atoi(argv[1]) : 3);
	CHECK(atomic_load(&rounds) > 0);
	printf("%ld rounds\n", atomic_load(&rounds));
	fflush(stdout);
	_exit(0);
}
