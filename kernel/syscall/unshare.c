// SPDX-License-Identifier: MIT
/*
 * unshare(2) and setns(2): other resources in the running thread's slots, all of them or none (R1, R6).
 */
#include "fs/file_table.h"
#include "process/namespace/namespace.h"
#include "process/namespace/setns.h"
#include "process/process.h"
#include "process/resources.h"
#include "syscall/syscall.h"
#include "vm/vm_space.h"
#include <linux/sched.h>

static int check_unshare(u64 flags)
{
	struct process *process = current_process();
	const u64 known = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_FILES |
			  CLONE_FS | CLONE_SYSVSEM | NAMESPACE_FLAGS;

	if (flags & ~known) {
		return -EINVAL;
	}
	// Of these a thread cannot have its own while it has siblings; alone it has them already.
	if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) &&
	    atomic_load(&process->live_threads) > 1) {
		return -EINVAL;
	}
	if ((flags & (CLONE_SIGHAND | CLONE_VM)) &&
	    atomic_load(&process->handlers->users) > 1) {
		return -EINVAL;
	}
	if ((flags & CLONE_VM) && atomic_load(&process->vm->users) > 1) {
		return -EINVAL;
	}
	return namespace_check_create(flags);
}

long sys_unshare(const struct syscall_arguments *a)
{
	u64 flags = a->arg[0];
	struct resource_change change = {0};
	int err;

	if (flags & CLONE_NEWUSER) {
		// Threads of a process live in one, and nobody outside may move its root.
		flags |= CLONE_THREAD | CLONE_FS;
	}
	err = check_unshare(flags);
	if (!err) {
		err = resources_prepare(&change, flags & ~(u64)CLONE_SIGHAND);
	}
	if (!err) {
		resources_commit(&change);
	}
	resources_release(&change);
	return err;
}

long sys_setns(const struct syscall_arguments *a)
{
	struct fd_reference reference;
	int err = fd_begin(current_files(), (int)a->arg[0], &reference);

	if (err) {
		return err;
	}
	err = namespace_enter(reference.file, (u32)a->arg[1]);
	fd_end(&reference);
	return err;
}
