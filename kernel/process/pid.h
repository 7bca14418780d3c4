// SPDX-License-Identifier: MIT
/*
 * Numbers of threads, processes, groups and sessions (T3): one allocator for all, recycled below pid_max.
 *
 * struct pid is one number (one in each pid namespace it is seen from; one level today). Its `uses` keep the number taken:
 * a published thread, each member of the process group, each member of the session. Its references keep the struct valid.
 */
#pragma once

#include "core/refcount.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"
#include "sched/wait.h"

struct process;
struct thread;

enum {
	PID_RESERVED = 300, /* numbers below are given out only once, at the start */
	PID_MAX_DEFAULT = 32768,
	PID_LIMIT = 4194304,
	PID_LEVELS = 1,      /* nested pid namespaces */
	PID_LEVELS_MAX = 32, /* what clone3 takes as a list of wanted numbers */
};

struct pid_namespace;

struct pid_number {
	struct list hash_link; /* the table's lock */
	struct pid_namespace *namespace;
	pid_nr number;
	struct pid *pid;
};

struct pid {
	struct refcount references;
	u32 uses;                  /* the table's lock */
	bool reserved;             /* the table's lock: the numbers are marked as taken */
	struct thread *thread;     /* the table's lock: the thread of this number */
	struct process *process;   /* likewise: the process */
	struct list group_members; /* process_tree_lock: process.group_link */
	struct wait_queue exit_waiters; /* pidfds */
	u32 level;
	struct pid_number numbers[PID_LEVELS];
};

extern struct pid_namespace init_pid_namespace;
extern struct pid
	idle_pid; /* number 0: the group and session the first process starts in */

void pid_init(void);
/*
 * A free number, reserved but not found by anyone. `wanted`: clone3's set_tid, the innermost namespace's first; NULL: any.
 * -EAGAIN, -ENOMEM, -EEXIST, -EINVAL, -EPERM.
 */
struct wanted_numbers {
	u32 count;
	pid_nr number[PID_LEVELS_MAX];
};
int pid_create(struct pid_namespace *namespace, const struct wanted_numbers *wanted,
	       struct pid **out) must_check;
void pid_get(struct pid *pid);
void pid_put(struct pid *pid);
pid_nr pid_number(
	const struct pid *pid); /* as the running thread's namespace has it; 0 for NULL */
/* With a reference, or NULL. */
struct pid *pid_find(pid_nr number);
/* The first number in use at or after `number`, with a reference; NULL: none. */
struct pid *pid_next(pid_nr number);

/* Hold or let go of the number. */
void pid_use(struct pid *pid);
void pid_unuse(struct pid *pid);
/* Make it lead to a thread (and a process, if the thread leads one); counts as a use. */
void pid_attach(struct pid *pid, struct thread *thread, struct process *process);
void pid_detach(struct pid *pid);
/* exec by another thread than the leader: `mine` and `leaders` swap what they lead to. */
void pid_exchange_threads(struct pid *mine, struct pid *leaders);
struct thread *pid_get_thread(struct pid *pid);   /* with a reference, or NULL */
struct process *pid_get_process(struct pid *pid); /* likewise */
pid_nr pid_maximum(void);
int pid_set_maximum(pid_nr maximum);
u32 pid_count(void); /* in use */
pid_nr pid_last(void);
