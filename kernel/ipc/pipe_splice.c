// SPDX-License-Identifier: MIT
/*
 * Splicing: between pipes, and between a pipe and what is not one, without the bytes going through a program.
 *
 * Locks     pipe.lock; of two pipes both, by address. Neither is held while a file is read or written: what is on its way there has room
 *           reserved in the pipe (P4), so that it can come back, in front of what readers find then.
 */
#include "ipc/pipe_internal.h"

#include "core/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include <linux/eventpoll.h>

/* 1: there is data; 0: there is none, and no writer. */
static int wait_for_data(struct pipe *pipe, bool wait) MUST_HOLD(&pipe->lock)
{
	while (pipe_used(pipe) == 0) {
		int error;

		if (pipe->writers == 0) {
			return 0;
		}
		if (!wait) {
			return -EAGAIN;
		}
		error = mutex_sleep(&pipe->lock, &pipe->readable, NSEC_NEVER);
		if (error) {
			return error;
		}
	}
	return 1;
}

static int wait_for_room(struct pipe *pipe, bool wait) MUST_HOLD(&pipe->lock)
{
	for (;;) {
		int error;

		if (pipe->readers == 0) {
			return -EPIPE;
		}
		if (pipe_room(pipe) > 0) {
			return 0;
		}
		if (!wait) {
			return -EAGAIN;
		}
		error = mutex_sleep(&pipe->lock, &pipe->writable, NSEC_NEVER);
		if (error) {
			return error;
		}
	}
}

static void tell_readers(struct pipe *pipe)
{
	wake_all(&pipe->readable, EPOLLIN | EPOLLRDNORM);
}

static void tell_writers(struct pipe *pipe)
{
	wake_all(&pipe->writable, EPOLLOUT | EPOLLWRNORM);
}

s64 pipe_splice_out(struct pipe *pipe, struct io_buffer *to, bool wait)
{
	s64 result;

	mutex_lock(&pipe->lock);
	result = wait_for_data(pipe, wait);
	if (result > 0) {
		result = (s64)pipe_take_bytes(pipe, to,
					      MIN(to->remaining, pipe_used(pipe)));
		result = result ? result : -EFAULT;
	}
	mutex_unlock(&pipe->lock);
	if (result > 0) {
		tell_writers(pipe);
	}
	return result;
}

s64 pipe_splice_in(struct pipe *pipe, struct io_buffer *from, bool wait)
{
	u64 done = 0;
	int error;

	mutex_lock(&pipe->lock);
	error = wait_for_room(pipe, wait);
	if (!error) {
		done = pipe_give_bytes(pipe, from, MIN(from->remaining, pipe_room(pipe)),
				       &error);
	}
	mutex_unlock(&pipe->lock);
	if (done) {
		tell_readers(pipe);
	}
	return done ? (s64)done : error;
}

s64 pipe_take(struct pipe *pipe, void *to, u64 size, bool wait)
{
	struct io_buffer io;
	s64 result;

	mutex_lock(&pipe->lock);
	result = wait_for_data(pipe, wait);
	if (result > 0) {
		u64 wanted = MIN(size, pipe_used(pipe));

		io_buffer_init_kernel(&io, to, wanted);
		result = (s64)pipe_take_bytes(pipe, &io, wanted);
		pipe->reserved += (u64)result;
	}
	mutex_unlock(&pipe->lock);
	return result;
}

/* The `size` bytes below the tail; the room there is reserved, so their pages are there. */
static void put_in_front(struct pipe *pipe, const u8 *bytes, u64 size)
	MUST_HOLD(&pipe->lock)
{
	pipe->tail -= size;
	for (u64 done = 0; done < size;) {
		u64 position = pipe->tail + done, at = position % PAGE_SIZE;
		u64 chunk = MIN(size - done, PAGE_SIZE - at);

		memcpy((u8 *)pipe->pages[position / PAGE_SIZE % pipe->page_count] + at,
		       bytes + done, chunk);
		done += chunk;
	}
}

void pipe_settle(struct pipe *pipe, const void *rest, u64 left, u64 taken)
{
	mutex_lock(&pipe->lock);
	put_in_front(pipe, rest, left);
	pipe->reserved -= taken;
	mutex_unlock(&pipe->lock);
	if (left) {
		tell_readers(pipe);
	}
	tell_writers(pipe);
}

s64 pipe_reserve(struct pipe *pipe, u64 size, bool wait)
{
	s64 result;

	mutex_lock(&pipe->lock);
	result = wait_for_room(pipe, wait);
	if (result == 0) {
		u64 have = pipe_have_pages(pipe, pipe->head + pipe->filling,
					   MIN(size, pipe_room(pipe)));

		pipe->filling += have;
		pipe->reserved += have;
		result = have ? (s64)have : -ENOMEM;
	}
	mutex_unlock(&pipe->lock);
	return result;
}

s64 pipe_fill(struct pipe *pipe, void *from, u64 used, u64 reserved)
{
	struct io_buffer io;
	int error = 0;
	u64 done;

	io_buffer_init_kernel(&io, from, used);
	mutex_lock(&pipe->lock);
	pipe->filling -= reserved;
	pipe->reserved -= reserved;
	done = pipe_give_bytes(pipe, &io, used, &error);
	mutex_unlock(&pipe->lock);
	if (done) {
		tell_readers(pipe);
	}
	if (done < reserved) {
		tell_writers(pipe);
	}
	ASSERT(!error); // P5
	return (s64)done;
}

/* As much as there is in one and room for in the other; the first one's bytes stay. Both locks held. */
static s64 copy_across(struct pipe *from, struct pipe *to, u64 length)
	MUST_HOLD(&from->lock)
{
	u64 size = MIN(length, MIN(pipe_used(from), pipe_room(to))), done = 0;
	int error = 0;

	while (done < size && !error) {
		u64 position = from->tail + done, at = position % PAGE_SIZE;
		u64 chunk = MIN(size - done, PAGE_SIZE - at);
		u8 *page = from->pages[position / PAGE_SIZE % from->page_count];
		struct io_buffer io;

		io_buffer_init_kernel(&io, page + at, chunk);
		done += pipe_give_bytes(to, &io, chunk, &error);
	}
	return done ? (s64)done : error;
}

/* Until one has data and the other room: 1; 0: there is no more to come. */
static int wait_for_both(struct pipe *from, struct pipe *to, bool wait)
{
	int result;

	mutex_lock(&from->lock);
	result = wait_for_data(from, wait);
	mutex_unlock(&from->lock);
	if (result <= 0) {
		return result;
	}
	mutex_lock(&to->lock);
	result = wait_for_room(to, wait);
	mutex_unlock(&to->lock);
	return result ? result : 1;
}

NO_THREAD_SAFETY s64 pipe_splice_pipe(struct pipe *from, struct pipe *to, u64 length,
				      bool consume, bool wait)
{
	s64 result;

	if (from == to) {
		return -EINVAL;
	}
	do {
		result = wait_for_both(from, to, wait);
		if (result <= 0) {
			return result;
		}
		mutex_lock_pair(&from->lock, &to->lock);
		result = to->readers ? copy_across(from, to, length) : -EPIPE;
		if (result > 0 && consume) {
			from->tail += (u64)result;
		}
		mutex_unlock_pair(&from->lock, &to->lock);
	} while (result == 0); // others were faster
	if (result > 0) {
		tell_readers(to);
		tell_writers(from);
	}
	return result;
}
