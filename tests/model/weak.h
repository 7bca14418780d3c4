// SPDX-License-Identifier: MIT
/*
 * A machine with weakly ordered memory, for models of a few accesses each. The host's own CPU cannot stand in for one: x86 keeps
 * nearly all in order, and so does an emulated AArch64 or RISC-V on it.
 *
 * Memory is cells. A cell remembers every value stored in it, and with each what its storer then knew. A thread knows, of each cell,
 * a value that it has seen; a load gives that one or any later one, by chance. Knowledge is handed on as in C11:
 *	release		the value carries what the thread knows; a release fence: so do all its stores behind it
 *	acquire		the thread knows what the value carries; an acquire fence: and what was carried by the values loaded before it
 *	seq_cst		accesses: a load sees what such stores before it in their one order have stored; a store takes its place in it by the
 *			thread's next such access (so a load that is not seq_cst may come before it). Fences: each knows what all
 *			before it knew, and such stores before it
 *	read-modify-write	meets the newest value, and hands on what that carried
 * Accesses that are not atomic, look() and put(), are an error when the thread need not know the newest value: a race.
 * What this machine does not do, though C11 lets it: a store that is seen before a load in front of it has ended.
 *
 * Threads are coroutines; which goes on is drawn before each access, from a seed, so that a run repeats. An interrupt carries what its
 * sender knows, and is taken before an access, unless they are off. If nobody can go on, and not all have ended, a wake-up was lost.
 *
 * A model: enum of its cells, then weak_run(begin, end, threads), which tries many seeds.
 */
#pragma once

#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

enum { WEAK_CELLS = 10, WEAK_THREADS = 5, WEAK_STORES = 96, WEAK_STACK = 64 << 10 };
enum {
	RELAXED = memory_order_relaxed,
	ACQUIRE = memory_order_acquire,
	RELEASE = memory_order_release,
	BOTH = memory_order_acq_rel,
	SEQ_CST = memory_order_seq_cst
};

struct weak_view {
	unsigned at[WEAK_CELLS];
};

struct weak_cell {
	long values[WEAK_STORES];
	struct weak_view carried[WEAK_STORES];
	unsigned count;
};

struct weak_lock {
	bool held;
	struct weak_view known;
};

struct weak_thread {
	ucontext_t context;
	struct weak_view known, loaded,
		released; /* by all, by loads that did not acquire, at the last release fence */
	struct weak_view unordered; /* seq_cst stores that have no place yet */
	bool ended, interrupts_off;
	bool (*may_go_on)(long argument);
	long argument;
	int wakes, interrupts;
	struct weak_view sent; /* with wakes and interrupts */
	void (*handler)(void);
};

static struct weak_cell weak_cells[WEAK_CELLS];
static struct weak_thread weak_threads[WEAK_THREADS];
static struct weak_view weak_ordered,
	weak_fenced; /* seq_cst stores in their order; what such fences knew */
static ucontext_t weak_main;
static int weak_count, weak_self;
static unsigned long weak_random, weak_seed;

#define CHECK(condition) ((condition) ? (void)0 : weak_fail("violated: " #condition))

static inline void weak_fail(const char *what)
{
	fprintf(stderr, "%s (seed %lu, thread %d)\n", what, weak_seed, weak_self);
	_exit(1);
}

/* Below `in`. */
static inline unsigned chance(unsigned in)
{
	weak_random = weak_random * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)(weak_random >> 33) % in;
}

static inline void weak_learn(struct weak_view *to, const struct weak_view *from)
{
	for (int i = 0; i < WEAK_CELLS; i++) {
		to->at[i] = to->at[i] > from->at[i] ? to->at[i] : from->at[i];
	}
}

static inline struct weak_thread *weak_this(void)
{
	return &weak_threads[weak_self];
}

/* ---- who goes on ---- */

static inline void weak_leave(void)
{
	swapcontext(&weak_this()->context, &weak_main);
}

static inline void weak_take_interrupts(void)
{
	struct weak_thread *self = weak_this();

	while (self->interrupts && !self->interrupts_off) {
		self->interrupts = 0;
		weak_learn(&self->known, &self->sent);
		self->interrupts_off = true;
		self->handler();
		self->interrupts_off = false;
	}
}

/* Before each access. */
static inline void weak_step(void)
{
	weak_leave();
	weak_take_interrupts();
}

static inline void weak_wait(bool (*may_go_on)(long), long argument)
{
	weak_this()->may_go_on = may_go_on;
	weak_this()->argument = argument;
	weak_leave();
	weak_this()->may_go_on = NULL;
}

/* ---- accesses ---- */

static inline void weak_order_stores(void)
{
	weak_learn(&weak_ordered, &weak_this()->unordered);
}

static inline void weak_loaded(int cell, unsigned at, int order)
{
	struct weak_thread *self = weak_this();
	bool acquires = order == ACQUIRE || order == BOTH || order == SEQ_CST;

	self->known.at[cell] = at;
	weak_learn(acquires ? &self->known : &self->loaded,
		   &weak_cells[cell].carried[at]);
}

/* `before`: what the value that it replaces carried, of a read-modify-write. */
static inline void weak_append(int cell, long value, int order,
			       const struct weak_view *before)
{
	struct weak_thread *self = weak_this();
	struct weak_cell *c = &weak_cells[cell];
	bool releases = order == RELEASE || order == BOTH || order == SEQ_CST;
	unsigned at = c->count++;

	if (at >= WEAK_STORES) {
		weak_fail("the model stores too often");
	}
	self->known.at[cell] = at;
	c->values[at] = value;
	c->carried[at] = releases ? self->known : self->released;
	c->carried[at].at[cell] = at;
	if (before) {
		weak_learn(&c->carried[at], before);
	}
	if (order == SEQ_CST) {
		weak_order_stores();
		self->unordered.at[cell] = at;
	}
}

static inline long load(int cell, int order)
{
	struct weak_cell *c = &weak_cells[cell];
	unsigned from, at;

	weak_step();
	from = weak_this()->known.at[cell];
	if (order == SEQ_CST) {
		weak_order_stores();
		from = from > weak_ordered.at[cell] ? from : weak_ordered.at[cell];
		from = from > weak_fenced.at[cell] ? from : weak_fenced.at[cell];
	}
	at = chance(2) ? c->count - 1 : from + chance(c->count - from);
	weak_loaded(cell, at, order);
	return c->values[at];
}

static inline void store(int cell, long value, int order)
{
	weak_step();
	weak_append(cell, value, order, NULL);
}

/* The newest, at `at`, is loaded and `value` stored in one step. */
static inline void weak_replace(int cell, unsigned at, long value, int order)
{
	if (order == SEQ_CST) {
		weak_order_stores();
	}
	weak_loaded(cell, at, order);
	weak_append(cell, value, order, &weak_cells[cell].carried[at]);
}

/* Stores `value` if the newest is `expected`, or ANY; returns what it was. */
#define ANY (1L << 62)
static inline long exchange_if(int cell, long expected, long value, int order,
			       int order_if_not)
{
	struct weak_cell *c = &weak_cells[cell];
	unsigned at;
	long old;

	weak_step();
	at = c->count - 1;
	old = c->values[at];
	if (expected != ANY && old != expected) {
		weak_loaded(cell, at, order_if_not);
		return old;
	}
	weak_replace(cell, at, value, order);
	return old;
}

static inline long exchange(int cell, long value, int order)
{
	return exchange_if(cell, ANY, value, order, RELAXED);
}

/* One step, like an instruction that does it. */
static inline long change(int cell, long (*how)(long, long), long by, int order)
{
	struct weak_cell *c = &weak_cells[cell];
	unsigned at;
	long old;

	weak_step();
	at = c->count - 1;
	old = c->values[at];
	weak_replace(cell, at, how(old, by), order);
	return old;
}

static inline long weak_sum(long a, long b)
{
	return a + b;
}

static inline long weak_or(long a, long b)
{
	return a | b;
}

static inline long weak_and(long a, long b)
{
	return a & b;
}

static inline long add(int cell, long by, int order)
{
	return change(cell, weak_sum, by, order);
}

static inline void fence(int order)
{
	struct weak_thread *self = weak_this();

	weak_step();
	if (order != RELEASE) {
		weak_learn(&self->known, &self->loaded);
	}
	if (order == SEQ_CST) {
		weak_order_stores();
		weak_learn(&self->known, &weak_ordered);
		weak_learn(&self->known, &weak_fenced);
		weak_fenced = self->known;
	}
	if (order != ACQUIRE) {
		self->released = self->known;
	}
}

static inline void weak_no_race(int cell)
{
	if (weak_this()->known.at[cell] != weak_cells[cell].count - 1) {
		weak_fail("a race");
	}
}

static inline long look(int cell)
{
	weak_step();
	weak_no_race(cell);
	return weak_cells[cell].values[weak_cells[cell].count - 1];
}

static inline void put(int cell, long value)
{
	weak_step();
	weak_no_race(cell);
	weak_append(cell, value, RELAXED, NULL);
}

/* Of one who looks again and again: goes on when the newest value is at least `value`, and loads that. */
static inline bool weak_reached(long argument)
{
	struct weak_cell *c = &weak_cells[argument & 0xff];

	return c->values[c->count - 1] >= argument >> 8;
}

static inline long load_at_least(int cell, long value, int order)
{
	struct weak_cell *c = &weak_cells[cell];

	weak_wait(weak_reached, value << 8 | cell);
	weak_loaded(cell, c->count - 1, order);
	return c->values[c->count - 1];
}

/* ---- locks, sleep, interrupts ---- */

static inline bool weak_is_free(long lock)
{
	return !((struct weak_lock *)lock)->held;
}

static inline void take(struct weak_lock *lock)
{
	weak_step();
	weak_wait(weak_is_free, (long)lock);
	lock->held = true;
	weak_learn(&weak_this()->known, &lock->known);
}

static inline void give(struct weak_lock *lock)
{
	weak_step();
	lock->held = false;
	weak_learn(&lock->known, &weak_this()->known);
}

static inline bool weak_is_woken(long thread)
{
	return weak_threads[thread].wakes > 0;
}

/* The sleep itself: a run queue's lock is between who wakes and who goes on. */
static inline void sleep_until_woken(void)
{
	weak_wait(weak_is_woken, weak_self);
	weak_this()->wakes--;
	weak_learn(&weak_this()->known, &weak_this()->sent);
}

static inline void wake(int thread)
{
	weak_step();
	weak_threads[thread].wakes++;
	weak_learn(&weak_threads[thread].sent, &weak_this()->known);
}

/* It may come before what was stored in front of it is seen. */
static inline void interrupt_early(int thread)
{
	weak_step();
	weak_threads[thread].interrupts++;
}

/* With the barrier that keeps it behind. */
static inline void interrupt(int thread)
{
	interrupt_early(thread);
	weak_learn(&weak_threads[thread].sent, &weak_this()->known);
}

static inline bool weak_is_interrupted(long thread)
{
	return weak_threads[thread].interrupts > 0;
}

/* Interrupts are on: a program in user mode, or an idle CPU. */
static inline void wait_for_interrupt(void)
{
	weak_wait(weak_is_interrupted, weak_self);
	weak_take_interrupts();
}

/* ---- runs ---- */

typedef void (*weak_function)(void);
static const weak_function *weak_functions;

static void weak_enter(void)
{
	weak_functions[weak_self]();
	weak_take_interrupts();
	weak_this()->ended = true;
	weak_leave();
}

static void weak_prepare(struct weak_thread *thread, int number)
{
	static char stacks[WEAK_THREADS][WEAK_STACK];

	memset(thread, 0, sizeof(*thread));
	getcontext(&thread->context);
	thread->context.uc_stack.ss_sp = stacks[number];
	thread->context.uc_stack.ss_size = WEAK_STACK;
	makecontext(&thread->context, weak_enter, 0);
}

static inline void weak_reset(void)
{
	for (int i = 0; i < WEAK_CELLS; i++) {
		weak_cells[i].count = 1;
		weak_cells[i].values[0] = 0;
		memset(&weak_cells[i].carried[0], 0, sizeof(struct weak_view));
	}
	memset(&weak_ordered, 0, sizeof(weak_ordered));
	memset(&weak_fenced, 0, sizeof(weak_fenced));
	for (int i = 0; i < weak_count; i++) {
		weak_prepare(&weak_threads[i], i);
	}
}

/* The one that ran, or another, that can. */
static inline bool weak_choose(void)
{
	int able[WEAK_THREADS], count = 0;

	for (int i = 0; i < weak_count; i++) {
		struct weak_thread *thread = &weak_threads[i];

		if (!thread->ended &&
		    (!thread->may_go_on || thread->may_go_on(thread->argument))) {
			able[count++] = i;
		}
	}
	if (count) {
		weak_self = able[chance((unsigned)count)];
	}
	return count;
}

static inline void weak_run_once(weak_function begin, weak_function end)
{
	weak_random = weak_seed * 0x9e3779b97f4a7c15ul;
	weak_reset();
	weak_self = 0;
	begin();
	while (weak_choose()) {
		swapcontext(&weak_main, &weak_this()->context);
	}
	for (int i = 0; i < weak_count; i++) {
		if (!weak_threads[i].ended) {
			weak_self = i;
			weak_fail("nobody can go on");
		}
	}
	end();
}

/* begin: sets what is not cells; end: what must hold then; threads: up to a NULL. */
static inline int weak_run(weak_function begin, weak_function end,
			   const weak_function *threads)
{
	const int seeds = 10000;

	weak_functions = threads;
	while (threads[weak_count]) {
		weak_count++;
	}
	for (weak_seed = 1; weak_seed <= (unsigned long)seeds; weak_seed++) {
		weak_run_once(begin, end);
	}
	printf("%d runs\n", seeds);
	return 0;
}

static inline void weak_nothing(void)
{
}

/* Values of cells at the start: before any thread goes. */
static inline void weak_initial(int cell, long value)
{
	weak_cells[cell].values[0] = value;
}

static inline void weak_on_interrupt(int thread, weak_function handler)
{
	weak_threads[thread].handler = handler;
}
