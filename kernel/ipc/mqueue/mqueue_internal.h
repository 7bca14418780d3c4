// SPDX-License-Identifier: MIT
/* POSIX message queues: what their files share. */
#pragma once

#include "fs/file.h"
#include "fs/inode.h"
#include "ipc/mqueue/mqueue.h"
#include "ipc/sysv/callers.h"
#include "lib/errno.h"
#include "lib/list.h"
#include "sched/wait.h"

/* The data of a queue's inode. Fields without a remark: `lock`. */
struct mqueue {
	struct list link;    /* directory's lock; unlinked: the name was removed */
	struct inode *inode; /* I; the directory's reference while it is linked */
	char *name;          /* I */

	struct mutex lock;
	s64 message_limit, size_limit; /* I */
	struct user_account *account;  /* I: a reference; NULL: not charged yet */
	s64 count;
	u64 bytes;
	struct list messages; /* struct message: the highest `type` first */
	struct list senders, receivers;
	struct wait_queue changed; /* for poll */
	struct mqueue_notice notice;
	bool noticed; /* somebody asked for it */
};

/* The data of a super block. */
struct mqueue_directory {
	struct mutex lock;
	struct sysv_ipc *ipc; /* NULL: the namespace has ended */
	struct list queues;
	/* create_lock, outside inode.lock: what the queue that `maker` makes is to be like */
	struct mutex create_lock;
	struct sched_entity *maker;
	const struct mq_attr *wanted;
	bool privileged;
};

/* What a queue counts for RLIMIT_MSGQUEUE: all its messages, and what Linux keeps of each and of each priority. */
u64 mqueue_charge(const struct mqueue *queue);
int mqueue_allocate(const char *name, s64 message_limit, s64 size_limit,
		    struct mqueue **out) must_check;
void mqueue_free(struct mqueue *queue);
void mqueue_signal(const struct mqueue_notice *notice);
