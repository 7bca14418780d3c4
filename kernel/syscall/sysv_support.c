// SPDX-License-Identifier: MIT
/*
 * What the calls of System V IPC share.
 */
#include "syscall/sysv_support.h"

#include "cred/credentials.h"
#include "cred/user_namespace.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "process/current.h"

void ipc_permissions_from_user(struct ipc64_perm *permissions)
{
	const struct user_namespace *mine = current_credentials()->user_namespace;

	permissions->uid = id_to_kernel(mine, ID_USER, permissions->uid);
	permissions->gid = id_to_kernel(mine, ID_GROUP, permissions->gid);
}

void ipc_permissions_to_user(struct ipc64_perm *permissions)
{
	const struct user_namespace *mine = current_credentials()->user_namespace;

	permissions->uid = id_from_kernel_or_overflow(mine, ID_USER, permissions->uid);
	permissions->gid = id_from_kernel_or_overflow(mine, ID_GROUP, permissions->gid);
	permissions->cuid = id_from_kernel_or_overflow(mine, ID_USER, permissions->cuid);
	permissions->cgid = id_from_kernel_or_overflow(mine, ID_GROUP, permissions->cgid);
}

long ipc_status_to_user(enum ipc_status_by by, int result, struct ipc64_perm *permissions,
			size_t size, vaddr_t user)
{
	if (result < 0) {
		return result;
	}
	ipc_permissions_to_user(permissions);
	if (user_write(user, permissions, size)) {
		return -EFAULT;
	}
	return by == IPC_BY_ID ? 0 : result;
}
