// SPDX-License-Identifier: MIT
/*
 * Processes (Linux: thread groups): what threads share for good: pid, address space, handlers, limits, children.
 *
 * Owns      struct process, process_tree_lock.
 * Locks     process.exec_lock > … > process_tree_lock > pid table > resource_lock > signal_lock > signal_handlers.lock
 *
 * A count on a process stands for: being in the tree (until reaped), each of its threads' control blocks, and whoever
 * called process_get(). The last put does not sleep.
 *
 * Legend: as in thread.h.
 */
#pragma once

#include "process/cpu_timers.h"
#include "process/limits.h"
#include "process/thread.h"
#include "sync/rwlock.h"

struct pid_namespace;
struct session;

enum process_state {
	PROCESS_ALIVE,
	PROCESS_ZOMBIE, /* the last thread has finished; wait(2) may take it */
	PROCESS_DEAD,   /* somebody took it */
};

struct process_usage {
	u64 user_ns, system_ns;
	u64 minor_faults, major_faults;
	u64 switches_voluntary, switches_involuntary;
	u64 peak_resident_pages;
};

struct process {
	struct refcount references;
	struct pid *pid;       /* I; a reference */
	struct thread *leader; /* s: changes in exec; NULL once reaped */

	struct spinlock resource_lock;
	struct vm_space *
		vm; /* resource_lock for writing; x. NULL once the last thread has left it */
	struct file *executable; /* likewise: /proc/PID/exe */
	struct rwlock
		exec_lock; /* held for writing while exec changes vm and credentials */

	struct spinlock signal_lock;        /* irq-safe */
	struct signal_handlers *handlers;   /* s; NULL: zombie */
	struct signal_queue shared_signals; /* s */
	struct list threads;                /* s: thread.process_link */
	u32 thread_count;                   /* s: linked in threads */
	_Atomic u32 live_threads;           /* a: that may still use vm */
	u32 unfinished_threads;             /* s: that have not ended yet */
	u32 staying_threads;                /* s: that have not begun to end */
	bool immune;     /* s: init: signals without a handler do nothing */
	bool group_exit; /* s: every thread is to end with group_exit_status */
	int group_exit_status;
	bool had_threads; /* s: more than one at a time */
	bool core_told; /* s: the process events had it that a signal worth a core file came */
	struct thread *exec_thread; /* s: every thread but this one is to end */
	struct group_stop
		stop; /* s; its report_ fields are also read and cleared by wait(2) */
	struct wait_queue thread_end;      /* exec waits here for its siblings' end */
	struct limit limits[LIMIT_COUNT];  /* s for writing; words may be read without */
	struct process_usage dead_threads; /* s: usage of threads that are gone */
	struct io_counts dead_io;          /* s: likewise */
	int oom_adjust, oom_adjust_least;  /* words: /proc/PID/oom_score_adj */
	u32 group_signals; /* t: signals sent to it as a member of a group: fork starts over */

	/* timers */
	struct timer real_timer;                 /* ITIMER_REAL */
	nsec_t real_interval;                    /* s */
	struct cpu_timers cpu_timers;            /* s */
	struct list posix_timers;                /* s */
	u32 next_posix_timer, posix_timer_count; /* s */

	/* t */
	enum process_state state;
	struct process *
		parent; /* NULL: init's; not counted: a parent hands its children over before it goes */
	const struct thread *
		parent_thread; /* for __WNOTHREAD and PR_SET_PDEATHSIG: compared, never followed */
	struct list children; /* process.sibling */
	struct list sibling;
	struct list
		tracees; /* thread.trace.link of those it traces; they hold no reference */
	struct pid *group;        /* holds a use of the number */
	struct list group_link;   /* pid.group_members */
	struct session *session;  /* a reference */
	struct list session_link; /* session.members */
	int exit_signal; /* to the parent; 0: none. An own one is for the program that asked for it: */
	u32 exec_count,
		parent_exec_count; /* how often this and, when it was made, its parent have called execve */
	int exit_status;                      /* wait status word, once a zombie */
	struct process_usage waited_children; /* RUSAGE_CHILDREN */

	struct wait_queue child_events;  /* wait(2) */
	struct wait_queue signal_events; /* signalfd: a signal was queued */
	bool subreaper;       /* a word, written under t: PR_SET_CHILD_SUBREAPER */
	bool below_subreaper; /* t: an ancestor is one, or was */
	bool is_init;         /* I: of its pid namespace: unkillable from inside */
	bool ends_namespace; /* t: is_init, and has begun to end the others: nobody will wait for its children */
	nsec_t start_time; /* I */
};

extern struct spinlock process_tree_lock; /* irq-safe */
extern struct process *init_process;      /* I: pid 1 */

struct thread_options;
/* Unpublished, with one reference: the tree's. */
int process_create(const struct thread_options *options, struct pid *pid,
		   struct process **out) must_check;
void process_discard(struct process *process); /* one that was never published */
void process_get(struct process *process);
void process_put(struct process *process);
pid_nr process_number(const struct process *process);
/* With a reference; NULL: none of this number (zombies are found until reaped). */
struct process *process_find(pid_nr number);
struct thread *thread_find(pid_nr number);
/* The leader's credentials, with a reference; NULL: it is being reaped. */
struct credentials *process_get_credentials(struct process *process);
struct user_account *process_get_account(struct process *process); /* likewise */
/* Its real uid as `observer` writes it: si_uid of SIGCHLD. The tree lock is held: leaders stay. */
u32 process_uid_shown_to(struct process *process, struct process *observer);
/* What all threads of it used so far, dead ones too. */
void process_usage(struct process *process, struct process_usage *out);
void process_usage_add(struct process_usage *to, const struct process_usage *more);
/* Every thread there is, one at a time: the next number >= *number with a reference, or NULL. For /proc and kill(-1). */
struct process *process_next(pid_nr *number);
/* The same with the numbers of a pid namespace; those above take the running thread's. */
struct process *process_find_in(struct pid_namespace *namespace, pid_nr number);
struct thread *thread_find_in(struct pid_namespace *namespace, pid_nr number);
struct process *process_next_in(struct pid_namespace *namespace, pid_nr *number);
/*
 * The first process: pid 1 runs init= or /init. Boot, once each, in this order. process_prepare_init() takes the reference of `root`, where files
 * are still being made: it does what can be done then. process_start_init() returns when pid 1 is runnable; panics if there is none.
 */
void process_init(void);
struct path;
void process_prepare_init(struct path *root);
void process_start_init(void);
/* Is this name, of an initramfs, that of the program that will be pid 1? */
bool process_is_init(const char *name);

#define for_each_thread(thread, process) \
	list_for_each(thread, &(process)->threads, process_link)
