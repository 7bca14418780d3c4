// SPDX-License-Identifier: MIT
/*
 * Numbers of threads, processes, groups and sessions (T3): one allocator a pid namespace, recycled below pid_max.
 *
 * struct pid is who the numbers stand for: it has one in its own namespace and one in each around it. Its `uses` keep the
 * numbers taken: a published thread, each member of the process group, each member of the session. Its references keep the
 * struct valid.
 *
 * "The number" without more is the one in the running thread's namespace: what programs give and get.
 */
#pragma once

#include "core/refcount.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"
#include "sched/wait.h"

struct pid_namespace;
struct process;
struct thread;

enum {
	PID_RESERVED = 300, /* numbers below are given out only once, at the start */
	PID_MAX_DEFAULT = 32768,
	PID_LIMIT = 4194304,
	PID_CHUNK_BITS = 32768,
	PID_CHUNKS = PID_LIMIT / PID_CHUNK_BITS,
	PID_LEVELS_MAX = 32, /* pid namespaces inside the first one */
};

struct pid_number {
	struct list hash_link; /* the table's lock */
	struct pid_namespace *namespace;
	pid_nr number;
	bool reserved; /* the table's lock: marked as taken */
	struct pid *pid;
};

struct pid {
	struct refcount references;
	u32 uses;                       /* the table's lock */
	struct thread *thread;          /* the table's lock: the thread of this number */
	struct process *process;        /* likewise: the process */
	struct list group_members;      /* process_tree_lock: process.group_link */
	struct wait_queue exit_waiters; /* pidfds */
	u32 level;                      /* I: of its own namespace */
	struct pid_number
		*numbers;       /* I: level + 1 of them, the first namespace's first */
	struct pid_number only; /* numbers, where level is 0 */
};

extern struct pid
	idle_pid; /* number 0: the group and session the first process starts in */

/* clone3's set_tid: the innermost namespace's number first. */
struct wanted_numbers {
	u32 count;
	pid_nr number[PID_LEVELS_MAX];
};

void pid_init(void);
/*
 * Free numbers, reserved but not found by anyone. `wanted` NULL or empty: any.
 * -EAGAIN: none is free; -ENOMEM, also for a namespace that has ended; -EEXIST, -EINVAL, -EPERM: the wanted ones.
 */
int pid_create(struct pid_namespace *namespace, const struct wanted_numbers *wanted,
	       struct pid **out) must_check;
void pid_get(struct pid *pid);
void pid_put(struct pid *pid); /* does not sleep */
/* Its own namespace, the innermost it has a number in; borrowed. */
struct pid_namespace *pid_own_namespace(const struct pid *pid);
/* The number as `namespace` has it; 0: NULL, or not to be seen from there. */
pid_nr pid_number_in(const struct pid *pid, const struct pid_namespace *namespace);
pid_nr pid_number(const struct pid *pid);
/* As the first namespace has it: for the log, and for what is kept as a bare number. */
pid_nr pid_number_global(const struct pid *pid);
/* A number of the first namespace as the running thread has it; 0: it is nobody's, or not to be seen. And the other way. */
pid_nr pid_number_from_global(pid_nr number);
pid_nr pid_number_to_global(pid_nr number);
/* With a reference, or NULL. */
struct pid *pid_find(pid_nr number);
struct pid *pid_find_in(struct pid_namespace *namespace, pid_nr number);
/* The first number in use at or after `number`, with a reference; NULL: none. */
struct pid *pid_next_in(struct pid_namespace *namespace, pid_nr number);

/* Hold or let go of the numbers. */
void pid_use(struct pid *pid);
void pid_unuse(struct pid *pid);
/* Make it lead to a thread (and a process, if the thread leads one); counts as a use. */
void pid_attach(struct pid *pid, struct thread *thread, struct process *process);
void pid_detach(struct pid *pid);
/* exec by another thread than the leader: `mine` and `leaders` swap what they lead to. */
void pid_exchange_threads(struct pid *mine, struct pid *leaders);
struct thread *pid_get_thread(struct pid *pid);   /* with a reference, or NULL */
struct process *pid_get_process(struct pid *pid); /* likewise */
/* May it be published: no namespace it is in has ended? process_tree_lock held. */
bool pid_may_live_locked(const struct pid *pid);
/* Do none but init's threads have a number in `namespace` any more? */
bool pid_namespace_is_empty(struct pid_namespace *namespace);
pid_nr pid_maximum(void);
int pid_set_maximum(pid_nr maximum);
u32 pid_count(void);   /* in use */
pid_nr pid_last(void); /* given out in the running thread's namespace */
