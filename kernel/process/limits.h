// SPDX-License-Identifier: MIT
/* Resource limits (C7): words of a process that its threads read without a lock. */
#pragma once

#include "lib/types.h"
#include <linux/resource.h>

enum { LIMIT_COUNT = RLIM_NLIMITS };

struct limit {
	u64 soft, hard; /* RLIM_INFINITY: none */
};

struct process;
struct vm_space;

/* What the first process starts with. */
void limits_init(struct limit limits[LIMIT_COUNT]);
/* Copy those that an address space enforces into it. */
void limits_apply(const struct limit limits[LIMIT_COUNT], struct vm_space *vm);
u64 process_limit(const struct process *process, unsigned resource);
