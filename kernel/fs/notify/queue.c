// SPDX-License-Identifier: MIT
/*
 * The queue of events of an inotify or fanotify instance, and reading it.
 *
 * Owns      struct notify_queue.
 * Locks     notify_queue.lock (spin): the queue. Events are made, given to readers and freed without it.
 *
 * Invariants
 *   Y1  The overflow event is in the queue at most once, and then nothing is queued behind it.
 */
#include "fs/notify/notify_internal.h"

#include "fs/file.h"
#include "lib/errno.h"
#include "mm/io_buffer.h"
#include "mm/usercopy.h"
#include <asm/ioctls.h>
#include <linux/eventpoll.h>

void notify_queue_init(struct notify_queue *queue,
		       const struct notify_queue_operations *operations) NO_THREAD_SAFETY
{
	queue->operations = operations;
	spin_init(&queue->lock, operations->rank, operations->lock_name);
	wait_queue_init(&queue->readers);
	list_init(&queue->events);
	list_init(&queue->overflow.link);
	queue->overflow.size = operations->overflow_size;
}

bool notify_queue_overflown(const struct notify_queue *queue)
{
	return !list_empty(&queue->overflow.link);
}

bool notify_queue_refuses(struct notify_queue *queue, const struct notify_entry *entry)
{
	bool overflown = notify_queue_overflown(queue);

	if (entry && !overflown && !queue->closed && queue->count < queue->maximum) {
		return false;
	}
	if (!overflown && !queue->closed) {
		notify_queue_push(queue, &queue->overflow);
	}
	return true;
}

void notify_queue_push(struct notify_queue *queue, struct notify_entry *entry)
{
	list_push_back(&queue->events, &entry->link);
	queue->count++;
	queue->bytes += entry->size;
}

/* The first event, if it fits into `room` bytes: taken out, its size. 0: there is none; -EINVAL: it does not fit. */
static s64 take(struct notify_queue *queue, u64 room, struct notify_entry **out)
{
	s64 size = 0;

	spin_lock(&queue->lock);
	if (!list_empty(&queue->events)) {
		*out = list_first(&queue->events, struct notify_entry, link);
		size = (*out)->size <= room ? (s64)(*out)->size : -EINVAL;
	}
	if (size > 0) {
		list_remove(&(*out)->link);
		queue->count--;
		queue->bytes -= (u64)size;
	}
	spin_unlock(&queue->lock);
	return size;
}

/* Give one event to the reader: its size, or what take() or give() say. */
static s64 read_one(struct notify_queue *queue, struct io_buffer *io)
{
	struct notify_entry *entry;
	s64 size = take(queue, io->remaining, &entry);

	if (size > 0) {
		size = queue->operations->give(queue, entry, io);
		if (entry != &queue->overflow) {
			queue->operations->free(entry);
		}
	}
	return size;
}

static bool has_events(struct notify_queue *queue)
{
	bool any;

	spin_lock(&queue->lock);
	any = !list_empty(&queue->events);
	spin_unlock(&queue->lock);
	return any;
}

s64 notify_queue_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct notify_queue *queue = file->data;
	s64 done = 0, size;

	for (;;) {
		size = read_one(queue, io);
		if (size > 0) {
			done += size;
			continue;
		}
		if (done && size != -EFAULT) {
			return done;
		}
		if (size == 0 && file_nonblocking(file)) {
			return -EAGAIN;
		}
		if (size == 0) {
			size = wait_until(&queue->readers, has_events(queue),
					  THREAD_INTERRUPTIBLE, NSEC_NEVER);
		}
		if (size < 0) {
			return size;
		}
	}
}

u32 notify_queue_poll(struct file *file, struct poll_table *table)
{
	struct notify_queue *queue = file->data;

	poll_wait(table, &queue->readers);
	return has_events(queue) ? EPOLLIN | EPOLLRDNORM : 0;
}

s64 notify_queue_ioctl(struct file *file, unsigned command, u64 argument)
{
	struct notify_queue *queue = file->data;
	u64 bytes;
	int value;

	if (command != FIONREAD) {
		return -ENOTTY;
	}
	spin_lock(&queue->lock);
	bytes = queue->bytes;
	spin_unlock(&queue->lock);
	value = (int)MIN(bytes, (u64)INT32_MAX);
	return user_write(argument, &value, sizeof(value));
}

void notify_queue_close(struct notify_queue *queue)
{
	struct list old = LIST_INIT(old);

	spin_lock(&queue->lock);
	queue->closed = true;
	list_remove(&queue->overflow.link);
	list_splice_back(&old, &queue->events);
	queue->count = 0;
	queue->bytes = 0;
	spin_unlock(&queue->lock);
	while (!list_empty(&old)) {
		struct notify_entry *entry = list_first(&old, struct notify_entry, link);

		list_remove(&entry->link);
		queue->operations->free(entry);
	}
}
