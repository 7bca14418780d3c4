// SPDX-License-Identifier: MIT
/*
 * Priorities of one thread, of a process group's or of a user's: getpriority(2) and setpriority(2), ioprio_get(2) and
 * ioprio_set(2). I/O priorities are kept and inherited; nothing here queues I/O by them.
 */
#include "syscall/priorities.h"

#include "process/namespace/pid_namespace.h"
#include "process/pid.h"
#include "process/process.h"
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/resource.h>
#include <linux/sched.h>

enum { NICE_LOWEST = -20, NICE_HIGHEST = 19 };
STATIC_ASSERT(IOPRIO_WHO_PROCESS == PRIO_PROCESS + 1);
STATIC_ASSERT(IOPRIO_WHO_USER == PRIO_USER + 1);

typedef int (*visitor)(struct thread *thread, void *context);

/* Of a user: as the kernel has it; 0 is the caller. */
static u32 meant(int which, u32 who)
{
	if (which != PRIO_USER) {
		return who;
	}
	return who ? current_uid_to_kernel(who) : current_credentials()->uid;
}

/* Is `thread` of the group or the user `who`, as meant() has it? */
static bool named(struct thread *thread, int which, u32 who)
{
	struct process *process = thread->process;
	bool match = false;

	if (which == PRIO_PGRP) {
		u64 flags = spin_lock_irq(&process_tree_lock);
		struct pid *own = current_process()->group, *group = process->group;

		match = group && (who ? pid_number(group) == (pid_nr)who : group == own);
		spin_unlock_irq(&process_tree_lock, flags);
	} else {
		struct credentials *credentials = thread_get_credentials(thread);

		match = credentials->uid == who;
		credentials_put(credentials);
	}
	return match;
}

static int visit_one(pid_nr number, visitor visit, void *context)
{
	struct thread *thread;
	int error;

	if (!number) {
		return visit(current_thread(), context);
	}
	thread = thread_find(number);
	error = thread ? visit(thread, context) : -ESRCH;
	thread_put(thread);
	return error;
}

/* Call `visit` for each thread in sight that (which, who) names. -ESRCH: none; else the last error. */
static int for_each_named(int which, u32 who, visitor visit, void *context)
{
	struct pid_namespace *namespace = current_pid_namespace();
	int result = -ESRCH;
	pid_nr number = 1;
	struct pid *pid;

	if (which < PRIO_PROCESS || which > PRIO_USER) {
		return -EINVAL;
	}
	if (which == PRIO_PROCESS) {
		return visit_one((pid_nr)who, visit, context);
	}
	for (; (pid = pid_next_in(namespace, number)); number++) {
		struct thread *thread = pid_get_thread(pid);

		number = pid_number_in(pid, namespace);
		pid_put(pid);
		if (thread && named(thread, which, who)) {
			int error = visit(thread, context);

			result = result == -ESRCH || error ? error : result;
		}
		thread_put(thread);
	}
	return result;
}

/* ---- nice values ---- */

static int highest(struct thread *thread, void *context)
{
	int *best = context;

	*best = MAX(*best, 20 - thread->sched.own.nice);
	return 0;
}

long sys_getpriority(const struct syscall_arguments *a)
{
	int best = -ESRCH;
	int error = for_each_named((int)a->arg[0], meant((int)a->arg[0], (u32)a->arg[1]),
				   highest, &best);

	return error ? error : best;
}

static int set_nice(struct thread *thread, void *context)
{
	int nice = *(int *)context;
	const struct credentials *own = current_credentials();
	struct credentials *other = thread_get_credentials(thread);
	bool allowed = own->euid == other->uid || own->euid == other->euid ||
		       credentials_capable_in(own, other->user_namespace, CAP_SYS_NICE);
	bool powerful = credentials_may_schedule(own, other);

	credentials_put(other);
	if (!allowed) {
		return -EPERM;
	}
	if (nice < thread->sched.own.nice && !current_capable(CAP_SYS_NICE) &&
	    (u64)(20 - nice) > process_limit(thread->process, RLIMIT_NICE)) {
		return -EACCES;
	}
	if (!powerful) {
		return -EPERM;
	}
	sched_set_nice(&thread->sched, nice);
	return 0;
}

long sys_setpriority(const struct syscall_arguments *a)
{
	int nice = MAX(MIN((int)a->arg[2], NICE_HIGHEST), NICE_LOWEST);

	return for_each_named((int)a->arg[0], meant((int)a->arg[0], (u32)a->arg[1]),
			      set_nice, &nice);
}

/* ---- I/O priorities ---- */

/* What a thread without one of its own goes by. */
static u32 effective_io_priority(const struct thread *thread)
{
	const struct sched_entity *sched = &thread->sched;
	u32 priority = READ_ONCE(thread->io_priority), class = IOPRIO_CLASS_BE;

	if (IOPRIO_PRIO_CLASS(priority) != IOPRIO_CLASS_NONE) {
		return priority;
	}
	if (sched->own.policy == SCHED_IDLE) {
		class = IOPRIO_CLASS_IDLE;
	} else if (sched->own.policy == SCHED_FIFO || sched->own.policy == SCHED_RR) {
		class = IOPRIO_CLASS_RT;
	}
	return class << IOPRIO_CLASS_SHIFT | (u32)(sched->own.nice - NICE_LOWEST) / 5;
}

static int get_own(struct thread *thread, void *context)
{
	*(u32 *)context = READ_ONCE(thread->io_priority);
	return 0;
}

static int get_best(struct thread *thread, void *context)
{
	u32 *best = context;

	*best = MIN(*best, effective_io_priority(thread));
	return 0;
}

long sys_ioprio_get(const struct syscall_arguments *a)
{
	u32 which = (u32)a->arg[0];
	u32 found = UINT32_MAX;
	int error =
		for_each_named((int)(which - 1), meant((int)(which - 1), (u32)a->arg[1]),
			       which == IOPRIO_WHO_PROCESS ? get_own : get_best, &found);

	return error ? error : (long)found;
}

int io_priority_check(u32 priority)
{
	u32 level = IOPRIO_PRIO_LEVEL(priority);

	switch (IOPRIO_PRIO_CLASS(priority)) {
	case IOPRIO_CLASS_RT:
		if (!current_capable(CAP_SYS_ADMIN) && !current_capable(CAP_SYS_NICE)) {
			return -EPERM;
		}
		return 0;
	case IOPRIO_CLASS_BE:
	case IOPRIO_CLASS_IDLE:
		return 0;
	case IOPRIO_CLASS_NONE:
		return level ? -EINVAL : 0;
	}
	return -EINVAL;
}

struct io_change {
	u32 priority;
	int error; /* the first one: nobody is changed behind it */
};

static int set_io_priority(struct thread *thread, void *context)
{
	const struct credentials *own = current_credentials();
	struct credentials *other = thread_get_credentials(thread);
	struct io_change *change = context;

	if ((other->uid != own->euid && other->uid != own->uid &&
	     !current_capable(CAP_SYS_NICE)) ||
	    !credentials_may_schedule(own, other)) {
		change->error = -EPERM;
	}
	credentials_put(other);
	if (!change->error) {
		WRITE_ONCE(thread->io_priority, change->priority);
	}
	return change->error;
}

long sys_ioprio_set(const struct syscall_arguments *a)
{
	struct io_change change = {.priority = (u16)a->arg[2]};
	int which = (int)((u32)a->arg[0] - 1);
	int error = io_priority_check(change.priority);
	u32 who = (u32)a->arg[1];

	if (which == PRIO_USER) {
		who = current_uid_to_kernel(who); // 0 is root here, not the caller
	}
	return error ? error : for_each_named(which, who, set_io_priority, &change);
}
