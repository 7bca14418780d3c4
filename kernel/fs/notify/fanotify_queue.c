// SPDX-License-Identifier: MIT
/*
 * fanotify(7): making its events, and giving them to who reads the queue (queue.c), each with a descriptor of the file.
 *
 * Owns      struct fanotify_entry.
 *
 * Invariants
 *   X2  What one process (thread) does to one place is one event as long as nobody has read it, if not too much came between.
 */
#include "fs/fs_internal.h"
#include "fs/notify/fanotify_internal.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "mm/io_buffer.h"
#include <asm/fcntl.h>
#include <linux/eventpoll.h>

enum {
	UNIT = sizeof(struct fanotify_event_metadata),
	MERGE_MAX = 128, /* entries looked at, newest first */
};

struct fanotify_entry {
	struct notify_entry entry;
	struct path path; /* a reference */
	u32 what;         /* FAN_…, of all that were merged */
	s32 number;       /* of who did it, as the first pid namespace has it */
};

OBJECT_CACHE(entry_cache, fanotify_entry);

const struct fanotify_reader *fanotify_reader;

void fanotify_set_reader(const struct fanotify_reader *reader)
{
	fanotify_reader = reader;
}

static struct fanotify_entry *entry_of(const struct notify_entry *entry)
{
	return container_of(entry, struct fanotify_entry, entry);
}

static struct fanotify_entry *make_entry(const struct path *path, u32 what, s32 number)
{
	struct fanotify_entry *entry = object_allocate(&entry_cache);

	if (entry) {
		entry->entry.size = UNIT;
		path_get(path);
		entry->path = *path;
		entry->what = what;
		entry->number = number;
	}
	return entry;
}

static void free_entry(struct notify_entry *entry)
{
	path_put(&entry_of(entry)->path);
	object_free(&entry_cache, entry_of(entry));
}

static s64 give(struct notify_queue *queue, const struct notify_entry *taken,
		struct io_buffer *io)
{
	const struct fanotify *fanotify = container_of(queue, struct fanotify, queue);
	const struct fanotify_entry *entry = entry_of(taken);
	struct fanotify_event_metadata event = {.event_len = UNIT,
						.vers = FANOTIFY_METADATA_VERSION,
						.metadata_len = UNIT,
						.mask = FAN_Q_OVERFLOW,
						.fd = FAN_NOFD};
	struct file *file;

	if (taken != &queue->overflow) {
		event.mask = entry->what;
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

static const struct notify_queue_operations operations = {
	.rank = RANK_NOTIFY_WISHES,
	.lock_name = "fanotify.queue.lock",
	.overflow_size = UNIT,
	.give = give,
	.free = free_entry,
};

void fanotify_queue_init(struct fanotify *fanotify)
{
	notify_queue_init(&fanotify->queue, &operations);
}

/* Add it to an event of the same place and doer: X2. */
static bool merge(struct notify_queue *queue, const struct fanotify_entry *entry)
	MUST_HOLD(&queue->lock)
{
	struct list *at = queue->events.previous;

	if (notify_queue_overflown(queue)) {
		return false;
	}
	for (unsigned i = 0; i < MERGE_MAX && at != &queue->events; i++) {
		struct fanotify_entry *earlier =
			list_entry(at, struct fanotify_entry, entry.link);

		if (path_equal(&earlier->path, &entry->path) &&
		    earlier->number == entry->number) {
			earlier->what |= entry->what;
			return true;
		}
		at = at->previous;
	}
	return false;
}

void fanotify_queue_event(struct fanotify *fanotify, const struct path *path, u32 what)
{
	s32 number = fanotify_reader->number((fanotify->flags & FAN_REPORT_TID) != 0);
	struct fanotify_entry *entry = make_entry(path, what, number);
	struct notify_queue *queue = &fanotify->queue;
	bool taken;

	spin_lock(&queue->lock);
	taken = !(entry && merge(queue, entry)) &&
		!notify_queue_refuses(queue, entry ? &entry->entry : NULL);
	if (taken) {
		notify_queue_push(queue, &entry->entry);
	}
	spin_unlock(&queue->lock);
	if (!taken && entry) {
		free_entry(&entry->entry);
	}
	wake_all(&queue->readers, EPOLLIN);
}
