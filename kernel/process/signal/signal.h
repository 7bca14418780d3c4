// SPDX-License-Identifier: MIT
/*
 * Sending signals and acting on them (G1, C3).
 *
 * Locks     process_tree_lock > process.signal_lock (irq-safe) > signal_handlers.lock > run_queue.lock
 * Context   sending: any, where an entry is at hand; thread context where one must be allocated.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/list.h"
#include "process/process.h"
#include <asm/siginfo.h>
#include <asm/signal.h>

struct user_account;

struct queued_signal {
	struct list link;             /* signal_queue.queued; empty: not queued */
	struct user_account *account; /* charged, a reference; may be NULL */
	bool embedded; /* part of something else (a timer): not freed when taken out */
	/* embedded: called under signal_lock when it is taken out, to complete `info`; may be NULL */
	void (*taken)(struct queued_signal *entry, siginfo_t *info);
	siginfo_t info;
};

/* What the kernel itself says: si_code SI_KERNEL, or SI_USER with the running thread as the sender. */
void signal_information_kernel(siginfo_t *info, int signal);
void signal_information_user(siginfo_t *info, int signal, int code);

/* An entry that nobody is charged with. NULL: none (the signal goes without information). */
struct queued_signal *signal_entry_create(void);
/*
 * Charge it to the user of the receiver, a process (thread NULL) or a thread, within its RLIMIT_SIGPENDING unless `force`.
 * false: it would be too many. The tree lock may be held, no inner one.
 */
bool signal_entry_charge(struct queued_signal *entry, struct process *process,
			 struct thread *thread, bool force) must_check;
void signal_entry_give_back(struct queued_signal *entry); /* the charge */
void signal_entry_destroy(struct queued_signal *entry);

/*
 * Send to a process (thread NULL) or to one of its threads. *entry is used up (and set to NULL) if it was queued.
 * 0; -EAGAIN: a realtime signal and no entry; -ESRCH: the thread is gone.
 */
int signal_post(struct process *process, struct thread *thread, int signal,
		struct queued_signal **entry);
int signal_post_locked(struct process *process, struct thread *thread, int signal,
		       struct queued_signal **entry) MUST_HOLD(&process->signal_lock);
/* The same for one that was dropped because it was ignored: it does not take back a stop or SIGCONT. */
void signal_post_again_locked(struct process *process, struct thread *thread,
			      struct queued_signal **entry)
	MUST_HOLD(&process->signal_lock);
/* The same, with an entry of its own. Thread context. */
int signal_send(struct process *process, struct thread *thread, const siginfo_t *info);
/*
 * Kernel-generated, without information beyond the number. Any context. Of the signals without a handler only these reach
 * init of a pid namespace, if they are SIGKILL or SIGSTOP; signal_post() is for those somebody in it may have caused.
 */
void signal_send_kernel(struct process *process, int signal);
/* signal_post() for a process (thread NULL) by the running thread: the sender's number is turned into what the receiver knows it by. */
int signal_post_user(struct process *process, struct thread *thread, int signal,
		     struct queued_signal **entry);
/* The same for an entry of signal_information_user(), whose user is turned too. The tree lock may be held. */
void signal_post_from_current(struct process *process, int signal,
			      struct queued_signal **entry);
/* May the running thread send `signal` to `process`? 0 or -EPERM. */
int signal_may_send(struct process *process, int signal) must_check;
/* SIGPIPE and the like: to the running thread, in thread context. */
void signal_send_current(int signal);
/* A fault of the running thread: cannot be blocked or ignored. */
void signal_force(int signal, int code, vaddr_t address);
/* The running thread's process dies of `signal`, whatever it has arranged. */
void signal_kill_current_process(int signal);

/* Every thread of the process is to end with `status`. signal_lock held. */
void signal_group_exit_locked(struct process *process, int status)
	MUST_HOLD(&process->signal_lock);
/* Tell all threads but `except` to die. signal_lock held. */
void signal_kill_threads_locked(struct process *process, struct thread *except)
	MUST_HOLD(&process->signal_lock);
/* Look again whether `thread` has something to do; sets its BREAK_ bits. signal_lock held. */
void signal_recalculate_locked(struct thread *thread);
bool signal_fatal_pending(void);
/* An unblocked signal waits for the running thread. */
bool signal_pending(void);

/* Masks of the running thread. SIGKILL and SIGSTOP are never in one. */
#define SIGNALS_UNBLOCKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))
void signal_set_blocked(signal_mask blocked);
signal_mask signal_blocked(void);
/* sigsuspend: this mask until a handler's frame, which restores the old one, has been made. See temporary_mask.h for the rest. */
void signal_set_temporary_blocked(signal_mask blocked);
/* A user's sigset_t of `size` bytes: -EINVAL unless it is 8; -EFAULT. */
int signal_mask_from_user(signal_mask *mask, vaddr_t from, u64 size) must_check;

/* The next signal in `mask` of the running thread, taken out of its queue; 0: none. */
int signal_dequeue(signal_mask mask, siginfo_t *info);
/* All signals out of a queue, freed; the queue's owner is gone. */
void signal_queue_flush(struct signal_queue *queue, signal_mask which);
void signal_queue_init(struct signal_queue *queue);
/* An entry of that signal has gone: is it still pending? signal_lock held. */
void signal_queue_settle(struct signal_queue *queue, int signal);

/* Before the return to user mode, interrupts on: act on what is pending, or end the thread. Sets up one handler at most. */
struct trap_frame;
void signal_handle(struct trap_frame *frame);
/* exec: handlers go back to default, ignored ones stay ignored. */
void signal_handlers_reset(struct signal_handlers *handlers);
/* A thread that ends passes shared signals on, and is no longer waited for by a group stop. */
void signal_thread_exiting(struct thread *thread);
/* One thread less for the group stop to wait for. true: that was the last, and the parent is to hear of it: signal_deliver_stop_news(). signal_lock held. */
bool signal_count_stop_locked(struct thread *thread);
/* SIGCHLD and a wake-up for `to`, parent or tracer of `thread`: CLD_* and a signal. The tree lock is held; *entry as in signal_post(). */
void signal_tell_of_stop(struct process *to, struct thread *thread, int why, int status,
			 struct queued_signal **entry);
/* A stop or continue the parent has not been told of yet; takes process_tree_lock. */
void signal_deliver_stop_news(struct process *process);

enum signal_default { DEFAULT_TERMINATE, DEFAULT_CORE, DEFAULT_IGNORE, DEFAULT_STOP };
enum signal_default signal_default_action(int signal);
