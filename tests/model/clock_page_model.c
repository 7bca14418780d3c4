// SPDX-License-Identifier: MIT
/*
 * The data page of the clocks, read by programs without a lock: kernel/time/clock.c and kernel/arch/common/vdso/clock.c, order.clock_page.
 *
 * The page has two words that belong together. Writers are one at a time, under a lock. The counter that a reader looks at is not memory;
 * it is modelled as a word that the writer stores before it begins, as the counter goes on before the page changes.
 *
 * What must hold: what a reader takes is of one state, and its counter is not from before that state.
 */
#include "weak.h"

enum { SEQUENCE, BASE, OFFSET, COUNTER };

static struct weak_lock lock;

static void writer(void)
{
	long sequence, state;

	take(&lock);
	sequence = load(SEQUENCE, RELAXED);
	state = sequence + 2;
	store(COUNTER, state, RELAXED);
#ifndef MUTANT_1 /* nobody is told that it begins */
	store(SEQUENCE, sequence + 1, RELAXED);
#endif
#ifndef MUTANT_2 /* the page may change before that is seen */
	fence(RELEASE);
#endif
	store(BASE, state, RELAXED);
	store(OFFSET, state, RELAXED);
#ifdef MUTANT_3 /* the end may be seen before the page */
	store(SEQUENCE, sequence + 2, RELAXED);
#else
	store(SEQUENCE, sequence + 2, RELEASE);
#endif
	give(&lock);
}

static void reader(void)
{
	long before, after, base, offset, counter;
	int tries = 0;

	do {
#ifdef MUTANT_4 /* the page may be read before */
		before = load(SEQUENCE, RELAXED);
#else
		before = load(SEQUENCE, ACQUIRE);
#endif
		base = load(BASE, RELAXED);
		counter = load(COUNTER, RELAXED);
		offset = load(OFFSET, RELAXED);
#ifndef MUTANT_5 /* the page may be read after */
		fence(ACQUIRE);
#endif
		after = load(SEQUENCE, RELAXED);
		if (tries++ > 10) {
			return;
		}
#ifdef MUTANT_6 /* a page that is being written is taken */
	} while (before != after);
#else
	} while (before != after || before & 1);
#endif
	CHECK(base == offset);
	CHECK(counter >= base);
}

static void begin(void)
{
	lock = (struct weak_lock){0};
}

int main(void)
{
	static const weak_function threads[] = {writer, writer, reader, NULL};

	return weak_run(begin, weak_nothing, threads);
}
