// SPDX-License-Identifier: MIT
/*
 * Subreapers, found without a walk up the tree where there are none: a chain of processes may be as long as there are processes, and each
 * of them ends.
 *
 * Locks     process_tree_lock.
 *
 * Invariants
 *   S1  Below a process that is a subreaper, and below one that is marked, each is marked. Nobody loses the mark: it says that looking is
 *	 worth while, not that there is one.
 */
#include "process/subreaper.h"

#include "core/spinlock.h"
#include "process/namespace/pid_namespace.h"
#include "process/pid.h"
#include "process/process.h"

void process_inherit_subreaper(struct process *child)
{
	const struct process *parent = child->parent;

	child->below_subreaper = parent && (parent->subreaper || parent->below_subreaper);
}

/* The process behind `at` in the tree below `top`, not looking below `at` if it was marked before; NULL: that was the last. */
static struct process *next_below(struct process *at, const struct process *top,
				  bool descend)
{
	if (descend && !list_empty(&at->children)) {
		return list_first(&at->children, struct process, sibling);
	}
	while (at != top && at->sibling.next == &at->parent->children) {
		at = at->parent;
	}
	return at == top ? NULL : container_of(at->sibling.next, struct process, sibling);
}

void process_set_subreaper(struct process *process, bool wanted)
{
	u64 flags = spin_lock_irq(&process_tree_lock);
	struct process *each = next_below(process, process, wanted);

	process->subreaper = wanted;
	while (each) {
		bool fresh = !each->below_subreaper;

		each->below_subreaper = true;
		each = next_below(each, process, fresh);
	}
	spin_unlock_irq(&process_tree_lock, flags);
}

/* Of two processes one above the other, those of one level are in one namespace. */
struct process *process_find_reaper(const struct process *process)
{
	u32 level = process->pid->level;
	struct process *candidate = process->below_subreaper ? process->parent : NULL;

	for (; candidate && candidate->pid->level == level;
	     candidate = candidate->parent) {
		if (candidate->state == PROCESS_ALIVE && candidate->subreaper) {
			return candidate;
		}
	}
	return pid_own_namespace(process->pid)->init;
}
