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
/* What a user namespace that a thread of `process` has just made will allow all its users together (user_account.h). */
struct credentials;
struct user_namespace;
void limits_of_namespace(const struct process *process, const struct credentials *maker,
			 struct user_namespace *made);
u64 process_limit(const struct process *process, unsigned resource);
