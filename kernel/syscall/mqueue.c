// SPDX-License-Identifier: MIT
/*
 * POSIX message queues: mq_open(2), mq_unlink(2), mq_timedsend(2), mq_timedreceive(2), mq_notify(2), mq_getsetattr(2).
 *
 * Not there: SIGEV_THREAD, which wants a netlink socket (EINVAL).
 */
#include "syscall/syscall.h"

#include "fs/file_table.h"
#include "fs/fs_info.h"
#include "fs/mount.h"
#include "ipc/mqueue/mqueue.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "process/namespace/ipc_caller.h"
#include "process/process.h"
#include "process/signal/signal.h"
#include "syscall/file_support.h"
#include <linux/fcntl.h>
#include <linux/limits.h>

enum { OPEN_FLAGS = O_ACCMODE | O_NONBLOCK };

/* --- names --- */

/* The C library has cut the first slash off; there may be no other. */
static int check_name(const char *name)
{
	if (!*name || strlen(name) > NAME_MAX) {
		return *name ? -ENAMETOOLONG : -ENOENT;
	}
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		return -EACCES;
	}
	for (; *name; name++) {
		if (*name == '/') {
			return -EACCES;
		}
	}
	return 0;
}

struct queue_place {
	struct ipc_caller caller;
	struct path root;
	struct walk_context context;
};

static int place_begin(struct queue_place *place)
{
	int error;

	place->caller = current_ipc_caller();
	error = mqueue_root(place->caller.ipc, &place->root);
	if (!error) {
		place->context = current_walk();
		place->context.start = &place->root;
	}
	return error;
}

/* --- mq_open --- */

static int open_new(struct queue_place *place, const char *name, u32 flags, u32 mode,
		    const struct mq_attr *attributes, struct file **out)
{
	struct path path;
	int error;

	mode &= 07777 & ~fs_info_umask(current_fs());
	error = mqueue_create(&place->caller, &place->root, name, mode, attributes,
			      &path);
	if (error) {
		return error;
	}
	// Whoever makes it may have it as he likes, whatever its mode says.
	error = file_create(&path, &mqueue_file_operations, flags, current_credentials(),
			    out);
	path_put(&path);
	return error;
}

static int open_queue(struct queue_place *place, const char *name, u32 flags, u32 mode,
		      const struct mq_attr *attributes, struct file **out)
{
	u32 open_flags = flags & OPEN_FLAGS;
	int error;

	for (;;) {
		error = -ENOENT;
		if (!(flags & O_EXCL) || !(flags & O_CREAT)) {
			error = fs_open(&place->context, name, open_flags | O_NOFOLLOW, 0,
					0, out);
		}
		if (error != -ENOENT || !(flags & O_CREAT)) {
			return error;
		}
		error = open_new(place, name, open_flags, mode, attributes, out);
		if (error != -EEXIST || flags & O_EXCL) {
			return error;
		}
	}
}

static long open_named(const char *name, u32 flags, u32 mode,
		       const struct mq_attr *attributes)
{
	struct queue_place place;
	struct file *file;
	int error = check_name(name), fd;

	if (error) {
		return error;
	}
	fd = current_reserve_fd(true);
	if (fd < 0) {
		return fd;
	}
	error = place_begin(&place);
	if (!error) {
		error = open_queue(&place, name, flags, mode, attributes, &file);
		path_put(&place.root);
	}
	if (error) {
		fd_cancel(current_files(), fd);
		return error;
	}
	fd_install(current_files(), fd, file);
	return fd;
}

long sys_mq_open(const struct syscall_arguments *a)
{
	u32 flags = (u32)a->arg[1];
	struct mq_attr attributes;
	struct user_name name;
	long result;

	if (a->arg[3] && user_read(&attributes, a->arg[3], sizeof(attributes))) {
		return -EFAULT;
	}
	if ((flags & O_ACCMODE) == O_ACCMODE) {
		return -EINVAL;
	}
	result = user_name_read(&name, a->arg[0]);
	if (!result) {
		result = open_named(name.text, flags, (u32)a->arg[2],
				    a->arg[3] ? &attributes : NULL);
		user_name_release(&name);
	}
	return result;
}

long sys_mq_unlink(const struct syscall_arguments *a)
{
	struct queue_place place;
	struct user_name name;
	int error = user_name_read(&name, a->arg[0]);

	if (error) {
		return error;
	}
	error = check_name(name.text);
	if (!error) {
		error = place_begin(&place);
	}
	if (!error) {
		error = fs_unlink(&place.context, name.text);
		path_put(&place.root);
	}
	user_name_release(&name);
	return error;
}

/* --- messages --- */

/* An absolute time of CLOCK_REALTIME; none: for ever. */
static int read_deadline(vaddr_t user, nsec_t *out)
{
	struct __kernel_timespec time;

	*out = NSEC_NEVER;
	if (!user) {
		return 0;
	}
	if (user_read(&time, user, sizeof(time))) {
		return -EFAULT;
	}
	return timespec_to_nsec(&time, out);
}

long sys_mq_timedsend(const struct syscall_arguments *a)
{
	struct fd_reference reference;
	struct io_buffer io;
	nsec_t deadline;
	long result = read_deadline(a->arg[4], &deadline);

	if (result) {
		return result;
	}
	if ((u32)a->arg[3] >= MQ_PRIO_MAX) {
		return -EINVAL;
	}
	result = fd_begin(current_files(), (int)a->arg[0], &reference);
	if (result) {
		return result;
	}
	io_buffer_init_user(&io, a->arg[1], a->arg[2]);
	result = mqueue_send(reference.file, &io, (u32)a->arg[3], deadline);
	fd_end(&reference);
	return result;
}

long sys_mq_timedreceive(const struct syscall_arguments *a)
{
	struct fd_reference reference;
	struct io_buffer io;
	nsec_t deadline;
	u32 priority;
	long result = read_deadline(a->arg[4], &deadline);

	if (result) {
		return result;
	}
	result = fd_begin(current_files(), (int)a->arg[0], &reference);
	if (result) {
		return result;
	}
	io_buffer_init_user(&io, a->arg[1], a->arg[2]);
	result = mqueue_receive(reference.file, &io, &priority, deadline);
	fd_end(&reference);
	if (result >= 0 && a->arg[3] &&
	    user_write(a->arg[3], &priority, sizeof(priority))) {
		return -EFAULT;
	}
	return result;
}

/* --- mq_notify, mq_getsetattr --- */

static int read_notice(vaddr_t user, struct mqueue_notice *notice)
{
	struct sigevent event;

	if (user_read(&event, user, sizeof(event))) {
		return -EFAULT;
	}
	*notice = (struct mqueue_notice){
		.silent = event.sigev_notify == SIGEV_NONE,
		.signal = event.sigev_signo,
		.value = (u64)(uintptr_t)event.sigev_value.sival_ptr,
	};
	if (event.sigev_notify == SIGEV_SIGNAL) {
		return event.sigev_signo < 0 || event.sigev_signo > SIGNAL_COUNT ? -EINVAL
										 : 0;
	}
	return notice->silent ? 0 : -EINVAL;
}

long sys_mq_notify(const struct syscall_arguments *a)
{
	struct mqueue_notice notice;
	struct fd_reference reference;
	int error = a->arg[1] ? read_notice(a->arg[1], &notice) : 0;

	if (error) {
		return error;
	}
	error = fd_begin(current_files(), (int)a->arg[0], &reference);
	if (error) {
		return error;
	}
	error = mqueue_notify(reference.file, a->arg[1] ? &notice : NULL,
			      current_process()->pid);
	fd_end(&reference);
	return error;
}

static int exchange_attributes(struct file *file, const struct mq_attr *wanted,
			       struct mq_attr *old)
{
	int error = mqueue_attributes(file, old);

	if (error || !wanted) {
		return error;
	}
	if (wanted->mq_flags & O_NONBLOCK) {
		atomic_fetch_or(&file->flags, (u32)O_NONBLOCK);
	} else {
		atomic_fetch_and(&file->flags, ~(u32)O_NONBLOCK);
	}
	return 0;
}

long sys_mq_getsetattr(const struct syscall_arguments *a)
{
	struct mq_attr wanted, old;
	struct fd_reference reference;
	int error;

	if (a->arg[1]) {
		if (user_read(&wanted, a->arg[1], sizeof(wanted))) {
			return -EFAULT;
		}
		if (wanted.mq_flags & ~(s64)O_NONBLOCK) {
			return -EINVAL;
		}
	}
	error = fd_begin(current_files(), (int)a->arg[0], &reference);
	if (error) {
		return error;
	}
	error = exchange_attributes(reference.file, a->arg[1] ? &wanted : NULL, &old);
	fd_end(&reference);
	if (!error && a->arg[2]) {
		error = user_write(a->arg[2], &old, sizeof(old));
	}
	return error;
}
