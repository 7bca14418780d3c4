// SPDX-License-Identifier: MIT
/*
 * pidfd_open(2) and pidfd_getfd(2).
 */
#include "process/pidfd.h"

#include "fs/file_table.h"
#include "process/pid.h"
#include "process/process.h"
#include "process/resources.h"
#include "syscall/syscall.h"
#include <linux/fcntl.h>
#include <linux/pidfd.h>
#include <linux/resource.h>

/* `file` (a reference, taken over) under the lowest free descriptor, closed on exec. */
static long install(struct file *file)
{
	int fd = fd_reserve(current_files(), 0, current_limit(RLIMIT_NOFILE), true);

	if (fd < 0) {
		file_put(file);
		return fd;
	}
	fd_install(current_files(), fd, file);
	return fd;
}

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
	return err ? err : install(file);
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
	return err ? err : install(file);
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
