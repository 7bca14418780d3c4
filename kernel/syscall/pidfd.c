// SPDX-License-Identifier: MIT
/*
 * pidfd_open(2), pidfd_getfd(2), pidfd_send_signal(2).
 */
#include "process/pidfd.h"

#include "fs/file_table.h"
#include "mm/usercopy.h"
#include "process/namespace/pid_namespace.h"
#include "process/pid.h"
#include "process/process.h"
#include "process/resources.h"
#include "process/signal/group_signal.h"
#include "syscall/syscall.h"
#include <linux/fcntl.h>
#include <linux/pidfd.h>

/* The number must be that of a process, or with PIDFD_THREAD of any thread. */
static int check_kind(struct pid *pid, bool thread_too)
{
	struct process *process = pid_get_process(pid);
	struct thread *thread = pid_get_thread(pid);
	int err = 0;

	if (!thread && !process) {
		err = -ESRCH;
	} else if (!process && !thread_too) {
		err = -ENOENT;
	}
	thread_put(thread);
	process_put(process);
	return err;
}

long sys_pidfd_open(const struct syscall_arguments *a)
{
	pid_nr number = (int)a->arg[0];
	u32 flags = (u32)a->arg[1];
	struct file *file;
	struct pid *pid;
	int err;

	if ((flags & ~(u32)(PIDFD_NONBLOCK | PIDFD_THREAD)) || number <= 0) {
		return -EINVAL;
	}
	pid = pid_find(number);
	if (!pid) {
		return -ESRCH;
	}
	err = check_kind(pid, (flags & PIDFD_THREAD) != 0);
	if (!err) {
		err = pidfd_create(pid, flags, &file);
	}
	pid_put(pid);
	return err ? err : current_install_file(file, true);
}

static long get_file(struct pid *pid, int fd)
{
	struct thread *thread = pid_get_thread(pid);
	struct file *file = NULL;
	int err;

	if (!thread) {
		return -ESRCH;
	}
	err = thread_check_access(thread, ACCESS_VM_ATTACH);
	if (!err) {
		thread_lock_resources(thread);
		if (thread->files) {
			file = file_table_get(thread->files, fd);
		} else {
			err = -ESRCH;
		}
		thread_unlock_resources(thread);
	}
	thread_put(thread);
	if (!err && !file) {
		err = -EBADF;
	}
	return err ? err : current_install_file(file, true);
}

long sys_pidfd_getfd(const struct syscall_arguments *a)
{
	struct fd_reference reference;
	struct pid *pid;
	long result;
	int err;

	if (a->arg[2]) {
		return -EINVAL;
	}
	err = fd_begin(current_files(), (int)a->arg[0], &reference);
	if (err) {
		return err;
	}
	pid = pidfd_pid(reference.file);
	result = pid ? get_file(pid, (int)a->arg[1]) : -EBADF;
	fd_end(&reference);
	return result;
}

/* ---- signals ---- */

enum scope { SCOPE_THREAD, SCOPE_PROCESS, SCOPE_GROUP };

/* Information of the sender's own making: not what only the kernel says, unless it is for itself. */
static int read_information(siginfo_t *info, int signal, const struct pid *target,
			    enum scope scope, vaddr_t from)
{
	bool own = target == current_thread()->pid && scope != SCOPE_GROUP;

	if (!from) {
		signal_information_user(info, signal,
					scope == SCOPE_THREAD ? SI_TKILL : SI_USER);
		return 0;
	}
	if (user_read(info, from, sizeof(*info))) {
		return -EFAULT;
	}
	if (info->si_signo != signal) {
		return -EINVAL;
	}
	return (info->si_code >= 0 || info->si_code == SI_TKILL) && !own ? -EPERM : 0;
}

static long send_signal(struct pid *pid, const siginfo_t *info, enum scope scope)
{
	struct thread *thread;
	long result;

	if (scope == SCOPE_GROUP) {
		return group_signal(pid, info);
	}
	thread = pid_get_thread(pid);
	if (!thread) {
		return -ESRCH;
	}
	result = scope == SCOPE_THREAD ? thread_signal(thread, info)
				       : process_signal(thread->process, info);
	thread_put(thread);
	return result;
}

/* The one scope the flags name; without any, the descriptor's own. */
static int find_scope(u32 flags, const struct file *file, enum scope *scope)
{
	switch (flags) {
	case 0:
		*scope = atomic_load(&file->flags) & PIDFD_THREAD ? SCOPE_THREAD
								  : SCOPE_PROCESS;
		return 0;
	case PIDFD_SIGNAL_THREAD:
		*scope = SCOPE_THREAD;
		return 0;
	case PIDFD_SIGNAL_THREAD_GROUP:
		*scope = SCOPE_PROCESS;
		return 0;
	case PIDFD_SIGNAL_PROCESS_GROUP:
		*scope = SCOPE_GROUP;
		return 0;
	default:
		return -EINVAL;
	}
}

static long signal_descriptor(struct file *file, struct pid *pid,
			      const struct syscall_arguments *a)
{
	int signal = (int)a->arg[1], err;
	enum scope scope;
	siginfo_t info;

	err = find_scope((u32)a->arg[3], file, &scope);
	if (!err && pid_namespace_check_join(pid_own_namespace(pid))) {
		err = -EINVAL; // not to be seen from here
	}
	if (!err) {
		err = read_information(&info, signal, pid, scope, a->arg[2]);
	}
	if (!err && (signal < 0 || signal > SIGNAL_COUNT)) {
		err = -EINVAL;
	}
	return err ? err : send_signal(pid, &info, scope);
}

long sys_pidfd_send_signal(const struct syscall_arguments *a)
{
	u32 flags = (u32)a->arg[3];
	struct fd_reference reference;
	struct pid *pid;
	long result;
	int err;

	if ((flags & ~(u32)(PIDFD_SIGNAL_THREAD | PIDFD_SIGNAL_THREAD_GROUP |
			    PIDFD_SIGNAL_PROCESS_GROUP)) ||
	    (flags & (flags - 1))) {
		return -EINVAL;
	}
	err = fd_begin(current_files(), (int)a->arg[0], &reference);
	if (err) {
		return err;
	}
	pid = pidfd_get_signalled(reference.file);
	result = pid ? signal_descriptor(reference.file, pid, a) : -EBADF;
	pid_put(pid);
	fd_end(&reference);
	return result;
}
