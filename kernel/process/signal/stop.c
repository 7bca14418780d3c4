// SPDX-License-Identifier: MIT
/*
 * Job-control stops.
 *
 * One episode at a time: the thread that takes the stop signal begins it, every live thread counts itself out in
 * signal_stop_here(), the last makes the process "stopped" and tells the parent. SIGCONT ends it at any point. Everything
 * is under process.signal_lock; news for the parent is delivered without it, for that takes process_tree_lock.
 *
 * A traced thread takes part by a stop for its tracer (ptrace/stop.c), which may let it go on in a stopped group: it takes part in each
 * episode once (`stop_counted`), but for a new one that it begins itself.
 */
#include "process/signal/signal.h"

#include "lib/errno.h"
#include "process/current.h"
#include "process/exit.h"
#include "process/pid.h"
#include "process/ptrace/ptrace.h"
#include "process/signal/signal_internal.h"

/* `thread` is to stop. signal_lock held. */
static void take_part(struct thread *thread, int signal)
{
	thread->stop_counted = thread->stop_again = false;
	thread->trace.stop_signal = (u8)signal;
	if (thread->exiting) {
		return;
	}
	thread->process->stop.remaining++;
	signal_recalculate_locked(thread);
	if (thread != current_thread()) {
		trace_notify_locked(thread);
	}
}

/* Those that their tracers let go on. signal_lock held. */
static void stop_traced_again(struct process *process, int signal)
{
	struct thread *thread;

	if (!current_thread()->trace.tracer) {
		return;
	}
	for_each_thread(thread, process) {
		if (thread->trace.tracer && thread->stop_counted) {
			take_part(thread, signal);
		}
	}
}

void signal_begin_stop_locked(struct process *process, int signal)
{
	struct thread *thread;

	// A SIGCONT sent since the stop signal was taken out has undone it.
	if (!current_thread()->stop_dequeued || process->group_exit ||
	    process->exec_thread) {
		return;
	}
	if (process->stop.signal) {
		stop_traced_again(process, signal);
		return;
	}
	process->stop = (struct group_stop){.signal = signal};
	for_each_thread(thread, process) {
		take_part(thread, signal);
	}
}

void signal_continue_locked(struct process *process)
{
	struct thread *thread;

	for_each_thread(thread, process) {
		thread->stop_dequeued = thread->stop_again = false;
		trace_notify_locked(thread);
	}
	if (!process->stop.signal) {
		return;
	}
	process->stop.report_continue = process->stop.stopped;
	process->stop.notify_continue = process->stop.stopped;
	process->stop.report_stop = false;
	process->stop.stopped = false;
	process->stop.remaining = 0;
	process->stop.signal = 0;
	for_each_thread(thread, process) {
		thread->stop_counted = false;
		signal_recalculate_locked(thread);
		sched_wake_mask(&thread->sched, 1u << THREAD_STOPPED);
	}
}

bool signal_count_stop_locked(struct thread *thread)
{
	struct process *process = thread->process;
	struct process *tracer = thread->trace.tracer;

	if (!process->stop.signal || thread->stop_counted) {
		return false;
	}
	thread->stop_counted = true;
	if (process->stop.remaining && --process->stop.remaining > 0) {
		return false;
	}
	if (process->stop.stopped) {
		return false; // it was, before a traced thread began anew
	}
	process->stop.stopped = true;
	process->stop.report_stop = true;
	// A tracer that is the parent hears of the thread's own stop.
	process->stop.notify_stop = !tracer || tracer != process->parent;
	return process->stop.notify_stop;
}

void signal_thread_exiting(struct thread *thread)
{
	struct process *process = thread->process;
	signal_mask shared = process->shared_signals.pending;
	struct thread *other;

	(void)signal_count_stop_locked(thread); // the caller delivers the news
	if (!shared || process->group_exit) {
		return; // all are told to end; one after the other they would tell all again
	}
	for_each_thread(other, process) {
		if (!other->exiting && (shared & ~other->signals.blocked)) {
			signal_recalculate_locked(other);
		}
	}
}

void signal_stop_here(struct thread *thread)
{
	struct process *process = thread->process;
	u64 flags;

	flags = spin_lock_irq(&process->signal_lock);
	(void)signal_count_stop_locked(thread);
	thread->stop_again = false;
	spin_unlock_irq(&process->signal_lock, flags);
	signal_deliver_stop_news(process);
	for (;;) {
		bool stay;

		sched_prepare_wait(THREAD_STOPPED);
		flags = spin_lock_irq(&process->signal_lock);
		stay = process->stop.signal && thread->stop_counted &&
		       !process->group_exit && !thread->trace.tracer &&
		       (!process->exec_thread || process->exec_thread == thread);
		spin_unlock_irq(&process->signal_lock, flags);
		if (!stay) {
			break;
		}
		sched_block(NSEC_NEVER);
	}
	sched_finish_wait();
	flags = spin_lock_irq(&process->signal_lock);
	signal_recalculate_locked(thread);
	spin_unlock_irq(&process->signal_lock, flags);
}

void signal_tell_of_stop(struct process *to, struct thread *thread, int why, int status,
			 struct queued_signal **entry)
{
	struct signal_action action = {0};

	spin_lock(&to->signal_lock);
	if (to->handlers) {
		action = signal_action_of(to, SIGCHLD);
	}
	spin_unlock(&to->signal_lock);
	if (*entry) {
		siginfo_t *info = &(*entry)->info;

		info->si_signo = SIGCHLD;
		info->si_code = why;
		info->si_pid = pid_number_in(thread->pid, pid_own_namespace(to->pid));
		info->si_uid = process_uid_shown_to(thread->process, to);
		info->si_status = status;
	}
	if (!(action.flags & SA_NOCLDSTOP) && action.handler != (u64)(uintptr_t)SIG_IGN) {
		(void)signal_post(to, NULL, SIGCHLD, entry);
	}
	wake_all(&to->child_events, 0);
}

/* The running thread's process tells its parent. */
static void notify_stop(struct process *process, int why, int status)
{
	struct queued_signal *entry = signal_entry_create();
	u64 flags = spin_lock_irq(&process_tree_lock);

	if (process->parent) {
		signal_tell_of_stop(process->parent, process->leader, why, status,
				    &entry);
	}
	spin_unlock_irq(&process_tree_lock, flags);
	signal_entry_destroy(entry);
}

void signal_deliver_stop_news(struct process *process)
{
	bool stopped, continued;
	int signal;
	u64 flags = spin_lock_irq(&process->signal_lock);

	stopped = process->stop.notify_stop;
	continued = process->stop.notify_continue;
	signal = process->stop.signal;
	process->stop.notify_stop = false;
	process->stop.notify_continue = false;
	spin_unlock_irq(&process->signal_lock, flags);
	if (stopped && signal) {
		notify_stop(process, CLD_STOPPED, signal);
	} else if (continued) {
		notify_stop(process, CLD_CONTINUED, SIGCONT);
	}
}
