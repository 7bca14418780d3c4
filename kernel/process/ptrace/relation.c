// SPDX-License-Identifier: MIT
/*
 * Who traces whom: how it begins and ends.
 *
 * Owns      process.tracees, thread_trace.tracer and tracer_thread.
 *
 * Invariants
 *   P1  thread.trace.tracer is set iff the thread is linked in that process's tracees; both change under process_tree_lock and the
 *       tracee's signal_lock.
 *   P2  tracer_thread has not passed trace_tracer_ends_locked(), so under the tree lock it may be followed.
 *   P3  A traced thread that has ended and is not its leader stays in its process and the pid table until exactly one of these
 *       reaps it: a wait(2) of its tracer (`taken`), or the tracer's end.
 */
#include "process/ptrace/ptrace.h"

#include "arch/thread.h"
#include "cred/credentials.h"
#include "lib/errno.h"
#include "process/call_log.h"
#include "process/current.h"
#include "process/exit.h"
#include "process/pid.h"
#include "process/ptrace/ptrace_internal.h"
#include "process/resources.h"
#include <linux/capability.h>
#include <linux/ptrace.h>
#include <linux/sched.h>

#define OPTIONS_KNOWN (0xffu | PTRACE_O_EXITKILL)

/* Tree lock and signal_lock held. */
static void link_locked(struct thread *thread, const struct thread *tracer, u32 options,
			bool seized, bool privileged)
{
	struct thread_trace *trace = &thread->trace;

	trace->tracer = tracer->process;
	trace->tracer_thread = tracer;
	trace->options = options;
	trace->seized = seized;
	trace->privileged = privileged;
	list_push_back(&tracer->process->tracees, &trace->link);
}

void trace_unlink_both_locked(struct thread *thread)
{
	struct thread_trace *trace = &thread->trace;

	list_remove(&trace->link);
	trace->tracer = NULL;
	trace->tracer_thread = NULL;
	trace->options = 0;
	trace->seized = trace->trap_stop = trace->trap_notify = trace->trapping = false;
	// What stopped it for its tracer stops it for its group now.
	thread->stop_again = !thread->exiting && thread->process->stop.signal;
	trace->resume = RESUME_FREE;
	if (trace->stopped) {
		trace_go_on_locked(thread);
	}
	signal_recalculate_locked(thread);
}

void trace_unlink_locked(struct thread *thread)
{
	if (thread->trace.tracer) {
		spin_lock(&thread->process->signal_lock);
		trace_unlink_both_locked(thread);
		spin_unlock(&thread->process->signal_lock);
	}
}

void trace_unlink(struct thread *thread)
{
	struct process *tracer;
	u64 flags;

	if (thread_is_traced(thread)) {
		flags = spin_lock_irq(&process_tree_lock);
		tracer = thread->trace.tracer;
		trace_unlink_locked(thread);
		if (tracer) {
			wake_all(&tracer->child_events, 0); // it may wait for nobody now
		}
		spin_unlock_irq(&process_tree_lock, flags);
	}
}

/* A thread that has not begun to end, and that `process` counts among its own. Tree lock held. */
static struct thread *find_live(struct process *process, const struct thread *wanted)
{
	struct thread *thread, *found = NULL;

	spin_lock(&process->signal_lock);
	for_each_thread(thread, process) {
		if (thread == wanted && !thread->exiting) {
			found = thread;
		}
	}
	spin_unlock(&process->signal_lock);
	return found;
}

static bool may_show_privilege(const struct credentials *tracer,
			       const struct thread *tracee)
{
	return credentials_capable_in(tracer, tracee->credentials->user_namespace,
				      CAP_SYS_PTRACE);
}

/* Nobody looks into more power than they have. */
static bool may_trace_us(struct thread *tracer, const struct thread *thread)
{
	const struct credentials *own = thread->credentials;
	struct credentials *theirs = thread_get_credentials(tracer);
	bool may = may_show_privilege(theirs, thread) ||
		   (theirs->user_namespace == own->user_namespace &&
		    !(own->capability_permitted & ~theirs->capability_permitted));

	credentials_put(theirs);
	return may;
}

/*
 * A parent that is about to end would let go at once: that is no error. The parent has asked for nothing, and may be a program with more
 * rights than who began it: what it may see is what we could show anybody by our own. Tree lock held.
 */
static long be_traced_by_parent(struct thread *thread)
{
	struct process *process = thread->process, *parent = process->parent;
	struct thread *tracer = parent ? find_live(parent, process->parent_thread) : NULL;

	if (!tracer) {
		return 0;
	}
	if (!may_trace_us(tracer, thread)) {
		return -EPERM;
	}
	spin_lock(&process->signal_lock);
	link_locked(thread, tracer, 0, false,
		    may_show_privilege(thread->credentials, thread));
	spin_unlock(&process->signal_lock);
	return 0;
}

long trace_me(void)
{
	struct thread *thread = current_thread();
	long result = -EPERM;
	u64 flags = spin_lock_irq(&process_tree_lock);

	if (!thread->trace.tracer) {
		result = be_traced_by_parent(thread);
	}
	spin_unlock_irq(&process_tree_lock, flags);
	return result;
}

/* One that its group has stopped already makes that a stop for its tracer; we wait for it. signal_lock held. */
static void trap_stopped_locked(struct thread *thread)
{
	struct process *process = thread->process;

	if (process->stop.signal && thread->stop_counted) {
		thread->trace.trap_stop = thread->trace.trapping = true;
		thread->trace.stop_signal = (u8)process->stop.signal;
		signal_recalculate_locked(thread);
		sched_wake_mask(&thread->sched, 1u << THREAD_STOPPED);
	}
}

struct attachment {
	u32 options;
	bool seize, privileged;
	struct queued_signal *stop; /* SIGSTOP's entry */
};

/* -EPERM; -EAGAIN: an execve decides about rights now. Tree lock held. */
static long attach_locked(struct thread *thread, struct attachment *attachment)
{
	struct process *process = thread->process;
	long result = 0;

	spin_lock(&process->signal_lock);
	if (thread->exiting || thread->trace.tracer) {
		result = -EPERM;
	} else if (process->exec_thread) {
		result = -EAGAIN;
	} else {
		link_locked(thread, current_thread(), attachment->options,
			    attachment->seize, attachment->privileged);
		if (!attachment->seize) {
			(void)signal_post_locked(process, thread, SIGSTOP,
						 &attachment->stop);
		}
		trap_stopped_locked(thread);
	}
	spin_unlock(&process->signal_lock);
	return result;
}

static long attach(struct thread *thread, struct attachment *attachment)
{
	struct process *process = thread->process;
	long result = rwlock_lock_shared_killable(&process->exec_lock);
	u64 flags;

	if (result) {
		return result;
	}
	result = thread_check_access(thread, ACCESS_TRACE);
	if (!result) {
		struct credentials *theirs = thread_get_credentials(thread);

		attachment->privileged = credentials_capable_in(
			current_credentials(), theirs->user_namespace, CAP_SYS_PTRACE);
		credentials_put(theirs);
		flags = spin_lock_irq(&process_tree_lock);
		result = attach_locked(thread, attachment);
		spin_unlock_irq(&process_tree_lock, flags);
	}
	rwlock_unlock_shared(&process->exec_lock);
	return result;
}

long trace_attach(struct thread *thread, bool seize, u64 options)
{
	struct attachment attachment = {.options = (u32)options, .seize = seize};
	long result;

	if (options & ~(u64)OPTIONS_KNOWN) {
		return -EIO;
	}
	if (thread->process == current_process()) {
		return -EPERM;
	}
	attachment.stop = seize ? NULL : signal_entry_create();
	if (attachment.stop) {
		signal_information_kernel(&attachment.stop->info, SIGSTOP);
	}
	while ((result = attach(thread, &attachment)) == -EAGAIN) {
		if (sched_sleep_until(clock_monotonic() + NSEC_PER_MSEC,
				      THREAD_INTERRUPTIBLE)) {
			result = -ERESTART_ALWAYS;
			break;
		}
	}
	signal_entry_destroy(attachment.stop);
	if (!result) {
		(void)wait_until(&current_process()->child_events,
				 !READ_ONCE(thread->trace.trapping), THREAD_KILLABLE,
				 NSEC_NEVER);
	}
	return result;
}

/* --- children --- */

int trace_clone_event(u64 flags, int exit_signal)
{
	struct thread *thread = current_thread();
	int event = flags & CLONE_VFORK      ? PTRACE_EVENT_VFORK
		    : exit_signal != SIGCHLD ? PTRACE_EVENT_CLONE
					     : PTRACE_EVENT_FORK;

	if (!thread_is_traced(thread) || (flags & CLONE_UNTRACED) ||
	    !(READ_ONCE(thread->trace.options) & 1u << event)) {
		return TRACE_EVENT_NONE;
	}
	return event;
}

void trace_inherit_locked(struct thread *child)
{
	const struct thread_trace *mine = &current_thread()->trace;
	struct process *process = child->process;

	if (!mine->tracer) {
		return;
	}
	spin_lock(&process->signal_lock);
	link_locked(child, mine->tracer_thread, mine->options, mine->seized,
		    mine->privileged);
	if (mine->seized) {
		child->trace.trap_stop = true;
	} else {
		child->signals.queue.pending |= SIGNAL_BIT(SIGSTOP);
		child->signals.queue.bare |= SIGNAL_BIT(SIGSTOP);
	}
	signal_recalculate_locked(child);
	spin_unlock(&process->signal_lock);
}

/* --- the tracer ends --- */

/* Has it been kept for its tracer alone? Then it goes, or its parent hears of it now. */
static bool is_unwanted_locked(struct thread *thread, const struct process *tracer)
{
	struct process *process = thread->process;
	struct queued_signal *none = NULL;

	if (thread->trace.kept) {
		return !thread->trace.taken;
	}
	if (process->leader != thread || process->state != PROCESS_ZOMBIE ||
	    process->parent == tracer || !process_notify_parent_locked(process, &none)) {
		return false;
	}
	process->state = PROCESS_DEAD;
	list_remove(&process->sibling);
	return true;
}

void trace_tracer_ends_locked(struct thread *thread, struct list *ended)
{
	struct process *process = thread->process;
	struct thread *tracee, *next;

	list_for_each_safe(tracee, next, &process->tracees, trace.link) {
		if (tracee->trace.tracer_thread != thread) {
			continue;
		}
		if (tracee->trace.options & PTRACE_O_EXITKILL) {
			signal_send_kernel(tracee->process, SIGKILL);
		}
		trace_unlink_locked(tracee);
		if (is_unwanted_locked(tracee, process)) {
			list_push_back(ended, &tracee->trace.link);
		}
	}
}

void trace_reap_ended(struct list *ended)
{
	struct thread *thread, *next;

	list_for_each_safe(thread, next, ended, trace.link) {
		list_remove(&thread->trace.link);
		if (thread->trace.kept) {
			thread_reap(thread);
		} else {
			process_reap(thread->process);
		}
	}
}

struct process *trace_foreign_tracer(const struct process *process)
{
	struct process *tracer = process->leader ? process->leader->trace.tracer : NULL;

	return tracer == process->parent ? NULL : tracer;
}

/* --- looking --- */

pid_nr trace_tracer_number(struct thread *thread, struct pid_namespace *namespace)
{
	u64 flags = spin_lock_irq(&process_tree_lock);
	const struct thread *tracer = thread->trace.tracer_thread;
	pid_nr number = tracer ? pid_number_in(tracer->pid, namespace) : 0;

	spin_unlock_irq(&process_tree_lock, flags);
	return number;
}

bool trace_allows_privilege(struct thread *thread)
{
	bool allows;
	u64 flags = spin_lock_irq(&thread->process->signal_lock);

	allows = !thread->trace.tracer || thread->trace.privileged;
	spin_unlock_irq(&thread->process->signal_lock, flags);
	return allows;
}
