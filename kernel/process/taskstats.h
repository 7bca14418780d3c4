// SPDX-License-Identifier: MIT
/*
 * TASKSTATS, a family of generic netlink: what a thread or a process has used, when asked and at the end. See
 * <linux/taskstats.h>.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"
#include <stdatomic.h>

extern _Atomic u32 taskstats_listeners;

void taskstats_tell_exit(int status, bool last);

/*
 * The running thread begins to end, with this wait status, as the last of its process or not. Thread context, no lock from
 * RANK_TASKSTATS on held; may sleep. With nobody listening it is the test of a word.
 */
static inline void taskstats_exit(int status, bool last)
{
	if (unlikely(atomic_load_explicit(&taskstats_listeners, memory_order_relaxed))) {
		taskstats_tell_exit(status, last);
	}
}

void taskstats_init(void); /* boot */
