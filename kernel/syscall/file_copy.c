// SPDX-License-Identifier: MIT
/* Moving data between descriptors inside the kernel: sendfile(2), copy_file_range(2). */
#include "syscall/file_support.h"

#include "mm/heap.h"
#include "mm/usercopy.h"
#include "process/signal/signal.h"
#include <linux/fcntl.h>
#include <linux/stat.h>

enum { CHUNK = 16 * 4096 };

/* What one end of a copy is: position NULL uses the file's own. */
struct copy_end {
	struct fd_reference reference;
	u64 position;
	bool explicit_position;
};

static u64 *position_of(struct copy_end *end)
{
	return end->explicit_position ? &end->position : NULL;
}

/* What was read but could not be written is given back by moving the source's position. */
static void give_back(struct copy_end *from, u64 size)
{
	struct file *file = from->reference.file;

	if (from->explicit_position) {
		from->position -= size;
	} else if (!file->operations->no_position) {
		mutex_lock(&file->position_lock);
		file->position -= MIN(size, file->position);
		mutex_unlock(&file->position_lock);
	}
}

static s64 write_all(struct copy_end *to, char *data, u64 size)
{
	struct io_buffer io;
	s64 total = 0;

	while ((u64)total < size) {
		s64 moved;

		io_buffer_init_kernel(&io, data + total, size - (u64)total);
		moved = file_write(to->reference.file, &io, position_of(to));
		if (moved <= 0) {
			return total > 0 ? total : moved;
		}
		total += moved;
	}
	return total;
}

/* Copy up to `count` bytes; how many, or an errno if none. */
static s64 copy(struct copy_end *from, struct copy_end *to, u64 count)
{
	char *buffer = heap_allocate(CHUNK);
	s64 total = 0, error = 0;

	if (!buffer) {
		return -ENOMEM;
	}
	while ((u64)total < count && !error) {
		u64 wanted = MIN(count - (u64)total, (u64)CHUNK);
		struct io_buffer io;
		s64 got, put;

		io_buffer_init_kernel(&io, buffer, wanted);
		got = file_read(from->reference.file, &io, position_of(from));
		if (got <= 0) {
			error = got;
			break;
		}
		put = write_all(to, buffer, (u64)got);
		if (put < got) {
			give_back(from, (u64)(got - MAX(put, (s64)0)));
			error = put < 0 ? put : -EAGAIN;
		}
		total += MAX(put, (s64)0);
		if (signal_pending()) {
			break;
		}
	}
	heap_free(buffer);
	return total > 0 ? total : error;
}

static int ends_begin(struct copy_end *from, int in, struct copy_end *to, int out)
{
	int result = fd_begin(current_files(), in, &from->reference);

	if (result < 0) {
		return result;
	}
	result = fd_begin(current_files(), out, &to->reference);
	if (result < 0) {
		fd_end(&from->reference);
	}
	return result;
}

static int check_modes(const struct copy_end *from, const struct copy_end *to)
{
	return (from->reference.file->mode & FILE_READ) &&
			       (to->reference.file->mode & FILE_WRITE)
		       ? 0
		       : -EBADF;
}

static void ends_end(struct copy_end *from, struct copy_end *to)
{
	fd_end(&to->reference);
	fd_end(&from->reference);
}

static int read_position(struct copy_end *end, vaddr_t user)
{
	if (!user) {
		return 0;
	}
	end->explicit_position = true;
	if (user_read(&end->position, user, sizeof(end->position))) {
		return -EFAULT;
	}
	return (s64)end->position < 0 ? -EINVAL : 0;
}

static int write_position(const struct copy_end *end, vaddr_t user)
{
	return user ? user_write(user, &end->position, sizeof(end->position)) : 0;
}

long sys_sendfile(const struct syscall_arguments *a)
{
	struct copy_end from = {0}, to = {0};
	long result = read_position(&from, a->arg[2]);

	if (result == 0) {
		result = ends_begin(&from, (int)a->arg[1], &to, (int)a->arg[0]);
	}
	if (result < 0) {
		return result;
	}
	result = check_modes(&from, &to);
	if (result < 0) {
		ends_end(&from, &to);
		return result;
	}
	if ((atomic_load(&to.reference.file->flags) & O_APPEND) ||
	    (from.reference.file->inode->attributes.mode & S_IFMT) == S_IFDIR) {
		result = -EINVAL;
	} else {
		result = (long)copy(&from, &to, MIN(a->arg[3], TRANSFER_MAX));
	}
	if (result == -EPIPE) {
		signal_send_current(SIGPIPE);
	}
	if (result >= 0 && write_position(&from, a->arg[2])) {
		result = -EFAULT;
	}
	ends_end(&from, &to);
	return result;
}

static int check_copy_range(const struct copy_end *from, const struct copy_end *to,
			    u64 length)
{
	const struct inode *in = from->reference.file->inode,
			   *out = to->reference.file->inode;
	u32 in_type = in->attributes.mode & S_IFMT,
	    out_type = out->attributes.mode & S_IFMT;

	if (in_type == S_IFDIR || out_type == S_IFDIR) {
		return -EISDIR;
	}
	if (in_type != S_IFREG || out_type != S_IFREG) {
		return -EINVAL;
	}
	if (check_modes(from, to) ||
	    (atomic_load(&to->reference.file->flags) & O_APPEND)) {
		return -EBADF;
	}
	if (in == out && from->explicit_position && to->explicit_position &&
	    from->position < to->position + length &&
	    to->position < from->position + length) {
		return -EINVAL; // the ranges overlap
	}
	return 0;
}

long sys_copy_file_range(const struct syscall_arguments *a)
{
	struct copy_end from = {0}, to = {0};
	u64 length = MIN(a->arg[4], TRANSFER_MAX);
	long result = ends_begin(&from, (int)a->arg[0], &to, (int)a->arg[2]);

	if (result < 0) {
		return result;
	}
	result = read_position(&from, a->arg[1]);
	if (result == 0) {
		result = read_position(&to, a->arg[3]);
	}
	if (result == 0 && (u32)a->arg[5]) {
		result = -EINVAL;
	}
	if (result == 0) {
		result = check_copy_range(&from, &to, length);
	}
	if (result == 0) {
		result = (long)copy(&from, &to, length);
	}
	if (result >= 0 &&
	    (write_position(&from, a->arg[1]) || write_position(&to, a->arg[3]))) {
		result = -EFAULT;
	}
	ends_end(&from, &to);
	return result;
}
