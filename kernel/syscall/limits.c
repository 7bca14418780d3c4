// SPDX-License-Identifier: MIT
/*
 * Resource limits: prlimit(2) and its older forms. Usage is in usage.c.
 */
#include "syscall/syscall.h"

#include "fs/file_table.h"
#include "mm/usercopy.h"
#include "process/cpu_timers.h"
#include "process/process.h"
#include "process/resources.h"
#include "vm/vm_space.h"
#include <linux/capability.h>
#include <linux/resource.h>

enum { OPEN_FILES_MAX = 1048576 };

STATIC_ASSERT(sizeof(struct rlimit64) == sizeof(struct limit));

/* The target thread's credentials decide: every one of its ids is the caller's real one, or the caller is privileged. */
static bool may_reach(struct thread *thread)
{
	const struct credentials *own = current_credentials();
	struct credentials *other;
	bool same;

	if (thread == current_thread()) {
		return true;
	}
	other = thread_get_credentials(thread);
	same = own->uid == other->euid && own->uid == other->suid &&
	       own->uid == other->uid && own->gid == other->egid &&
	       own->gid == other->sgid && own->gid == other->gid;
	same = same ||
	       credentials_capable_in(own, other->user_namespace, CAP_SYS_RESOURCE);
	credentials_put(other);
	return same;
}

/* What enforces limits outside of process/ learns of a change. */
static void pass_on(struct process *process, unsigned resource)
{
	struct vm_space *vm;

	if (resource == RLIMIT_CPU) {
		cpu_timers_set_limit(process);
	}
	if (resource == RLIMIT_RTTIME) {
		cpu_timers_watch_realtime(process);
	}
	spin_lock(&process->resource_lock);
	vm = process->vm;
	if (vm) {
		limits_apply(process->limits, vm);
	}
	spin_unlock(&process->resource_lock);
}

/* Read the limit and, if `fresh` is given, replace it: one step for whoever looks. */
static int exchange(struct process *process, unsigned resource, const struct limit *fresh,
		    struct limit *before)
{
	struct limit *limit;
	int error = 0;
	u64 flags;

	if (resource >= LIMIT_COUNT || (fresh && fresh->soft > fresh->hard)) {
		return -EINVAL;
	}
	if (fresh && resource == RLIMIT_NOFILE && fresh->hard > OPEN_FILES_MAX) {
		return -EPERM;
	}
	limit = &process->limits[resource];
	flags = spin_lock_irq(&process->signal_lock);
	*before = *limit;
	if (fresh && fresh->hard > limit->hard && !current_capable(CAP_SYS_RESOURCE)) {
		error = -EPERM;
	} else if (fresh) {
		*limit = *fresh;
	}
	spin_unlock_irq(&process->signal_lock, flags);
	if (!error && fresh) {
		pass_on(process, resource);
	}
	return error;
}

/* Of the process that `number` names (0: the caller's), if the caller may. */
static int exchange_of(pid_nr number, unsigned resource, const struct limit *fresh,
		       struct limit *before)
{
	struct thread *thread;
	int error;

	if (number == 0) {
		return exchange(current_process(), resource, fresh, before);
	}
	thread = thread_find(number);
	if (!thread) {
		return -ESRCH;
	}
	error = may_reach(thread) ? exchange(thread->process, resource, fresh, before)
				  : -EPERM;
	thread_put(thread);
	return error;
}

long sys_prlimit64(const struct syscall_arguments *a)
{
	vaddr_t fresh = a->arg[2], old = a->arg[3];
	struct limit before, after;
	int error;

	if (fresh && user_read(&after, fresh, sizeof(after))) {
		return -EFAULT;
	}
	error = exchange_of((pid_nr)a->arg[0], (unsigned)a->arg[1], fresh ? &after : NULL,
			    &before);
	if (error || !old) {
		return error;
	}
	return user_write(old, &before, sizeof(before));
}

long sys_getrlimit(const struct syscall_arguments *a)
{
	struct limit limit;
	int error = exchange(current_process(), (unsigned)a->arg[0], NULL, &limit);

	return error ? error : user_write(a->arg[1], &limit, sizeof(limit));
}

long sys_setrlimit(const struct syscall_arguments *a)
{
	struct limit before, after;

	if (user_read(&after, a->arg[1], sizeof(after))) {
		return -EFAULT;
	}
	return exchange(current_process(), (unsigned)a->arg[0], &after, &before);
}
