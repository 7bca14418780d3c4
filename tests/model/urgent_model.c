// SPDX-License-Identifier: MIT
/*
 * Host model of how urgent threads find the CPUs: kernel/sched/balance.c (order.urgent, Q4) with what run_queue.c and switch.c do of it.
 * The fences alone are tests/model/wait_order_model.c's.
 *
 * Pthreads play CPUs. Each has a queue: the rank of what runs, and how many wait of each rank. They end what they run, give each
 * other work, and switch when they are asked to. Who links work that does not run there offers it; a CPU whose work has become less
 * urgent offers what waits, and asks the others. Nobody holds more than the locks of two queues, nor any while he looks around.
 * Now and then all stop, and carry out what they were asked for until nobody is asked any more.
 *
 * What must hold then: nothing waits that is more urgent than what some CPU runs.
 *
 * mutants: 6        MUTANT_n breaks one rule; TSan or an assertion must object.
 */
#define _GNU_SOURCE
#include "model.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#pragma GCC diagnostic ignored \
	"-Wtsan" // it does not know fences, and need not: what they order is atomic

enum { CPUS = 4, RANKS = 8, OPERATIONS = 6, NOBODY = -1, MOST = 12 };

struct queue {
	pthread_mutex_t lock;
	int current;        /* rank; 0: idle */
	int waiting[RANKS]; /* how many; [0] is not used */
	bool asked;         /* to switch */

	/* Written under the lock, hints for others. */
	atomic_int current_rank, waiting_rank;
};

static struct queue queues[CPUS];
static pthread_barrier_t barrier;
static atomic_int work; /* how much there is */
static atomic_bool busy;
static atomic_long rounds;

static int first_waiting(const struct queue *queue)
{
	int rank = RANKS - 1;

	while (rank > 0 && !queue->waiting[rank]) {
		rank--;
	}
	return rank;
}

static void publish_waiting(struct queue *queue)
{
	atomic_store_explicit(&queue->waiting_rank, first_waiting(queue),
			      memory_order_relaxed);
}

static void publish_current(struct queue *queue)
{
	atomic_store_explicit(&queue->current_rank, queue->current, memory_order_relaxed);
}

static int rank_of(struct queue *queue)
{
	return atomic_load_explicit(&queue->current_rank, memory_order_relaxed);
}

static int waiting_of(struct queue *queue)
{
	return atomic_load_explicit(&queue->waiting_rank, memory_order_relaxed);
}

/* run_queue_enqueue(): locked. */
static void link_work(struct queue *queue, int rank)
{
	queue->waiting[rank]++;
#ifndef MUTANT_1 /* what waits is not said */
	publish_waiting(queue);
#endif
	if (rank > queue->current) {
		queue->asked = true;
	}
}

static void lock_pair(struct queue *a, struct queue *b)
{
	pthread_mutex_lock(a < b ? &a->lock : &b->lock);
	pthread_mutex_lock(a < b ? &b->lock : &a->lock);
}

/* move_urgent() */
static bool move(struct queue *from, struct queue *to)
{
	bool moved = false;
	int rank;

	linger();
#ifdef MUTANT_2 /* what is moved is chosen without the locks */
	rank = waiting_of(from);
	moved = rank > rank_of(to) && rank <= rank_of(from);
	linger();
	lock_pair(from, to);
#else
	lock_pair(from, to);
	rank = first_waiting(from);
	moved = rank > to->current && rank <= from->current;
#endif
	if (moved) {
		from->waiting[rank]--;
		publish_waiting(from);
		link_work(to, rank);
	}
	pthread_mutex_unlock(&from->lock);
	pthread_mutex_unlock(&to->lock);
	return moved;
}

static int least_urgent(unsigned tried, int rank)
{
	int found = NOBODY;

	for (int cpu = 0; cpu < CPUS; cpu++) {
		if (!(tried >> cpu & 1) && rank_of(&queues[cpu]) < rank) {
			rank = rank_of(&queues[cpu]);
			found = cpu;
		}
	}
	return found;
}

static void push(int cpu)
{
	unsigned tried = 1u << cpu;
	int to;

	atomic_thread_fence(memory_order_seq_cst); // order.urgent: pairs with pull()
	while ((to = least_urgent(tried, waiting_of(&queues[cpu]))) != NOBODY) {
		tried |= 1u << to;
		move(&queues[cpu], &queues[to]);
	}
}

static int most_urgent(unsigned tried, int rank)
{
	int found = NOBODY;

	for (int cpu = 0; cpu < CPUS; cpu++) {
		if (!(tried >> cpu & 1) && waiting_of(&queues[cpu]) > rank) {
			rank = waiting_of(&queues[cpu]);
			found = cpu;
		}
	}
	return found;
}

static void pull(int cpu)
{
	unsigned tried = 1u << cpu;
	bool moved = false;
	int from;

	atomic_thread_fence(memory_order_seq_cst); // order.urgent: pairs with push()
	while (!moved && (from = most_urgent(tried, rank_of(&queues[cpu]))) != NOBODY) {
		tried |= 1u << from;
		moved = move(&queues[from], &queues[cpu]);
	}
}

/* set_current() and finish_switch(): what runs has ended, or goes back into the line. */
static void switch_work(int cpu, bool ends)
{
	struct queue *queue = &queues[cpu];
	bool unbalanced;
	int before;

#ifdef MUTANT_3 /* the others are asked before it is said that less urgent work runs here */
	push(cpu);
	pull(cpu);
	linger();
#endif
	pthread_mutex_lock(&queue->lock);
	before = queue->current;
	queue->asked = false;
	if (ends && before) {
		atomic_fetch_sub(&work, 1);
	} else if (before) {
		queue->waiting[before]++;
	}
	queue->current = first_waiting(queue);
	if (queue->current) {
		queue->waiting[queue->current]--;
	}
	publish_waiting(queue);
	publish_current(queue);
	unbalanced = queue->current < before || first_waiting(queue);
#ifdef MUTANT_4 /* only what waits here is thought of */
	unbalanced = first_waiting(queue);
#endif
	pthread_mutex_unlock(&queue->lock);
	linger();
#ifndef MUTANT_3
	if (unbalanced) {
		push(cpu);
#	ifndef MUTANT_5
		pull(cpu);
#	else /* nobody takes what waits elsewhere */
		(void)pull;
#	endif
	}
#else
	(void)unbalanced;
#endif
}

/* wake(): any CPU gives any other work. */
static void give(int to, int rank)
{
	struct queue *queue = &queues[to];

	pthread_mutex_lock(&queue->lock);
	link_work(queue, rank);
	pthread_mutex_unlock(&queue->lock);
	linger();
#ifndef MUTANT_6 /* who links work leaves it there */
	if (waiting_of(queue)) {
		push(to);
	}
#endif
}

static bool is_asked(int cpu)
{
	bool asked;

	pthread_mutex_lock(&queues[cpu].lock);
	asked = queues[cpu].asked;
	pthread_mutex_unlock(&queues[cpu].lock);
	return asked;
}

static void operate(int cpu)
{
	if (is_asked(cpu)) {
		switch_work(cpu, false);
	} else if (chance(2) && atomic_load(&work) < MOST) {
		atomic_fetch_add(&work, 1);
		give((int)chance(CPUS), 1 + (int)chance(RANKS - 1));
	} else {
		switch_work(cpu, true);
	}
}

static void check_all(void)
{
	int least = RANKS;

	for (int cpu = 0; cpu < CPUS; cpu++) {
		CHECK(queues[cpu].current == rank_of(&queues[cpu]));
		CHECK(first_waiting(&queues[cpu]) == waiting_of(&queues[cpu]));
		least = queues[cpu].current < least ? queues[cpu].current : least;
		for (int rank = 1; rank < RANKS; rank++) {
			CHECK(queues[cpu].waiting[rank] >= 0);
		}
	}
	for (int cpu = 0; cpu < CPUS; cpu++) {
		CHECK(first_waiting(&queues[cpu]) <= least);
	}
}

/* All carry out what they are asked for, until nobody is. */
static void settle(int cpu)
{
	do {
		pthread_barrier_wait(&barrier);
		if (cpu == 0) {
			atomic_store(&busy, false);
		}
		pthread_barrier_wait(&barrier);
		if (is_asked(cpu)) {
			atomic_store(&busy, true);
			switch_work(cpu, false);
		}
		pthread_barrier_wait(&barrier);
	} while (atomic_load(&busy));
}

static void *run_cpu(void *argument)
{
	int cpu = (int)(long)argument;

	for (;;) {
		for (int i = 0; i < OPERATIONS; i++) {
			operate(cpu);
		}
		settle(cpu);
		if (cpu == 0) {
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

	pthread_barrier_init(&barrier, NULL, CPUS);
	for (long cpu = 0; cpu < CPUS; cpu++) {
		pthread_mutex_init(&queues[cpu].lock, NULL);
	}
	for (long cpu = 0; cpu < CPUS; cpu++) {
		CHECK(!pthread_create(&thread, NULL, run_cpu, (void *)cpu));
	}
	sleep(argc > 1 ? (unsigned)atoi(argv[1]) : 3);
	CHECK(atomic_load(&rounds) > 0);
	printf("%ld rounds\n", atomic_load(&rounds));
	fflush(stdout);
	_exit(0);
}
