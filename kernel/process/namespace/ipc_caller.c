// SPDX-License-Identifier: MIT
/*
 * System V IPC as the running thread calls it: its namespace, and what a struct pid is.
 */
#include "process/namespace/ipc_caller.h"

#include "cred/user_namespace.h"
#include "ipc/ipc_namespace.h"
#include "process/current.h"
#include "process/namespace/namespace.h"
#include "process/pid.h"
#include "process/process.h"

static struct ipc_namespace *namespace_of(const struct namespace_set *set)
{
	return container_of(set->slot[NAMESPACE_SLOT_IPC], struct ipc_namespace, base);
}

struct sysv_ipc *namespace_set_ipc(const struct namespace_set *set)
{
	return namespace_of(set)->objects;
}

struct ipc_caller current_ipc_caller(void)
{
	struct ipc_namespace *namespace = namespace_of(current_namespaces());

	return (struct ipc_caller){
		.ipc = namespace->objects,
		.owner = user_namespace_of(namespace->base.owner),
		.credentials = current_credentials(),
		.pid = current_process()->pid,
	};
}

static struct pid *current_pid(void)
{
	return current_is_user_thread() ? current_process()->pid : NULL;
}

static const struct ipc_pid_operations operations = {
	.get = pid_get,
	.put = pid_put,
	.number = pid_number,
	.current = current_pid,
};

void ipc_caller_init(void)
{
	sysv_set_pid_operations(&operations);
}
