// SPDX-License-Identifier: MIT
/*
 * System V IPC: one namespace's world of it, and its limits.
 *
 * Owns      struct sysv_ipc.
 */
#include "ipc/sysv/sysv_internal.h"

#include "core/panic.h"
#include "ipc/ipc_namespace.h"
#include "ipc/mqueue/mqueue.h"
#include "mm/heap.h"

/* ULONG_MAX less what keeps sums of sizes from overflowing, as Linux has it. */
#define SEGMENT_DEFAULT (UINT64_MAX - (1u << 24))
enum {
	SEGMENTS_DEFAULT = 4096,
	MQ_QUEUES_DEFAULT = 256,
	MQ_MESSAGES_DEFAULT = 10,
	MQ_SIZE_DEFAULT = 8192,
};

OBJECT_CACHE(worlds, sysv_ipc);

struct mutex segments_lock;

static void set_limits(struct sysv_ipc *ipc)
{
	ipc->sem_per_set = SEMMSL;
	ipc->sem_in_all = SEMMNS;
	ipc->sem_operations = SEMOPM;
	ipc->sem_sets = SEMMNI;
	ipc->message_size = MSGMAX;
	ipc->queue_size = MSGMNB;
	ipc->queues = MSGMNI;
	ipc->segment_size = SEGMENT_DEFAULT;
	ipc->pages_in_all = SEGMENT_DEFAULT;
	ipc->segment_limit = SEGMENTS_DEFAULT;
	ipc->mq_queues = MQ_QUEUES_DEFAULT;
	ipc->mq_messages = ipc->mq_messages_default = MQ_MESSAGES_DEFAULT;
	ipc->mq_size = ipc->mq_size_default = MQ_SIZE_DEFAULT;
}

int sysv_ipc_create(struct sysv_ipc **out)
{
	struct sysv_ipc *ipc = object_allocate(&worlds);

	if (!ipc) {
		return -ENOMEM;
	}
	ipc_table_init(&ipc->semaphores, NULL);
	ipc_table_init(&ipc->messages, NULL);
	ipc_table_init(&ipc->segments, &segments_lock);
	set_limits(ipc);
	*out = ipc;
	return 0;
}

void sysv_ipc_destroy(struct sysv_ipc *ipc)
{
	semaphores_destroy(ipc);
	messages_destroy(ipc);
	segments_destroy(ipc);
	mqueue_end(ipc);
	ipc_table_destroy(&ipc->semaphores);
	ipc_table_destroy(&ipc->messages);
	ipc_table_destroy(&ipc->segments);
	object_free(&worlds, ipc);
}

static int contents_create(void **objects)
{
	struct sysv_ipc *ipc;
	int error = sysv_ipc_create(&ipc);

	*objects = error ? NULL : ipc;
	return error;
}

static void contents_destroy(void *objects)
{
	sysv_ipc_destroy(objects);
}

static const struct ipc_contents contents = {
	.create = contents_create,
	.destroy = contents_destroy,
};

void sysv_init(void)
{
	mutex_init(&segments_lock, RANK_IPC, "segments_lock");
	if (ipc_namespace_install(&contents)) {
		panic("no memory for the first IPC namespace");
	}
}
