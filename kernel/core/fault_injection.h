// SPDX-License-Identifier: MIT
/*
 * Fail the n-th allocation of a thread (tests, R6). Heap, frames and kernel stacks ask each time they are asked; where one
 * takes from the other both count. False in normal runs, at the cost of one load. Context: any.
 *
 * A plan belongs to one thread and counts what that thread allocates. It ends with the thread; execve keeps it. Threads and
 * processes it makes begin without one, or, if it says so, with the same plan counted from 0 (docs/faults.md).
 */
#pragma once

#include "lib/types.h"
#include <stdatomic.h>

struct fault_plan {
	_Atomic u64 nth; /* 0: none fails */
	_Atomic u64 counted;
	_Atomic u64 failed;    /* 0 or 1 */
	_Atomic bool children; /* new threads get the same plan */
};

/* `nth` 0: off, with nothing counted. Returns how many were counted before. */
u64 fault_plan_arm(struct fault_plan *plan, u64 nth, bool children);
void fault_plan_inherit(struct fault_plan *child, const struct fault_plan *parent);

bool fault_injection_should_fail(void);
/* The running thread's own plan. */
u64 fault_injection_arm(u64 nth);
/* What finds the running thread's plan, NULL where it has none. Without one installed a single plan serves who armed it last. */
void fault_injection_set_lookup(struct fault_plan *(*lookup)(void));
/* The n of the command line's `heddle.fail=NAME:n`, or of `heddle.fail=n` for `name` NULL; 0: none. */
u64 fault_injection_wanted(const char *name);
