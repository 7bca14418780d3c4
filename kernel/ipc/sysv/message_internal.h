// SPDX-License-Identifier: MIT
/* Message queues: what their files share. All fields are guarded by the lock of sysv_ipc.messages. */
#pragma once

#include "ipc/sysv/sysv_internal.h"

/* Made by msgget(2), ended by IPC_RMID or with its namespace. */
struct message_queue {
	struct ipc_object object; /* first */
	s64 send_time, receive_time, change_time;
	u64 bytes, count, limit;       /* limit: of bytes, and of messages too */
	struct pid *sender, *receiver; /* the last ones; references */
	struct list messages;          /* struct message, in the order they came */
	struct list senders, receivers;
};

/* A call that waits; on the stack of who makes it. */
enum { MESSAGE_WAITS = 1, MESSAGE_LOOK_AGAIN = 2 };

struct message_sender {
	struct list link;
	struct message *message;
	struct pid *pid;
	int result;
	struct wait_queue changed;
};

enum message_choice { CHOOSE_ANY, CHOOSE_TYPE, CHOOSE_OTHERS, CHOOSE_UP_TO, CHOOSE_NTH };

struct message_receiver {
	struct list link;
	enum message_choice choice;
	long type;
	size_t size; /* the most it takes */
	struct pid *pid;
	struct message *message; /* what it got */
	int result;
	struct wait_queue changed;
};

static inline struct message_queue *message_queue_of(struct ipc_object *object)
{
	return (struct message_queue *)object;
}

/* Let go on the senders whose messages fit now. */
void message_queue_admit(struct sysv_ipc *ipc, struct message_queue *queue);
void message_senders_end(struct message_queue *queue, int result);
void message_receivers_end(struct message_queue *queue, int result);
