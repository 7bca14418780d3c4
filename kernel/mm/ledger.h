// SPDX-License-Identifier: MIT
/*
 * The ledger (R10): live counts of every kind of kernel object, by name. /proc/heddle/ledger prints it; a test that
 * compares it before and after finds leaks. Context: any; each count is exact, the set is not one instant's.
 */
#pragma once

#include "lib/types.h"

struct ledger_line {
	const char *name; /* the struct's, or what is counted */
	s64 live;
};

/* Line `index`: first frames, heap bytes and kernel stacks, then every object cache ever used. false: no more. */
bool ledger_line(unsigned index, struct ledger_line *out);
