// SPDX-License-Identifier: MIT
/*
 * Making a file system read-only while others begin to write: kernel/fs/mount.c and remount.c, order.writers.
 *
 * A writer counts itself, and looks whether it may; who makes it read-only says so, and looks whether somebody writes.
 *
 * What must hold: nobody writes to what has been made read-only.
 */
#include "weak.h"

enum { WRITERS, READ_ONLY };

static bool written, made_read_only;

static void writer(void)
{
#ifdef MUTANT_1 /* looks, then counts */
	bool refused = load(READ_ONLY, RELAXED);

	add(WRITERS, 1, SEQ_CST);
#else
	bool refused;

	add(WRITERS, 1, SEQ_CST);
#	ifndef MUTANT_2 /* counting is one access, not a fence */
	fence(SEQ_CST);
#	endif
	refused = load(READ_ONLY, RELAXED);
#endif
	if (refused) {
		add(WRITERS, -1, SEQ_CST);
	} else {
		written = true;
	}
}

static void remounter(void)
{
	store(READ_ONLY, 1, RELAXED);
#ifndef MUTANT_3
	fence(SEQ_CST);
#endif
	if (load(WRITERS, SEQ_CST) > 0) {
		store(READ_ONLY, 0, RELAXED);
	} else {
		made_read_only = true;
	}
}

static void begin(void)
{
	written = made_read_only = false;
}

static void end(void)
{
	CHECK(!written || !made_read_only);
}

int main(void)
{
	static const weak_function threads[] = {writer, remounter, NULL};

	return weak_run(begin, end, threads);
}
