// SPDX-License-Identifier: MIT
/*
 * splice(2), tee(2), vmsplice(2).
 *
 * Pages are not moved but copied, once; SPLICE_F_MOVE, SPLICE_F_MORE and SPLICE_F_GIFT are hints that nothing is made of.
 */
#include "fs/notify/notify.h"
#include "ipc/pipe.h"
#include "mm/heap.h"
#include "mm/usercopy.h"
#include "process/signal/signal.h"
#include "syscall/file_support.h"
#include <linux/fcntl.h>
#include <linux/stat.h>

enum {
	CHUNK = 16 * 4096,
	FLAG_NONBLOCK = 2,
	FLAGS_ALL = 15, /* MOVE, NONBLOCK, MORE, GIFT */
};

/* One side: a pipe, or a file with a position, its own or the caller's. */
struct splice_end {
	struct fd_reference reference;
	struct pipe *pipe; /* NULL: it is none */
	vaddr_t user;      /* where the caller's position is; 0: the file's own */
	u64 position;
};

static int begin(struct splice_end *end, int fd, vaddr_t position)
{
	int error = fd_begin(current_files(), fd, &end->reference);

	if (error >= 0) {
		end->pipe = pipe_from_file(end->reference.file);
		end->user = position;
	}
	return MIN(error, 0);
}

static int begin_both(struct splice_end *in, int in_fd, struct splice_end *out,
		      int out_fd)
{
	int error = begin(in, in_fd, in->user);

	if (error) {
		return error;
	}
	error = begin(out, out_fd, out->user);
	if (!error && (!(in->reference.file->mode & FILE_READ) ||
		       !(out->reference.file->mode & FILE_WRITE))) {
		fd_end(&out->reference);
		error = -EBADF;
	}
	if (error) {
		fd_end(&in->reference);
	}
	return error;
}

static int read_position(struct splice_end *end)
{
	if (!end->user) {
		return 0;
	}
	if (end->pipe) {
		return -ESPIPE;
	}
	if (user_read(&end->position, end->user, sizeof(end->position))) {
		return -EFAULT;
	}
	return end->reference.file->operations->no_position || (s64)end->position < 0
		       ? -EINVAL
		       : 0;
}

static int write_position(const struct splice_end *end)
{
	return end->user ? user_write(end->user, &end->position, sizeof(end->position))
			 : 0;
}

static bool waits(const struct splice_end *end, u32 flags)
{
	return !(flags & FLAG_NONBLOCK) && !file_nonblocking(end->reference.file);
}

/* Up to `size` bytes of `buffer` into a file: how many, or an errno if none. */
static s64 write_out(struct splice_end *out, u8 *buffer, u64 size)
{
	struct io_buffer io;
	u64 done = 0;

	while (done < size) {
		s64 moved;

		io_buffer_init_kernel(&io, buffer + done, size - done);
		moved = file_write(out->reference.file, &io,
				   out->user ? &out->position : NULL);
		if (moved <= 0) {
			return done ? (s64)done : moved;
		}
		done += (u64)moved;
	}
	return (s64)done;
}

/* What there is in the pipe, up to `length`; it waits for the first byte only. */
static s64 pipe_to_file(struct splice_end *in, struct splice_end *out, u64 length,
			u32 flags, u8 *buffer)
{
	u64 done = 0;

	while (done < length) {
		s64 taken = pipe_take(in->pipe, buffer, MIN(length - done, (u64)CHUNK),
				      waits(in, flags) && done == 0);
		s64 put;

		if (taken <= 0) {
			return done ? (s64)done : taken;
		}
		put = write_out(out, buffer, (u64)taken);
		done += (u64)MAX(put, (s64)0);
		pipe_settle(in->pipe, buffer + MAX(put, (s64)0),
			    (u64)(taken - MAX(put, (s64)0)), (u64)taken);
		if (put < taken) {
			return done ? (s64)done : put;
		}
	}
	return (s64)done;
}

/* One read, of what there is room for. */
static s64 file_to_pipe(struct splice_end *in, struct splice_end *out, u64 length,
			u32 flags, u8 *buffer)
{
	s64 room = pipe_reserve(out->pipe, MIN(length, (u64)CHUNK), waits(out, flags));
	struct io_buffer io;
	s64 got, put;

	if (room < 0) {
		return room;
	}
	io_buffer_init_kernel(&io, buffer, (u64)room);
	got = file_read(in->reference.file, &io, in->user ? &in->position : NULL);
	put = pipe_fill(out->pipe, buffer, (u64)MAX(got, (s64)0), (u64)room);
	return got > 0 ? put : got;
}

static s64 splice(struct splice_end *in, struct splice_end *out, u64 length, u32 flags)
{
	s64 result;
	u8 *buffer;

	if (in->pipe && out->pipe) {
		return pipe_splice_pipe(in->pipe, out->pipe, length, true,
					waits(in, flags) && waits(out, flags));
	}
	buffer = heap_allocate(CHUNK);
	if (!buffer) {
		return -ENOMEM;
	}
	result = in->pipe ? pipe_to_file(in, out, length, flags, buffer)
			  : file_to_pipe(in, out, length, flags, buffer);
	heap_free(buffer);
	return result;
}

static int check_ends(struct splice_end *in, struct splice_end *out)
{
	const struct file *file = in->reference.file;
	int error;

	if (!in->pipe && !out->pipe) {
		return -EINVAL;
	}
	if (in->pipe && in->user) {
		return -ESPIPE;
	}
	error = read_position(out);
	if (!error) {
		error = read_position(in);
	}
	if (!error && !out->pipe &&
	    (atomic_load(&out->reference.file->flags) & O_APPEND)) {
		error = -EINVAL;
	}
	if (!error && (file->inode->attributes.mode & S_IFMT) == S_IFDIR) {
		error = -EINVAL;
	}
	return error;
}

/* The other kind of end is told of by what reads and writes it. */
static void tell_pipes(const struct splice_end *in, const struct splice_end *out)
{
	if (in->pipe) {
		notify_file(in->reference.file, NOTIFY_ACCESS);
	}
	if (out->pipe) {
		notify_file(out->reference.file, NOTIFY_MODIFY);
	}
}

static long finish(long result)
{
	if (result == -EPIPE) {
		signal_send_current(SIGPIPE);
	}
	return result;
}

long sys_splice(const struct syscall_arguments *a)
{
	struct splice_end in = {.user = a->arg[1]}, out = {.user = a->arg[3]};
	u64 length = MIN(a->arg[4], TRANSFER_MAX);
	u32 flags = (u32)a->arg[5];
	long result;

	if (length == 0) {
		return 0;
	}
	if (flags & ~(u32)FLAGS_ALL) {
		return -EINVAL;
	}
	result = begin_both(&in, (int)a->arg[0], &out, (int)a->arg[2]);
	if (result) {
		return result;
	}
	result = check_ends(&in, &out);
	if (!result) {
		result = (long)splice(&in, &out, length, flags);
	}
	if (result > 0) {
		tell_pipes(&in, &out);
	}
	if (result >= 0 && (write_position(&in) || write_position(&out))) {
		result = -EFAULT;
	}
	fd_end(&out.reference);
	fd_end(&in.reference);
	return finish(result);
}

long sys_tee(const struct syscall_arguments *a)
{
	struct splice_end in = {0}, out = {0};
	u64 length = MIN(a->arg[2], TRANSFER_MAX);
	u32 flags = (u32)a->arg[3];
	long result;

	if (flags & ~(u32)FLAGS_ALL) {
		return -EINVAL;
	}
	if (length == 0) {
		return 0;
	}
	result = begin_both(&in, (int)a->arg[0], &out, (int)a->arg[1]);
	if (result) {
		return result;
	}
	result = -EINVAL;
	if (in.pipe && out.pipe) {
		result = (long)pipe_splice_pipe(in.pipe, out.pipe, length, false,
						waits(&in, flags) && waits(&out, flags));
	}
	fd_end(&out.reference);
	fd_end(&in.reference);
	return finish(result);
}

/* In which direction the descriptor says. */
static s64 splice_memory(struct splice_end *end, struct io_buffer *io, u32 flags)
{
	bool wait = waits(end, flags);

	if (io->remaining == 0) {
		return 0;
	}
	if (!end->pipe) {
		return -EBADF;
	}
	return end->reference.file->mode & FILE_WRITE
		       ? pipe_splice_in(end->pipe, io, wait)
		       : pipe_splice_out(end->pipe, io, wait);
}

long sys_vmsplice(const struct syscall_arguments *a)
{
	struct splice_end end = {0};
	struct user_vector vector;
	u32 flags = (u32)a->arg[3];
	long result;

	if (flags & ~(u32)FLAGS_ALL) {
		return -EINVAL;
	}
	result = begin(&end, (int)a->arg[0], 0);
	if (result) {
		return result;
	}
	result = user_vector_read(&vector, a->arg[1], a->arg[2]);
	if (!result) {
		result = (long)splice_memory(&end, &vector.io, flags);
		user_vector_release(&vector);
	}
	fd_end(&end.reference);
	return finish(result);
}
