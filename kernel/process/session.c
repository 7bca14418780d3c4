// SPDX-License-Identifier: MIT
/*
 * Moving processes between groups and sessions.
 *
 * References that a move sets free are put after process_tree_lock is let go.
 */
#include "process/session.h"

#include "lib/errno.h"
#include "process/current.h"
#include "process/job_control.h"
#include "process/pid.h"
#include "process/process.h"
#include "process/process_events.h"

static void put_group(struct pid *group)
{
	if (group) {
		pid_unuse(group);
		pid_put(group);
	}
}

long session_start(void)
{
	struct process *process = current_process();
	struct session *session, *old = NULL;
	struct pid *old_group = NULL;
	int err = session_create(process->pid, &session);
	u64 flags;

	if (err) {
		return err;
	}
	flags = spin_lock_irq(&process_tree_lock);
	if (!list_empty(&process->pid->group_members)) {
		err = -EPERM; // some group has our number already
	} else {
		old = job_control_leave_locked(process, &old_group);
		job_control_join_locked(process, session, process->pid);
	}
	spin_unlock_irq(&process_tree_lock, flags);
	session_put(session);
	session_put(old);
	put_group(old_group);
	if (!err) {
		process_event_session();
	}
	return err ? err : process_number(process);
}

static bool leads_session(const struct process *process)
{
	return process->session && process->session->pid == process->pid;
}

/* May `process` be moved by the running one? Tree lock held. */
static int check_target(struct process *process)
{
	struct process *self = current_process();

	if (process != self) {
		if (process->parent != self || process->state == PROCESS_DEAD) {
			return -ESRCH;
		}
		if (process->session != self->session) {
			return -EPERM;
		}
		if (process->exec_count) {
			return -EACCES;
		}
	}
	return leads_session(process) ? -EPERM : 0;
}

/* May `process` join `group`? An empty one only if it is its own number. Tree lock held. */
static int check_group(struct process *process, struct pid *group)
{
	struct process *member;

	if (group == process->pid) {
		return 0;
	}
	if (list_empty(&group->group_members)) {
		return -EPERM;
	}
	member = list_first(&group->group_members, struct process, group_link);
	return member->session == process->session ? 0 : -EPERM;
}

static int join_locked(struct process *process, struct pid *group, struct pid **old_group)
{
	int err = check_target(process);

	if (!err) {
		err = check_group(process, group);
	}
	if (!err && process->group != group) {
		*old_group = process->group;
		list_remove(&process->group_link);
		pid_get(group);
		pid_use(group);
		process->group = group;
		list_push_back(&group->group_members, &process->group_link);
	}
	return err;
}

long group_join(pid_nr target, pid_nr number)
{
	struct process *process;
	struct pid *group, *old_group = NULL;
	u64 flags;
	int err;

	if (target) {
		process = process_find(target);
	} else {
		process = current_process();
		process_get(process);
	}
	if (!process) {
		return -ESRCH;
	}
	group = number ? pid_find(number) : process->pid;
	if (group && !number) {
		pid_get(group);
	}
	flags = spin_lock_irq(&process_tree_lock);
	if (group) {
		err = join_locked(process, group, &old_group);
	} else {
		err = check_target(process);
		err = err ? err : -EPERM;
	}
	spin_unlock_irq(&process_tree_lock, flags);
	put_group(old_group);
	pid_put(group);
	process_put(process);
	return err;
}
