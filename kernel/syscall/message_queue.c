// SPDX-License-Identifier: MIT
/*
 * msgget(2), msgsnd(2), msgrcv(2), msgctl(2).
 */
#include "syscall/syscall.h"

#include "mm/usercopy.h"
#include "syscall/sysv_support.h"

long sys_msgget(const struct syscall_arguments *a)
{
	struct ipc_caller caller = current_ipc_caller();

	return message_queue_get(&caller, (s32)a->arg[0], (u32)a->arg[1]);
}

long sys_msgsnd(const struct syscall_arguments *a)
{
	struct ipc_caller caller = current_ipc_caller();
	int id = (int)a->arg[0], error;
	u64 size = a->arg[2];
	struct message *message;
	struct io_buffer io;
	long type;

	if (user_read(&type, a->arg[1], sizeof(type))) {
		return -EFAULT;
	}
	if ((s64)size < 0 || size > (u64)READ_ONCE(caller.ipc->message_size) || id < 0 ||
	    type < 1) {
		return -EINVAL;
	}
	io_buffer_init_user(&io, a->arg[1] + sizeof(type), size);
	error = message_create(type, size, &io, &message);
	if (error) {
		return error;
	}
	error = message_send(&caller, id, message, (u32)a->arg[3]);
	if (error) {
		message_free(message);
	}
	return error;
}

/* What does not fit any more is cut off: the receiver said so (MSG_NOERROR). */
static long copy_out(const struct message *message, vaddr_t user, u64 size)
{
	size = MIN(size, (u64)message->size);
	if (user_write(user, &message->type, sizeof(message->type)) ||
	    (size && user_write(user + sizeof(message->type), message->text, size))) {
		return -EFAULT;
	}
	return (long)size;
}

long sys_msgrcv(const struct syscall_arguments *a)
{
	struct ipc_caller caller = current_ipc_caller();
	int id = (int)a->arg[0], error;
	struct message *message;
	long result;

	if (id < 0 || (s64)a->arg[2] < 0) {
		return -EINVAL;
	}
	error = message_receive(&caller, id, a->arg[2], (long)a->arg[3], (u32)a->arg[4],
				&message);
	if (error) {
		return error;
	}
	result = copy_out(message, a->arg[1], a->arg[2]);
	message_free(message);
	return result;
}

/* --- msgctl --- */

static long status(const struct ipc_caller *caller, enum ipc_status_by by, int id,
		   vaddr_t user)
{
	struct msqid64_ds text;
	int result = message_queue_status(caller, by, id, &text);

	return ipc_status_to_user(by, result, &text.msg_perm, sizeof(text), user);
}

static long set(const struct ipc_caller *caller, int id, vaddr_t user)
{
	struct msqid64_ds text;

	if (user_read(&text, user, sizeof(text))) {
		return -EFAULT;
	}
	ipc_permissions_from_user(&text.msg_perm);
	return message_queue_set(caller, id, &text);
}

static long info(const struct ipc_caller *caller, bool in_use, vaddr_t user)
{
	struct msginfo text;
	int last = message_info(caller, in_use, &text);

	return user_write(user, &text, sizeof(text)) ? -EFAULT : last;
}

long sys_msgctl(const struct syscall_arguments *a)
{
	struct ipc_caller caller = current_ipc_caller();
	int id = (int)a->arg[0], command = (int)a->arg[1];
	vaddr_t user = a->arg[2];

	if (id < 0 || command < 0) {
		return -EINVAL;
	}
	switch (command) {
	case IPC_INFO:
	case MSG_INFO:
		return info(&caller, command == MSG_INFO, user);
	case IPC_STAT:
		return status(&caller, IPC_BY_ID, id, user);
	case MSG_STAT:
		return status(&caller, IPC_BY_INDEX, id, user);
	case MSG_STAT_ANY:
		return status(&caller, IPC_BY_INDEX_ANY, id, user);
	case IPC_SET:
		return set(&caller, id, user);
	case IPC_RMID:
		return message_queue_remove(&caller, id);
	default:
		return -EINVAL;
	}
}
