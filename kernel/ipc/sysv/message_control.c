// SPDX-License-Identifier: MIT
/*
 * msgget(2) and msgctl(2): queues made, described, changed, removed.
 *
 * Owns      struct message_queue.
 * Locks     sysv_ipc.messages.lock
 */
#include "ipc/sysv/message_internal.h"

#include "mm/heap.h"

OBJECT_CACHE(queues, message_queue);

static int queue_create(const struct ipc_caller *caller, s32 key, u32 flags)
{
	struct sysv_ipc *ipc = caller->ipc;
	struct message_queue *queue = object_allocate(&queues);
	int error;

	if (!queue) {
		return -ENOMEM;
	}
	queue->limit = (u64)READ_ONCE(ipc->queue_size);
	queue->change_time = ipc_now();
	list_init(&queue->messages);
	list_init(&queue->senders);
	list_init(&queue->receivers);
	error = ipc_table_add(caller, &ipc->messages, &queue->object, key, flags,
			      READ_ONCE(ipc->queues));
	if (error) {
		object_free(&queues, queue);
		return error;
	}
	return queue->object.id;
}

int message_queue_get(const struct ipc_caller *caller, s32 key, u32 flags)
{
	struct ipc_table *table = &caller->ipc->messages;
	struct ipc_object *object;
	int result;

	mutex_lock(&table->own_lock);
	result = ipc_table_find(table, key, flags, &object);
	if (result > 0) {
		result = queue_create(caller, key, flags);
	} else if (!result) {
		result = ipc_check(caller, object, flags);
		result = result ? result : object->id;
	}
	mutex_unlock(&table->own_lock);
	return result;
}

static void queue_remove(struct sysv_ipc *ipc, struct message_queue *queue)
{
	struct message *message, *following;

	message_receivers_end(queue, -EIDRM);
	message_senders_end(queue, -EIDRM);
	list_for_each_safe(message, following, &queue->messages, link) {
		message_free(message);
	}
	ipc->message_count -= queue->count;
	ipc->text_size -= queue->bytes;
	ipc_table_remove(&ipc->messages, &queue->object);
	ipc_pid_set(&queue->sender, NULL);
	ipc_pid_set(&queue->receiver, NULL);
	object_free(&queues, queue);
}

int message_queue_remove(const struct ipc_caller *caller, int id)
{
	struct ipc_table *table = &caller->ipc->messages;
	struct ipc_object *object;
	int error;

	mutex_lock(&table->own_lock);
	error = ipc_table_owned(caller, table, id, &object);
	if (!error) {
		queue_remove(caller->ipc, message_queue_of(object));
	}
	mutex_unlock(&table->own_lock);
	return error;
}

void messages_destroy(struct sysv_ipc *ipc)
{
	struct ipc_object *object;
	u64 index = 0;

	mutex_lock(&ipc->messages.own_lock);
	while ((object = ipc_table_next(&ipc->messages, &index)) != NULL) {
		queue_remove(ipc, message_queue_of(object));
	}
	mutex_unlock(&ipc->messages.own_lock);
}

/* Who waits looks again: it may have lost its rights, or have room. */
static int set_locked(const struct ipc_caller *caller, int id,
		      const struct msqid64_ds *wanted)
{
	struct message_queue *queue;
	struct ipc_object *object;
	int error = ipc_table_owned(caller, &caller->ipc->messages, id, &object);

	if (error) {
		return error;
	}
	queue = message_queue_of(object);
	if (wanted->msg_qbytes > (u64)READ_ONCE(caller->ipc->queue_size) &&
	    !ipc_capable(caller, CAP_SYS_RESOURCE)) {
		return -EPERM;
	}
	error = ipc_set_permissions(object, &wanted->msg_perm);
	if (error) {
		return error;
	}
	queue->limit = wanted->msg_qbytes;
	queue->change_time = ipc_now();
	message_receivers_end(queue, MESSAGE_LOOK_AGAIN);
	message_senders_end(queue, MESSAGE_LOOK_AGAIN);
	return 0;
}

int message_queue_set(const struct ipc_caller *caller, int id,
		      const struct msqid64_ds *wanted)
{
	struct mutex *lock = &caller->ipc->messages.own_lock;
	int error;

	mutex_lock(lock);
	error = set_locked(caller, id, wanted);
	mutex_unlock(lock);
	return error;
}

int message_queue_status(const struct ipc_caller *caller, enum ipc_status_by by, int id,
			 struct msqid64_ds *out)
{
	struct ipc_table *table = &caller->ipc->messages;
	const struct message_queue *queue;
	struct ipc_object *object;
	int result;

	mutex_lock(&table->own_lock);
	result = ipc_table_status(caller, table, by, id, &object);
	if (!result) {
		queue = message_queue_of(object);
		*out = (struct msqid64_ds){
			.msg_stime = queue->send_time,
			.msg_rtime = queue->receive_time,
			.msg_ctime = queue->change_time,
			.msg_cbytes = queue->bytes,
			.msg_qnum = queue->count,
			.msg_qbytes = queue->limit,
			.msg_lspid = ipc_pid_number(queue->sender),
			.msg_lrpid = ipc_pid_number(queue->receiver),
		};
		ipc_get_permissions(object, &out->msg_perm);
		result = object->id;
	}
	mutex_unlock(&table->own_lock);
	return result;
}

int message_info(const struct ipc_caller *caller, bool in_use, struct msginfo *out)
{
	struct sysv_ipc *ipc = caller->ipc;
	int last;

	*out = (struct msginfo){
		.msgpool = MSGPOOL,
		.msgmap = MSGMAP,
		.msgmax = READ_ONCE(ipc->message_size),
		.msgmnb = READ_ONCE(ipc->queue_size),
		.msgmni = READ_ONCE(ipc->queues),
		.msgssz = MSGSSZ,
		.msgtql = MSGTQL,
		.msgseg = MSGSEG,
	};
	mutex_lock(&ipc->messages.own_lock);
	if (in_use) {
		out->msgpool = (int)ipc->messages.used;
		out->msgmap = (int)ipc->message_count;
		out->msgtql = (int)ipc->text_size;
	}
	last = ipc_table_last_index(&ipc->messages);
	mutex_unlock(&ipc->messages.own_lock);
	return last;
}
