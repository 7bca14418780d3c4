// SPDX-License-Identifier: MIT
/*
 * Counts whose end means something: references (order.reference: kernel/core/refcount.h, mm/frame.c), users of what is shared
 * (order.alone: file tables, fs_info, handlers, address spaces), and a page that nobody has mapped (order.page_idle: vm/reclaim.c).
 *
 * Two threads use an object and let go of it: the last one frees it. One of the two goes on if it is alone, without locks. A third reclaims
 * a page that only the cache holds, unless it was written to.
 *
 * What must hold: what is freed is used by nobody; who is alone sees what the other did; a page that was written is not dropped.
 */
#include "weak.h"

enum { COUNT, DATA_1, DATA_2, PAGE_COUNT, PAGE_FLAGS, USERS, SHARED };

static bool written, dropped;
static int freed;

static void let_go(void)
{
#ifdef MUTANT_1 /* what was done before may come after */
	if (add(COUNT, -1, RELAXED) != 1) {
#else
	if (add(COUNT, -1, RELEASE) != 1) {
#endif
		return;
	}
#ifndef MUTANT_2 /* the last one does not wait for what the others did */
	(void)load(COUNT, ACQUIRE);
#endif
	(void)look(DATA_1);
	(void)look(DATA_2);
	freed++;
}

static void first_user(void)
{
	put(DATA_1, 1);
	let_go();
#ifdef MUTANT_3
	if (load(USERS, RELAXED) == 1) {
#else
	if (load(USERS, ACQUIRE) == 1) {
#endif
		CHECK(look(SHARED) == 1);
	}
}

static void second_user(void)
{
	put(DATA_2, 1);
	let_go();
	put(SHARED, 1);
#ifdef MUTANT_4
	add(USERS, -1, ACQUIRE);
#else
	add(USERS, -1, BOTH);
#endif
	/* It has the page mapped: a write, and then it goes. */
	written = true;
	change(PAGE_FLAGS, weak_or, 1, SEQ_CST);
#ifdef MUTANT_5
	add(PAGE_COUNT, -1, RELAXED);
#else
	add(PAGE_COUNT, -1, RELEASE);
#endif
}

static void reclaimer(void)
{
#ifdef MUTANT_6 /* the flags first: a write and an unmapping come between */
	bool dirty = load(PAGE_FLAGS, RELAXED);
	bool alone = load(PAGE_COUNT, ACQUIRE) == 1;
#elif defined(MUTANT_7)
	bool alone = load(PAGE_COUNT, RELAXED) == 1;
	bool dirty = load(PAGE_FLAGS, RELAXED);
#else
	bool alone = load(PAGE_COUNT, ACQUIRE) == 1;
	bool dirty = load(PAGE_FLAGS, RELAXED);
#endif
	dropped = alone && !dirty;
}

static void begin(void)
{
	written = dropped = false;
	freed = 0;
	weak_initial(COUNT, 2);
	weak_initial(USERS, 2);
	weak_initial(PAGE_COUNT, 2);
}

static void end(void)
{
	CHECK(freed == 1);
	CHECK(!dropped);
}

int main(void)
{
	static const weak_function threads[] = {first_user, second_user, reclaimer, NULL};

	return weak_run(begin, end, threads);
}
