// SPDX-License-Identifier: MIT
/*
 * Who one is: numbers of threads, processes, groups and sessions.
 */
#include "syscall/syscall.h"

#include "mm/usercopy.h"
#include "process/job_control.h"
#include "process/pid.h"
#include "process/process.h"
#include "process/session.h"
#include <asm/unistd.h>

long sys_getpid(const struct syscall_arguments *a)
{
	return process_number(current_process());
}

long sys_gettid(const struct syscall_arguments *a)
{
	return thread_number(current_thread());
}

long sys_getppid(const struct syscall_arguments *a)
{
	u64 flags = spin_lock_irq(&process_tree_lock);
	struct process *parent = current_process()->parent;
	pid_nr number = parent ? process_number(parent) : 0;

	spin_unlock_irq(&process_tree_lock, flags);
	return number;
}

long sys_set_tid_address(const struct syscall_arguments *a)
{
	current_thread()->clear_tid = a->arg[0];
	return thread_number(current_thread());
}

/* The process of a number (0: the caller's) with a reference. */
static struct process *find_or_self(pid_nr number)
{
	if (number) {
		return process_find(number);
	}
	process_get(current_process());
	return current_process();
}

long sys_getpgid(const struct syscall_arguments *a)
{
	struct process *process = find_or_self((int)a->arg[0]);
	pid_nr number;
	u64 flags;

	if (!process) {
		return -ESRCH;
	}
	flags = spin_lock_irq(&process_tree_lock);
	number = process->group ? pid_number(process->group) : -ESRCH;
	spin_unlock_irq(&process_tree_lock, flags);
	process_put(process);
	return number;
}

#ifdef __NR_getpgrp
long sys_getpgrp(const struct syscall_arguments *a)
{
	return job_control_group();
}
#endif

long sys_getsid(const struct syscall_arguments *a)
{
	struct process *process = find_or_self((int)a->arg[0]);
	pid_nr number = -ESRCH;
	u64 flags;

	if (!process) {
		return -ESRCH;
	}
	flags = spin_lock_irq(&process_tree_lock);
	if (process->session) {
		number = pid_number(process->session->pid);
	}
	spin_unlock_irq(&process_tree_lock, flags);
	process_put(process);
	return number;
}

long sys_setsid(const struct syscall_arguments *a)
{
	return session_start();
}

long sys_setpgid(const struct syscall_arguments *a)
{
	pid_nr target = (int)a->arg[0], group = (int)a->arg[1];

	if (group < 0 || (group == 0 && target < 0)) {
		return -EINVAL;
	}
	return group_join(target, group);
}
