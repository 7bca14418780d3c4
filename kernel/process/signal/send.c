// SPDX-License-Identifier: MIT
/*
 * Sending signals.
 *
 * Posting happens under the target's signal_lock: job-control effects, dropping what is ignored, queueing, then telling a
 * thread that can take it. A signal that will end the process anyway is turned into its end here, so that no thread sleeps
 * through it in a wait only death can break.
 */
#include "process/signal/signal.h"

#include "core/log.h"
#include "cred/user_namespace.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "process/current.h"
#include "process/exit.h"
#include "process/job_control.h"
#include "process/pid.h"
#include "process/signal/signal_internal.h"
#include <linux/eventpoll.h>

#define HANDLER_DEFAULT ((u64)(uintptr_t)SIG_DFL)
#define HANDLER_IGNORE  ((u64)(uintptr_t)SIG_IGN)

enum signal_default signal_default_action(int signal)
{
	switch (signal) {
	case SIGCHLD:
	case SIGURG:
	case SIGWINCH:
	case SIGCONT: // what is stopped goes on when it is sent, not when it is taken
		return DEFAULT_IGNORE;
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		return DEFAULT_STOP;
	case SIGQUIT:
	case SIGILL:
	case SIGTRAP:
	case SIGABRT:
	case SIGBUS:
	case SIGFPE:
	case SIGSEGV:
	case SIGXCPU:
	case SIGXFSZ:
	case SIGSYS:
		return DEFAULT_CORE;
	default:
		return DEFAULT_TERMINATE;
	}
}

struct signal_action signal_action_of(struct process *process, int signal)
{
	struct signal_action action;

	spin_lock(&process->handlers->lock);
	action = process->handlers->action[signal - 1];
	spin_unlock(&process->handlers->lock);
	return action;
}

/*
 * Would it be thrown away on delivery? Init of a pid namespace is immune to what it has no handler for, but for SIGKILL and
 * SIGSTOP from outside (`forced`); for the first one there is no outside.
 */
static bool is_ignored(struct process *process, const struct thread *receiver, int signal,
		       bool forced)
{
	struct signal_action action = signal_action_of(process, signal);
	enum signal_default fallback = signal_default_action(signal);

	if (receiver && receiver->trace.tracer && signal != SIGKILL) {
		return false; // the tracer wants to see it
	}
	if (action.handler == HANDLER_IGNORE) {
		return true;
	}
	if (action.handler != HANDLER_DEFAULT) {
		return false;
	}
	if (forced && (SIGNAL_BIT(signal) & SIGNALS_UNBLOCKABLE) &&
	    process != init_process) {
		return false;
	}
	return process->immune || fallback == DEFAULT_IGNORE;
}

static bool is_blocked(const struct thread *thread, int signal)
{
	return ((thread->signals.blocked & ~thread->signals.waited) &
		SIGNAL_BIT(signal)) != 0;
}

void signal_recalculate_locked(struct thread *thread)
{
	struct process *process = thread->process;
	signal_mask pending =
		thread->signals.queue.pending | process->shared_signals.pending;
	bool die = process->group_exit ||
		   (process->exec_thread && process->exec_thread != thread);

	if (thread->exiting || thread->trace.ends) {
		return;
	}
	if (die) {
		sched_break(&thread->sched, BREAK_KILL | BREAK_SIGNAL);
	} else if ((pending & ~(thread->signals.blocked & ~thread->signals.waited)) ||
		   process->stop.notify_continue || process->stop.notify_stop ||
		   (process->stop.signal &&
		    (!thread->stop_counted || thread->stop_again)) ||
		   thread->trace.trap_stop || thread->trace.trap_notify) {
		sched_break(&thread->sched, BREAK_SIGNAL);
	} else {
		sched_clear_break(&thread->sched, BREAK_SIGNAL | BREAK_KILL);
	}
}

void signal_kill_threads_locked(struct process *process, struct thread *except)
{
	struct thread *thread;

	for_each_thread(thread, process) {
		if (thread != except && !thread->exiting) {
			sched_break(&thread->sched, BREAK_KILL | BREAK_SIGNAL);
			sched_wake_mask(&thread->sched,
					1u << THREAD_STOPPED | 1u << THREAD_TRACED);
		}
	}
}

void signal_group_exit_locked(struct process *process, int status)
{
	process->group_exit = true;
	process->group_exit_status = status;
	process->stop.signal = 0;
	signal_kill_threads_locked(process, NULL);
}

/* A thread that may take `signal`: the given one, else the leader, else any. NULL: all block it. */
static struct thread *find_taker(struct process *process, struct thread *thread,
				 int signal)
{
	struct thread *candidate;

	if (thread) {
		return is_blocked(thread, signal) ? NULL : thread;
	}
	candidate = process->leader;
	if (candidate && !candidate->exiting && !is_blocked(candidate, signal)) {
		return candidate;
	}
	for_each_thread(candidate, process) {
		if (!candidate->exiting && !is_blocked(candidate, signal)) {
			return candidate;
		}
	}
	return NULL;
}

/* A stop signal takes SIGCONT back and the other way round. */
static void job_control_effects(struct process *process, int signal)
{
	signal_mask cancelled = 0;
	struct thread *thread;

	if (signal == SIGCONT) {
		cancelled = SIGNALS_STOPPING;
	} else if (SIGNALS_STOPPING & SIGNAL_BIT(signal)) {
		cancelled = SIGNAL_BIT(SIGCONT);
	}
	if (!cancelled) {
		return;
	}
	signal_queue_flush(&process->shared_signals, cancelled);
	for_each_thread(thread, process) {
		signal_queue_flush(&thread->signals.queue, cancelled);
	}
	if (signal == SIGCONT) {
		signal_continue_locked(process);
	}
}

static bool all_block(struct process *process, struct thread *thread, int signal)
{
	struct thread *each;

	if (thread) {
		return (thread->signals.blocked & SIGNAL_BIT(signal)) != 0;
	}
	for_each_thread(each, process) {
		if (!each->exiting && !(each->signals.blocked & SIGNAL_BIT(signal))) {
			return false;
		}
	}
	return true;
}

/* No entry at all (NULL): the kernel sends it. */
static void enqueue(struct signal_queue *queue, int signal, struct queued_signal **entry)
{
	bool first = !(queue->pending & SIGNAL_BIT(signal));

	queue->pending |= SIGNAL_BIT(signal);
	if (entry && *entry) {
		list_push_back(&queue->queued, &(*entry)->link);
		*entry = NULL;
	} else if (first) {
		queue->bare |= SIGNAL_BIT(signal);
		queue->from_kernel |= entry ? 0 : SIGNAL_BIT(signal);
	}
}

/* One of these is enough, but a timer tells of itself. */
static bool has_come(const struct signal_queue *queue, int signal,
		     struct queued_signal **entry)
{
	return signal < SIGRTMIN && (queue->pending & SIGNAL_BIT(signal)) &&
	       !(entry && *entry && (*entry)->embedded);
}

/* Does its default end the process, and does nothing stand in the way? */
static bool ends_process(struct process *process, int signal)
{
	enum signal_default fallback = signal_default_action(signal);

	if (signal == SIGKILL) {
		return true;
	}
	return (fallback == DEFAULT_TERMINATE || fallback == DEFAULT_CORE) &&
	       signal_action_of(process, signal).handler == HANDLER_DEFAULT;
}

/* In sigtimedwait: it takes the signal as data, whatever its action. */
static bool waits_for(const struct thread *thread, int signal)
{
	return (thread->signals.blocked & thread->signals.waited & SIGNAL_BIT(signal)) !=
	       0;
}

enum {
	POST_FORCED = 1, /* init of a pid namespace is not immune */
	POST_ENTRY = 2,  /* -EAGAIN where it would be queued without one */
	POST_AGAIN =
		4, /* it was sent before, and dropped: not a new one that stops or continues */
};

static int post_locked(struct process *process, struct thread *thread, int signal,
		       struct queued_signal **entry, unsigned how)
	MUST_HOLD(&process->signal_lock)
{
	struct signal_queue *queue =
		thread ? &thread->signals.queue : &process->shared_signals;
	struct thread *taker;

	if (!process->handlers || (thread && thread->exiting)) {
		return thread ? -ESRCH : 0;
	}
	if (!(how & POST_AGAIN)) {
		job_control_effects(process, signal);
	}
	if (!all_block(process, thread, signal) &&
	    is_ignored(process, thread ? thread : process->leader, signal,
		       how & POST_FORCED)) {
		return 0;
	}
	if (has_come(queue, signal, entry)) {
		return 0;
	}
	if ((how & POST_ENTRY) && !*entry) {
		return -EAGAIN;
	}
	enqueue(queue, signal, entry);
	wake_all(&process->signal_events, EPOLLIN);
	taker = find_taker(process, thread, signal);
	if (!taker) {
		return 0;
	}
	if (!waits_for(taker, signal) && ends_process(process, signal) &&
	    (signal == SIGKILL || !taker->trace.tracer) && !process->group_exit) {
		signal_group_exit_locked(process, signal);
	} else {
		signal_recalculate_locked(taker);
	}
	return 0;
}

static int post(struct process *process, struct thread *thread, int signal,
		struct queued_signal **entry, unsigned how)
{
	u64 flags;
	int err;

	if (signal < 1 || signal > SIGNAL_COUNT) {
		return -EINVAL;
	}
	flags = spin_lock_irq(&process->signal_lock);
	err = post_locked(process, thread, signal, entry, how);
	spin_unlock_irq(&process->signal_lock, flags);
	return err;
}

/* Who sent it, in the receiver's words, where the two live in different user namespaces. */
static void translate_sender(struct process *process, siginfo_t *info)
{
	const struct user_namespace *mine = current_credentials()->user_namespace;
	struct credentials *theirs = process_get_credentials(process);

	if (theirs && theirs->user_namespace != mine) {
		u32 uid = id_to_kernel(mine, ID_USER, info->si_uid);

		info->si_uid =
			id_from_kernel_or_overflow(theirs->user_namespace, ID_USER, uid);
	}
	credentials_put(theirs);
}

int signal_post(struct process *process, struct thread *thread, int signal,
		struct queued_signal **entry)
{
	return post(process, thread, signal, entry, 0);
}

int signal_post_locked(struct process *process, struct thread *thread, int signal,
		       struct queued_signal **entry)
{
	return post_locked(process, thread, signal, entry, 0);
}

void signal_post_again_locked(struct process *process, struct thread *thread,
			      struct queued_signal **entry)
{
	(void)post_locked(process, thread, (*entry)->info.si_signo, entry, POST_AGAIN);
}

static bool knows_sender(const siginfo_t *info)
{
	return info->si_code <= 0 && info->si_code != SI_TIMER &&
	       info->si_code != SI_SIGIO;
}

static int post_user(struct process *process, struct thread *thread, int signal,
		     struct queued_signal **entry, unsigned how)
{
	struct pid *sender = current_process()->pid;
	pid_nr seen = pid_number_in(sender, pid_own_namespace(process->pid));

	// A number the sender made up (rt_sigqueueinfo) stays, unless it is from outside.
	if (*entry && knows_sender(&(*entry)->info) &&
	    (!seen || (*entry)->info.si_pid == pid_number(sender))) {
		(*entry)->info.si_pid = seen;
	}
	return post(process, thread, signal, entry, how | (seen ? 0 : POST_FORCED));
}

int signal_post_user(struct process *process, struct thread *thread, int signal,
		     struct queued_signal **entry)
{
	return post_user(process, thread, signal, entry, 0);
}

int signal_send(struct process *process, struct thread *thread, const siginfo_t *info)
{
	bool force = info->si_signo < SIGRTMIN &&
		     (info->si_code >= 0 || info->si_code == SI_TKILL);
	bool queue = info->si_signo >= SIGRTMIN && info->si_code != SI_USER;
	struct queued_signal *entry = signal_entry_create();
	int err;

	if (entry && !signal_entry_charge(entry, process, thread, force)) {
		signal_entry_destroy(entry);
		entry = NULL;
	}
	if (entry) {
		entry->info = *info;
		translate_sender(process, &entry->info);
	}
	err = post_user(process, thread, info->si_signo, &entry, queue ? POST_ENTRY : 0);
	signal_entry_destroy(entry);
	return err;
}

void signal_send_kernel(struct process *process, int signal)
{
	(void)post(process, NULL, signal, NULL, POST_FORCED);
}

void signal_post_from_current(struct process *process, int signal,
			      struct queued_signal **entry)
{
	if (*entry) {
		translate_sender(process, &(*entry)->info);
	}
	(void)signal_post_user(process, NULL, signal, entry);
}

int signal_may_send(struct process *process, int signal)
{
	const struct credentials *mine = current_credentials();
	struct credentials *theirs;
	bool allowed;

	if (process == current_process()) {
		return 0;
	}
	theirs = process_get_credentials(process);
	if (!theirs) {
		return -ESRCH;
	}
	allowed = mine->euid == theirs->suid || mine->euid == theirs->uid ||
		  mine->uid == theirs->suid || mine->uid == theirs->uid ||
		  credentials_capable_in(mine, theirs->user_namespace, CAP_KILL);
	credentials_put(theirs);
	if (!allowed && signal == SIGCONT) {
		allowed = READ_ONCE(process->session) ==
			  READ_ONCE(current_process()->session);
	}
	return allowed ? 0 : -EPERM;
}

void signal_send_current(int signal)
{
	siginfo_t info;

	signal_information_user(&info, signal, SI_USER);
	(void)signal_send(current_process(), current_thread(), &info);
}

void signal_force(int signal, int code, vaddr_t address)
{
	struct thread *thread = current_thread();
	struct process *process = thread->process;
	struct queued_signal *entry = signal_entry_create();
	struct signal_action *action;
	u64 flags;

	if (entry) {
		signal_information_kernel(&entry->info, signal);
		entry->info.si_code = code;
		entry->info.si_addr = (void *)address;
	}
	flags = spin_lock_irq(&process->signal_lock);
	spin_lock(&process->handlers->lock);
	action = &process->handlers->action[signal - 1];
	if ((thread->signals.blocked & SIGNAL_BIT(signal)) ||
	    action->handler == HANDLER_IGNORE) {
		// The program has made itself unable to take it: then it ends.
		action->handler = HANDLER_DEFAULT;
		thread->signals.blocked &= ~SIGNAL_BIT(signal);
	}
	if (action->handler == HANDLER_DEFAULT) {
		process->immune = false; // even the first process dies of its own faults
	}
	spin_unlock(&process->handlers->lock);
	(void)post_locked(process, thread, signal, &entry, 0);
	spin_unlock_irq(&process->signal_lock, flags);
	signal_entry_destroy(entry);
}

void signal_kill_current_process(int signal)
{
	struct process *process = current_process();
	u64 flags = spin_lock_irq(&process->signal_lock);

	if (!process->group_exit) {
		signal_group_exit_locked(process, signal);
	}
	spin_unlock_irq(&process->signal_lock, flags);
}

bool signal_fatal_pending(void)
{
	return (atomic_load(&sched_current()->breaks) & BREAK_KILL) != 0;
}

bool signal_pending(void)
{
	return (atomic_load(&sched_current()->breaks) & (BREAK_SIGNAL | BREAK_KILL)) != 0;
}
