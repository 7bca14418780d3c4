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

static bool may_reach(struct process *process)
{
	const struct credentials *own = current_credentials();
	struct credentials *other;
	struct thread *thread;
	bool same;

	if (process == current_process() || current_capable(CAP_SYS_RESOURCE)) {
		return true;
	}
	thread = thread_find(process_number(process));
	if (!thread) {
		return false;
	}
	other = thread_get_credentials(thread);
	same = own->uid == other->euid && own->uid == other->suid &&
	       own->uid == other->uid && own->gid == other->egid &&
	       own->gid == other->sgid && own->gid == other->gid;
	credentials_put(other);
	thread_put(thread);
	return same;
}

/* What enforces limits outside of process/ learns of a change. */
static void pass_on(struct process *process, unsigned resource)
{
	struct vm_space *vm;

	if (resource == RLIMIT_CPU) {
		cpu_timers_set_limit(process);
	}
	spin_lock(&process->resource_lock);
	vm = process->vm;
	if (vm) {
		limits_apply(process->limits, vm);
	}
	spin_unlock(&process->resource_lock);
}

static int set_limit(struct process *process, unsigned resource, struct limit fresh)
{
	struct limit *limit = &process->limits[resource];
	int error = 0;
	u64 flags;

	if (fresh.soft > fresh.hard) {
		return -EINVAL;
	}
	if (resource == RLIMIT_NOFILE && fresh.hard > OPEN_FILES_MAX) {
		return -EPERM;
	}
	flags = spin_lock_irq(&process->signal_lock);
	if (fresh.hard > limit->hard && !current_capable(CAP_SYS_RESOURCE)) {
		error = -EPERM;
	} else {
		*limit = fresh;
	}
	spin_unlock_irq(&process->signal_lock, flags);
	if (!error) {
		pass_on(process, resource);
	}
	return error;
}

static struct limit get_limit(struct process *process, unsigned resource)
{
	u64 flags = spin_lock_irq(&process->signal_lock);
	struct limit limit = process->limits[resource];

	spin_unlock_irq(&process->signal_lock, flags);
	return limit;
}

static long do_prlimit(struct process *process, unsigned resource, vaddr_t fresh,
		       vaddr_t old)
{
	struct limit before, after;

	if (resource >= LIMIT_COUNT) {
		return -EINVAL;
	}
	if (fresh && user_read(&after, fresh, sizeof(after))) {
		return -EFAULT;
	}
	before = get_limit(process, resource);
	if (fresh) {
		int error = set_limit(process, resource, after);

		if (error) {
			return error;
		}
	}
	return old ? user_write(old, &before, sizeof(before)) : 0;
}

long sys_prlimit64(const struct syscall_arguments *a)
{
	pid_nr number = (pid_nr)a->arg[0];
	struct process *process;
	struct thread *thread;
	long result;

	if (number == 0) {
		return do_prlimit(current_process(), (unsigned)a->arg[1], a->arg[2],
				  a->arg[3]);
	}
	thread = thread_find(number);
	if (!thread) {
		return -ESRCH;
	}
	process = thread->process;
	result = may_reach(process)
			 ? do_prlimit(process, (unsigned)a->arg[1], a->arg[2], a->arg[3])
			 : -EPERM;
	thread_put(thread);
	return result;
}

long sys_getrlimit(const struct syscall_arguments *a)
{
	return a->arg[1]
		       ? do_prlimit(current_process(), (unsigned)a->arg[0], 0, a->arg[1])
		       : -EFAULT;
}

long sys_setrlimit(const struct syscall_arguments *a)
{
	return a->arg[1]
		       ? do_prlimit(current_process(), (unsigned)a->arg[0], a->arg[1], 0)
		       : -EFAULT;
}
