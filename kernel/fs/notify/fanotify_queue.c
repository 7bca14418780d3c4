// SPDX-License-Identifier: MIT
/*
 * fanotify(7): the queue of events and reading it, each with a descriptor of the file.
 *
 * Owns      struct fanotify_entry.
 * Locks     fanotify.lock (spin): the queue. Entries are made, opened and freed without it.
 *
 * Invariants
 *   X1  The overflow event is in the queue at most once, and then nothing is queued behind it.
 *   X2  What one process (thread) does to one place is one event as long as nobody has read it, if not too much came between.
 */
#include "fs/fs_internal.h"
#include "fs/notify/fanotify_internal.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "mm/usercopy.h"
#include <asm/fcntl.h>
#include <asm/ioctls.h>
#include <linux/eventpoll.h>

enum {
	UNIT = sizeof(struct fanotify_event_metadata),
	MERGE_MAX = 128, /* entries looked at, newest first */
};

OBJECT_CACHE(entry_cache, fanotify_entry);

const struct fanotify_reader *fanotify_reader;

void fanotify_set_reader(const struct fanotify_reader *reader)
{
	fanotify_reader = reader;
}

void fanotify_queue_init(struct fanotify *fanotify) NO_THREAD_SAFETY
{
	spin_init(&fanotify->lock, RANK_NOTIFY_WISHES, "fanotify.lock");
	wait_queue_init(&fanotify->queue);
	list_init(&fanotify->events);
	list_init(&fanotify->overflow.link);
	fanotify->overflow.what = FAN_Q_OVERFLOW;
}

static struct fanotify_entry *make_entry(const struct path *path, u32 what, s32 number)
{
	struct fanotify_entry *entry = object_allocate(&entry_cache);

	if (entry) {
		path_get(path);
		entry->path = *path;
		entry->what = what;
		entry->number = number;
	}
	return entry;
}

static void free_entry(struct fanotify_entry *entry)
{
	path_put(&entry->path);
	object_free(&entry_cache, entry);
}

/* Add it to an event of the same place and doer: X2. */
static bool merge(struct fanotify *fanotify, const struct path *path, u32 what,
		  s32 number) MUST_HOLD(&fanotify->lock)
{
	struct list *at = fanotify->events.previous;

	for (unsigned i = 0; i < MERGE_MAX && at != &fanotify->events; i++) {
		struct fanotify_entry *entry =
			list_entry(at, struct fanotify_entry, link);

		if (path_equal(&entry->path, path) && entry->number == number) {
			entry->what |= what;
			return true;
		}
		at = at->previous;
	}
	return false;
}

static void push(struct fanotify *fanotify, struct fanotify_entry *entry)
	MUST_HOLD(&fanotify->lock)
{
	list_push_back(&fanotify->events, &entry->link);
	fanotify->event_count++;
}

/* Take the event over, or leave it to the caller: true. entry NULL: there was no memory for it. */
static bool refuse(struct fanotify *fanotify, struct fanotify_entry *entry)
	MUST_HOLD(&fanotify->lock)
{
	bool overflown = !list_empty(&fanotify->overflow.link);

	if (entry && !overflown &&
	    merge(fanotify, &entry->path, entry->what, entry->number)) {
		return true;
	}
	if (!entry || fanotify->event_count >= fanotify->events_maximum || overflown) {
		if (!overflown) {
			push(fanotify, &fanotify->overflow);
		}
		return true;
	}
	push(fanotify, entry);
	return false;
}

void fanotify_queue_event(struct fanotify *fanotify, const struct path *path, u32 what)
{
	s32 number = fanotify_reader->number((fanotify->flags & FAN_REPORT_TID) != 0);
	struct fanotify_entry *entry = make_entry(path, what, number);
	bool refused = true;

	spin_lock(&fanotify->lock);
	if (!fanotify->closed) {
		refused = refuse(fanotify, entry);
	}
	spin_unlock(&fanotify->lock);
	if (refused && entry) {
		free_entry(entry);
	}
	wake_all(&fanotify->queue, EPOLLIN);
}

/* The first event, if it fits into `room` bytes: taken out, its size. 0: there is none; -EINVAL: it does not fit. */
static s64 take(struct fanotify *fanotify, u64 room, struct fanotify_entry **out)
{
	s64 size = 0;

	spin_lock(&fanotify->lock);
	if (!list_empty(&fanotify->events)) {
		size = room < UNIT ? -EINVAL : UNIT;
	}
	if (size > 0) {
		*out = list_first(&fanotify->events, struct fanotify_entry, link);
		list_remove(&(*out)->link);
		fanotify->event_count--;
	}
	spin_unlock(&fanotify->lock);
	return size;
}

static s64 give(struct fanotify *fanotify, const struct fanotify_entry *entry,
		struct io_buffer *io)
{
	struct fanotify_event_metadata event = {.event_len = UNIT,
						.vers = FANOTIFY_METADATA_VERSION,
						.metadata_len = UNIT,
						.mask = entry->what,
						.fd = FAN_NOFD};
	struct file *file;

	if (entry != &fanotify->overflow) {
		event.pid = fanotify_reader->translate(entry->number);
		event.fd = fanotify_reader->open(
			&entry->path, fanotify->event_flags | OPEN_UNNOTIFIED, &file);
		if (event.fd < 0) {
			return event.fd;
		}
	}
	if (io_copy_to(io, &event, UNIT) != UNIT) {
		if (event.fd >= 0) {
			fanotify_reader->cancel(event.fd, file);
		}
		return -EFAULT;
	}
	if (event.fd >= 0) {
		fanotify_reader->install(event.fd, file);
	}
	return UNIT;
}

/* Give one event to the reader: its size, or what take() says, or what opening its file says, or -EFAULT. */
static s64 read_one(struct fanotify *fanotify, struct io_buffer *io)
{
	struct fanotify_entry *entry;
	s64 size = take(fanotify, io->remaining, &entry);

	if (size > 0) {
		size = give(fanotify, entry, io);
		if (entry != &fanotify->overflow) {
			free_entry(entry);
		}
	}
	return size;
}

static bool has_events(struct fanotify *fanotify)
{
	bool any;

	spin_lock(&fanotify->lock);
	any = !list_empty(&fanotify->events);
	spin_unlock(&fanotify->lock);
	return any;
}

s64 fanotify_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct fanotify *fanotify = file->data;
	s64 done = 0, size;

	for (;;) {
		size = read_one(fanotify, io);
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
			size = wait_until(&fanotify->queue, has_events(fanotify),
					  THREAD_INTERRUPTIBLE, NSEC_NEVER);
		}
		if (size < 0) {
			return size;
		}
	}
}

u32 fanotify_poll(struct file *file, struct poll_table *table)
{
	struct fanotify *fanotify = file->data;

	poll_wait(table, &fanotify->queue);
	return has_events(fanotify) ? EPOLLIN | EPOLLRDNORM : 0;
}

s64 fanotify_ioctl(struct file *file, unsigned command, u64 argument)
{
	struct fanotify *fanotify = file->data;
	u64 bytes;
	int value;

	if (command != FIONREAD) {
		return -ENOTTY;
	}
	spin_lock(&fanotify->lock);
	bytes = (u64)fanotify->event_count * UNIT;
	spin_unlock(&fanotify->lock);
	value = (int)MIN(bytes, (u64)INT32_MAX);
	return user_write(argument, &value, sizeof(value));
}

void fanotify_queue_close(struct fanotify *fanotify)
{
	struct list old = LIST_INIT(old);

	spin_lock(&fanotify->lock);
	fanotify->closed = true;
	list_remove(&fanotify->overflow.link);
	list_splice_back(&old, &fanotify->events);
	fanotify->event_count = 0;
	spin_unlock(&fanotify->lock);
	while (!list_empty(&old)) {
		struct fanotify_entry *entry =
			list_first(&old, struct fanotify_entry, link);

		list_remove(&entry->link);
		free_entry(entry);
	}
}
