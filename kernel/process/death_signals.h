// SPDX-License-Identifier: MIT
/*
 * PR_SET_PDEATHSIG (prctl(2)): what the children are told of the end of the running thread, or with it of its process.
 *
 * A thread's wish is for its process, and comes as kill(2) from the one that ends would bring it: with its number and user,
 * and only where it has the right to.
 */
#pragma once

#include "core/spinlock.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "process/process.h"

/*
 * Takes process_tree_lock, with the memory at hand that telling those children of `process` takes that `thread` made (NULL:
 * all). Thread context. Memory may be short: then some signals go without information.
 */
u64 death_signals_lock_tree(struct process *process, const struct thread *thread,
			    struct list *entries) ACQUIRES(&process_tree_lock);
/* Tell `child`. Tree lock held. */
void death_signals_send(struct process *child, struct list *entries);
/* What was not used. No lock held. */
void death_signals_drop(struct list *entries);
