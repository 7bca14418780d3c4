// SPDX-License-Identifier: MIT
/*
 * Pipes and FIFOs: a ring of bytes in pages that are made on first use.
 *
 * Owns      struct pipe.
 * Locks     inode.lock (FIFOs) > pipe.lock (RANK_PIPE) > user copies (vm). Wait queues are woken after the lock is dropped.
 *
 * Invariants
 *   P1  head - tail <= capacity; bytes [tail, head) are in pages[(position / PAGE_SIZE) % page_count].
 *   P2  readers and writers count the open files of each side; `files` counts both, and openers on
 *       their way: whoever makes it 0 frees the pipe. inode.lock keeps openers and the last closer apart.
 *   P4  `reserved` bytes of room belong to a splice under way (pipe_splice.c): writers leave them, and the pages stay.
 *   P5  The `filling` bytes from head on have their pages: what was read for a splice into the pipe comes there, wherever head is by then, and
 *	 must not be lost for want of memory. Who moves head has the pages behind them ready first.
 *   P3  A write of up to PIPE_BUF bytes goes in whole or not at all.
 */
#include "ipc/pipe_internal.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/usercopy.h"
#include <asm/ioctls.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/stat.h>

enum { DEFAULT_PAGES = 16, MAXIMUM_PAGES = 256 };

static const struct file_operations pipe_operations;
static const struct file_operations fifo_operations;

static struct pipe *pipe_allocate(void)
{
	struct pipe *pipe = heap_allocate(sizeof(*pipe));

	if (!pipe) {
		return NULL;
	}
	pipe->pages = heap_allocate_array(DEFAULT_PAGES, sizeof(*pipe->pages));
	if (!pipe->pages) {
		heap_free(pipe);
		return NULL;
	}
	pipe->page_count = DEFAULT_PAGES;
	mutex_init(&pipe->lock, RANK_PIPE, "pipe.lock");
	wait_queue_init(&pipe->readable);
	wait_queue_init(&pipe->writable);
	wait_queue_init(&pipe->opened);
	return pipe;
}

static void pipe_free(struct pipe *pipe)
{
	for (u32 i = 0; i < pipe->page_count; i++) {
		heap_free(pipe->pages[i]);
	}
	heap_free(pipe->pages);
	heap_free(pipe);
}

int pipe_create(u32 flags, struct file *out[2])
{
	struct pipe *pipe = pipe_allocate();
	int error;

	if (!pipe) {
		return -ENOMEM;
	}
	error = file_create_anonymous("pipe", S_IFIFO | 0600, &pipe_operations,
				      O_RDONLY | (flags & O_NONBLOCK), pipe, &out[0]);
	if (error) {
		pipe_free(pipe);
		return error;
	}
	pipe->readers = pipe->readers_ever = pipe->files = 1;
	pipe->anonymous = true;
	pipe->inode = out[0]->inode;
	pipe->inode->pipe = pipe;
	error = file_create(&out[0]->path, &pipe_operations,
			    O_WRONLY | (flags & O_NONBLOCK), NULL, &out[1]);
	if (error) {
		file_put(out[0]);
		return error;
	}
	out[1]->data = pipe;
	pipe->writers = pipe->writers_ever = 1;
	pipe->files = 2;
	return 0;
}

struct pipe *pipe_from_file(struct file *file)
{
	bool is_pipe = file->operations == &pipe_operations ||
		       file->operations == &fifo_operations;

	return is_pipe ? file->data : NULL;
}

u64 pipe_take_bytes(struct pipe *pipe, struct io_buffer *io, u64 wanted)
{
	u64 done = 0;

	while (done < wanted) {
		u64 at = pipe->tail % PAGE_SIZE;
		u64 chunk = MIN(wanted - done, PAGE_SIZE - at);
		u8 *page = pipe->pages[pipe->tail / PAGE_SIZE % pipe->page_count];
		size_t moved = io_copy_to(io, page + at, chunk);

		pipe->tail += moved;
		done += moved;
		if (moved < chunk) {
			break;
		}
	}
	return done;
}

static s64 pipe_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct pipe *pipe = file->data;
	u64 wanted, done;
	s64 result = 0;

	if (io->remaining == 0) {
		return 0;
	}
	mutex_lock(&pipe->lock);
	while (pipe_used(pipe) == 0) {
		if (pipe->writers == 0) {
			goto unlock;
		}
		if (file_nonblocking(file)) {
			result = -EAGAIN;
			goto unlock;
		}
		result = mutex_sleep(&pipe->lock, &pipe->readable, NSEC_NEVER);
		if (result) {
			goto unlock;
		}
	}
	wanted = MIN(io->remaining, pipe_used(pipe));
	done = pipe_take_bytes(pipe, io, wanted);
	result = done ? (s64)done : -EFAULT;
unlock:
	mutex_unlock(&pipe->lock);
	if (result > 0) {
		wake_all(&pipe->writable, EPOLLOUT | EPOLLWRNORM);
	}
	return result;
}

u64 pipe_have_pages(struct pipe *pipe, u64 position, u64 size)
{
	u64 done = 0;

	while (done < size) {
		u64 at = position + done;
		void **page = &pipe->pages[at / PAGE_SIZE % pipe->page_count];

		if (!*page) {
			*page = heap_allocate(PAGE_SIZE);
		}
		if (!*page) {
			break;
		}
		done += MIN(size - done, PAGE_SIZE - at % PAGE_SIZE);
	}
	return done;
}

/* For `chunk` bytes at head, which are in one page; and P5. pipe.lock held. */
static bool have_pages_for(struct pipe *pipe, u64 chunk)
{
	if (!pipe_have_pages(pipe, pipe->head, 1)) {
		return false;
	}
	return !pipe->filling ||
	       pipe_have_pages(pipe, pipe->head + chunk + pipe->filling - 1, 1);
}

u64 pipe_give_bytes(struct pipe *pipe, struct io_buffer *io, u64 wanted, int *error)
{
	u64 done = 0;

	while (done < wanted) {
		u64 at = pipe->head % PAGE_SIZE;
		u64 chunk = MIN(wanted - done, PAGE_SIZE - at);
		size_t moved;
		u8 *page;

		if (!have_pages_for(pipe, chunk)) {
			*error = -ENOMEM;
			break;
		}
		page = pipe->pages[pipe->head / PAGE_SIZE % pipe->page_count];
		moved = io_copy_from(io, page + at, chunk);
		pipe->head += moved;
		done += moved;
		if (moved < chunk) {
			*error = -EFAULT;
			break;
		}
	}
	return done;
}

/* Wait until a write of `size` bytes may put something in: room for all of it if it is atomic (P3), else for a byte. */
static int wait_for_room(struct pipe *pipe, struct file *file, u64 size)
	MUST_HOLD(&pipe->lock)
{
	u64 needed = size <= PIPE_BUF ? size : 1;

	for (;;) {
		int error;

		if (pipe->readers == 0) {
			return -EPIPE;
		}
		if (pipe_room(pipe) >= needed) {
			return 0;
		}
		if (file_nonblocking(file)) {
			return -EAGAIN;
		}
		error = mutex_sleep(&pipe->lock, &pipe->writable, NSEC_NEVER);
		if (error) {
			return error;
		}
	}
}

static s64 pipe_write(struct file *file, struct io_buffer *io, u64 *position)
{
	struct pipe *pipe = file->data;
	u64 done = 0, size = io->remaining;
	int error = 0;

	if (size == 0) {
		return 0;
	}
	mutex_lock(&pipe->lock);
	while (done < size && !error) {
		u64 before = done;

		error = wait_for_room(pipe, file, size);
		if (error) {
			break;
		}
		done += pipe_give_bytes(pipe, io, MIN(size - done, pipe_room(pipe)),
					&error);
		if (done > before) {
			mutex_unlock(&pipe->lock);
			wake_all(&pipe->readable, EPOLLIN | EPOLLRDNORM);
			mutex_lock(&pipe->lock);
		}
	}
	mutex_unlock(&pipe->lock);
	return done ? (s64)done : error;
}

static u32 pipe_poll(struct file *file, struct poll_table *table)
{
	struct pipe *pipe = file->data;
	u32 mask = 0;

	if (file->mode & FILE_READ) {
		poll_wait(table, &pipe->readable);
	}
	if (file->mode & FILE_WRITE) {
		poll_wait(table, &pipe->writable);
	}
	mutex_lock(&pipe->lock);
	if (file->mode & FILE_READ) {
		mask |= pipe_used(pipe) ? EPOLLIN | EPOLLRDNORM : 0;
		mask |= pipe->writers == 0 && pipe->writers_ever != file->cookie
				? EPOLLHUP
				: 0;
	}
	if (file->mode & FILE_WRITE) {
		mask |= pipe_room(pipe) >= PIPE_BUF ? EPOLLOUT | EPOLLWRNORM : 0;
		mask |= pipe->readers == 0 ? EPOLLERR : 0;
	}
	mutex_unlock(&pipe->lock);
	return mask;
}

static s64 pipe_ioctl(struct file *file, unsigned command, u64 argument)
{
	struct pipe *pipe = file->data;
	int available;

	if (command != FIONREAD) {
		return -ENOTTY;
	}
	mutex_lock(&pipe->lock);
	available = (int)pipe_used(pipe);
	mutex_unlock(&pipe->lock);
	return user_write(argument, &available, sizeof(available));
}

static void pipe_leave(struct pipe *pipe, u32 readers, u32 writers)
{
	bool last;

	mutex_lock(&pipe->lock);
	pipe->readers -= readers;
	pipe->writers -= writers;
	pipe->files--;
	last = pipe->files == 0;
	if (last && pipe->inode) {
		spin_lock(&pipe->inode->state_lock);
		pipe->inode->pipe = NULL;
		spin_unlock(&pipe->inode->state_lock);
	}
	if (!last) {
		/* Under the lock: once it is free the other side may be the last, and free the pipe. */
		wake_all(&pipe->readable, EPOLLIN | EPOLLHUP);
		wake_all(&pipe->writable, EPOLLOUT | EPOLLERR);
	}
	mutex_unlock(&pipe->lock);
	if (last) {
		pipe_free(pipe);
	}
}

static void pipe_release(struct file *file)
{
	if (file->data) {
		pipe_leave(file->data, file->mode & FILE_READ ? 1 : 0,
			   file->mode & FILE_WRITE ? 1 : 0);
	}
}

s64 pipe_capacity(struct pipe *pipe)
{
	s64 bytes;

	mutex_lock(&pipe->lock);
	bytes = (s64)pipe->page_count * (s64)PAGE_SIZE;
	mutex_unlock(&pipe->lock);
	return bytes;
}

/* Move what the ring holds to the front of `pages`; lock held. */
static void pipe_move_pages(struct pipe *pipe, void **pages, u32 count)
{
	u64 first = pipe->tail / PAGE_SIZE, used = pipe_used(pipe);
	u64 last = used ? (pipe->head - 1) / PAGE_SIZE : first;
	void **old = pipe->pages;

	for (u64 i = first; used && i <= last; i++) {
		pages[i % count] = old[i % pipe->page_count];
		old[i % pipe->page_count] = NULL;
	}
	for (u32 i = 0; i < pipe->page_count; i++) {
		heap_free(old[i]);
	}
	heap_free(old);
	pipe->pages = pages;
	pipe->page_count = count;
}

s64 pipe_set_capacity(struct pipe *pipe, u64 bytes)
{
	u32 count = 1;
	void **pages;
	u64 spanned;

	if (bytes > MAXIMUM_PAGES * PAGE_SIZE) {
		return bytes > INT32_MAX ? -EINVAL : -EPERM;
	}
	while (count * PAGE_SIZE < bytes) {
		count *= 2;
	}
	pages = heap_allocate_array(count, sizeof(*pages));
	if (!pages) {
		return -ENOMEM;
	}
	mutex_lock(&pipe->lock);
	if (pipe->reserved) {
		mutex_unlock(&pipe->lock);
		heap_free(pages);
		return -EBUSY;
	}
	spanned = pipe_used(pipe)
			  ? (pipe->head - 1) / PAGE_SIZE - pipe->tail / PAGE_SIZE + 1
			  : 0;
	if (spanned > count) {
		mutex_unlock(&pipe->lock);
		heap_free(pages);
		return -EBUSY;
	}
	pipe_move_pages(pipe, pages, count);
	mutex_unlock(&pipe->lock);
	wake_all(&pipe->writable, EPOLLOUT | EPOLLWRNORM);
	return (s64)count * (s64)PAGE_SIZE;
}

/* The pipe of a FIFO's inode with one more in `files`; made if this is the first opener. */
static int fifo_attach(struct inode *inode, struct pipe **out)
{
	struct pipe *fresh = pipe_allocate(), *pipe;

	if (!fresh) {
		return -ENOMEM;
	}
	fresh->inode = inode;
	rwlock_lock(
		&inode->lock); /* keeps two first openers, and a last closer's free, apart: see fifo_release() */
	pipe = inode->pipe;
	if (!pipe) {
		pipe = inode->pipe = fresh;
		fresh = NULL;
	}
	mutex_lock(&pipe->lock);
	pipe->files++;
	mutex_unlock(&pipe->lock);
	rwlock_unlock(&inode->lock);
	if (fresh) {
		pipe_free(fresh);
	}
	*out = pipe;
	return 0;
}

/* Wait until the other side has been opened since `seen`. lock held. */
static int fifo_wait_peer(struct pipe *pipe, u32 *present, u64 *ever)
	MUST_HOLD(&pipe->lock)
{
	u64 seen = *ever;

	while (*present == 0 && *ever == seen) {
		int error = mutex_sleep(&pipe->lock, &pipe->opened, NSEC_NEVER);

		if (error) {
			return error;
		}
	}
	return 0;
}

/* fifo(7): a reader waits for a writer and the other way round; O_RDWR never; a writer that may not wait gets ENXIO. */
static int fifo_meet(struct pipe *pipe, struct file *file) MUST_HOLD(&pipe->lock)
{
	bool reads = file->mode & FILE_READ, writes = file->mode & FILE_WRITE;

	if (writes && !reads && file_nonblocking(file) && pipe->readers == 0 &&
	    !pipe->anonymous) {
		return -ENXIO;
	}
	pipe->readers += reads;
	pipe->writers += writes;
	pipe->readers_ever += reads;
	pipe->writers_ever += writes;
	wake_all(&pipe->opened, 0);
	if (pipe->anonymous) {
		return 0;
	}
	if (reads && !writes) {
		file->cookie =
			pipe->writers
				? 0
				: pipe->writers_ever; /* no hang-up before the first writer */
		return file_nonblocking(file) ? 0
					      : fifo_wait_peer(pipe, &pipe->writers,
							       &pipe->writers_ever);
	}
	if (writes && !reads) {
		return fifo_wait_peer(pipe, &pipe->readers, &pipe->readers_ever);
	}
	return 0;
}

static int fifo_open(struct inode *inode, struct file *file)
{
	struct pipe *pipe;
	bool counted;
	int error = fifo_attach(inode, &pipe);

	if (error) {
		return error;
	}
	mutex_lock(&pipe->lock);
	error = fifo_meet(pipe, file);
	counted = error != -ENXIO;
	mutex_unlock(&pipe->lock);
	if (error) {
		rwlock_lock(&inode->lock);
		pipe_leave(pipe, counted && file->mode & FILE_READ,
			   counted && file->mode & FILE_WRITE ? 1 : 0);
		rwlock_unlock(&inode->lock);
		return error;
	}
	file->data = pipe;
	return 0;
}

static void fifo_release(struct file *file)
{
	if (!file->data) {
		return;
	}
	rwlock_lock(&file->inode->lock);
	pipe_release(file);
	rwlock_unlock(&file->inode->lock);
}

static const struct file_operations pipe_operations = {
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.release = fifo_release,
	.no_position = true,
};

static const struct file_operations fifo_operations = {
	.open = fifo_open,
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.release = fifo_release,
	.no_position = true,
};

void pipe_init(void)
{
	fifo_set_operations(&fifo_operations);
}
