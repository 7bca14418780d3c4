// SPDX-License-Identifier: MIT
/*
 * Things made ready and then shown to who takes no lock (order.once, order.id_map, order.handler, order.page, order.call_log, order.queues).
 *
 * What is new is two plain words. Two threads may want to be the first to show theirs: the second takes the first's. A reader finds the pointer, or
 * nothing. The log grows by entries behind a count, and by another chunk whose pointer says that the first is full.
 *
 * What must hold: nobody looks at what is not ready (a race), or at half of it.
 */
#include "weak.h"

enum { POINTER, OF_FIRST, OF_SECOND, LOG_1, SIZE_1, LOG_2, NEXT };

#ifdef MUTANT_1 /* shown before it is ready */
#	define SHOW RELAXED
#else
#	define SHOW BOTH
#endif
#ifdef MUTANT_2 /* found, and looked at too early */
#	define FIND RELAXED
#else
#	define FIND ACQUIRE
#endif
#ifdef MUTANT_3 /* who comes second looks at the first's */
#	define LOSE RELAXED
#else
#	define LOSE ACQUIRE
#endif
#ifdef MUTANT_4 /* the count before the entry */
#	define COUNT RELAXED
#else
#	define COUNT RELEASE
#endif
#ifdef MUTANT_5 /* the next chunk's pointer before the last count */
#	define CHAIN RELAXED
#else
#	define CHAIN RELEASE
#endif

static void make(int mine)
{
	long seen;

	put(mine, mine);
	seen = exchange_if(POINTER, 0, mine, SHOW, LOSE);
	if (seen) {
		CHECK(look((int)seen) == seen);
	}
}

static void maker_and_logger(void)
{
	make(OF_FIRST);
	put(LOG_1, 1);
	store(SIZE_1, 1, COUNT);
	put(LOG_2, 2);
	store(NEXT, 1, CHAIN);
}

static void maker(void)
{
	make(OF_SECOND);
}

static void reader(void)
{
	long found = load(POINTER, FIND), next;

	if (found) {
		CHECK(look((int)found) == found);
	}
#ifdef MUTANT_6 /* the count, then whether the chunk is full: the last entries are passed over */
	long size = load(SIZE_1, ACQUIRE);

	next = load(NEXT, ACQUIRE);
#else
	next = load(NEXT, ACQUIRE);
	long size = load(SIZE_1, ACQUIRE);
#endif
	CHECK(size || !next);
	if (size) {
		CHECK(look(LOG_1) == 1);
	}
	if (next) {
		CHECK(look(LOG_2) == 2);
	}
}

int main(void)
{
	static const weak_function threads[] = {maker_and_logger, maker, reader, NULL};

	return weak_run(weak_nothing, weak_nothing, threads);
}
