// SPDX-License-Identifier: MIT
/* Limits of System V IPC and of POSIX message queues: rows for the tables of /proc/sys. */
#pragma once

#include "procfs/procfs_internal.h"

#define PROC_LIMIT(name)                                                            \
	int proc_show_##name(struct proc_text *text, const struct proc_node *node); \
	int proc_write_##name(const struct proc_node *node, char *text)

PROC_LIMIT(sem);
PROC_LIMIT(msgmax);
PROC_LIMIT(msgmnb);
PROC_LIMIT(msgmni);
PROC_LIMIT(shmmax);
PROC_LIMIT(shmall);
PROC_LIMIT(shmmni);
PROC_LIMIT(queues_max);
PROC_LIMIT(msg_max);
PROC_LIMIT(msgsize_max);
PROC_LIMIT(msg_default);
PROC_LIMIT(msgsize_default);
#undef PROC_LIMIT

#define PROC_LIMIT_ROW(n)        \
	{.name = #n,             \
	 .mode = S_IFREG | 0644, \
	 .show = proc_show_##n,  \
	 .write = proc_write_##n}
#define PROC_SYSV_LIMITS                                                                \
	PROC_LIMIT_ROW(sem), PROC_LIMIT_ROW(msgmax), PROC_LIMIT_ROW(msgmnb),            \
		PROC_LIMIT_ROW(msgmni), PROC_LIMIT_ROW(shmmax), PROC_LIMIT_ROW(shmall), \
		PROC_LIMIT_ROW(shmmni)
