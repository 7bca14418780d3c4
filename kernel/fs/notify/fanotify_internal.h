// SPDX-License-Identifier: MIT
/* A fanotify instance: its marks (fanotify.c) and the queue that is read (fanotify_queue.c). */
#pragma once

#include "fs/notify/fanotify.h"
#include "fs/notify/notify_internal.h"
#include "sched/wait.h"
#include <linux/fanotify.h>

struct fanotify_entry {
	struct list link;
	struct path path; /* references; empty: the overflow */
	u32 what;         /* FAN_…, of all that were merged */
	s32 number;       /* of who did it, as the first pid namespace has it */
};

struct fanotify {
	struct notify_group group;
	struct user_account
		*account; /* I: a reference, charged with the instance and its marks */
	u32 flags, event_flags; /* I: FAN_…, O_… */
	u32 events_maximum;     /* I */

	struct spinlock lock;
	struct list events GUARDED_BY(lock);
	u32 event_count GUARDED_BY(lock);
	struct fanotify_entry overflow GUARDED_BY(lock); /* in `events` or not */
	bool closed GUARDED_BY(lock);                    /* nothing is queued any more */
	struct wait_queue queue;
};

extern const struct fanotify_reader *fanotify_reader;

void fanotify_queue_init(struct fanotify *fanotify);
/* Queue what the running thread did to the place, or add it to what it has done there before. */
void fanotify_queue_event(struct fanotify *fanotify, const struct path *path, u32 what);
/* Nothing is queued from now on, and what is there goes. */
void fanotify_queue_close(struct fanotify *fanotify);

s64 fanotify_read(struct file *file, struct io_buffer *io, u64 *position);
u32 fanotify_poll(struct file *file, struct poll_table *table);
s64 fanotify_ioctl(struct file *file, unsigned command, u64 argument);
