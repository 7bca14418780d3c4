// SPDX-License-Identifier: MIT
/*
 * Job-control stops.
 *
 * One episode at a time: the thread that takes the stop signal begins it, every live thread counts itself out in
 * signal_stop_here(), the last makes the process "stopped" and tells the parent. SIGCONT ends it at any point. Everything
 * is under process.signal_lock; news for the parent is delivered without it, for that takes process_tree_lock.
 */
#include "process/signal/signal.h"

#include "lib/errno.h"
#include "process/current.h"
#include "process/exit.h"
#include "process/pid.h"
#include "process/signal/signal_internal.h"

void signal_begin_stop_locked(struct process *process, int signal)
{
	struct thread *thread;

	// A SIGCONT sent since the stop signal was taken out has undone it.
	if (!current_thread()->stop_dequeued || process->stop.signal ||
	    process->group_exit || process->exec_thread) {
		return;
	}
	process->stop = (struct group_stop){.signal = signal};
	for_each_thread(thread, process) {
		thread->stop_counted = false;
		if (!thread->exiting) {
			process->stop.remaining++;
			signal_recalculate_locked(thread);
		}
	}
}

void signal_continue_locked(struct process *process)
{
	struct thread *thread;

	for_each_thread(thread, process) {
		thread->stop_dequeued = false;
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

/* One thread less to wait for. true: that was the last, the process has stopped. signal_lock held. */
static bool count_out(struct thread *thread)
{
	struct process *process = thread->process;

	if (!process->stop.signal || thread->stop_counted) {
		return false;
	}
	thread->stop_counted = true;
	if (process->stop.remaining && --process->stop.remaining > 0) {
		return false;
	}
	process->stop.stopped = true;
	process->stop.report_stop = true;
	process->stop.notify_stop = true;
	return true;
}

void signal_thread_exiting(struct thread *thread)
{
	struct process *process = thread->process;
	signal_mask shared = process->shared_signals.pending;
	struct thread *other;

	(void)count_out(thread); // the caller delivers the news
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
	(void)count_out(thread);
	spin_unlock_irq(&process->signal_lock, flags);
	signal_deliver_stop_news(process);
	for (;;) {
		bool stay;

		sched_prepare_wait(THREAD_STOPPED);
		flags = spin_lock_irq(&process->signal_lock);
		stay = process->stop.signal && thread->stop_counted &&
		       !process->group_exit &&
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

static void notify_stop(struct process *process, int why, int status)
{
	struct queued_signal *entry = signal_entry_create();
	u64 flags = spin_lock_irq(&process_tree_lock);
	struct process *parent = process->parent;
	struct signal_action action = {0};

	if (parent) {
		spin_lock(&parent->signal_lock);
		if (parent->handlers) {
			action = signal_action_of(parent, SIGCHLD);
		}
		spin_unlock(&parent->signal_lock);
		if (entry) {
			entry->info.si_signo = SIGCHLD;
			entry->info.si_code = why;
			entry->info.si_pid = pid_number_in(
				process->pid, pid_own_namespace(parent->pid));
			entry->info.si_uid = process_uid_shown_to(process, parent);
			entry->info.si_status = status;
		}
		if (!(action.flags & SA_NOCLDSTOP) &&
		    action.handler != (u64)(uintptr_t)SIG_IGN) {
			(void)signal_post(parent, NULL, SIGCHLD, &entry);
		}
		wake_all(&parent->child_events, 0);
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
