// SPDX-License-Identifier: MIT
/* How a file tells readiness: its poll operation returns the EPOLL… mask now, and registers the wait queues that change it. */
#pragma once

#include "lib/types.h"
#include "sched/wait.h"

/*
 * The operation may look without a lock. Between what whoever asks has said to be told by (an entry that is linked, events that are
 * wanted from now on, "nothing told yet") and the look there is a fence: poll_wait()'s, or its own where there is no table.
 */
struct poll_table {
	/* Called by the file's poll operation for each queue. NULL table or NULL function: only the mask is wanted. */
	void (*add)(struct poll_table *table, struct wait_queue *queue);
};

static inline void poll_wait(struct poll_table *table, struct wait_queue *queue)
{
	if (table && table->add) {
		table->add(table, queue);
	}
}
