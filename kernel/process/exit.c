// SPDX-License-Identifier: MIT
/*
 * exit: threads, and the process with its last thread.
 *
 * Order (R8): marked exiting · farewell to memory (rseq, thread block, robust list, clear_tid, vfork) · memory · semaphore undo · files · fs ·
 * terminal · namespaces · by init's last thread: all in its pid namespace · finished. The thread that finishes last makes the process a
 * zombie: only then wait(2) sees it, and everything it used is given back (I7). A thread other than the leader reaps itself (T9); the
 * leader stays until the process is reaped. Stack and control block are dropped by the thread that runs next (T1).
 */
#include "process/exit.h"

#include "arch/cpu.h"
#include "core/log.h"
#include "core/panic.h"
#include "lib/errno.h"
#include "process/current.h"
#include "process/death_signals.h"
#include "process/job_control.h"
#include "process/namespace/pid_namespace.h"
#include "process/pid.h"
#include "process/process_events.h"
#include "process/ptrace/ptrace.h"
#include "process/resources.h"
#include "process/signal/signal.h"
#include "process/subreaper.h"
#include "process/taskstats.h"

/* The machine has nothing left to run: its status is init's. */
noreturn_ static void init_ended(int status)
{
	int signal = status & 0x7f;

	if (signal) {
		panic("init was killed by signal %d", signal);
	}
	log_line(LOG_NOTICE, "init exited with status %d", status >> 8);
	arch_machine_exit((unsigned)(status >> 8) & 0xff);
}

/* A live thread of `process` other than `thread`, to compare with only. signal_lock is taken. */
static const struct thread *other_thread(struct process *process,
					 const struct thread *thread)
{
	struct thread *other, *found = NULL;
	u64 flags = spin_lock_irq(&process->signal_lock);

	for_each_thread(other, process) {
		if (other != thread && !other->exiting) {
			found = other;
			break;
		}
	}
	spin_unlock_irq(&process->signal_lock, flags);
	return found;
}

/*
 * Children made by this thread: PR_SET_PDEATHSIG, and __WNOTHREAD passes to a sibling. Where nobody stays,
 * process_end() hands the children over and tells them: they must not be told of one death twice. Tree lock held.
 */
static void leave_children_of_thread(struct thread *thread, struct list *entries)
{
	struct process *process = thread->process, *child;
	const struct thread *heir = other_thread(process, thread);

	if (!heir) {
		return;
	}
	list_for_each(child, &process->children, sibling) {
		if (child->parent_thread == thread) {
			child->parent_thread = heir;
			death_signals_send(child, entries);
		}
	}
}

/* What the parent has said about the deaths of its children. */
struct death_wishes {
	bool no_zombie, no_signal;
};

/* SA_NOCLDWAIT keeps no zombies and is told of them all the same; SIG_IGN wants neither, blocked or not. */
static struct death_wishes wishes_of(struct process *parent)
{
	struct death_wishes wishes = {0};
	struct signal_action *action;
	u64 flags = spin_lock_irq(&parent->signal_lock);

	if (parent->handlers) {
		spin_lock(&parent->handlers->lock);
		action = &parent->handlers->action[SIGCHLD - 1];
		wishes.no_signal = action->handler == (u64)(uintptr_t)SIG_IGN;
		wishes.no_zombie = wishes.no_signal || (action->flags & SA_NOCLDWAIT);
		spin_unlock(&parent->handlers->lock);
	}
	spin_unlock_irq(&parent->signal_lock, flags);
	return wishes;
}

static void describe_end(struct process *process, const struct pid *pid, int status,
			 struct process *parent, siginfo_t *info)
{
	info->si_errno = 0;
	info->si_pid = pid_number_in(pid, pid_own_namespace(parent->pid));
	info->si_uid = process_uid_shown_to(process, parent);
	info->si_utime = (__kernel_clock_t)(process->dead_threads.user_ns / 10000000);
	info->si_stime = (__kernel_clock_t)(process->dead_threads.system_ns / 10000000);
	if (status & 0x7f) {
		info->si_code = status & 0x80 ? CLD_DUMPED : CLD_KILLED;
		info->si_status = status & 0x7f;
	} else {
		info->si_code = CLD_EXITED;
		info->si_status = status >> 8;
	}
}

/* Another program, maybe one with more rights, has not asked for a signal of its predecessor's choice. */
static int end_signal(const struct process *process, const struct process *parent)
{
	return process->parent_exec_count == parent->exec_count ? process->exit_signal
								: SIGCHLD;
}

/* The end of `pid`, one of `process`'s threads or itself, told to `parent`. true: it will not wait for it. Tree lock held. */
static bool tell_of_end(struct process *process, const struct pid *pid, int status,
			struct process *parent, int signal, struct queued_signal **entry)
{
	struct death_wishes wishes = {0};

	if (signal == SIGCHLD) {
		wishes = wishes_of(parent);
	}
	if (signal > 0 && signal <= SIGNAL_COUNT && !wishes.no_signal) {
		if (*entry) {
			(*entry)->info.si_signo = signal;
			describe_end(process, pid, status, parent, &(*entry)->info);
		}
		(void)signal_post(parent, NULL, signal, entry);
	}
	wake_all(&parent->child_events, 0);
	return wishes.no_zombie;
}

bool process_notify_parent_locked(struct process *process, struct queued_signal **entry)
{
	struct process *parent = process->parent, *tracer = trace_foreign_tracer(process);

	if (tracer) {
		// The parent's turn comes when its tracer has taken it.
		if (!tell_of_end(process, process->pid, process->exit_status, tracer,
				 SIGCHLD, entry)) {
			return false;
		}
		trace_unlink_locked(process->leader);
	}
	if (!parent) {
		return true;
	}
	if (parent->ends_namespace) {
		return true; // it only waits for everybody to be gone
	}
	return tell_of_end(process, process->pid, process->exit_status, parent,
			   end_signal(process, parent), entry);
}

/* A stopped group that nobody can continue any more is told so (POSIX). Tree lock held. */
static void check_orphaned_group(struct pid *group, const struct process *leaving)
{
	struct process *member;
	bool stopped = false;

	if (!group || !group_is_orphaned_locked(group, leaving)) {
		return;
	}
	list_for_each(member, &group->group_members, group_link) {
		stopped = stopped || (member != leaving && member->stop.stopped);
	}
	if (!stopped) {
		return;
	}
	list_for_each(member, &group->group_members, group_link) {
		if (member != leaving) {
			signal_send_kernel(member, SIGHUP);
			signal_send_kernel(member, SIGCONT);
		}
	}
}

/* Hand the children to the reaper; those that are zombies nobody waits for go to `dead`. Tree lock held. */
static void hand_over_children(struct process *process, struct list *dead,
			       struct list *entries)
{
	struct process *child, *next, *reaper;
	struct queued_signal *none = NULL;
	const struct thread *heir;

	if (list_empty(&process->children)) {
		return;
	}
	reaper = process_find_reaper(process);
	heir = other_thread(reaper, NULL);
	list_for_each_safe(child, next, &process->children, sibling) {
		list_remove(&child->sibling);
		child->parent = reaper;
		child->parent_thread = heir ? heir : reaper->leader;
		list_push_back(&reaper->children, &child->sibling);
		child->exit_signal = SIGCHLD;
		if (child->group != process->group &&
		    child->session == process->session) {
			check_orphaned_group(child->group, NULL);
		}
		death_signals_send(child, entries);
		if (child->state == PROCESS_ZOMBIE && !trace_foreign_tracer(child) &&
		    process_notify_parent_locked(child, &none)) {
			child->state = PROCESS_DEAD;
			list_remove(&child->sibling);
			list_push_back(dead, &child->sibling);
		}
	}
}

/* Was `process` the last tie of its own group to the session around it? Tree lock held. */
static void check_own_group(struct process *process)
{
	if (process->parent && process->parent->group != process->group &&
	    process->parent->session == process->session) {
		check_orphaned_group(process->group, process);
	}
}

/* Handlers and what is queued: a zombie takes no signals. */
static void leave_handlers(struct process *process)
{
	struct signal_handlers *handlers;
	u64 flags = spin_lock_irq(&process->signal_lock);

	handlers = process->handlers;
	process->handlers = NULL;
	signal_queue_flush(&process->shared_signals, ~0ULL);
	spin_unlock_irq(&process->signal_lock, flags);
	signal_handlers_leave(handlers);
}

void process_reap(struct process *process)
{
	struct session *session;
	struct pid *group;
	u64 flags = spin_lock_irq(&process_tree_lock);

	session = job_control_leave_locked(process, &group);
	spin_unlock_irq(&process_tree_lock, flags);
	if (group) {
		pid_unuse(group);
		pid_put(group);
	}
	session_put(session);
	thread_unpublish(process->leader);
	process_put(process);
}

/* The last thread has finished: from here on wait(2) sees a zombie. */
static void process_end(struct process *process)
{
	struct queued_signal *entry = signal_entry_create();
	struct process *child, *next;
	struct list dead, told;
	bool unwanted;
	u64 flags;

	list_init(&dead);
	cpu_timers_stop(process);
	leave_handlers(process);
	flags = death_signals_lock_tree(process, NULL, &told);
	process->exit_status = process->group_exit_status;
	if (process->is_init && pid_own_namespace(process->pid)->reboot_status) {
		process->exit_status = pid_own_namespace(process->pid)->reboot_status;
	}
	if (process == init_process) {
		spin_unlock_irq(&process_tree_lock, flags);
		init_ended(process->exit_status);
	}
	hand_over_children(process, &dead, &told);
	check_own_group(process);
	process->state = PROCESS_ZOMBIE;
	unwanted = process_notify_parent_locked(process, &entry);
	if (unwanted) {
		process->state = PROCESS_DEAD;
		list_remove(&process->sibling);
	}
	spin_unlock_irq(&process_tree_lock, flags);

	wake_all(&process->pid->exit_waiters, 0);
	death_signals_drop(&told);
	signal_entry_destroy(entry);
	list_for_each_safe(child, next, &dead, sibling) {
		list_remove(&child->sibling);
		process_reap(child);
	}
	if (unwanted) {
		process_reap(process);
	}
}

/* No signals from here on; what was meant for any thread goes to another one. true: there is none, nor will there be. */
static bool mark_exiting(struct thread *thread, int status)
{
	struct process *process = thread->process;
	u64 flags = spin_lock_irq(&process->signal_lock);
	bool last = --process->staying_threads == 0;

	thread->exiting = true;
	thread->trace.trapping = false;
	thread->trace.exit_status =
		process->group_exit ? process->group_exit_status : status;
	if (last && !process->group_exit) {
		process->group_exit = true; // the last one's status is the process's
		process->group_exit_status = status;
	}
	signal_thread_exiting(thread);
	spin_unlock_irq(&process->signal_lock, flags);
	// What broke our waits is done with: the farewell may sleep.
	sched_clear_break(&thread->sched, BREAK_SIGNAL | BREAK_KILL);
	signal_deliver_stop_news(process);
	taskstats_exit(status, last);
	return last;
}

void thread_reap(struct thread *thread)
{
	struct process *process = thread->process;
	bool last;
	u64 flags = spin_lock_irq(&process->signal_lock);

	last = --process->unfinished_threads == 0;
	spin_unlock_irq(&process->signal_lock, flags);
	process_get(process);
	thread_unpublish(thread);
	if (last) {
		process_end(process);
	}
	process_put(process);
}

/* It leaves its process but for the number. Tree lock held. true: it stays until its tracer has heard of its end. *last: of those who count. */
static bool leave_process(struct thread *thread, struct queued_signal **entry, bool *last)
{
	struct process *process = thread->process, *tracer = thread->trace.tracer;
	bool kept = tracer && process->leader != thread;

	if (kept && tell_of_end(process, thread->pid, thread->trace.exit_status, tracer,
				SIGCHLD, entry)) {
		kept = false;
		trace_unlink_locked(thread);
	} else if (tracer) {
		wake_all(&tracer->child_events,
			 0); // trace_attach() may wait for it to stop
	}
	thread->trace.kept = kept;
	spin_lock(&process->signal_lock);
	signal_queue_flush(&thread->signals.queue, ~0ULL);
	thread->finished = true;
	*last = !kept && --process->unfinished_threads == 0;
	if (process->exec_thread && process->leader == thread) {
		wake_all(&process->thread_end, 0);
	}
	spin_unlock(&process->signal_lock);
	return kept;
}

/* Returns the state the thread ends in: only a leader stays to be waited for, and who is traced. */
static enum thread_state finish(struct thread *thread)
{
	struct process *process = thread->process;
	struct queued_signal *entry = signal_entry_create();
	struct list told, untraced;
	bool leader, kept, last;
	u64 flags = death_signals_lock_tree(process, thread, &told);

	list_init(&untraced);
	leave_children_of_thread(thread, &told);
	trace_tracer_ends_locked(thread, &untraced);
	process_get(process); // the thread's own may go now
	leader = process->leader == thread;
	kept = leave_process(thread, &entry, &last);
	spin_unlock_irq(&process_tree_lock, flags);
	death_signals_drop(&told);
	signal_entry_destroy(entry);
	trace_reap_ended(&untraced);

	if (!leader && !kept) {
		thread_unpublish(thread);
	}
	if (last) {
		process_end(process);
	}
	process_put(process);
	return leader || kept ? THREAD_ZOMBIE : THREAD_DEAD;
}

/* Not when the process ends: that may be in wait(2) of a tracer, which may have to take the members too. */
static void end_namespace(struct thread *thread)
{
	struct list untraced;
	u64 flags;

	// Nobody's end may wait for us to take it.
	list_init(&untraced);
	flags = spin_lock_irq(&process_tree_lock);
	trace_tracer_ends_locked(thread, &untraced);
	spin_unlock_irq(&process_tree_lock, flags);
	trace_reap_ended(&untraced);
	pid_namespace_end(thread->process);
}

noreturn_ void thread_exit(int status)
{
	struct thread *thread = current_thread();
	bool last;

	trace_exit(status);
	process_event_core();
	last = mark_exiting(thread, status);
	resources_exit();
	if (last && thread->process->is_init && thread->process != init_process) {
		end_namespace(thread);
	}
	process_event_exit(status);
	sched_exit(finish(thread));
}

noreturn_ void process_exit(int status)
{
	struct process *process = current_process();
	u64 flags = spin_lock_irq(&process->signal_lock);

	if (!process->group_exit && !process->exec_thread) {
		signal_group_exit_locked(process, status);
	}
	spin_unlock_irq(&process->signal_lock, flags);
	thread_exit(status);
}
