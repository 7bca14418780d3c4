// SPDX-License-Identifier: MIT
/*
 * What the rows of the benchmark have in common. A row is a function that does `count` operations and returns what they took by the
 * machine's counter, which under -icount shift=0 counts instructions; what it prepares and takes down is outside.
 */
#pragma once

#include "machine_counter.h"
#include "raw.h"

#include <stdatomic.h>
#include <stdint.h>

/* On which machines a row runs: with two CPUs those that have two sides. */
enum { ONE_CPU = 1, TWO_CPUS = 2, EITHER = ONE_CPU | TWO_CPUS };

struct row {
	const char *name;
	unsigned cpus;
	unsigned count; /* operations in a batch */
	uint64_t (*run)(unsigned count);
};

/* Of the kernel's and the program's, for each of 2000 threads that sleep; to be asked for once, before anything has filled caches. */
uint64_t memory_of_blocked_thread(void);

/* Each ends with a row without a name. */
extern const struct row call_rows[], thread_rows[], futex_rows[], pair_rows[],
	channel_rows[], process_rows[], signal_rows[], memory_rows[], file_rows[],
	polling_rows[], debian_rows[];

/* Where this is, Debian's programs run, and nothing else. */
#define DEBIAN_PROGRAM "/usr/bin/hackbench"
/* Path of this program, for rows that execute it, and what it is called there when it shall end at once. */
#define PROGRAM  "/bench"
#define END_NOW  "end-now"
#define CHAIN_OF "chain-of"

enum { STACK_SIZE = 16384 };

/* A thread without the C library: a stack of its own, and a word the kernel clears and wakes at its end. */
struct bare_thread {
	void *stack;
	int (*body)(void *);
	void *argument;
	atomic_int tid;
};

/* Fills in stack, of STACK_SIZE bytes. */
void bare_prepare(struct bare_thread *thread, int (*body)(void *), void *argument);
/* flags: beside those of a thread. */
void bare_start(struct bare_thread *thread, uint64_t flags);
void bare_join(struct bare_thread *thread);
void bare_discard(struct bare_thread *thread);

static inline void futex_sleep(atomic_int *word, int value)
{
	futex(word, FUTEX_WAIT_PRIVATE, (uint32_t)value, NULL, NULL, 0);
}

static inline void futex_rouse(atomic_int *word, int number)
{
	futex(word, FUTEX_WAKE_PRIVATE, (uint32_t)number, NULL, NULL, 0);
}

/* The calling thread to one CPU; where there is no such CPU, to any. */
void pin(unsigned cpu);
unsigned cpus_online(void);
