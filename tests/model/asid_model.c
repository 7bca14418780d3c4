// SPDX-License-Identifier: MIT
/*
 * Host model of what a CPU remembers of address spaces with a number: kernel/arch/aarch64/tlb.c (L1, L3), and L1 of
 * kernel/arch/riscv64/tlb.c (order.fresh).
 *
 * A pthread plays a CPU. It uses an address space (reads a page table entry through its TLB, a copy of its own), goes lazy or leaves, and
 * comes back; nothing is forgotten on the way. A lazy one may walk the tables ahead of need. One more plays a thread that unmaps: it changes
 * the entry, flushes the CPUs that it finds using it, and "frees the frame". Now and then it frees a table instead. An interrupt
 * stands for the hardware's broadcast: a request that a CPU serves between two steps, and the asking thread waits for.
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

enum { CPUS = 3 };
enum state { GONE, LAZY, ACTIVE };

struct cpu {
	pthread_t thread;
	enum state state; /* its own */
	long tlb;         /* its own: the entry it remembers; 0: none */
	long walked;      /* its own: the table it remembers; 0: none */
	_Atomic long asked, done;
};

static struct cpu cpus[CPUS];
static _Atomic long entry = 1,
		    flushed = 1; /* the entry; the newest whose flush has returned */
static _Atomic long table = 1, freed_to = 1; /* likewise for the table */
static _Atomic unsigned long using, lazy, fresh;
static _Atomic bool stop;

static void forget(struct cpu *cpu)
{
	cpu->tlb = cpu->walked = 0;
}

static void serve(struct cpu *cpu)
{
	long asked = atomic_load(&cpu->asked);

	if (asked != atomic_load(&cpu->done)) {
		forget(cpu);
		atomic_store(&cpu->done, asked);
	}
}

static void walk(struct cpu *cpu)
{
	long tables = atomic_load(&freed_to);

	if (cpu->walked == 0) {
		cpu->walked = atomic_load(&table);
	}
	CHECK(cpu->walked >= tables);
	if (cpu->tlb == 0) {
		cpu->tlb = atomic_load(&entry);
	}
}

static void use(struct cpu *cpu)
{
	long newest = atomic_load(&flushed);

	walk(cpu);
	linger();
	CHECK(cpu->tlb >= newest);
}

static void arrive(struct cpu *cpu, unsigned long bit)
{
#ifdef MUTANT_3 /* a lazy CPU is in neither mask for a while */
	atomic_fetch_and(&lazy, ~bit);
	linger();
	if (cpu->state == LAZY) {
		walk(cpu);
	}
#endif
#ifdef MUTANT_1 /* `fresh` is looked at before the bit is set */
	bool stale = !(atomic_load(&fresh) & bit);

	linger();
	atomic_fetch_or(&using, bit);
#else
	bool stale;

	atomic_fetch_or(&using, bit);
	linger();
	stale = !(atomic_load(&fresh) & bit);
#endif
#ifdef MUTANT_2 /* nobody looks */
	stale = false;
#endif
	if (stale) {
		atomic_fetch_or(&fresh, bit);
		linger();
		forget(cpu);
	}
	atomic_fetch_and(&lazy, ~bit);
	cpu->state = ACTIVE;
}

static void become_lazy(struct cpu *cpu, unsigned long bit)
{
	atomic_fetch_or(&lazy, bit);
	linger();
	atomic_fetch_and(&using, ~bit);
	cpu->state = LAZY;
}

static void leave(struct cpu *cpu, unsigned long bit)
{
	atomic_fetch_and(&using, ~bit);
	atomic_fetch_and(&lazy, ~bit);
	cpu->state = GONE;
}

static void move(struct cpu *cpu, unsigned long bit)
{
	if (cpu->state != ACTIVE) {
		arrive(cpu, bit);
	} else if (chance(2)) {
		become_lazy(cpu, bit);
	} else {
		leave(cpu, bit);
	}
}

static void *run_cpu(void *argument)
{
	struct cpu *cpu = argument;
	unsigned long bit = 1ul << (cpu - cpus);

	while (!atomic_load(&stop)) {
		serve(cpu);
		switch (chance(4)) {
		case 0:
			move(cpu, bit);
			break;
		case 1:
			linger();
			break;
		default:
			if (cpu->state == ACTIVE) {
				use(cpu);
			} else if (cpu->state == LAZY) {
				walk(cpu);
			}
		}
	}
	for (;;) { /* interrupts still come */
		serve(cpu);
		sched_yield();
	}
	return NULL;
}

static unsigned long users(void)
{
	unsigned long targets = atomic_load(&using);

	linger();
#ifndef MUTANT_4 /* who is not there keeps its bit */
	atomic_fetch_and(&fresh, targets);
#endif
	linger();
#ifndef MUTANT_5 /* no second look */
	targets |= atomic_load(&using);
#endif
	return targets;
}

static void flush(bool lazy_too)
{
	unsigned long targets = users();

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
