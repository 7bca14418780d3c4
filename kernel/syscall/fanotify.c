// SPDX-License-Identifier: MIT
/* fanotify_init(2), fanotify_mark(2), and what reading an event needs of the running thread. */
#include "fs/notify/fanotify.h"
#include "fs/notify/notify.h"
#include "process/pid.h"
#include "process/process.h"
#include "process/thread.h"
#include "syscall/file_support.h"
#include <linux/capability.h>
#include <linux/fanotify.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

enum {
	CLASSES = FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT,
	INIT_FLAGS = FAN_CLOEXEC | FAN_NONBLOCK | CLASSES | FAN_UNLIMITED_QUEUE |
		     FAN_UNLIMITED_MARKS | FAN_ENABLE_AUDIT | FAN_REPORT_TID,
	EVENT_FILE_FLAGS = O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC |
			   O_CLOEXEC | O_LARGEFILE | O_NOATIME,
	KINDS = FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM,
	COMMANDS = FAN_MARK_ADD | FAN_MARK_REMOVE | FAN_MARK_FLUSH,
	IGNORES = FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORE,
	MARK_FLAGS = KINDS | COMMANDS | IGNORES | FAN_MARK_DONT_FOLLOW |
		     FAN_MARK_ONLYDIR | FAN_MARK_IGNORED_SURV_MODIFY | FAN_MARK_EVICTABLE,
	MODIFIERS = FAN_ONDIR | FAN_EVENT_ON_CHILD,
	/* Those that come with a descriptor; those that would come with a file handle. */
	FILE_EVENTS = FAN_ACCESS | FAN_MODIFY | FAN_CLOSE | FAN_OPEN | FAN_OPEN_EXEC,
	HANDLE_EVENTS = FAN_ATTRIB | FAN_MOVE | FAN_CREATE | FAN_DELETE |
			FAN_DELETE_SELF | FAN_MOVE_SELF | FAN_FS_ERROR | FAN_RENAME,
};

/* --- for who reads --- */

static s32 running_number(bool thread)
{
	return pid_number_global(thread ? current_thread()->pid : current_process()->pid);
}

static int open_event(const struct path *path, u32 flags, struct file **out)
{
	int result, fd = current_reserve_fd(flags & O_CLOEXEC);

	if (fd < 0) {
		return fd;
	}
	result = fs_open_path(path, flags & ~(u32)O_CLOEXEC, current_credentials(), out);
	if (result < 0) {
		fd_cancel(current_files(), fd);
		return result;
	}
	return fd;
}

static void install_event(int fd, struct file *file)
{
	fd_install(current_files(), fd, file);
}

static void cancel_event(int fd, struct file *file)
{
	fd_cancel(current_files(), fd);
	file_put(file);
}

static const struct fanotify_reader reader = {
	.number = running_number,
	.translate = pid_number_from_global,
	.open = open_event,
	.install = install_event,
	.cancel = cancel_event,
};

/* --- fanotify_init --- */

static int check_init(u32 flags, u32 event_flags)
{
	if (!current_capable(CAP_SYS_ADMIN)) {
		return -EPERM; // without it there are file handles only, which are not there
	}
	if ((flags & ~(u32)INIT_FLAGS) || (flags & CLASSES) == CLASSES) {
		return -EINVAL;
	}
	if ((event_flags & ~(u32)EVENT_FILE_FLAGS) ||
	    (event_flags & O_ACCMODE) == O_ACCMODE) {
		return -EINVAL;
	}
	return (flags & FAN_ENABLE_AUDIT) && !current_capable(CAP_AUDIT_WRITE) ? -EPERM
									       : 0;
}

long sys_fanotify_init(const struct syscall_arguments *a)
{
	const struct fanotify_options options = {.flags = (u32)a->arg[0],
						 .event_flags =
							 (u32)a->arg[1] | O_LARGEFILE,
						 .account = current_thread()->account};
	int result = check_init(options.flags, options.event_flags);
	struct file *file;

	if (result < 0) {
		return result;
	}
	fanotify_set_reader(&reader);
	result = fanotify_create(&options, &file);
	return result < 0 ? result
			  : current_install_file(file, options.flags & FAN_CLOEXEC);
}

/* --- fanotify_mark --- */

struct mark_request {
	u32 flags, mask;
	int directory;
	vaddr_t name;
};

static int check_command(const struct mark_request *request)
{
	switch (request->flags & COMMANDS) {
	case FAN_MARK_ADD:
	case FAN_MARK_REMOVE:
		return request->mask ? 0 : -EINVAL;
	case FAN_MARK_FLUSH:
		return request->flags & ~(u32)(KINDS | FAN_MARK_FLUSH) ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

/* What is wrong with the numbers alone. */
static int check_numbers(struct mark_request *request)
{
	int result;

	if ((request->flags & ~(u32)MARK_FLAGS) || (request->flags & KINDS) == KINDS) {
		return -EINVAL;
	}
	result = check_command(request);
	if (result < 0) {
		return result;
	}
	if ((request->mask & ~(u32)(FILE_EVENTS | HANDLE_EVENTS | MODIFIERS)) ||
	    (request->flags & IGNORES) == IGNORES) {
		return -EINVAL;
	}
	if ((request->flags & IGNORES) == FAN_MARK_IGNORED_MASK) {
		request->mask &= ~(u32)MODIFIERS;
	}
	return 0;
}

static int check_instance(const struct file *file, const struct mark_request *request)
{
	if (!file_is_fanotify(file)) {
		return -EINVAL;
	}
	if ((request->flags & KINDS) && !current_capable(CAP_SYS_ADMIN)) {
		return -EPERM;
	}
	if ((request->flags & FAN_MARK_EVICTABLE) && (request->flags & KINDS)) {
		return -EINVAL;
	}
	return request->mask & HANDLE_EVENTS ? -EINVAL : 0;
}

static int find_place(const struct mark_request *request, struct path *out)
{
	unsigned flags = (request->flags & FAN_MARK_DONT_FOLLOW ? 0 : WALK_FOLLOW) |
			 (request->flags & FAN_MARK_ONLYDIR ? WALK_DIRECTORY : 0);
	int result = request->name
			     ? at_walk(request->directory, request->name, flags, out)
			     : fd_path(request->directory, out);

	if (result < 0) {
		return result;
	}
	if ((request->flags & FAN_MARK_ONLYDIR) &&
	    !inode_is_directory(dentry_inode(out->dentry))) {
		result = -ENOTDIR;
	} else {
		result = fs_permission(dentry_inode(out->dentry), current_credentials(),
				       ACCESS_READ);
	}
	if (result < 0) {
		path_put(out);
	}
	return result;
}

/* What this place cannot have. 1: there is nothing to do. */
static int check_place(const struct mark_request *request, const struct path *path)
{
	const struct inode *inode = dentry_inode(path->dentry);
	bool on_inode = !(request->flags & KINDS), directory = inode_is_directory(inode);
	bool survives = (request->flags & FAN_MARK_IGNORED_SURV_MODIFY) != 0;

	if (!(request->flags & FAN_MARK_ADD)) {
		return !on_inode && !path->mount ? -EINVAL : 0;
	}
	if (!on_inode && !path->mount) {
		return -EINVAL;
	}
	if ((request->flags & FAN_MARK_IGNORE) && on_inode && !directory &&
	    (request->mask & MODIFIERS)) {
		return -ENOTDIR;
	}
	if ((request->flags & FAN_MARK_IGNORE) && !survives && (!on_inode || directory)) {
		return on_inode ? -EISDIR : -EINVAL;
	}
	return (request->flags & IGNORES) && !survives && on_inode &&
	       READ_ONCE(inode->writers) > 0;
}

static int mark_place(struct file *file, struct mark_request *request)
{
	struct path path;
	int result = find_place(request, &path);

	if (result < 0) {
		return result;
	}
	result = check_place(request, &path);
	if (result == 0) {
		if ((request->flags & KINDS) ||
		    !inode_is_directory(dentry_inode(path.dentry))) {
			request->mask &= ~(u32)FAN_EVENT_ON_CHILD;
		}
		result = fanotify_mark_place(file, request->flags, request->mask, &path);
	}
	path_put(&path);
	return MIN(result, 0);
}

long sys_fanotify_mark(const struct syscall_arguments *a)
{
	struct mark_request request = {.flags = (u32)a->arg[1],
				       .mask = (u32)a->arg[2],
				       .directory = (int)a->arg[3],
				       .name = a->arg[4]};
	struct fd_reference reference;
	long result = a->arg[2] >> 32 ? -EINVAL : check_numbers(&request);

	if (result < 0) {
		return result;
	}
	result = fd_begin(current_files(), (int)a->arg[0], &reference);
	if (result < 0) {
		return result;
	}
	result = check_instance(reference.file, &request);
	if (result == 0 && (request.flags & FAN_MARK_FLUSH)) {
		fanotify_flush(reference.file, request.flags);
	} else if (result == 0) {
		result = mark_place(reference.file, &request);
	}
	fd_end(&reference);
	return result;
}
