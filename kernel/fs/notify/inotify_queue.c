// SPDX-License-Identifier: MIT
/*
 * inotify(7): the queue of events and reading it.
 *
 * Owns      struct inotify_event_entry.
 * Locks     inotify.lock (spin): the queue. Events are made and copied out without it.
 *
 * Invariants
 *   Y1  The overflow event is in the queue at most once, and then nothing is queued behind it.
 *   Y2  Behind a watch's IN_IGNORED nothing of that watch is queued.
 */
#include "fs/notify/inotify_internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/usercopy.h"
#include <asm/ioctls.h>
#include <linux/eventpoll.h>

enum { UNIT = sizeof(struct inotify_event) /* names are padded to a multiple of it */ };

OBJECT_CACHE(event_cache, inotify_event_entry);

void inotify_queue_init(struct inotify *inotify) NO_THREAD_SAFETY
{
	spin_init(&inotify->lock, RANK_NOTIFY_QUEUE, "inotify.lock");
	wait_queue_init(&inotify->queue);
	list_init(&inotify->events);
	list_init(&inotify->overflow.link);
	inotify->overflow.watch = -1;
	inotify->overflow.mask = IN_Q_OVERFLOW;
}

static struct inotify_event_entry *make_entry(const struct inotify_watch *watch, u32 mask,
					      u32 cookie, const char *name)
{
	size_t length = name ? ALIGN_UP(strlen(name) + 1, (size_t)UNIT) : 0;
	struct inotify_event_entry *entry = heap_allocate(sizeof(*entry) + length);

	if (!entry) {
		return NULL;
	}
	object_count(&event_cache, 1);
	entry->watch = watch->number;
	entry->mask = mask;
	entry->cookie = cookie;
	entry->length = (u32)length;
	entry->name = (char *)(entry + 1);
	if (name) {
		memcpy(entry->name, name, strlen(name));
	}
	return entry;
}

static void free_entry(struct inotify_event_entry *entry)
{
	object_count(&event_cache, -1);
	heap_free(entry);
}

/* Cookies are not looked at: the two of a rename differ in more than that. */
static bool same_as_last(struct inotify *inotify, const struct inotify_event_entry *entry)
	MUST_HOLD(&inotify->lock)
{
	const struct inotify_event_entry *last;

	if (list_empty(&inotify->events)) {
		return false;
	}
	last = list_last(&inotify->events, struct inotify_event_entry, link);
	return last->watch == entry->watch && last->mask == entry->mask &&
	       last->length == entry->length &&
	       memcmp(last->name, entry->name, entry->length) == 0;
}

static void push(struct inotify *inotify, struct inotify_event_entry *entry)
	MUST_HOLD(&inotify->lock)
{
	list_push_back(&inotify->events, &entry->link);
	inotify->event_count++;
}

/* Take the event over, or leave it to the caller: true. entry NULL: there was no memory for it. */
static bool refuse(struct inotify *inotify, struct inotify_event_entry *entry)
	MUST_HOLD(&inotify->lock)
{
	bool overflown = !list_empty(&inotify->overflow.link);

	if (!entry || inotify->event_count >= inotify->events_maximum || overflown) {
		if (!overflown) {
			push(inotify, &inotify->overflow);
		}
		return true;
	}
	if (same_as_last(inotify, entry)) {
		return true;
	}
	push(inotify, entry);
	return false;
}

void inotify_queue_event(struct inotify *inotify, struct inotify_watch *watch, u32 mask,
			 u32 cookie, const char *name)
{
	struct inotify_event_entry *entry = make_entry(watch, mask, cookie, name);
	bool refused = true;

	spin_lock(&inotify->lock);
	if (!inotify->closed && !watch->ended) {
		refused = refuse(inotify, entry);
	}
	watch->ended = watch->ended || (mask & IN_IGNORED);
	spin_unlock(&inotify->lock);
	if (refused && entry) {
		free_entry(entry);
	}
	wake_all(&inotify->queue, EPOLLIN);
}

/* The first event, if it fits into `room` bytes: taken out, its size. 0: there is none; -EINVAL: it does not fit. */
static s64 take(struct inotify *inotify, u64 room, struct inotify_event_entry **out)
{
	struct inotify_event_entry *entry;
	s64 size = 0;

	spin_lock(&inotify->lock);
	if (!list_empty(&inotify->events)) {
		entry = list_first(&inotify->events, struct inotify_event_entry, link);
		size = UNIT + entry->length;
		if ((u64)size > room) {
			size = -EINVAL;
		} else {
			list_remove(&entry->link);
			inotify->event_count--;
			*out = entry;
		}
	}
	spin_unlock(&inotify->lock);
	return size;
}

/* Give one event to the reader: its size, or what take() says, or -EFAULT. */
static s64 read_one(struct inotify *inotify, struct io_buffer *io)
{
	struct inotify_event_entry *entry;
	struct inotify_event header = {.wd = -1, .mask = IN_Q_OVERFLOW};
	s64 size = take(inotify, io->remaining, &entry);
	size_t copied;

	if (size <= 0) {
		return size;
	}
	if (entry == &inotify->overflow) {
		return io_copy_to(io, &header, UNIT) == UNIT ? size : -EFAULT;
	}
	header.wd = entry->watch;
	header.mask = entry->mask;
	header.cookie = entry->cookie;
	header.len = entry->length;
	copied = io_copy_to(io, &header, UNIT);
	if (copied == UNIT) {
		copied += io_copy_to(io, entry->name, entry->length);
	}
	free_entry(entry);
	return copied == (size_t)size ? size : -EFAULT;
}

static bool has_events(struct inotify *inotify)
{
	bool any;

	spin_lock(&inotify->lock);
	any = !list_empty(&inotify->events);
	spin_unlock(&inotify->lock);
	return any;
}

s64 inotify_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct inotify *inotify = file->data;
	s64 done = 0, size;

	for (;;) {
		size = read_one(inotify, io);
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
			size = wait_until(&inotify->queue, has_events(inotify),
					  THREAD_INTERRUPTIBLE, NSEC_NEVER);
		}
		if (size < 0) {
			return size;
		}
	}
}

u32 inotify_poll(struct file *file, struct poll_table *table)
{
	struct inotify *inotify = file->data;

	poll_wait(table, &inotify->queue);
	return has_events(inotify) ? EPOLLIN | EPOLLRDNORM : 0;
}

s64 inotify_ioctl(struct file *file, unsigned command, u64 argument)
{
	struct inotify *inotify = file->data;
	struct inotify_event_entry *entry;
	u64 bytes = 0;
	int value;

	if (command != FIONREAD) {
		return -ENOTTY;
	}
	spin_lock(&inotify->lock);
	list_for_each(entry, &inotify->events, link) {
		bytes += UNIT + entry->length;
	}
	spin_unlock(&inotify->lock);
	value = (int)MIN(bytes, (u64)INT32_MAX);
	return user_write(argument, &value, sizeof(value));
}

void inotify_queue_close(struct inotify *inotify)
{
	struct list old = LIST_INIT(old);

	spin_lock(&inotify->lock);
	inotify->closed = true;
	list_remove(&inotify->overflow.link);
	list_splice_back(&old, &inotify->events);
	inotify->event_count = 0;
	spin_unlock(&inotify->lock);
	while (!list_empty(&old)) {
		struct inotify_event_entry *entry =
			list_first(&old, struct inotify_event_entry, link);

		list_remove(&entry->link);
		free_entry(entry);
	}
}
