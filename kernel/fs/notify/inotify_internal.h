// SPDX-License-Identifier: MIT
/* An inotify instance: its watches (inotify.c) and the queue that is read (inotify_queue.c). */
#pragma once

#include "fs/notify/inotify.h"
#include "fs/notify/notify_internal.h"
#include "lib/rbtree.h"
#include "sched/wait.h"
#include <linux/inotify.h>

struct inotify_event_entry {
	struct list link;
	int watch;
	u32 mask, cookie;
	u32 length; /* of the name, with its padding */
	char *name; /* behind this; zeros behind its end */
};

struct inotify {
	struct notify_group group;
	struct user_account
		*account; /* I: a reference, charged with the instance and its watches */
	u32 events_maximum; /* I */

	struct spinlock lock;
	struct list events GUARDED_BY(lock);
	u32 event_count GUARDED_BY(lock);
	struct inotify_event_entry overflow GUARDED_BY(lock); /* in `events` or not */
	struct rbtree watches GUARDED_BY(lock);               /* by number */
	int last_number GUARDED_BY(lock);
	bool closed GUARDED_BY(lock); /* nothing is queued any more */
	struct wait_queue queue;
};

struct inotify_watch {
	struct notify_mark mark;
	int number;              /* I */
	_Atomic u32 flags;       /* IN_ONESHOT, IN_EXCL_UNLINK */
	bool ended;              /* inotify.lock: IN_IGNORED was its last event */
	struct rbtree_node node; /* inotify.lock */
};

void inotify_queue_init(struct inotify *inotify);
/* Queue an event, unless the last one is the same. `name` NULL: without. */
void inotify_queue_event(struct inotify *inotify, struct inotify_watch *watch, u32 mask,
			 u32 cookie, const char *name);
/* Nothing is queued from now on, and what is there goes. */
void inotify_queue_close(struct inotify *inotify);

s64 inotify_read(struct file *file, struct io_buffer *io, u64 *position);
u32 inotify_poll(struct file *file, struct poll_table *table);
s64 inotify_ioctl(struct file *file, unsigned command, u64 argument);
