// SPDX-License-Identifier: MIT
/*
 * Host model of membarrier(2): kernel/process/membarrier.c (B1–B4; B5 is register_model.c's), sched_running_on() and the switch.
 *
 * A pthread plays a CPU: it runs a thread of the process or somebody else's, under its run queue's lock when it changes. A thread of
 * the process does two things: the fast side of Dekker (x = k, then look at y) without any fence, and restartable sections (look at
 * y, do something, commit). Stores wait in a store buffer, written out so that the windows are wide: a CPU drains it when it
 * pleases, when it leaves the thread, and when it is interrupted. One more pthread is the slow side: y = n, barrier, look at
 * each x. An interrupt is a request that a CPU serves between two steps.
 *
 * What must hold: of x = k and y = n one side sees the other's; a section that began with an older y does not commit
 * once the barrier has returned; who is current is never looked at while it is written (TSan).
 *
 * mutants: 7        MUTANT_n breaks one rule; TSan or an assertion must object.
 */
#define _GNU_SOURCE
#include "model.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { CPUS = 3, ROUNDS_KEPT = 64 };

struct cpu {
	pthread_t thread;
	pthread_mutex_t queue; /* run_queue.lock */
	bool member;           /* queue: its current thread is of the process */
	_Atomic bool restart;  /* that thread's RETURN_RSEQ */
	long buffered;         /* its own: a store to x that nobody sees yet; 0: none */
	_Atomic long x;
	long k; /* its own: the last value stored */
	struct look {
		long y, k;
	} last, before; /* its own: the last k that saw this y */
	_Atomic long asked, done;
	long commits, aborts;
};

static struct cpu cpus[CPUS];
static _Atomic long y, finished; /* finished: the last round whose barrier has returned */
static _Atomic long answers[ROUNDS_KEPT][CPUS]; /* x as the slow side saw it */
static _Atomic bool stop;

static void drain(struct cpu *cpu)
{
	if (cpu->buffered != 0) {
		atomic_store(&cpu->x, cpu->buffered);
		cpu->buffered = 0;
	}
}

/* The interrupt. */
static void serve(struct cpu *cpu)
{
	long asked = atomic_load(&cpu->asked);

	if (asked != atomic_load(&cpu->done)) {
#ifndef MUTANT_1 /* an interrupt is no barrier */
		drain(cpu);
#endif
		atomic_store(&cpu->done, asked);
	}
}

/* The slow side of round n has answered: an x that saw no newer y is among what it saw. */
static void judge(const struct cpu *cpu, const struct look *look)
{
	const _Atomic long *round = answers[(look->y + 1) % ROUNDS_KEPT];

	CHECK(atomic_load(&round[cpu - cpus]) >= look->k);
}

static void fast_side(struct cpu *cpu)
{
	long seen;

	drain(cpu);
	cpu->buffered = ++cpu->k;
	if (chance(3) == 0) {
		linger();
	}
	seen = atomic_load(&y); // before the store is out: what a CPU does
	if (seen != cpu->last.y) {
		if (cpu->before.k != 0 && cpu->before.y + 1 < seen &&
		    seen - cpu->before.y < ROUNDS_KEPT / 2) {
			judge(cpu, &cpu->before);
		}
		if (cpu->last.k != 0 && cpu->last.y + 1 < seen &&
		    seen - cpu->last.y < ROUNDS_KEPT / 2) {
			judge(cpu, &cpu->last);
		}
		cpu->before = cpu->last;
	}
	cpu->last = (struct look){seen, cpu->k};
}

static void switch_current(struct cpu *cpu)
{
	pthread_mutex_lock(&cpu->queue);
	drain(cpu);
	cpu->member = !cpu->member;
	atomic_store(&cpu->restart, cpu->member);
	pthread_mutex_unlock(&cpu->queue);
}

/* entry_user_return(): is the section still the thread's? */
static bool go_on(struct cpu *cpu)
{
	return !atomic_exchange(&cpu->restart, false);
}

/* Interrupted now and then; also by being switched away from, and back to. */
static void section(struct cpu *cpu)
{
	long began = atomic_load(&y);
	bool same = true;

	for (int step = 0; step < 4 && same; step++) {
		linger();
		serve(cpu);
		same = go_on(cpu);
	}
	if (same && chance(4) == 0) {
		switch_current(cpu);
		linger();
		switch_current(cpu);
#ifdef MUTANT_2 /* a switch does not abort */
		atomic_store(&cpu->restart, false);
#endif
		same = go_on(cpu);
	}
	for (unsigned i = chance(16); i > 0; i--) {
		linger();
	}
	if (same) {
		CHECK(began >= atomic_load(&finished));
		cpu->commits++;
	} else {
		cpu->aborts++;
	}
}

static void *run_cpu(void *argument)
{
	struct cpu *cpu = argument;

	while (!atomic_load(&stop)) {
		serve(cpu);
		if (chance(8) == 0) {
			switch_current(cpu);
		}
		if (!cpu->member) {
			linger();
			continue;
		}
		(void)go_on(cpu);
		if (chance(2) == 0) {
			fast_side(cpu);
		} else {
			section(cpu);
		}
		if (chance(8) == 0) {
			drain(cpu);
		}
	}
	for (;;) { /* interrupts still come */
		serve(cpu);
		sched_yield();
	}
	return NULL;
}

/* sched_running_on(): a bit for each CPU that runs the process. */
static unsigned running_members(void)
{
	unsigned running = 0;

	for (int i = 0; i < CPUS; i++) {
		struct cpu *cpu = &cpus[i];

#ifndef MUTANT_3 /* a look without the lock */
		pthread_mutex_lock(&cpu->queue);
#endif
		if (cpu->member) {
			running |= 1u << i;
#if !defined(MUTANT_4) && !defined(MUTANT_5) /* 4: nobody is told to restart */
			atomic_store(&cpu->restart, true);
#endif
		}
#ifndef MUTANT_3
		pthread_mutex_unlock(&cpu->queue);
#endif
		linger();
	}
	return running;
}

static void barrier(void)
{
	unsigned running = running_members();
	long asked[CPUS];

#ifdef MUTANT_6 /* nobody is interrupted */
	running = 0;
#endif
	for (int i = 0; i < CPUS; i++) {
		if (running >> i & 1) {
			asked[i] = atomic_fetch_add(&cpus[i].asked, 1) + 1;
		}
	}
	for (int i = 0; i < CPUS; i++) {
		while (running >> i & 1 && atomic_load(&cpus[i].done) < asked[i]) {
			sched_yield();
		}
#ifdef MUTANT_5 /* told when the interrupt has been */
		if (running >> i & 1) {
			linger();
			atomic_store(&cpus[i].restart, true);
		}
#endif
	}
}

static void slow_side(long n)
{
#ifdef MUTANT_7 /* the store comes behind the barrier */
	barrier();
	linger();
	atomic_store(&y, n);
#else
	atomic_store(&y, n);
	linger();
	barrier();
#endif
	for (int i = 0; i < CPUS; i++) {
		atomic_store(&answers[n % ROUNDS_KEPT][i], atomic_load(&cpus[i].x));
	}
	atomic_store(&finished, n);
}

int main(int count, char **arguments)
{
	time_t end = time(NULL) + (count > 1 ? atoi(arguments[1]) : 3);
	long n = 0;

	for (int i = 0; i < CPUS; i++) {
		pthread_mutex_init(&cpus[i].queue, NULL);
		pthread_create(&cpus[i].thread, NULL, run_cpu, &cpus[i]);
	}
	while (time(NULL) < end) {
		slow_side(++n);
		linger();
	}
	atomic_store(&stop, true);
	printf("%ld barriers\n", n);
	CHECK(n > 10);
	_exit(0); /* the CPUs go on serving */
}
