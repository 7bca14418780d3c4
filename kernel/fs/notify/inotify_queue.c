// SPDX-License-Identifier: MIT
/*
 * inotify(7): making its events, and giving them to who reads the queue (queue.c).
 *
 * Owns      struct inotify_entry.
 *
 * Invariants
 *   Y2  Behind a watch's IN_IGNORED nothing of that watch is queued.
 */
#include "fs/notify/inotify_internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/io_buffer.h"
#include <linux/eventpoll.h>

enum { UNIT = sizeof(struct inotify_event) /* names are padded to a multiple of it */ };

struct inotify_entry {
	struct notify_entry entry;
	int watch;
	u32 mask, cookie;
	u32 length;  /* of the name, with its padding */
	char name[]; /* zeros behind its end */
};

OBJECT_CACHE(event_cache, inotify_entry);

static struct inotify_entry *entry_of(const struct notify_entry *entry)
{
	return container_of(entry, struct inotify_entry, entry);
}

static struct inotify_entry *make_entry(const struct inotify_watch *watch, u32 mask,
					u32 cookie, const char *name)
{
	size_t length = name ? ALIGN_UP(strlen(name) + 1, (size_t)UNIT) : 0;
	struct inotify_entry *entry = heap_allocate(sizeof(*entry) + length);

	if (!entry) {
		return NULL;
	}
	object_count(&event_cache, 1);
	entry->entry.size = UNIT + (u32)length;
	entry->watch = watch->number;
	entry->mask = mask;
	entry->cookie = cookie;
	entry->length = (u32)length;
	if (name) {
		memcpy(entry->name, name, strlen(name));
	}
	return entry;
}

static void free_entry(struct notify_entry *entry)
{
	object_count(&event_cache, -1);
	heap_free(entry_of(entry));
}

static s64 give(struct notify_queue *queue, const struct notify_entry *taken,
		struct io_buffer *io)
{
	const struct inotify_entry *entry = entry_of(taken);
	struct inotify_event header = {.wd = -1, .mask = IN_Q_OVERFLOW};

	if (taken != &queue->overflow) {
		header.wd = entry->watch;
		header.mask = entry->mask;
		header.cookie = entry->cookie;
		header.len = entry->length;
	}
	if (io_copy_to(io, &header, UNIT) != UNIT ||
	    io_copy_to(io, entry->name, header.len) != header.len) {
		return -EFAULT;
	}
	return taken->size;
}

static const struct notify_queue_operations operations = {
	.rank = RANK_NOTIFY_QUEUE,
	.lock_name = "inotify.queue.lock",
	.overflow_size = UNIT,
	.give = give,
	.free = free_entry,
};

void inotify_queue_init(struct inotify *inotify)
{
	notify_queue_init(&inotify->queue, &operations);
}

/* Cookies are not looked at: the two of a rename differ in more than that. */
static bool same_as_last(const struct notify_queue *queue,
			 const struct inotify_entry *entry) MUST_HOLD(&queue->lock)
{
	const struct inotify_entry *last;

	if (list_empty(&queue->events)) {
		return false;
	}
	last = list_last(&queue->events, struct inotify_entry, entry.link);
	return last->watch == entry->watch && last->mask == entry->mask &&
	       last->length == entry->length &&
	       memcmp(last->name, entry->name, entry->length) == 0;
}

void inotify_queue_event(struct inotify *inotify, struct inotify_watch *watch, u32 mask,
			 u32 cookie, const char *name)
{
	struct inotify_entry *entry = make_entry(watch, mask, cookie, name);
	struct notify_queue *queue = &inotify->queue;
	bool taken;

	spin_lock(&queue->lock);
	taken = !watch->ended &&
		!notify_queue_refuses(queue, entry ? &entry->entry : NULL) &&
		!same_as_last(queue, entry);
	if (taken) {
		notify_queue_push(queue, &entry->entry);
	}
	watch->ended = watch->ended || (mask & IN_IGNORED);
	spin_unlock(&queue->lock);
	if (!taken && entry) {
		free_entry(&entry->entry);
	}
	wake_all(&queue->readers, EPOLLIN);
}
