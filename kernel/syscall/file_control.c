// SPDX-License-Identifier: MIT
/* fcntl(2), flock(2), and the ioctls every descriptor has. */
#include "syscall/file_support.h"

#include "fs/directory.h"
#include "fs/file_lock.h"
#include "fs/notify/dnotify.h"
#include "fs/tmpfs/tmpfs.h"
#include "ipc/pipe.h"
#include "mm/usercopy.h"
#include "process/pid.h"
#include "process/process.h"
#include "syscall/file_duplicate.h"
#include "syscall/file_owner.h"
#include <asm/ioctls.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

enum { CHANGEABLE_FLAGS = O_APPEND | O_NONBLOCK | FASYNC | O_DIRECT | O_NOATIME };

static long set_flags(struct file *file, u32 wanted)
{
	u32 old = atomic_load(&file->flags);

	if ((wanted & O_NOATIME) && !(old & O_NOATIME) &&
	    !credentials_owns(current_credentials(), file->inode->attributes.uid)) {
		return -EPERM;
	}
	while (!atomic_compare_exchange_weak(&file->flags, &old,
					     (old & ~(u32)CHANGEABLE_FLAGS) |
						     (wanted & CHANGEABLE_FLAGS))) {
	}
	return 0;
}

/* Where a struct flock's range starts: the file's lock offsets are relative to whence. */
static int lock_base(struct file *file, int whence, s64 *base)
{
	switch (whence) {
	case SEEK_SET:
		*base = 0;
		return 0;
	case SEEK_CUR:
		mutex_lock(&file->position_lock);
		*base = (s64)file->position;
		mutex_unlock(&file->position_lock);
		return 0;
	case SEEK_END:
		*base = (s64)inode_size(file->inode);
		return 0;
	default:
		return -EINVAL;
	}
}

static int range_from_flock(struct file *file, const struct flock *flock,
			    struct file_lock_request *request)
{
	s64 base, start, end;
	int result = lock_base(file, flock->l_whence, &base);

	if (result < 0) {
		return result;
	}
	if (__builtin_add_overflow(base, flock->l_start, &start)) {
		return -EOVERFLOW;
	}
	if (start < 0) {
		return -EINVAL;
	}
	end = INT64_MAX;
	if (flock->l_len > 0 && __builtin_add_overflow(start, flock->l_len - 1, &end)) {
		return -EOVERFLOW;
	}
	if (flock->l_len < 0) {
		end = start - 1;
		start += flock->l_len;
		if (start < 0) {
			return -EINVAL;
		}
	}
	request->start = (u64)start;
	request->end = (u64)end;
	return 0;
}

static int check_lock_type(struct file *file, int type)
{
	switch (type) {
	case F_RDLCK:
		return (file->mode & FILE_READ) ? 0 : -EBADF;
	case F_WRLCK:
		return (file->mode & FILE_WRITE) ? 0 : -EBADF;
	case F_UNLCK:
		return 0;
	default:
		return -EINVAL;
	}
}

static int request_from_user(struct file *file, vaddr_t user, bool open_file,
			     struct flock *flock, struct file_lock_request *request)
{
	if (user_read(flock, user, sizeof(*flock))) {
		return -EFAULT;
	}
	if (open_file && flock->l_pid) {
		return -EINVAL;
	}
	*request = (struct file_lock_request){
		.kind = open_file ? FILE_LOCK_OFD : FILE_LOCK_POSIX,
		.type = flock->l_type,
		.owner = open_file ? (const void *)file : current_files(),
		.pid = pid_number_global(current_process()->pid),
	};
	return range_from_flock(file, flock, request);
}

/*
 * Another thread may have closed the descriptor before the lock was there: then nobody would give it back. Whoever closes
 * takes the descriptor out first and releases after, so one of the two sees the other.
 */
static int check_still_open(struct file *file, int fd,
			    const struct file_lock_request *request)
{
	struct file_lock_request undo = *request;
	struct file *now = file_table_get(current_files(), fd);

	file_put(now);
	if (now == file || request->type == F_UNLCK) {
		return 0;
	}
	undo.type = F_UNLCK;
	if (file_lock_set(file, &undo)) {
		file_lock_release_owner(file, undo.owner);
	}
	return -EBADF;
}

static long set_lock(struct file *file, int fd, vaddr_t user, bool open_file, bool wait)
{
	struct file_lock_request request;
	struct flock flock;
	int result = request_from_user(file, user, open_file, &flock, &request);

	if (result == 0) {
		result = check_lock_type(file, flock.l_type);
	}
	if (result < 0) {
		return result;
	}
	request.wait = wait;
	result = file_lock_set(file, &request);
	return result || open_file ? result : check_still_open(file, fd, &request);
}

static long test_lock(struct file *file, vaddr_t user, bool open_file)
{
	struct file_lock_request request;
	struct flock flock;
	int result = request_from_user(file, user, open_file, &flock, &request);

	if (result < 0) {
		return result;
	}
	if (flock.l_type != F_RDLCK && flock.l_type != F_WRLCK) {
		return -EINVAL;
	}
	file_lock_test(file, &request);
	flock.l_type = (short)request.type;
	if (request.type != F_UNLCK) {
		flock.l_whence = SEEK_SET;
		flock.l_start = (s64)request.start;
		flock.l_len = request.end == INT64_MAX
				      ? 0
				      : (s64)(request.end - request.start + 1);
		flock.l_pid = request.pid < 0 ? request.pid
					      : pid_number_from_global(request.pid);
	}
	return user_write(user, &flock, sizeof(flock));
}

/* Another thread may have closed the descriptor before it was asked for: see check_still_open(). */
static long watch_directory(struct file *file, int fd, u32 mask)
{
	struct file *now;
	long result = dnotify_set(file, fd, current_files(), mask, file_claim);

	if (result) {
		return result;
	}
	now = file_table_get(current_files(), fd);
	file_put(now);
	if (now != file) {
		dnotify_forget(file, current_files());
	}
	return 0;
}

static long control_lock(struct file *file, int fd, int command, u64 argument)
{
	switch (command) {
	case F_SETLK:
	case F_SETLKW:
		return set_lock(file, fd, argument, false, command == F_SETLKW);
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return set_lock(file, fd, argument, true, command == F_OFD_SETLKW);
	default:
		return test_lock(file, argument, command == F_OFD_GETLK);
	}
}

/* Those an O_PATH descriptor has too. */
static bool works_on_path(int command)
{
	return command == F_DUPFD || command == F_DUPFD_CLOEXEC || command == F_GETFD ||
	       command == F_SETFD || command == F_GETFL;
}

static long pipe_control(struct file *file, int command, u64 argument)
{
	struct pipe *pipe = pipe_from_file(file);

	if (!pipe) {
		return -EBADF;
	}
	return (long)(command == F_GETPIPE_SZ ? pipe_capacity(pipe)
					      : pipe_set_capacity(pipe, (u32)argument));
}

static long control(struct file *file, int fd, int command, u64 argument)
{
	int result;

	switch (command) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return file_duplicate(fd, (u32)argument, command == F_DUPFD_CLOEXEC);
	case F_GETFD:
		result = fd_get_close_on_exec(current_files(), fd);
		return result < 0 ? result : (result ? FD_CLOEXEC : 0);
	case F_SETFD:
		return fd_set_close_on_exec(current_files(), fd, argument & FD_CLOEXEC);
	case F_GETFL:
		return (long)(atomic_load(&file->flags) & ~(u32)O_CLOEXEC);
	case F_SETFL:
		return set_flags(file, (u32)argument);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return control_lock(file, fd, command, argument);
	case F_SETOWN:
	case F_GETOWN:
	case F_SETOWN_EX:
	case F_GETOWN_EX:
	case F_SETSIG:
	case F_GETSIG:
		return file_control_owner(file, command, argument);
	case F_NOTIFY:
		return watch_directory(file, fd, (u32)argument);
	case F_ADD_SEALS:
		return file_add_seals(file, (u32)argument);
	case F_GET_SEALS:
		return file_get_seals(file);
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
		return pipe_control(file, command, argument);
	case F_GETLEASE:
		return F_UNLCK;
	default:
		return -EINVAL;
	}
}

long sys_fcntl(const struct syscall_arguments *a)
{
	int fd = (int)a->arg[0], command = (int)a->arg[1];
	struct fd_reference reference;
	long result = fd_begin_any(current_files(), fd, &reference);

	if (result < 0) {
		return result;
	}
	if ((reference.file->mode & FILE_PATH_ONLY) && !works_on_path(command)) {
		result = -EBADF;
	} else {
		result = control(reference.file, fd, command, a->arg[2]);
	}
	fd_end(&reference);
	return result;
}

long sys_flock(const struct syscall_arguments *a)
{
	int operation = (int)a->arg[1];
	struct file_lock_request request = {
		.kind = FILE_LOCK_FLOCK,
		.end = INT64_MAX,
		.pid = pid_number_global(current_process()->pid),
		.wait = !(operation & LOCK_NB)};
	struct fd_reference reference;
	long result;

	switch (operation & ~LOCK_NB) {
	case LOCK_SH:
		request.type = F_RDLCK;
		break;
	case LOCK_EX:
		request.type = F_WRLCK;
		break;
	case LOCK_UN:
		request.type = F_UNLCK;
		break;
	default:
		return -EINVAL;
	}
	result = fd_begin(current_files(), (int)a->arg[0], &reference);
	if (result < 0) {
		return result;
	}
	request.owner = reference.file;
	result = file_lock_set(reference.file, &request);
	fd_end(&reference);
	return result;
}

static long set_flag_by_ioctl(struct file *file, u32 flag, vaddr_t user)
{
	int on;

	if (user_read(&on, user, sizeof(on))) {
		return -EFAULT;
	}
	if (on) {
		atomic_fetch_or(&file->flags, flag);
	} else {
		atomic_fetch_and(&file->flags, ~flag);
	}
	return 0;
}

static long bytes_to_read(struct file *file, vaddr_t user)
{
	s64 left;

	mutex_lock(&file->position_lock);
	left = (s64)inode_size(file->inode) - (s64)file->position;
	mutex_unlock(&file->position_lock);
	int value = (int)MIN(MAX(left, (s64)0), (s64)INT32_MAX);

	return user_write(user, &value, sizeof(value));
}

static bool has_type(const struct file *file, u32 type)
{
	return (file->inode->attributes.mode & S_IFMT) == type;
}

/* FICLONE, FICLONERANGE: refused in the order Linux looks, as no file system here shares blocks. */
static long clone_blocks(struct file *file, s64 source)
{
	struct fd_reference from;
	long result = fd_begin(current_files(), (int)source, &from);

	if (result < 0) {
		return result;
	}
	if (from.file->inode->super_block != file->inode->super_block) {
		result = -EXDEV;
	} else if (has_type(from.file, S_IFDIR) || has_type(file, S_IFDIR)) {
		result = -EISDIR;
	} else if (!has_type(from.file, S_IFREG) || !has_type(file, S_IFREG)) {
		result = -EINVAL;
	} else if (!(from.file->mode & FILE_READ) || !(file->mode & FILE_WRITE) ||
		   (atomic_load(&file->flags) & O_APPEND)) {
		result = -EBADF;
	} else {
		result = -EOPNOTSUPP;
	}
	fd_end(&from);
	return result;
}

static long clone_range(struct file *file, vaddr_t user)
{
	struct file_clone_range range;

	if (user_read(&range, user, sizeof(range))) {
		return -EFAULT;
	}
	return clone_blocks(file, range.src_fd);
}

/* FIOQSIZE: the bytes in blocks that it takes, of what has them. */
static long bytes_in_blocks(struct file *file, vaddr_t user)
{
	struct inode_attributes attributes;
	int result = inode_get_attributes(file->inode, &attributes);
	s64 size = (s64)attributes.blocks * 512;

	if (result) {
		return result;
	}
	if (!has_type(file, S_IFREG) && !has_type(file, S_IFDIR)) {
		return -ENOTTY;
	}
	return user_write(user, &size, sizeof(size));
}

static long file_ioctl(struct file *file, int fd, unsigned command, u64 argument)
{
	switch (command) {
	case FIOCLEX:
		return fd_set_close_on_exec(current_files(), fd, true);
	case FIONCLEX:
		return fd_set_close_on_exec(current_files(), fd, false);
	case FIONBIO:
		return set_flag_by_ioctl(file, O_NONBLOCK, argument);
	case FIOASYNC:
		return set_flag_by_ioctl(file, FASYNC, argument);
	case FIONREAD:
		if (has_type(file, S_IFREG)) {
			return bytes_to_read(file, argument);
		}
		break;
	case FIOQSIZE:
		return bytes_in_blocks(file, argument);
	case FICLONE:
		return clone_blocks(file, (s64)argument);
	case FICLONERANGE:
		return clone_range(file, argument);
	default:
		break;
	}
	return file->operations->ioctl
		       ? (long)file->operations->ioctl(file, command, argument)
		       : -ENOTTY;
}

long sys_ioctl(const struct syscall_arguments *a)
{
	struct fd_reference reference;
	long result = fd_begin(current_files(), (int)a->arg[0], &reference);

	if (result == 0) {
		result = file_ioctl(reference.file, (int)a->arg[0], (unsigned)a->arg[1],
				    a->arg[2]);
		fd_end(&reference);
	}
	return result;
}
