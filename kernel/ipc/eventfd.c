// SPDX-License-Identifier: MIT
/*
 * eventfd(2): a counter that reads and writes as 8 bytes.
 *
 * Owns      struct eventfd.
 * Locks     eventfd.lock is the counter's; never held across a copy. Who only looks at it needs none.
 */
#include "ipc/eventfd.h"

#include "core/spinlock.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "mm/heap.h"
#include "sched/wait.h"
#include <linux/eventpoll.h>
#include <linux/fcntl.h>

enum { SEMAPHORE = 1 }; /* EFD_SEMAPHORE: no uapi header has it before linux/eventfd.h */

struct eventfd {
	struct spinlock lock;
	u64 count GUARDED_BY(lock);
	bool semaphore;
	struct wait_queue queue;
};

/* Take what a read takes; false: it is zero. */
static bool try_take(struct eventfd *event, u64 *value)
{
	spin_lock(&event->lock);
	*value = event->semaphore && event->count ? 1 : event->count;
	event->count -= *value;
	spin_unlock(&event->lock);
	return *value != 0;
}

static bool try_add(struct eventfd *event, u64 value)
{
	bool fits;

	spin_lock(&event->lock);
	fits = UINT64_MAX - event->count > value;
	if (fits) {
		event->count += value;
	}
	spin_unlock(&event->lock);
	return fits;
}

static s64 eventfd_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct eventfd *event = file->data;
	u64 value = 0;
	int error = 0;

	if (io->remaining < sizeof(value)) {
		return -EINVAL;
	}
	if (!try_take(event, &value)) {
		if (file_nonblocking(file)) {
			return -EAGAIN;
		}
		error = wait_until(&event->queue, try_take(event, &value),
				   THREAD_INTERRUPTIBLE, NSEC_NEVER);
	}
	if (error) {
		return error;
	}
	wake_all(&event->queue, EPOLLOUT);
	return io_copy_to(io, &value, sizeof(value)) == sizeof(value) ? (s64)sizeof(value)
								      : -EFAULT;
}

static s64 eventfd_write(struct file *file, struct io_buffer *io, u64 *position)
{
	struct eventfd *event = file->data;
	u64 value;
	int error = 0;

	if (io->remaining < sizeof(value)) {
		return -EINVAL;
	}
	if (io_copy_from(io, &value, sizeof(value)) != sizeof(value)) {
		return -EFAULT;
	}
	if (value == UINT64_MAX) {
		return -EINVAL;
	}
	if (!try_add(event, value)) {
		if (file_nonblocking(file)) {
			return -EAGAIN;
		}
		error = wait_until(&event->queue, try_add(event, value),
				   THREAD_INTERRUPTIBLE, NSEC_NEVER);
	}
	if (error) {
		return error;
	}
	wake_all(&event->queue, EPOLLIN);
	return sizeof(value);
}

/* One word, for who only looks: behind a fence of who asks (fs/poll.h). */
static u64 count_now(const struct eventfd *event) NO_THREAD_SAFETY
{
	return READ_ONCE(event->count);
}

static u32 eventfd_poll(struct file *file, struct poll_table *table)
{
	struct eventfd *event = file->data;
	u32 mask = 0;
	u64 count;

	poll_wait(table, &event->queue);
	count = count_now(event);
	mask |= count > 0 ? EPOLLIN : 0;
	mask |= count < UINT64_MAX - 1 ? EPOLLOUT : 0;
	mask |= count == UINT64_MAX ? EPOLLERR : 0;
	return mask;
}

static int eventfd_fdinfo(struct file *file, char *to, size_t size)
{
	return format_string(to, size, "eventfd-count: %16lx\n", count_now(file->data));
}

static void eventfd_release(struct file *file)
{
	heap_free(file->data);
}

static const struct file_operations eventfd_operations = {
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.fdinfo = eventfd_fdinfo,
	.release = eventfd_release,
	.no_position = true,
};

bool file_is_eventfd(const struct file *file)
{
	return file->operations == &eventfd_operations;
}

void eventfd_signal(struct file *file)
{
	struct eventfd *event = file->data;

	spin_lock(&event->lock);
	event->count += event->count != UINT64_MAX;
	spin_unlock(&event->lock);
	wake_all(&event->queue, EPOLLIN);
}

/* Nobody else sees it yet: its fields need no lock. */
NO_THREAD_SAFETY int eventfd_create(u32 count, u32 flags, struct file **out)
{
	struct eventfd *event;
	int error;

	if (flags & ~(u32)(SEMAPHORE | O_NONBLOCK)) {
		return -EINVAL;
	}
	event = heap_allocate(sizeof(*event));
	if (!event) {
		return -ENOMEM;
	}
	spin_init(&event->lock, RANK_TIMERFD, "eventfd.lock");
	wait_queue_init(&event->queue);
	event->count = count;
	event->semaphore = flags & SEMAPHORE;
	error = file_create_anonymous("[eventfd]", 0600, &eventfd_operations,
				      O_RDWR | (flags & O_NONBLOCK), event, out);
	if (error) {
		heap_free(event);
	}
	return error;
}
