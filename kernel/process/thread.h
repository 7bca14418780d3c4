// SPDX-License-Identifier: MIT
/*
 * Threads: the control block, and the builder every path that makes a thread goes through (T13).
 *
 * A thread (Linux: task) is one flow of control: one control block, allocated once, never moved, reference counted (T1).
 * One count stands for: being in the pid table (until reaped), running (until another thread runs on its CPU after its
 * end), and whoever called thread_get(). The last put frees through the heap and does not sleep.
 *
 * Legend: I immutable after publication · a atomic · o owner thread only · x while the process has one live thread
 *	   r thread.resource_lock · s process.signal_lock · t process_tree_lock (process.h) · p the pid table's lock
 */
#pragma once

#include "core/fault_injection.h"
#include "core/refcount.h"
#include "core/spinlock.h"
#include "cred/credentials.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"
#include "process/port/port.h"
#include "process/ptrace/trace_state.h"
#include "process/signal/signal_state.h"
#include "sched/sched.h"
#include "sched/wait.h"
#include "vm/thread_blocks.h"

struct completion;
struct file_table;
struct fs_info;
struct namespace_set;
struct pid;
struct process;
struct semaphore_undo;
struct trap_frame;
struct user_account;
struct vm_space;
struct wanted_numbers;

enum { THREAD_NAME_SIZE = 16 };

/* thread.sched.return_work: what to do before the next return to user mode, besides signals. */
enum {
	RETURN_SET_TID =
		1, /* CLONE_CHILD_SETTID: write the number into the child's own memory */
	RETURN_CPU_TIMERS = 2, /* RLIMIT_CPU or an interval timer counts CPU time */
	RETURN_RSEQ = 4,       /* was switched in, or a barrier came (rseq.h) */
	RETURN_TRACE = 32,     /* a system call of one that is traced ends (ptrace/) */
	RETURN_OVERRUN = 16,   /* SCHED_DEADLINE: its runtime was used up */
	RETURN_BLOCK = 8,      /* is on another CPU: the thread block says which */
	/* These come with switches: cleared when taken up, and looked for again. */
	RETURN_SWITCHED = RETURN_RSEQ | RETURN_BLOCK,
};

/* What read(2), write(2) and their like moved: /proc/PID/io. */
struct io_counts {
	u64 read_bytes, written_bytes, read_calls, write_calls;
};
void io_counts_add(struct io_counts *to, const struct io_counts *more);

struct thread {
	struct sched_entity sched; /* must be first */

	struct refcount references;
	struct process *process; /* I; a reference */
	struct pid *pid; /* I but for exec taking over the leader's; a reference */
	struct pid *
		former_pid; /* x: of before that, kept for those who still look; may be NULL */
	struct list process_link; /* s: process.threads */

	/* Slots (resources.h). Written by the owner under resource_lock; NULL once it has exited. */
	struct spinlock resource_lock;
	struct file_table *files;
	struct fs_info *fs;
	struct namespace_set *namespaces;
	struct semaphore_undo *undo;
	struct credentials *credentials; /* kept until reap */
	struct user_account *account;    /* of credentials->uid; likewise */
	bool account_charged; /* from the building until it leaves the pid table: it counts for RLIMIT_NPROC */
	struct completion
		*vfork_done; /* r: whom to tell when the address space is given up */
	char name[THREAD_NAME_SIZE]; /* r: comm (T4) */

	struct thread_signals signals; /* s */
	bool exiting;                  /* s: takes no more signals */
	bool finished; /* s: left process.threads' live ones; only a leader stays linked */
	bool stop_counted; /* s: has stopped in this group stop */
	bool stop_again; /* s: untraced while its group is stopped: is to stop, and to be quiet about it */
	struct thread_trace trace; /* who traces it, ptrace(2) */
	bool stop_dequeued; /* s: has taken a stop signal out that no SIGCONT has overtaken yet */

	struct thread_block block; /* of process->vm; given back in the farewell to it */
	struct port_service port_service;

	vaddr_t alternate_stack; /* o */
	u64 alternate_stack_size;
	u32 alternate_stack_flags;

	u8 traced;         /* o: enum trace_state (call_log.h), TRACE_STOPS, TRACE_STEP */
	vaddr_t set_tid;   /* o: for RETURN_SET_TID */
	vaddr_t clear_tid; /* o: CLONE_CHILD_CLEARTID, set_tid_address */
	_Atomic vaddr_t robust_list; /* a: owner writes, get_robust_list reads */
	_Atomic u8 futex_state;      /* a, owner writes: enum futex_state */
	vaddr_t rseq;                /* o: rseq.h; 0: none */
	u32 rseq_length, rseq_signature;

	struct fault_plan faults; /* a */

	int parent_death_signal;    /* o, parent under t */
	nsec_t start_time;          /* I: CLOCK_MONOTONIC */
	u64 default_timer_slack_ns; /* I: the parent's when it was made */
	struct io_counts io;        /* o; words that /proc reads */
	u32 io_priority;            /* a word: ioprio_set of others */
	u32 personality;            /* o */
	u8 memory_failure;          /* o: PR_MCE_KILL_*, kept only */
	bool io_flusher;            /* o: PR_SET_IO_FLUSHER, kept only */
	bool over_process_limit; /* o: became a user with too many: execve refuses (RLIMIT_NPROC) */
	/* restart_syscall: what to run again */
	long (*restart)(struct thread *thread);
	u64 restart_data[6];
};

static inline struct thread *thread_from_entity(struct sched_entity *entity)
{
	return (struct thread *)entity;
}

void thread_get(struct thread *thread);
bool thread_try_get(struct thread *thread) must_check;
void thread_put(struct thread *thread);
pid_nr thread_number(const struct thread *thread); /* in the reader's pid namespace */
void thread_get_name(struct thread *thread, char name[THREAD_NAME_SIZE]);
void thread_set_name(struct thread *thread, const char *name); /* cut to 15 bytes */
/* PR_SET_TIMERSLACK: 0 is the default. What is real-time or has a deadline has no slack, and stays so. */
void thread_set_timer_slack(struct thread *thread, u64 slack_ns);
/* The policy has changed: none while it is real-time or has a deadline, and the default after that. */
void thread_settle_timer_slack(struct thread *thread);
/* With a reference; never NULL (kept until reap). */
struct credentials *thread_get_credentials(struct thread *thread);
/* What its user has in use; likewise. */
struct user_account *thread_get_account(struct thread *thread);

/*
 * What a new thread is like. Zero means the default everywhere; thread_options_init() is the one place for defaults.
 * `parent` NULL: the first process, which inherits nothing.
 */
struct thread_options {
	u64 clone_flags;                /* CLONE_*, checked by the caller */
	struct thread *parent;          /* the running thread */
	const struct trap_frame *frame; /* the parent's live registers */
	vaddr_t user_stack;             /* 0: the parent's */
	vaddr_t start_ip, start_sp;     /* with no parent: where it starts in user mode */
	u64 tls;                        /* with CLONE_SETTLS */
	vaddr_t set_tid, clear_tid;
	int exit_signal;
	const struct wanted_numbers *wanted; /* clone3's set_tid; NULL: any */
	const char *name;                    /* NULL: the parent's */
	bool traced;            /* by who traces the parent, if anybody does */
	u32 group_signals_seen; /* of the parent, before anything was copied */

	/* With no parent: takes over these references. */
	struct vm_space *vm;
	struct file_table *files;
	struct fs_info *fs;
	struct credentials *credentials;
};
void thread_options_init(struct thread_options *options, struct thread *parent);
/* Built whole and unpublished; -EAGAIN, -ENOMEM, -EEXIST, -EPERM, -EINVAL. Destroy with thread_discard() if it is not published. */
int thread_build(const struct thread_options *options, struct thread **out) must_check;
/* Into the process tree and the pid table, unless the parent must die first (-ERESTART_ALWAYS) or its pid namespace has ended (-ENOMEM). Then sched_start(). */
int thread_publish(struct thread *thread,
		   const struct thread_options *options) must_check;
void thread_discard(struct thread *thread);
/* It is gone: out of the pid table and its process. Thread context; `thread` may be the running one. */
void thread_unpublish(struct thread *thread);
void thread_init_system(void);
