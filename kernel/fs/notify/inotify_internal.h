// SPDX-License-Identifier: MIT
/* An inotify instance: its watches (inotify.c) and its events (inotify_queue.c). */
#pragma once

#include "fs/notify/inotify.h"
#include "fs/notify/notify_internal.h"
#include "lib/rbtree.h"
#include <linux/inotify.h>

struct inotify {
	struct notify_group group;
	struct user_account
		*account; /* I: a reference, charged with the instance and its watches */

	struct notify_queue queue;

	/* queue.lock */
	struct rbtree watches; /* by number */
	int last_number;
};

/* Its mark's `wanted` has IN_ONESHOT and IN_EXCL_UNLINK, too. */
struct inotify_watch {
	struct notify_mark mark;
	int number;              /* I */
	bool ended;              /* queue.lock: IN_IGNORED was its last event */
	struct rbtree_node node; /* queue.lock */
};

void inotify_queue_init(struct inotify *inotify);
/* Queue an event, unless the last one is the same. `name` NULL: without. */
void inotify_queue_event(struct inotify *inotify, struct inotify_watch *watch, u32 mask,
			 u32 cookie, const char *name);
