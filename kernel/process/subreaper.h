// SPDX-License-Identifier: MIT
/* Who gets the children of the dead: init, or an ancestor that asked for them (PR_SET_CHILD_SUBREAPER). */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

struct process;

/* prctl(2): `process` asks for its descendants' children, or no longer does. Takes process_tree_lock. */
void process_set_subreaper(struct process *process, bool wanted);
/* A child that is being published, whose parent is set. process_tree_lock is held. */
void process_inherit_subreaper(struct process *child);
/*
 * The reaper of `process`'s children: the nearest living ancestor in its pid namespace that asked for it, or that one's
 * init. process_tree_lock is held.
 */
struct process *process_find_reaper(const struct process *process);
