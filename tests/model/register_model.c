// SPDX-License-Identifier: MIT
/*
 * Registering for membarrier(2)'s global barrier while somebody else asks for one: kernel/process/membarrier.c (B5, order.membarrier).
 *
 * A program marks itself, and from then on leaves its own fences away. Who asks for the barrier has stored before, and interrupts those that are
 * marked; the fast side's registration is the last fence that it pays for itself.
 *
 * What must hold: not both miss the other's store.
 */
#include "weak.h"

enum { MARK, X, Y };

static long seen_by_fast, seen_by_slow;

static void fast(void)
{
	change(MARK, weak_or, 1, SEQ_CST);
#ifndef MUTANT_1 /* the mark is seen later than what the program does then */
	fence(SEQ_CST);
#endif
	store(X, 1, RELAXED);
	seen_by_fast = load(Y, RELAXED);
}

static void slow(void)
{
	store(Y, 1, RELAXED);
#ifndef MUTANT_2 /* looks for marks before its own store is seen */
	fence(SEQ_CST);
#endif
	if (load(MARK, SEQ_CST)) {
		/* The interrupt, as of order.call: what the other CPU did before is known, and from then on it knows Y. */
		weak_step();
		weak_learn(&weak_this()->known, &weak_threads[0].known);
		weak_learn(&weak_threads[0].known, &weak_this()->known);
	}
	fence(SEQ_CST);
	seen_by_slow = load(X, RELAXED);
}

static void begin(void)
{
	seen_by_fast = seen_by_slow = 0;
}

static void end(void)
{
	CHECK(seen_by_fast || seen_by_slow);
}

int main(void)
{
	static const weak_function threads[] = {fast, slow, NULL};

	return weak_run(begin, end, threads);
}
