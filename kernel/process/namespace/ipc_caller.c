// SPDX-License-Identifier: MIT
/*
 * System V IPC as the running thread calls it: its namespace, and what a struct pid is.
 */
#include "process/namespace/ipc_caller.h"

#include "cred/user_namespace.h"
#include "ipc/ipc_namespace.h"
#include "ipc/mqueue/mqueue.h"
#include "process/current.h"
#include "process/namespace/namespace.h"
#include "process/pid.h"
#include "process/process.h"
#include "process/signal/signal.h"

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

static struct sysv_ipc *current_sysv(void)
{
	return current_ipc_caller().ipc;
}

/* mq_notify(3). What cannot be queued is lost, as with any signal of this kind. */
static void tell_of_message(const struct mqueue_notice *notice)
{
	struct process *process = notice->owner ? pid_get_process(notice->owner) : NULL;
	siginfo_t info = {
		.si_signo = notice->signal,
		.si_code = SI_MESGQ,
	};

	if (!process) {
		return;
	}
	info.si_pid = pid_number(current_process()->pid);
	info.si_uid = current_credentials()->uid;
	info.si_ptr = (void *)(uintptr_t)notice->value;
	if (notice->signal) {
		(void)signal_send(process, NULL, &info);
	}
	process_put(process);
}

static struct user_account *current_account(u64 *limit)
{
	*limit = process_limit(current_process(), RLIMIT_MSGQUEUE);
	return current_thread()->account;
}

static struct namespace *current_base(void)
{
	return current_namespaces()->slot[NAMESPACE_SLOT_IPC];
}

static const struct mqueue_process_operations queue_operations = {
	.account = current_account,
	.current_ipc = current_sysv,
	.current_namespace = current_base,
	.signal = tell_of_message,
};

void ipc_caller_init(void)
{
	mqueue_set_process_operations(&queue_operations);
	sysv_set_pid_operations(&operations);
}
