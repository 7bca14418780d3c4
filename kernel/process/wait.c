// SPDX-License-Identifier: MIT
/*
 * wait4 and waitid: finding a child with news, and taking the news.
 *
 * A zombie is taken by changing its state to dead under process_tree_lock: exactly one waiter does (and reaps it).
 * Stops and continues are taken by clearing their report flag under the child's signal_lock.
 * No wake-up is lost: a child changes its state under process_tree_lock, then wakes parent.child_events; a waiter is queued there
 * before it scans under the lock.
 */
#include "process/exit.h"

#include "lib/errno.h"
#include "process/current.h"
#include "process/pid.h"
#include "process/ptrace/ptrace.h"
#include <linux/wait.h>

static bool kind_matches(const struct process *child, const struct wait_request *request)
{
	if (request->kind == WAIT_PROCESS && child->pid != request->pid) {
		return false;
	}
	if (request->kind == WAIT_GROUP && child->group != request->pid) {
		return false;
	}
	if ((request->options & __WNOTHREAD) &&
	    child->parent_thread != current_thread()) {
		return false;
	}
	if (!(request->options & __WALL)) {
		// A "clone" child is one that does not announce its end with SIGCHLD.
		bool clone_child = child->exit_signal != SIGCHLD;

		return clone_child == !!(request->options & __WCLONE);
	}
	return true;
}

static void describe(const struct process *child, struct wait_request *request)
{
	struct credentials *credentials = thread_get_credentials(child->leader);

	request->number = process_number(child);
	request->uid = credentials->uid;
	credentials_put(credentials);
}

void wait_describe_end(struct wait_request *request, int status)
{
	request->word = status;
	request->code = !(status & 0x7f) ? CLD_EXITED
			: status & 0x80  ? CLD_DUMPED
					 : CLD_KILLED;
	request->status = status & 0x7f ? status & 0x7f : status >> 8;
}

/* Tree lock held. true: *request is filled; the zombie is the caller's to reap unless WNOWAIT. */
static bool take_zombie(struct process *child, struct wait_request *request)
{
	int status = child->exit_status;

	if (child->state != PROCESS_ZOMBIE || !(request->options & WEXITED)) {
		return false;
	}
	describe(child, request);
	wait_describe_end(request, status);
	process_usage(child, &request->usage);
	process_usage_add(&request->usage, &child->waited_children);
	if (!(request->options & WNOWAIT)) {
		child->state = PROCESS_DEAD;
		list_remove(&child->sibling);
		process_usage_add(&child->parent->waited_children, &request->usage);
	}
	return true;
}

static bool take_stop(struct process *child, struct wait_request *request)
{
	bool taken = false;
	u64 flags = spin_lock_irq(&child->signal_lock);

	// A tracer that is the parent too sees each thread's stop instead (trace_scan()).
	if ((request->options & WSTOPPED) && child->stop.stopped &&
	    child->stop.report_stop && child->leader->trace.tracer != child->parent) {
		request->code = CLD_STOPPED;
		request->status = child->stop.signal;
		request->word = STATUS_STOPPED(child->stop.signal);
		child->stop.report_stop = (request->options & WNOWAIT) != 0;
		taken = true;
	} else if ((request->options & WCONTINUED) && child->stop.report_continue) {
		request->code = CLD_CONTINUED;
		request->status = SIGCONT;
		request->word = STATUS_CONTINUED;
		child->stop.report_continue = (request->options & WNOWAIT) != 0;
		taken = true;
	}
	spin_unlock_irq(&child->signal_lock, flags);
	return taken;
}

/* Tree lock held. Zombies first in each child. *reap: one to reap. -ECHILD: no child could ever match; 0: see request->number. */
static int scan(struct process *parent, struct wait_request *request,
		struct process **reap)
{
	struct process *child;
	int result = -ECHILD;

	list_for_each(child, &parent->children, sibling) {
		if (!kind_matches(child, request)) {
			continue;
		}
		if (child->state == PROCESS_ZOMBIE && !(request->options & WEXITED)) {
			continue; // it can neither stop nor go on any more
		}
		result = 0;
		// The end of one that somebody else traces is that one's to see first.
		if (!trace_foreign_tracer(child) && take_zombie(child, request)) {
			*reap = request->options & WNOWAIT ? NULL : child;
			return 0;
		}
		if (child->state == PROCESS_ALIVE && take_stop(child, request)) {
			describe(child, request);
			process_usage(child, &request->usage);
			return 0;
		}
	}
	return result;
}

int process_wait(struct wait_request *request)
{
	struct process *parent = current_process();
	struct process *reap = NULL;
	struct thread *ended = NULL;
	struct wait_entry entry = {0};
	int result;

	request->number = 0;
	for (;;) {
		u64 flags;

		wait_begin(&parent->child_events, &entry, THREAD_INTERRUPTIBLE);
		flags = spin_lock_irq(&process_tree_lock);
		result = scan(parent, request, &reap);
		if (!request->number && trace_scan(request, &ended) == 0) {
			result = 0;
		}
		spin_unlock_irq(&process_tree_lock, flags);
		if (result || request->number || (request->options & WNOHANG)) {
			break;
		}
		if (sched_break_pending(THREAD_INTERRUPTIBLE)) {
			result = -ERESTART;
			break;
		}
		sched_block(NSEC_NEVER);
		wait_end(&parent->child_events, &entry);
	}
	wait_end(&parent->child_events, &entry);
	if (reap) {
		process_reap(reap);
	}
	if (ended) {
		trace_take_ended(ended);
	}
	return result;
}
