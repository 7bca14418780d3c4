// SPDX-License-Identifier: MIT
/*
 * msgsnd(2) and msgrcv(2).
 *
 * Owns      struct message.
 * Locks     sysv_ipc.messages.lock
 *
 * A message goes from hand to hand: who sends gives it to the first receiver that waits for such a one, who receives takes in
 * the senders that then have room. A woken caller finds its result made.
 *
 * Invariants
 *   M1  A waiter is linked in its queue iff its result is MESSAGE_WAITS. Whoever decides the result unlinks it.
 *   M2  No message in the queue suits a receiver that waits; no sender that waits has room.
 */
#include "ipc/sysv/message_internal.h"

#include "mm/heap.h"

OBJECT_CACHE(messages, message);

int message_create(long type, size_t size, struct io_buffer *from, struct message **out)
{
	struct message *message = object_allocate(&messages);

	if (!message) {
		return -ENOMEM;
	}
	list_init(&message->link);
	message->type = type;
	message->size = size;
	message->text = size ? heap_allocate(size) : NULL;
	if (size && !message->text) {
		message_free(message);
		return -ENOMEM;
	}
	if (size && io_copy_from(from, message->text, size) != size) {
		message_free(message);
		return -EFAULT;
	}
	*out = message;
	return 0;
}

void message_free(struct message *message)
{
	if (message) {
		heap_free(message->text);
		object_free(&messages, message);
	}
}

/* --- sending --- */

static bool fits(const struct message_queue *queue, const struct message *message)
{
	return queue->bytes + message->size <= queue->limit &&
	       queue->count + 1 <= queue->limit;
}

static bool suits(const struct message_receiver *receiver, const struct message *message)
{
	switch (receiver->choice) {
	case CHOOSE_TYPE:
		return message->type == receiver->type;
	case CHOOSE_OTHERS:
		return message->type != receiver->type;
	case CHOOSE_UP_TO:
		return message->type <= receiver->type;
	default:
		return true;
	}
}

static void tell_receiver(struct message_receiver *receiver, int result)
{
	list_remove(&receiver->link);
	receiver->result = result;
	wake_all(&receiver->changed, 0);
}

static bool hand_over(struct message_queue *queue, struct message *message)
{
	struct message_receiver *receiver, *following;

	list_for_each_safe(receiver, following, &queue->receivers, link) {
		if (!suits(receiver, message)) {
			continue;
		}
		if (receiver->size < message->size) {
			tell_receiver(receiver, -E2BIG);
			continue;
		}
		receiver->message = message;
		ipc_pid_set(&queue->receiver, receiver->pid);
		queue->receive_time = ipc_now();
		tell_receiver(receiver, 0);
		return true;
	}
	return false;
}

static void deliver(struct sysv_ipc *ipc, struct message_queue *queue,
		    struct message *message, struct pid *pid)
{
	ipc_pid_set(&queue->sender, pid);
	queue->send_time = ipc_now();
	if (hand_over(queue, message)) {
		return;
	}
	list_push_back(&queue->messages, &message->link);
	queue->count++;
	queue->bytes += message->size;
	ipc->message_count++;
	ipc->text_size += message->size;
}

void message_queue_admit(struct sysv_ipc *ipc, struct message_queue *queue)
{
	struct message_sender *sender, *following;

	list_for_each_safe(sender, following, &queue->senders, link) {
		if (!fits(queue, sender->message)) {
			continue;
		}
		list_remove(&sender->link);
		deliver(ipc, queue, sender->message, sender->pid);
		sender->result = 0;
		wake_all(&sender->changed, 0);
	}
}

void message_senders_end(struct message_queue *queue, int result)
{
	struct message_sender *sender, *following;

	list_for_each_safe(sender, following, &queue->senders, link) {
		list_remove(&sender->link);
		sender->result = result;
		wake_all(&sender->changed, 0);
	}
}

void message_receivers_end(struct message_queue *queue, int result)
{
	struct message_receiver *receiver, *following;

	list_for_each_safe(receiver, following, &queue->receivers, link) {
		tell_receiver(receiver, result);
	}
}

static int wait_for_room(struct mutex *lock, struct message_queue *queue,
			 struct message_sender *sender) MUST_HOLD(lock)
{
	list_push_back(&queue->senders, &sender->link);
	sender->result = MESSAGE_WAITS;
	while (sender->result == MESSAGE_WAITS) {
		int error = mutex_sleep(lock, &sender->changed, NSEC_NEVER);

		if (error && sender->result == MESSAGE_WAITS) {
			list_remove(&sender->link);
			sender->result = -ERESTART_NO_HANDLER;
		}
	}
	return sender->result;
}

static int send_locked(const struct ipc_caller *caller, int id,
		       struct message_sender *sender, u32 flags)
	MUST_HOLD(&caller->ipc->messages.own_lock)
{
	struct sysv_ipc *ipc = caller->ipc;
	struct message_queue *queue;
	struct ipc_object *object;
	int error = ipc_table_access(caller, &ipc->messages, id, IPC_WRITE, &object);

	if (error) {
		return error;
	}
	queue = message_queue_of(object);
	if (fits(queue, sender->message)) {
		deliver(ipc, queue, sender->message, sender->pid);
		return 0;
	}
	return flags & IPC_NOWAIT
		       ? -EAGAIN
		       : wait_for_room(&caller->ipc->messages.own_lock, queue, sender);
}

int message_send(const struct ipc_caller *caller, int id, struct message *message,
		 u32 flags)
{
	struct message_sender sender = {.message = message, .pid = caller->pid};
	int result;

	wait_queue_init(&sender.changed);
	mutex_lock(&caller->ipc->messages.own_lock);
	do {
		result = send_locked(caller, id, &sender, flags);
	} while (result == MESSAGE_LOOK_AGAIN);
	mutex_unlock(&caller->ipc->messages.own_lock);
	return result;
}

/* --- receiving --- */

static void choose(struct message_receiver *receiver, long type, u32 flags)
{
	receiver->type = type;
	if (flags & MSG_COPY) {
		receiver->choice = CHOOSE_NTH;
	} else if (type == 0) {
		receiver->choice = CHOOSE_ANY;
	} else if (type < 0) {
		receiver->choice = CHOOSE_UP_TO;
		receiver->type = type == -__LONG_MAX__ - 1 ? __LONG_MAX__ : -type;
	} else {
		receiver->choice = flags & MSG_EXCEPT ? CHOOSE_OTHERS : CHOOSE_TYPE;
	}
}

/* The first that suits; of CHOOSE_UP_TO the first of the lowest type. */
static struct message *find(const struct message_queue *queue,
			    const struct message_receiver *receiver)
{
	struct message *message, *found = NULL;
	long position = 0;

	list_for_each(message, &queue->messages, link) {
		if (receiver->choice == CHOOSE_NTH) {
			if (position++ == receiver->type) {
				return message;
			}
			continue;
		}
		if (!suits(receiver, message)) {
			continue;
		}
		if (receiver->choice != CHOOSE_UP_TO) {
			return message;
		}
		if (!found || message->type < found->type) {
			found = message;
		}
	}
	return found;
}

static void take(struct sysv_ipc *ipc, struct message_queue *queue,
		 struct message *message, struct pid *pid)
{
	list_remove(&message->link);
	queue->count--;
	queue->bytes -= message->size;
	ipc->message_count--;
	ipc->text_size -= message->size;
	queue->receive_time = ipc_now();
	ipc_pid_set(&queue->receiver, pid);
	message_queue_admit(ipc, queue);
}

static int wait_for_message(struct mutex *lock, struct message_queue *queue,
			    struct message_receiver *receiver) MUST_HOLD(lock)
{
	list_push_back(&queue->receivers, &receiver->link);
	receiver->result = MESSAGE_WAITS;
	while (receiver->result == MESSAGE_WAITS) {
		int error = mutex_sleep(lock, &receiver->changed, NSEC_NEVER);

		if (error && receiver->result == MESSAGE_WAITS) {
			list_remove(&receiver->link);
			receiver->result = -ERESTART_NO_HANDLER;
		}
	}
	return receiver->result;
}

static int copy_out(struct message *from, size_t size, struct message **out)
{
	struct io_buffer io;

	if (from->size > size) {
		return -EINVAL; // with MSG_NOERROR; no half copies
	}
	io_buffer_init_kernel(&io, from->text, from->size);
	return message_create(from->type, from->size, &io, out);
}

static int receive_locked(const struct ipc_caller *caller, int id, size_t size,
			  struct message_receiver *receiver, u32 flags)
	MUST_HOLD(&caller->ipc->messages.own_lock)
{
	struct sysv_ipc *ipc = caller->ipc;
	struct message_queue *queue;
	struct message *message;
	struct ipc_object *object;
	int error = ipc_table_access(caller, &ipc->messages, id, IPC_READ, &object);

	if (error) {
		return error;
	}
	queue = message_queue_of(object);
	message = find(queue, receiver);
	if (!message) {
		return flags & IPC_NOWAIT
			       ? -ENOMSG
			       : wait_for_message(&caller->ipc->messages.own_lock, queue,
						  receiver);
	}
	if (message->size > receiver->size) {
		return -E2BIG;
	}
	if (receiver->choice == CHOOSE_NTH) {
		return copy_out(message, size, &receiver->message);
	}
	take(ipc, queue, message, caller->pid);
	receiver->message = message;
	return 0;
}

int message_receive(const struct ipc_caller *caller, int id, size_t size, long type,
		    u32 flags, struct message **out)
{
	struct message_receiver receiver = {
		.size = flags & MSG_NOERROR ? SIZE_MAX : size,
		.pid = caller->pid,
	};
	int result;

	if (flags & MSG_COPY && (flags & MSG_EXCEPT || !(flags & IPC_NOWAIT))) {
		return -EINVAL;
	}
	choose(&receiver, type, flags);
	wait_queue_init(&receiver.changed);
	mutex_lock(&caller->ipc->messages.own_lock);
	do {
		result = receive_locked(caller, id, size, &receiver, flags);
	} while (result == MESSAGE_LOOK_AGAIN);
	mutex_unlock(&caller->ipc->messages.own_lock);
	*out = receiver.message;
	return result;
}
