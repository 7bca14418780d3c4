// SPDX-License-Identifier: MIT
/* System V IPC as the running thread calls it. */
#pragma once

#include "ipc/sysv/sysv.h"

struct namespace_set;

/* In its IPC namespace, with its credentials; borrowed until its next commit. */
struct ipc_caller current_ipc_caller(void);
/* What a namespace set has of System V IPC. */
struct sysv_ipc *namespace_set_ipc(const struct namespace_set *set);
/* Boot: numbers of processes for ipc/sysv. */
void ipc_caller_init(void);
