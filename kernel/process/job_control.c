// SPDX-License-Identifier: MIT
/*
 * Sessions, process groups and the controlling terminal. Rules in job_control.h.
 *
 * Owns      struct session; process.group and process.session.
 */
#include "process/job_control.h"

#include "core/panic.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "process/current.h"
#include "process/pid.h"
#include "process/signal/signal.h"

OBJECT_CACHE(session_cache, session);

/* Sessions with a terminal: session.terminal_link. Tree lock. */
static struct list terminal_sessions = LIST_INIT(terminal_sessions);
static void (*leader_exit_hang_up)(struct tty *tty);

int session_create(struct pid *pid, struct session **out)
{
	struct session *session = object_allocate(&session_cache);

	if (!session) {
		return -ENOMEM;
	}
	refcount_init(&session->references, 1);
	list_init(&session->members);
	list_init(&session->terminal_link);
	pid_get(pid);
	pid_use(pid);
	session->pid = pid;
	*out = session;
	return 0;
}

void session_put(struct session *session)
{
	if (!session || !refcount_put(&session->references)) {
		return;
	}
	ASSERT(list_empty(&session->members));
	pid_put(session->foreground);
	pid_unuse(session->pid);
	pid_put(session->pid);
	object_free(&session_cache, session);
}

void job_control_join_locked(struct process *process, struct session *session,
			     struct pid *group)
{
	if (session) {
		refcount_get(&session->references);
		process->session = session;
		list_push_back(&session->members, &process->session_link);
	}
	pid_get(group);
	pid_use(group);
	process->group = group;
	list_push_back(&group->group_members, &process->group_link);
}

void job_control_inherit_locked(struct process *child, struct process *parent)
{
	job_control_join_locked(child, parent->session, parent->group);
}

struct session *job_control_leave_locked(struct process *process, struct pid **group)
{
	struct session *session = process->session;

	*group = process->group;
	process->group = NULL;
	process->session = NULL;
	list_remove(&process->group_link);
	list_remove(&process->session_link);
	return session;
}

bool group_is_orphaned_locked(struct pid *group, const struct process *ignored)
{
	struct process *member;

	list_for_each(member, &group->group_members, group_link) {
		struct process *parent = member->parent;

		if (member == ignored || member->state != PROCESS_ALIVE || !parent ||
		    parent == init_process) {
			continue;
		}
		if (parent->group != group && parent->session == member->session) {
			return false;
		}
	}
	return true;
}

struct tty *job_control_terminal(void)
{
	u64 flags = spin_lock_irq(&process_tree_lock);
	struct session *session = current_process()->session;
	struct tty *tty = session ? session->terminal : NULL;

	spin_unlock_irq(&process_tree_lock, flags);
	return tty;
}

static bool is_leader_locked(const struct process *process)
{
	return process->session && process->session->pid == process->pid;
}

bool job_control_is_session_leader(void)
{
	u64 flags = spin_lock_irq(&process_tree_lock);
	bool leader = is_leader_locked(current_process());

	spin_unlock_irq(&process_tree_lock, flags);
	return leader;
}

pid_nr job_control_session(void)
{
	u64 flags = spin_lock_irq(&process_tree_lock);
	struct session *session = current_process()->session;
	pid_nr number = session ? pid_number(session->pid) : 0;

	spin_unlock_irq(&process_tree_lock, flags);
	return number;
}

pid_nr job_control_group(void)
{
	u64 flags = spin_lock_irq(&process_tree_lock);
	pid_nr number = pid_number(current_process()->group);

	spin_unlock_irq(&process_tree_lock, flags);
	return number;
}

struct pid *job_control_get_group(void)
{
	u64 flags = spin_lock_irq(&process_tree_lock);
	struct pid *group = current_process()->group;

	pid_get(group);
	spin_unlock_irq(&process_tree_lock, flags);
	return group;
}

/* The session whose controlling terminal is `tty`, or NULL. Tree lock held. */
static struct session *session_of_locked(struct tty *tty)
{
	struct process *process = current_is_user_thread() ? current_process() : NULL;
	struct session *session;

	if (process && process->session && process->session->terminal == tty) {
		return process->session;
	}
	list_for_each(session, &terminal_sessions, terminal_link) {
		if (session->terminal == tty) {
			return session;
		}
	}
	return NULL;
}

int job_control_set_terminal(struct tty *tty)
{
	struct process *process = current_process();
	int err = 0;
	u64 flags = spin_lock_irq(&process_tree_lock);

	if (!is_leader_locked(process) || process->session->terminal ||
	    session_of_locked(tty)) {
		err = -EPERM;
	} else {
		process->session->terminal = tty;
		list_push_back(&terminal_sessions, &process->session->terminal_link);
		pid_get(process->group);
		process->session->foreground = process->group;
	}
	spin_unlock_irq(&process_tree_lock, flags);
	return err;
}

/* Returns the foreground group's reference, the caller's to put. Tree lock held. */
static struct pid *take_terminal_locked(struct session *session)
{
	struct pid *foreground = session->foreground;

	session->terminal = NULL;
	session->foreground = NULL;
	list_remove(&session->terminal_link);
	return foreground;
}

static void signal_group_locked(struct pid *group, int signal)
{
	struct process *member;

	list_for_each(member, &group->group_members, group_link) {
		member->group_signals++;
		signal_send_kernel(member, signal);
	}
}

void job_control_hang_up(struct tty *tty)
{
	struct session *session;
	struct process *member;
	struct pid *foreground = NULL;
	u64 flags = spin_lock_irq(&process_tree_lock);

	session = session_of_locked(tty);
	if (session) {
		foreground = take_terminal_locked(session);
		list_for_each(member, &session->members, session_link) {
			if (is_leader_locked(member)) {
				signal_send_kernel(member, SIGHUP);
				signal_send_kernel(member, SIGCONT);
			}
		}
		if (foreground) {
			signal_group_locked(foreground, SIGHUP);
			signal_group_locked(foreground, SIGCONT);
		}
	}
	spin_unlock_irq(&process_tree_lock, flags);
	pid_put(foreground);
}

int job_control_drop_terminal(void)
{
	struct process *process = current_process();
	struct pid *foreground = NULL;
	int err = -ENOTTY;
	u64 flags = spin_lock_irq(&process_tree_lock);

	// A terminal belongs to the session: only its leader gives it up for all.
	if (process->session && process->session->terminal) {
		err = 0;
		if (is_leader_locked(process)) {
			foreground = take_terminal_locked(process->session);
			if (foreground) {
				signal_group_locked(foreground, SIGHUP);
				signal_group_locked(foreground, SIGCONT);
			}
		}
	}
	spin_unlock_irq(&process_tree_lock, flags);
	pid_put(foreground);
	return err;
}

pid_nr job_control_foreground(struct tty *tty)
{
	u64 flags = spin_lock_irq(&process_tree_lock);
	struct session *session = session_of_locked(tty);
	pid_nr number = session ? pid_number(session->foreground) : -ENOTTY;

	spin_unlock_irq(&process_tree_lock, flags);
	return number;
}

pid_nr job_control_terminal_session(struct tty *tty)
{
	u64 flags = spin_lock_irq(&process_tree_lock);
	struct session *session = session_of_locked(tty);
	pid_nr number = session ? pid_number(session->pid) : -ENOTTY;

	spin_unlock_irq(&process_tree_lock, flags);
	return number;
}

static int set_foreground_locked(struct tty *tty, struct pid *group, struct pid **old)
{
	struct process *process = current_process();
	struct process *member;

	if (!process->session || process->session->terminal != tty) {
		return -ENOTTY;
	}
	if (list_empty(&group->group_members)) {
		return -ESRCH;
	}
	member = list_first(&group->group_members, struct process, group_link);
	if (member->session != process->session) {
		return -EPERM;
	}
	*old = process->session->foreground;
	pid_get(group);
	process->session->foreground = group;
	return 0;
}

int job_control_set_foreground(struct tty *tty, pid_nr number)
{
	struct pid *group, *old = NULL;
	u64 flags;
	int err;

	if (number < 0) {
		return -EINVAL;
	}
	group = pid_find(number);
	if (!group) {
		return -ESRCH;
	}
	flags = spin_lock_irq(&process_tree_lock);
	err = set_foreground_locked(tty, group, &old);
	spin_unlock_irq(&process_tree_lock, flags);
	pid_put(old);
	pid_put(group);
	return err;
}

void job_control_signal_foreground(struct tty *tty, int signal)
{
	u64 flags = spin_lock_irq(&process_tree_lock);
	struct session *session = session_of_locked(tty);

	if (session && session->foreground) {
		signal_group_locked(session->foreground, signal);
	}
	spin_unlock_irq(&process_tree_lock, flags);
}

static bool signal_is_ignored(int signal)
{
	struct thread *thread = current_thread();
	struct process *process = thread->process;
	bool ignored;
	u64 flags = spin_lock_irq(&process->signal_lock);

	ignored =
		(thread->signals.blocked & SIGNAL_BIT(signal)) ||
		process->handlers->action[signal - 1].handler == (u64)(uintptr_t)SIG_IGN;
	spin_unlock_irq(&process->signal_lock, flags);
	return ignored;
}

int job_control_check_background(struct tty *tty, int signal)
{
	struct process *process = current_process();
	bool ignored = signal_is_ignored(signal);
	int result = 0;
	u64 flags = spin_lock_irq(&process_tree_lock);
	struct session *session = process->session;

	if (session && session->terminal == tty &&
	    session->foreground != process->group) {
		if (ignored) {
			result = signal == SIGTTIN ? -EIO : 0;
		} else if (group_is_orphaned_locked(process->group, NULL)) {
			result = -EIO;
		} else {
			signal_group_locked(process->group, signal);
			result = -ERESTART;
		}
	}
	spin_unlock_irq(&process_tree_lock, flags);
	return result;
}

void job_control_set_leader_exit(void (*hang_up)(struct tty *tty))
{
	leader_exit_hang_up = hang_up;
}

void job_control_leader_exit(void)
{
	struct process *process = current_process();
	struct pid *foreground = NULL;
	struct tty *tty = NULL;
	u64 flags = spin_lock_irq(&process_tree_lock);

	if (is_leader_locked(process) && process->session->terminal) {
		tty = process->session->terminal;
		foreground = take_terminal_locked(process->session);
		if (foreground) {
			signal_group_locked(foreground, SIGHUP);
			signal_group_locked(foreground, SIGCONT);
		}
	}
	spin_unlock_irq(&process_tree_lock, flags);
	pid_put(foreground);
	if (tty && leader_exit_hang_up) {
		leader_exit_hang_up(tty);
	}
}
