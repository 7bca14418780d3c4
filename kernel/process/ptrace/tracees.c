// SPDX-License-Identifier: MIT
/*
 * wait(2) among tracees: their stops, and the ends of those that are not children.
 *
 * The tracer's children_events is woken after any of these under the tree lock, and a waiter is queued there before it looks. An end is
 * claimed by `taken` under that lock: one waiter reports it; what else there is to do follows without it.
 */
#include "process/ptrace/ptrace_internal.h"

#include "lib/errno.h"
#include "process/current.h"
#include "process/exit.h"
#include "process/pid.h"
#include <linux/wait.h>

static bool matches(const struct thread *thread, const struct wait_request *request)
{
	if (request->kind == WAIT_PROCESS && thread->pid != request->pid) {
		return false;
	}
	if (request->kind == WAIT_GROUP && thread->process->group != request->pid) {
		return false;
	}
	return !(request->options & __WNOTHREAD) ||
	       thread->trace.tracer_thread == current_thread();
}

static void describe(struct thread *thread, struct wait_request *request)
{
	struct credentials *credentials = thread_get_credentials(thread);

	request->number = thread_number(thread);
	request->uid = credentials->uid;
	credentials_put(credentials);
	process_usage(thread->process, &request->usage);
}

static bool is_leader(const struct thread *thread)
{
	return thread->process->leader == thread;
}

static bool has_ended(const struct thread *thread)
{
	return thread->trace.kept ||
	       (is_leader(thread) && thread->process->state == PROCESS_ZOMBIE);
}

/* The state that a parent takes is taken with the process: wait.c does it. */
static bool take_end(struct thread *thread, struct wait_request *request)
{
	int status = thread->trace.kept ? thread->trace.exit_status
					: thread->process->exit_status;

	if (thread->trace.taken || !has_ended(thread) || !(request->options & WEXITED)) {
		return false;
	}
	describe(thread, request);
	wait_describe_end(request, status);
	thread->trace.taken = !(request->options & WNOWAIT);
	return true;
}

static bool take_stop(struct thread *thread, struct wait_request *request)
{
	struct thread_trace *trace = &thread->trace;
	bool taken = false;
	u64 flags = spin_lock_irq(&thread->process->signal_lock);

	if (trace->stopped && trace->code && !trace->listening &&
	    !trace_is_doomed(thread)) {
		request->code = CLD_TRAPPED;
		request->status = trace->code;
		request->word = trace->code << 8 | 0x7f;
		trace->code = request->options & WNOWAIT ? trace->code : 0;
		taken = true;
	}
	spin_unlock_irq(&thread->process->signal_lock, flags);
	return taken;
}

/* A process that is a child too: its end is found among the children. */
static bool is_child(const struct thread *thread)
{
	return is_leader(thread) && thread->process->parent == current_process();
}

int trace_scan(struct wait_request *request, struct thread **ended)
{
	struct thread *thread;
	int result = -ECHILD;

	list_for_each(thread, &current_process()->tracees, trace.link) {
		if (!matches(thread, request)) {
			continue;
		}
		if (has_ended(thread) &&
		    (thread->trace.taken || !(request->options & WEXITED))) {
			continue;
		}
		result = 0;
		if (!is_child(thread) && take_end(thread, request)) {
			if (thread->trace.taken) {
				thread_get(thread);
				*ended = thread;
			}
			return 0;
		}
		if (!has_ended(thread) && take_stop(thread, request)) {
			describe(thread, request);
			return 0;
		}
	}
	return result;
}

/* Its parent hears of it now; true: and does not want to. */
static bool hand_to_parent(struct thread *thread)
{
	struct process *process = thread->process;
	struct queued_signal *entry = signal_entry_create();
	bool unwanted = false;
	u64 flags = spin_lock_irq(&process_tree_lock);

	// The tracer's end may have come in between: then that has been done. So may its parent, new or an init that ends, and take it.
	if (thread->trace.tracer) {
		trace_unlink_locked(thread);
		unwanted = process->state == PROCESS_ZOMBIE &&
			   process_notify_parent_locked(process, &entry);
		if (unwanted) {
			process->state = PROCESS_DEAD;
			list_remove(&process->sibling);
		}
	}
	spin_unlock_irq(&process_tree_lock, flags);
	signal_entry_destroy(entry);
	return unwanted;
}

void trace_take_ended(struct thread *thread)
{
	if (thread->trace.kept) {
		thread_reap(thread);
	} else if (hand_to_parent(thread)) {
		process_reap(thread->process);
	}
	thread_put(thread);
}
