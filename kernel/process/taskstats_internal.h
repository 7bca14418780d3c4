// SPDX-License-Identifier: MIT
/* TASKSTATS, between its files. */
#pragma once

#include "net/generic_netlink.h"
#include <linux/taskstats.h>

struct pid_namespace;
struct process;
struct thread;

enum { TASKSTATS_ROOM = 2 * sizeof(struct taskstats) + 128 }; /* of a packet */

extern struct generic_family taskstats_family;

/* What a thread used; numbers as `viewer` has them. */
void taskstats_fill(struct taskstats *to, struct thread *thread,
		    const struct pid_namespace *viewer);
/* What all of a process used: sums only. */
void taskstats_fill_process(struct taskstats *to, struct process *process);
/* A nest of `type` with a number and the figures. */
void taskstats_put(struct netlink_packet *packet, u16 type, u16 number_type, u32 number,
		   const struct taskstats *stats);

/* taskstats_listeners.c: who asks hears, or hears no more, of what ends on these CPUs. -EINVAL, -ERANGE, -E2BIG, -ENOMEM */
int taskstats_change_listener(const struct generic_request *asked,
			      const struct netlink_attribute *attribute,
			      bool add) must_check;
void taskstats_listeners_init(void);
