// SPDX-License-Identifier: MIT
/* What the rooms of IPC know of who calls: numbers of processes, through what process/ has installed, and capabilities. */
#pragma once

#include "ipc/sysv/sysv.h"
#include "lib/types.h"

void ipc_pid_set(struct pid **slot, struct pid *pid); /* references follow */
pid_nr ipc_pid_number(const struct pid *pid);         /* 0 for NULL */
struct pid *ipc_pid_current(void); /* borrowed; NULL: a kernel thread */
/* Over what the caller's IPC namespace belongs to. */
bool ipc_capable(const struct ipc_caller *caller, int capability);
