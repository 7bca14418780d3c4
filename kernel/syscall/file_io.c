// SPDX-License-Identifier: MIT
/* read(2), write(2) and their forms with positions and vectors; lseek(2). */
#include "syscall/file_support.h"

#include "process/signal/signal.h"
#include <linux/fs.h>

enum direction { READ, WRITE };

/* A pipe without readers: the writer is told by a signal too. */
static long written(s64 result)
{
	if (result == -EPIPE) {
		signal_send_current(SIGPIPE);
	}
	return (long)result;
}

static long transfer(struct file *file, enum direction direction, struct io_buffer *io,
		     u64 *position)
{
	struct io_counts *counts = &current_thread()->io;
	long result = direction == READ ? (long)file_read(file, io, position)
					: written(file_write(file, io, position));

	if (direction == READ) {
		counts->read_calls++;
		counts->read_bytes += result > 0 ? (u64)result : 0;
	} else {
		counts->write_calls++;
		counts->written_bytes += result > 0 ? (u64)result : 0;
	}
	return result;
}

/* What is wrong with the descriptor is said before what is wrong with the memory. */
static int check_file(const struct file *file, enum direction direction,
		      const u64 *position)
{
	if (position && file->operations->no_position) {
		return -ESPIPE;
	}
	return file->mode & (direction == READ ? FILE_READ : FILE_WRITE) ? 0 : -EBADF;
}

static long transfer_buffer(const struct syscall_arguments *a, enum direction direction,
			    u64 *position)
{
	struct fd_reference reference;
	struct io_buffer io;
	long result = fd_begin(current_files(), (int)a->arg[0], &reference);

	if (result < 0) {
		return result;
	}
	result = check_file(reference.file, direction, position);
	if (result == 0) {
		result = user_buffer(&io, a->arg[1], a->arg[2]);
	}
	if (result == 0) {
		result = transfer(reference.file, direction, &io, position);
	}
	fd_end(&reference);
	return result;
}

long sys_read(const struct syscall_arguments *a)
{
	return transfer_buffer(a, READ, NULL);
}

long sys_write(const struct syscall_arguments *a)
{
	return transfer_buffer(a, WRITE, NULL);
}

long sys_pread64(const struct syscall_arguments *a)
{
	u64 position = a->arg[3];

	return (s64)position < 0 ? -EINVAL : transfer_buffer(a, READ, &position);
}

long sys_pwrite64(const struct syscall_arguments *a)
{
	u64 position = a->arg[3];

	return (s64)position < 0 ? -EINVAL : transfer_buffer(a, WRITE, &position);
}

static long transfer_vector(const struct syscall_arguments *a, enum direction direction,
			    u64 *position)
{
	struct fd_reference reference;
	struct user_vector vector;
	long result = fd_begin(current_files(), (int)a->arg[0], &reference);

	if (result < 0) {
		return result;
	}
	result = check_file(reference.file, direction, position);
	if (result < 0) {
		fd_end(&reference);
		return result;
	}
	result = user_vector_read(&vector, a->arg[1],
				  (u32)a->arg[2] == a->arg[2] ? a->arg[2] : ~0ULL);
	if (result == 0) {
		result = transfer(reference.file, direction, &vector.io, position);
		user_vector_release(&vector);
	}
	fd_end(&reference);
	return result;
}

long sys_readv(const struct syscall_arguments *a)
{
	return transfer_vector(a, READ, NULL);
}

long sys_writev(const struct syscall_arguments *a)
{
	return transfer_vector(a, WRITE, NULL);
}

long sys_preadv(const struct syscall_arguments *a)
{
	u64 position = a->arg[3];

	return (s64)position < 0 ? -EINVAL : transfer_vector(a, READ, &position);
}

long sys_pwritev(const struct syscall_arguments *a)
{
	u64 position = a->arg[3];

	return (s64)position < 0 ? -EINVAL : transfer_vector(a, WRITE, &position);
}

/* preadv2, pwritev2: position -1 means the file's own. */
static long transfer_vector_2(const struct syscall_arguments *a, enum direction direction)
{
	u64 position = a->arg[3];
	u32 flags = (u32)a->arg[5];
	struct fd_reference reference;
	long result = fd_begin(current_files(), (int)a->arg[0], &reference);

	if (result) {
		return result;
	}
	fd_end(&reference);
	if (flags & ~(u32)(RWF_HIPRI | RWF_DSYNC | RWF_SYNC)) {
		return -EOPNOTSUPP;
	}
	if (position == ~0ULL) {
		return transfer_vector(a, direction, NULL);
	}
	return (s64)position < 0 ? -EINVAL : transfer_vector(a, direction, &position);
}

long sys_preadv2(const struct syscall_arguments *a)
{
	return transfer_vector_2(a, READ);
}

long sys_pwritev2(const struct syscall_arguments *a)
{
	return transfer_vector_2(a, WRITE);
}

long sys_lseek(const struct syscall_arguments *a)
{
	int whence = (int)a->arg[2];
	struct fd_reference reference;
	long result = fd_begin(current_files(), (int)a->arg[0], &reference);

	if (result < 0) {
		return result;
	}
	if (whence < 0 || whence > SEEK_MAX) {
		result = -EINVAL;
	} else if (reference.file->operations->no_position ||
		   !reference.file->operations->seek) {
		result = -ESPIPE;
	} else {
		result = (long)reference.file->operations->seek(reference.file,
								(s64)a->arg[1], whence);
	}
	fd_end(&reference);
	return result;
}
