// SPDX-License-Identifier: MIT
/* A fanotify instance: its marks (fanotify.c) and its events (fanotify_queue.c). */
#pragma once

#include "fs/notify/fanotify.h"
#include "fs/notify/notify_internal.h"
#include <linux/fanotify.h>

struct fanotify {
	struct notify_group group;
	struct user_account
		*account; /* I: a reference, charged with the instance and its marks */
	u32 flags, event_flags; /* I: FAN_…, O_… */

	struct notify_queue queue;
};

extern const struct fanotify_reader *fanotify_reader;

void fanotify_queue_init(struct fanotify *fanotify);
/* Queue what the running thread did to the place, or add it to what it has done there before. */
void fanotify_queue_event(struct fanotify *fanotify, const struct path *path, u32 what);
