// SPDX-License-Identifier: MIT
/*
 * Asynchronous I/O: io_setup(2), io_destroy(2), io_submit(2), io_cancel(2), io_getevents(2) and io_pgetevents(2).
 *
 * As on Linux for files in its page cache, what reads, writes or syncs has ended when io_submit(2) returns, and may have slept there; only
 * IOCB_CMD_POLL goes on by itself. IOCB_CMD_NOOP is a number that Linux knows no request for either.
 */
#include "ipc/aio/aio.h"

#include "ipc/eventfd.h"
#include "mm/usercopy.h"
#include "process/signal/signal.h"
#include "process/signal/temporary_mask.h"
#include "syscall/file_support.h"
#include "syscall/priorities.h"
#include "time/clock.h"
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <linux/time_types.h>

STATIC_ASSERT(sizeof(struct io_event) == sizeof(struct aio_result));
STATIC_ASSERT(offsetof(struct io_event, obj) == offsetof(struct aio_result, object));
STATIC_ASSERT(offsetof(struct io_event, res) == offsetof(struct aio_result, result));

enum { REQUEST_KEY = 0 /* what aio_key becomes */ };

struct request {
	struct aio_context *context;
	struct iocb iocb;
	struct fd_reference file, notified; /* notified.file NULL: nobody */
	struct aio_end end;
};

long sys_io_setup(const struct syscall_arguments *a)
{
	vaddr_t id;
	int error;

	if (user_read(&id, a->arg[1], sizeof(id))) {
		return -EFAULT;
	}
	if (id || !(u32)a->arg[0]) {
		return -EINVAL;
	}
	error = aio_create(current_vm(), (u32)a->arg[0], &id);
	if (!error && user_write(a->arg[1], &id, sizeof(id))) {
		(void)!aio_destroy(current_vm(), id);
		error = -EFAULT;
	}
	return error;
}

long sys_io_destroy(const struct syscall_arguments *a)
{
	return aio_destroy(current_vm(), a->arg[0]);
}

/* --- reading, writing, syncing --- */

static bool writes(const struct iocb *iocb)
{
	return iocb->aio_lio_opcode == IOCB_CMD_PWRITE ||
	       iocb->aio_lio_opcode == IOCB_CMD_PWRITEV;
}

static int check_transfer(const struct request *request)
{
	const u32 known = RWF_HIPRI | RWF_DSYNC | RWF_SYNC;
	const struct iocb *iocb = &request->iocb;
	const struct file *file = request->file.file;
	int error = iocb->aio_flags & IOCB_FLAG_IOPRIO
			    ? io_priority_check((u32)iocb->aio_reqprio)
			    : 0;
	bool able;

	if (error) {
		return error;
	}
	if ((u32)iocb->aio_rw_flags & ~known) {
		return -EOPNOTSUPP;
	}
	if (!(file->mode & (writes(iocb) ? FILE_WRITE : FILE_READ))) {
		return -EBADF;
	}
	able = writes(iocb) ? file->operations->write != NULL
			    : file->operations->read != NULL;
	return able && !S_ISDIR(file->inode->attributes.mode) ? 0 : -EINVAL;
}

/* What a signal broke is not begun anew: there is nobody to do it. */
static s64 final_result(s64 result)
{
	switch (result) {
	case -ERESTART:
	case -ERESTART_ALWAYS:
	case -ERESTART_NO_HANDLER:
	case -ERESTART_BLOCK:
		return -EINTR;
	case -EPIPE:
		signal_send_current(SIGPIPE);
	}
	return result;
}

static s64 sync_written(const struct request *request, s64 written)
{
	struct file *file = request->file.file;
	u32 flags = (u32)request->iocb.aio_rw_flags;
	int error;

	if (written <= 0 || !(flags & (RWF_DSYNC | RWF_SYNC)) ||
	    !file->operations->sync) {
		return written;
	}
	error = file->operations->sync(file, !(flags & RWF_SYNC));
	return error ? error : written;
}

static s64 move(const struct request *request, struct io_buffer *io)
{
	struct file *file = request->file.file;
	u64 position = (u64)request->iocb.aio_offset;
	u64 *place = file->operations->no_position ? NULL : &position;

	if (position && S_ISSOCK(file->inode->attributes.mode)) {
		return -ESPIPE;
	}
	return final_result(writes(&request->iocb)
				    ? sync_written(request, file_write(file, io, place))
				    : file_read(file, io, place));
}

/* Its result is in request->end. An errno: it was not begun. */
static int transfer(struct request *request, struct io_buffer *io)
{
	s64 position = request->iocb.aio_offset;

	if (position < 0 || (u64)position + io->remaining > INT64_MAX) {
		return -EINVAL;
	}
	request->end.event.result = move(request, io);
	return 0;
}

static int transfer_buffer(struct request *request)
{
	struct io_buffer io;
	int error = check_transfer(request);

	if (!error) {
		error = user_buffer(&io, request->iocb.aio_buf, request->iocb.aio_nbytes);
	}
	return error ? error : transfer(request, &io);
}

static int transfer_vector(struct request *request)
{
	struct user_vector vector;
	int error = check_transfer(request);

	if (!error) {
		error = user_vector_read(&vector, request->iocb.aio_buf,
					 request->iocb.aio_nbytes);
	}
	if (error) {
		return error;
	}
	error = transfer(request, &vector.io);
	user_vector_release(&vector);
	return error;
}

static int sync_file(struct request *request)
{
	const struct iocb *iocb = &request->iocb;
	struct file *file = request->file.file;

	if (iocb->aio_buf || iocb->aio_offset || iocb->aio_nbytes || iocb->aio_rw_flags ||
	    !file->operations->sync) {
		return -EINVAL;
	}
	request->end.event.result =
		file->operations->sync(file, iocb->aio_lio_opcode == IOCB_CMD_FDSYNC);
	return 0;
}

static int poll_file(struct request *request)
{
	const struct iocb *iocb = &request->iocb;

	if ((u16)iocb->aio_buf != iocb->aio_buf || iocb->aio_offset || iocb->aio_nbytes ||
	    iocb->aio_rw_flags) {
		return -EINVAL;
	}
	return aio_poll(request->context, request->file.file, (u32)iocb->aio_buf,
			&request->end);
}

/* --- io_submit --- */

/* Begins it, and ends it but for a poll. An errno: there is no such request, and its place is free. */
static int carry_out(struct request *request)
{
	int error;

	switch (request->iocb.aio_lio_opcode) {
	case IOCB_CMD_PREAD:
	case IOCB_CMD_PWRITE:
		error = transfer_buffer(request);
		break;
	case IOCB_CMD_PREADV:
	case IOCB_CMD_PWRITEV:
		error = transfer_vector(request);
		break;
	case IOCB_CMD_FSYNC:
	case IOCB_CMD_FDSYNC:
		error = sync_file(request);
		break;
	case IOCB_CMD_POLL:
		return poll_file(request);
	default:
		return -EINVAL;
	}
	if (!error) {
		aio_finish(request->context, &request->end);
	}
	return error;
}

static int find_notified(struct request *request)
{
	int error;

	request->notified.file = NULL;
	if (!(request->iocb.aio_flags & IOCB_FLAG_RESFD)) {
		return 0;
	}
	error = fd_begin(current_files(), (int)request->iocb.aio_resfd,
			 &request->notified);
	if (error) {
		request->notified.file = NULL;
		return error;
	}
	if (!file_is_eventfd(request->notified.file)) {
		fd_end(&request->notified);
		return -EINVAL;
	}
	request->end.notified = request->notified.file;
	return 0;
}

static int with_files(struct request *request, vaddr_t user)
{
	const u32 key = REQUEST_KEY;
	int error =
		fd_begin(current_files(), (int)request->iocb.aio_fildes, &request->file);

	if (error) {
		return error;
	}
	error = find_notified(request);
	if (!error) {
		error = user_write(user + offsetof(struct iocb, aio_key), &key,
				   sizeof(key));
		error = error ? error : carry_out(request);
		if (request->notified.file) {
			fd_end(&request->notified);
		}
	}
	fd_end(&request->file);
	return error;
}

static int submit(struct aio_context *context, vaddr_t user)
{
	struct request request = {.context = context};
	struct iocb *iocb = &request.iocb;
	int error;

	if (user_read(iocb, user, sizeof(*iocb))) {
		return -EFAULT;
	}
	if (iocb->aio_reserved2 || (s64)iocb->aio_nbytes < 0) {
		return -EINVAL;
	}
	error = aio_begin(context);
	if (error) {
		return error;
	}
	request.end.event.data = iocb->aio_data;
	request.end.event.object = user;
	error = with_files(&request, user);
	if (error) {
		aio_abandon(context);
	}
	return error;
}

long sys_io_submit(const struct syscall_arguments *a)
{
	struct aio_context *context;
	long count = (long)a->arg[1], done = 0;
	int error;

	if (count < 0) {
		return -EINVAL;
	}
	error = aio_find(current_vm(), a->arg[0], &context);
	if (error) {
		return error;
	}
	count = MIN(count, (long)aio_capacity(context));
	while (done < count && !error) {
		vaddr_t iocb;

		error = user_read(&iocb, a->arg[2] + (u64)done * sizeof(iocb),
				  sizeof(iocb));
		if (!error) {
			error = submit(context, iocb);
		}
		done += !error;
	}
	aio_put(context);
	return done ? done : error;
}

long sys_io_cancel(const struct syscall_arguments *a)
{
	struct aio_context *context;
	u32 key;
	int error;

	if (user_read(&key, a->arg[1] + offsetof(struct iocb, aio_key), sizeof(key))) {
		return -EFAULT;
	}
	if (key != REQUEST_KEY) {
		return -EINVAL;
	}
	error = aio_find(current_vm(), a->arg[0], &context);
	if (error) {
		return error;
	}
	error = aio_cancel(context, a->arg[1]);
	aio_put(context);
	return error;
}

/* --- io_getevents --- */

/* Any two numbers will do: what is too long is for ever, and so is what is less than nothing, as Linux has it. */
static int read_timeout(vaddr_t user, nsec_t *deadline)
{
	struct __kernel_timespec wanted;
	nsec_t length;

	*deadline = NSEC_NEVER;
	if (!user) {
		return 0;
	}
	if (user_read(&wanted, user, sizeof(wanted))) {
		return -EFAULT;
	}
	if (__builtin_mul_overflow((nsec_t)wanted.tv_sec, NSEC_PER_SEC, &length) ||
	    __builtin_add_overflow(length, (nsec_t)wanted.tv_nsec, &length)) {
		length = NSEC_NEVER;
	}
	if (length >= 0) {
		*deadline = length ? nsec_add(clock_monotonic(), length) : 0;
	}
	return 0;
}

static s64 get_events(const struct syscall_arguments *a, nsec_t deadline)
{
	s64 least = (s64)a->arg[1], most = (s64)a->arg[2], result;
	struct aio_context *context;

	result = aio_find(current_vm(), a->arg[0], &context);
	if (result) {
		return result;
	}
	result = least < 0 || least > most
			 ? -EINVAL
			 : aio_collect(context, least, most, a->arg[3], deadline);
	aio_put(context);
	return result;
}

long sys_io_getevents(const struct syscall_arguments *a)
{
	nsec_t deadline;
	int error = read_timeout(a->arg[4], &deadline);

	return error ? error : (long)get_events(a, deadline);
}

long sys_io_pgetevents(const struct syscall_arguments *a)
{
	struct {
		u64 mask, size;
	} signals = {0, 0};
	nsec_t deadline;
	long result = read_timeout(a->arg[4], &deadline);

	if (result) {
		return result;
	}
	if (a->arg[5] && user_read(&signals, a->arg[5], sizeof(signals))) {
		return -EFAULT;
	}
	result = signal_set_temporary_mask(signals.mask, signals.size);
	if (result) {
		return result;
	}
	result = (long)get_events(a, deadline);
	return signal_end_temporary_mask(result == -EINTR ? -ERESTART_NO_HANDLER
							  : result);
}
