// SPDX-License-Identifier: MIT
/* Ports: port_create, port_call, port_receive, port_reply_receive (include/heddle/port.h). */
#include "process/port/port.h"

#include "fs/file_table.h"
#include "mm/usercopy.h"
#include "syscall/file_support.h"
#include "syscall/syscall.h"
#include <heddle/port.h>
#include <linux/fcntl.h>

STATIC_ASSERT(HEDDLE_PORT_CREATE_CLOEXEC == O_CLOEXEC);
STATIC_ASSERT(HEDDLE_PORT_CREATE_NONBLOCK == O_NONBLOCK);

long sys_port_create(const struct syscall_arguments *a)
{
	u32 flags = (u32)a->arg[1];
	struct file *ends[2];
	int fds[2];
	int err;

	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK)) {
		return -EINVAL;
	}
	err = port_create(flags & O_NONBLOCK, ends);
	if (err) {
		return err;
	}
	err = reserve_pair(fds, flags & O_CLOEXEC);
	if (!err) {
		err = user_write(a->arg[0], fds, sizeof(fds));
		if (!err) {
			fd_install(current_files(), fds[0], ends[0]);
			fd_install(current_files(), fds[1], ends[1]);
			return 0;
		}
		cancel_pair(fds);
	}
	file_put(ends[0]);
	file_put(ends[1]);
	return err;
}

long sys_port_call(const struct syscall_arguments *a)
{
	u32 flags = (u32)a->arg[3];
	struct fd_reference end;
	long result;

	if (flags & ~(u32)HEDDLE_PORT_NONBLOCK) {
		return -EINVAL;
	}
	result = fd_begin(current_files(), (int)a->arg[0], &end);
	if (!result) {
		result = port_call(end.file, a->arg[1], a->arg[2], flags);
		fd_end(&end);
	}
	return result;
}

long sys_port_receive(const struct syscall_arguments *a)
{
	u32 flags = (u32)a->arg[1];
	struct fd_reference end;
	long result;

	if (flags & ~(u32)HEDDLE_PORT_NONBLOCK) {
		return -EINVAL;
	}
	result = fd_begin(current_files(), (int)a->arg[0], &end);
	if (!result) {
		result = port_receive(end.file, flags);
		fd_end(&end);
	}
	return result;
}

long sys_port_reply_receive(const struct syscall_arguments *a)
{
	u32 flags = (u32)a->arg[3];
	struct fd_reference end;
	long result;

	if (flags & ~(u32)(HEDDLE_PORT_NONBLOCK | HEDDLE_PORT_REPLY_ONLY)) {
		return -EINVAL;
	}
	if (flags & HEDDLE_PORT_REPLY_ONLY) {
		return port_reply(a->arg[1], a->arg[2]);
	}
	result = fd_begin(current_files(), (int)a->arg[0], &end);
	if (!result) {
		result = port_reply_receive(end.file, a->arg[1], a->arg[2], flags);
		fd_end(&end);
	}
	return result;
}
