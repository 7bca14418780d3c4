// SPDX-License-Identifier: MIT
/* Private to procfs/: the files of scheduling.c, a part of /proc/sys/kernel. */
#pragma once

#include "procfs/procfs_internal.h"
#include <linux/stat.h>

int proc_show_sched_limit(struct proc_text *text, const struct proc_node *node);
/* -EPERM, -EINVAL, -EBUSY: more has been promised already. */
int proc_write_sched_limit(const struct proc_node *node, char *value);
int proc_show_round_robin(struct proc_text *text, const struct proc_node *node);

#define PROC_SCHED_LIMIT(n)             \
	{.name = n,                     \
	 .mode = S_IFREG | 0644,        \
	 .show = proc_show_sched_limit, \
	 .write = proc_write_sched_limit}
