// SPDX-License-Identifier: MIT
/*
 * Host model of lazy address spaces: kernel/arch/x86_64/tlb.c (L1–L3, order.lazy).
 *
 * A pthread plays a CPU. It uses an address space (reads a page table entry through its TLB, a copy of its own), goes lazy,
 * comes back. One more plays a thread that unmaps: it changes the entry, flushes, and then "frees the frame". A CPU that
 * uses the old entry afterwards has used freed memory. Now and then the unmapping thread frees a table instead, which lazy CPUs
 * may still walk. An interrupt is a request that a CPU serves between two steps, and the asking thread waits for.
 *
 * What must hold: an entry used is at least the newest one whose flush had returned when the use began; no CPU walks a
 * table older than the newest whose flush had returned.
 *
 * mutants: 6        MUTANT_n breaks one rule; an assertion must object.
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

enum { CPUS = 3, UNKNOWN = -1 };

struct cpu {
	pthread_t thread;
	bool active; /* its own */
	long tlb;    /* its own: the cached entry; 0: none */
	long walked; /* its own: the table its walker has in its cache; 0: none */
	long seen;   /* its own: flushes_seen */
	_Atomic long asked, done;
};

static struct cpu cpus[CPUS];
static _Atomic long entry = 1,
		    flushed = 1; /* the entry; the newest whose flush has returned */
static _Atomic long table = 1, freed_to = 1; /* likewise for the table */
static _Atomic unsigned long using, lazy;
static _Atomic long begun, done;
static _Atomic bool stop;

static void empty_tlb(struct cpu *cpu)
{
	cpu->tlb = cpu->walked = 0;
}

/* The interrupt. */
static void serve(struct cpu *cpu)
{
	long asked = atomic_load(&cpu->asked);

	if (asked != atomic_load(&cpu->done)) {
		empty_tlb(cpu);
		atomic_store(&cpu->done, asked);
	}
}

static void use(struct cpu *cpu)
{
	long newest = atomic_load(&flushed), tables = atomic_load(&freed_to);

	if (cpu->walked == 0) {
		cpu->walked = atomic_load(&table);
	}
	CHECK(cpu->walked >= tables);
	if (cpu->tlb == 0) {
		cpu->tlb = atomic_load(&entry);
	}
	linger();
	CHECK(cpu->tlb >= newest);
}

/* Its walker may run ahead, whatever the thread does. */
static void walk_ahead(struct cpu *cpu)
{
	long tables = atomic_load(&freed_to);

	if (cpu->walked != 0) {
		CHECK(cpu->walked >= tables);
	}
}

static void become_lazy(struct cpu *cpu, unsigned long bit)
{
#ifdef MUTANT_1 /* the count is read when the bit has gone */
	atomic_fetch_or(&lazy, bit);
	atomic_fetch_and(&using, ~bit);
	linger();
	cpu->seen = atomic_load(&begun);
#else
	long finished = atomic_load(&done), started;
	linger();
	started = atomic_load(&begun);
#	ifdef MUTANT_2 /* a flush under way counts as seen */
	finished = started;
#	endif
	cpu->seen = finished == started ? started : UNKNOWN;
	linger();
	atomic_fetch_or(&lazy, bit);
	atomic_fetch_and(&using, ~bit);
#endif
	cpu->active = false;
}

static void resume(struct cpu *cpu, unsigned long bit)
{
#ifdef MUTANT_3 /* the count is compared before the bit is set */
	bool same = atomic_load(&begun) == cpu->seen;
	linger();
	atomic_fetch_or(&using, bit);
	atomic_fetch_and(&lazy, ~bit);
	if (!same) {
		empty_tlb(cpu);
	}
#else
	atomic_fetch_or(&using, bit);
	linger();
	atomic_fetch_and(&lazy, ~bit);
#	ifndef MUTANT_4 /* nothing is compared */
	if (atomic_load(&begun) != cpu->seen) {
		empty_tlb(cpu);
	}
#	endif
#endif
	cpu->active = true;
}

static void *run_cpu(void *argument)
{
	struct cpu *cpu = argument;
	unsigned long bit = 1ul << (cpu - cpus);

	cpu->seen = UNKNOWN;
	while (!atomic_load(&stop)) {
		serve(cpu);
		switch (chance(4)) {
		case 0:
			if (cpu->active) {
				become_lazy(cpu, bit);
			} else {
				resume(cpu, bit);
			}
			break;
		case 1:
			linger();
			break;
		default:
			if (cpu->active) {
				use(cpu);
			} else {
				walk_ahead(cpu);
			}
		}
	}
	for (;;) { /* interrupts still come */
		serve(cpu);
		sched_yield();
	}
	return NULL;
}

static void flush(bool lazy_too)
{
	unsigned long targets;

#ifdef MUTANT_5 /* the flush is counted when the mask has been read */
	targets = atomic_load(&using);
	for (unsigned i = chance(64); i > 0; i--) {
		linger();
	}
	atomic_fetch_add(&begun, 1);
#else
	atomic_fetch_add(&begun, 1);
	linger();
	targets = atomic_load(&using);
#endif
#ifdef MUTANT_6 /* lazy CPUs are left alone when a table goes */
	lazy_too = false;
#endif
	if (lazy_too) {
		targets |= atomic_load(&lazy);
		linger();
		targets |= atomic_load(&using);
	}
	for (int i = 0; i < CPUS; i++) {
		if (targets >> i & 1) {
			long asked = atomic_fetch_add(&cpus[i].asked, 1) + 1;

			while (atomic_load(&cpus[i].done) < asked) {
				sched_yield();
			}
		}
	}
	atomic_fetch_add(&done, 1);
}

static void unmap(void)
{
	bool table_goes = chance(3) == 0;
	long new_entry = atomic_fetch_add(&entry, 1) + 1, new_table = 0;

	if (table_goes) {
		new_table = atomic_fetch_add(&table, 1) + 1;
	}
	flush(table_goes);
	atomic_store(&flushed, new_entry);
	if (table_goes) {
		atomic_store(&freed_to, new_table);
	}
}

int main(int count, char **arguments)
{
	time_t end = time(NULL) + (count > 1 ? atoi(arguments[1]) : 3);
	long rounds = 0;

	for (int i = 0; i < CPUS; i++) {
		pthread_create(&cpus[i].thread, NULL, run_cpu, &cpus[i]);
	}
	while (time(NULL) < end) {
		unmap();
		rounds++;
		linger();
	}
	atomic_store(&stop, true);
	printf("%ld flushes\n", rounds);
	CHECK(rounds > 10);
	_exit(0); /* the CPUs go on serving */
}
