// SPDX-License-Identifier: MIT
/* Kernel stacks (S1–S3): single frames mapped in a range of their own, an unmapped guard page below each, cached per CPU. */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

#if HEDDLE_DEBUG
#	define KERNEL_STACK_SIZE (16 * 1024UL)
#else
#	define KERNEL_STACK_SIZE (8 * 1024UL)
#endif

/* The top (highest address, 16-byte aligned) of a fresh stack. 0 or -ENOMEM. May sleep. */
int kernel_stack_allocate(vaddr_t *top) must_check;
/* Any context with preemption off or on; never the stack one runs on. Returns its high-water mark, which starts anew. */
size_t kernel_stack_free(vaddr_t top);
/* Does `address` lie in a guard page, and whose stack is above it? For overflow reports (S2). */
bool kernel_stack_is_guard(vaddr_t address, vaddr_t *top);
/* Most bytes used of this stack since it was allocated (S3). It may be in use; whoever calls sees to it that it is not freed. */
size_t kernel_stack_high_water(vaddr_t top);
/* Unmap free stacks until no more than `keep` wait outside the CPUs' caches (0: also empties this CPU's cache); returns how
 * many frames came back. May sleep. */
u64 kernel_stack_trim(u64 keep);
/* Frames that hold the tables and the list of free places: as many as the most stacks there ever were needed; they stay. */
u64 kernel_stack_table_frames(void);
u64 kernel_stack_count(void); /* live, for the ledger */
/* A range of kernel addresses for device registers: mapped uncached for good. NULL: no memory. */
volatile void *kernel_map_device(paddr_t physical, size_t size);
