// SPDX-License-Identifier: MIT
/* System V IPC at the border to user mode: ids of users in the caller's user namespace, and status calls. */
#pragma once

#include "ipc/sysv/sysv.h"
#include "process/namespace/ipc_caller.h"

/* Kernel ids out of what a user wrote; ID_INVALID where there is none. */
void ipc_permissions_from_user(struct ipc64_perm *permissions);
void ipc_permissions_to_user(struct ipc64_perm *permissions);
/* The end of a status call, whose `result` is an errno or an id: `size` bytes of text that begin with `permissions`. */
long ipc_status_to_user(enum ipc_status_by by, int result, struct ipc64_perm *permissions,
			size_t size, vaddr_t user);
