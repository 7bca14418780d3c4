// SPDX-License-Identifier: MIT
/*
 * Pid namespaces: which numbers threads and processes have for whom. See pid_namespaces(7).
 *
 * They nest: what lives in one has a number in it and in each one around it. The one a thread lives in is that of its pid and
 * never changes; the set's slot only says where its children will live. The first process in one is its init: reaper of
 * its orphans, and the namespace ends with it.
 *
 * A reference stands for: a namespace set's slot, an open file or mount of procfs, each struct pid whose innermost number is
 * here, each namespace inside it. The last put frees and does not sleep.
 */
#pragma once

#include "core/namespace.h"
#include "process/pid.h"

struct process;

struct pid_namespace {
	struct namespace base;        /* first */
	struct pid_namespace *parent; /* I; a reference; NULL: the first */
	u32 level;                    /* I: 0 is the first */

	u64 *taken[PID_CHUNKS]; /* the pid table's lock: bit set: reserved or in use */
	pid_nr last;            /* likewise */
	u32 members; /* likewise: threads that have a number here, but for init's */
	struct wait_queue emptied; /* members went down to 0 */

	struct process *
		init; /* process_tree_lock: the first process; NULL: none yet. Valid while it is alive or ending the rest */
	bool dying;   /* process_tree_lock: no more forks here */
	int reboot_status; /* process_tree_lock: wait status of init after reboot(2); 0: its own */
};

extern struct pid_namespace first_pid_namespace;

static inline struct pid_namespace *pid_namespace_of(struct namespace *namespace)
{
	return (struct pid_namespace *)namespace;
}
/* Where the running thread lives; kernel threads: the first. */
struct pid_namespace *current_pid_namespace(void);
/* Where the running thread's next child will live. */
struct pid_namespace *current_pid_namespace_for_children(void);
/* Has it had an init? Until then nobody but who made it gets at it. */
bool pid_namespace_is_open(const struct namespace *namespace);
/* May the running thread put its children into `namespace` (setns)? Its own, or one inside it. 0 or -EINVAL. */
int pid_namespace_check_join(const struct pid_namespace *namespace) must_check;

/*
 * The last thread of a namespace's init ends: everybody else in it is killed, and has been waited for when this returns. By its own
 * parent or tracer, if that is outside or traces from there: however long that takes. Sleeps.
 */
void pid_namespace_end(struct process *process);
/* reboot(2) of a thread inside: init ends as if `signal` had killed it. */
void pid_namespace_reboot(struct pid_namespace *namespace, int signal);
