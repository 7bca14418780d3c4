// SPDX-License-Identifier: MIT
/*
 * POSIX message queues: messages, who waits for them, who is told.
 *
 * Owns      struct mqueue, but for its place in the directory.
 * Locks     mqueue.lock (RANK_IPC) > mqueue.changed.lock
 *
 * As in sysv/message.c a message goes from hand to hand: a sender gives it to the first receiver that waits, a receiver takes in
 * the first sender that does; a woken caller finds its result made.
 */
#include "ipc/mqueue/mqueue_internal.h"

#include "cred/user_account.h"
#include "fs/page_file.h"
#include "lib/format.h"
#include "mm/heap.h"
#include <linux/eventpoll.h>
#include <linux/fcntl.h>

OBJECT_CACHE(queues, mqueue);

enum { WAITS = 1 };
/* getrlimit(2), RLIMIT_MSGQUEUE; programs reckon with them. */
enum { MESSAGE_OVERHEAD = 48, PRIORITY_OVERHEAD = 48, PRIORITIES = 32768 };

/* A call that waits, on the stack of who makes it. */
struct waiter {
	struct list link;
	struct message *message; /* a sender's own; what a receiver got */
	int result;
	struct wait_queue changed;
};

int mqueue_allocate(const char *name, s64 message_limit, s64 size_limit,
		    struct mqueue **out)
{
	struct mqueue *queue = object_allocate(&queues);

	if (!queue) {
		return -ENOMEM;
	}
	queue->name = heap_duplicate_string(name);
	if (!queue->name) {
		object_free(&queues, queue);
		return -ENOMEM;
	}
	mutex_init(&queue->lock, RANK_IPC, "mqueue.lock");
	queue->message_limit = message_limit;
	queue->size_limit = size_limit;
	list_init(&queue->link);
	list_init(&queue->messages);
	list_init(&queue->senders);
	list_init(&queue->receivers);
	wait_queue_init(&queue->changed);
	*out = queue;
	return 0;
}

u64 mqueue_charge(const struct mqueue *queue)
{
	u64 messages = (u64)queue->message_limit;

	return messages * (u64)queue->size_limit + messages * MESSAGE_OVERHEAD +
	       MIN(messages, (u64)PRIORITIES) * PRIORITY_OVERHEAD;
}

void mqueue_free(struct mqueue *queue)
{
	struct message *message, *following;

	list_for_each_safe(message, following, &queue->messages, link) {
		message_free(message);
	}
	ipc_pid_set(&queue->notice.owner, NULL);
	if (queue->account) {
		user_account_give_back(queue->account, USER_QUEUE_BYTES,
				       mqueue_charge(queue));
		user_account_put(queue->account);
	}
	heap_free(queue->name);
	object_free(&queues, queue);
}

static int queue_of(struct file *file, u32 mode, struct mqueue **out)
{
	if (file->operations != &mqueue_file_operations || (file->mode & mode) != mode) {
		return -EBADF;
	}
	*out = file->inode->data;
	return 0;
}

/* --- messages --- */

/* Behind those of its priority. */
static void put_in(struct mqueue *queue, struct message *message)
{
	struct message *other;
	struct list *before = &queue->messages;

	list_for_each(other, &queue->messages, link) {
		if (other->type < message->type) {
			before = &other->link;
			break;
		}
	}
	list_insert_between(&message->link, before->previous, before);
	queue->count++;
	queue->bytes += message->size;
}

static struct message *take_first(struct mqueue *queue)
{
	struct message *message = list_first(&queue->messages, struct message, link);

	list_remove(&message->link);
	queue->count--;
	queue->bytes -= message->size;
	return message;
}

static struct waiter *first_waiter(struct list *waiters)
{
	return list_empty(waiters) ? NULL : list_first(waiters, struct waiter, link);
}

static void tell(struct waiter *waiter)
{
	list_remove(&waiter->link);
	waiter->result = 0;
	wake_all(&waiter->changed, 0);
}

/* true: `notice` is to be told that the queue is no longer empty, once the lock is dropped. It takes the reference over. */
static bool deliver(struct mqueue *queue, struct message *message,
		    struct mqueue_notice *notice)
{
	struct waiter *receiver = first_waiter(&queue->receivers);

	if (receiver) {
		receiver->message = message;
		tell(receiver);
		return false;
	}
	put_in(queue, message);
	wake_all(&queue->changed, EPOLLIN);
	if (queue->count > 1 || !queue->noticed) {
		return false;
	}
	*notice = queue->notice;
	queue->notice = (struct mqueue_notice){0};
	queue->noticed = false;
	return true;
}

static int wait_in(struct mutex *lock, struct list *waiters, struct waiter *waiter,
		   nsec_t deadline) MUST_HOLD(lock)
{
	wait_queue_init(&waiter->changed);
	list_push_back(waiters, &waiter->link);
	waiter->result = WAITS;
	while (waiter->result == WAITS) {
		int error = mutex_sleep_realtime(lock, &waiter->changed, deadline);

		if (error && waiter->result == WAITS) {
			list_remove(&waiter->link);
			waiter->result = error;
		}
	}
	return waiter->result;
}

static int send_message(struct mqueue *queue, struct message *message, bool nonblocking,
			nsec_t deadline)
{
	struct waiter waiter = {.message = message};
	struct mqueue_notice notice;
	bool tell_owner = false;
	int error = 0;

	mutex_lock(&queue->lock);
	if (queue->count < queue->message_limit) {
		tell_owner = deliver(queue, message, &notice);
	} else {
		error = nonblocking ? -EAGAIN
				    : wait_in(&queue->lock, &queue->senders, &waiter,
					      deadline);
	}
	mutex_unlock(&queue->lock);
	if (tell_owner) {
		mqueue_signal(&notice);
		ipc_pid_set(&notice.owner, NULL);
	}
	return error;
}

int mqueue_send(struct file *file, struct io_buffer *from, u32 priority, nsec_t deadline)
{
	struct message *message;
	struct mqueue *queue;
	int error = queue_of(file, FILE_WRITE, &queue);

	if (error) {
		return error;
	}
	if (from->remaining > (u64)queue->size_limit) {
		return -EMSGSIZE;
	}
	error = message_create(priority, from->remaining, from, &message);
	if (error) {
		return error;
	}
	error = send_message(queue, message, file_nonblocking(file), deadline);
	if (error) {
		message_free(message);
	}
	return error;
}

static int receive_message(struct mqueue *queue, bool nonblocking, nsec_t deadline,
			   struct message **out)
{
	struct waiter waiter = {0}, *sender;
	int error = 0;

	mutex_lock(&queue->lock);
	if (queue->count > 0) {
		waiter.message = take_first(queue);
		sender = first_waiter(&queue->senders);
		if (sender) {
			put_in(queue, sender->message);
			tell(sender);
		} else {
			wake_all(&queue->changed, EPOLLOUT);
		}
	} else {
		error = nonblocking ? -EAGAIN
				    : wait_in(&queue->lock, &queue->receivers, &waiter,
					      deadline);
	}
	mutex_unlock(&queue->lock);
	*out = waiter.message;
	return error;
}

s64 mqueue_receive(struct file *file, struct io_buffer *to, u32 *priority,
		   nsec_t deadline)
{
	struct message *message;
	struct mqueue *queue;
	s64 result = queue_of(file, FILE_READ, &queue);

	if (result) {
		return result;
	}
	if (to->remaining < (u64)queue->size_limit) {
		return -EMSGSIZE;
	}
	result = receive_message(queue, file_nonblocking(file), deadline, &message);
	if (result) {
		return result;
	}
	*priority = (u32)message->type;
	result = (s64)message->size;
	if (io_copy_to(to, message->text, message->size) != message->size) {
		result = -EFAULT;
	}
	message_free(message);
	return result;
}

/* --- who is told --- */

static void forget_notice(struct mqueue *queue)
{
	ipc_pid_set(&queue->notice.owner, NULL);
	queue->noticed = false;
}

int mqueue_notify(struct file *file, const struct mqueue_notice *notice, struct pid *self)
{
	struct mqueue *queue;
	int error = queue_of(file, 0, &queue);

	if (error) {
		return error;
	}
	mutex_lock(&queue->lock);
	if (!notice) {
		if (queue->noticed && queue->notice.owner == self) {
			forget_notice(queue);
		}
	} else if (queue->noticed) {
		error = -EBUSY;
	} else {
		queue->notice = *notice;
		queue->notice.owner = NULL;
		ipc_pid_set(&queue->notice.owner, self);
		queue->noticed = true;
	}
	mutex_unlock(&queue->lock);
	return error;
}

int mqueue_attributes(struct file *file, struct mq_attr *out)
{
	struct mqueue *queue;
	int error = queue_of(file, 0, &queue);

	if (error) {
		return error;
	}
	mutex_lock(&queue->lock);
	*out = (struct mq_attr){
		.mq_flags = file_nonblocking(file) ? O_NONBLOCK : 0,
		.mq_maxmsg = queue->message_limit,
		.mq_msgsize = queue->size_limit,
		.mq_curmsgs = queue->count,
	};
	mutex_unlock(&queue->lock);
	return 0;
}

/* --- as a file --- */

/* What it holds, and who is to be told. */
static s64 queue_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct mqueue *queue = file->inode->data;
	char text[96];
	size_t length;

	mutex_lock(&queue->lock);
	length = (size_t)format_string(
		text, sizeof(text),
		"QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", queue->bytes,
		queue->noticed && queue->notice.silent,
		queue->noticed ? queue->notice.signal : 0,
		ipc_pid_number(queue->notice.owner));
	mutex_unlock(&queue->lock);
	if (*position >= length) {
		return 0;
	}
	length = MIN(length - (size_t)*position, (size_t)io->remaining);
	length = io_copy_to(io, text + *position, length);
	*position += length;
	return length ? (s64)length : -EFAULT;
}

static u32 queue_poll(struct file *file, struct poll_table *table)
{
	struct mqueue *queue = file->inode->data;
	u32 mask = 0;

	poll_wait(table, &queue->changed);
	mutex_lock(&queue->lock);
	mask |= queue->count > 0 ? EPOLLIN | EPOLLRDNORM : 0;
	mask |= queue->count < queue->message_limit ? EPOLLOUT | EPOLLWRNORM : 0;
	mutex_unlock(&queue->lock);
	return mask;
}

/* A process that closes any descriptor of the queue no longer wants to be told. */
static int queue_flush(struct file *file)
{
	struct mqueue *queue = file->inode->data;

	mutex_lock(&queue->lock);
	if (queue->noticed && queue->notice.owner == ipc_pid_current()) {
		forget_notice(queue);
	}
	mutex_unlock(&queue->lock);
	return 0;
}

const struct file_operations mqueue_file_operations = {
	.read = queue_read,
	.seek = generic_seek,
	.poll = queue_poll,
	.flush = queue_flush,
};
