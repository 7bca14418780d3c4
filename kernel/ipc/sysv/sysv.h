// SPDX-License-Identifier: MIT
/*
 * System V IPC: semaphore sets, message queues, shared memory segments (F4, svipc(7)); one world of them a namespace (C8).
 *
 * Everything takes the caller as an argument. Numbers of processes are kept as the opaque struct pid of process/, through a
 * table that room installs. Context: thread, no spinlock; semaphore_operate, message_send and message_receive wait.
 *
 * Errors all of them have: EINVAL (no such identifier), EACCES (the mode forbids it), EPERM (only owner or creator may).
 */
#pragma once

#include "core/lock_rank.h"
#include "cred/credentials.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/radix.h"
#include "lib/types.h"
#include "mm/io_buffer.h"
#include "sync/mutex.h"
#include "time/clock.h"
#include <linux/msg.h>
#include <linux/sem.h>

struct mount;
struct pid;
struct semaphore_undo;
struct user_namespace;
struct vm_space;

enum { IPC_KEY_BUCKETS = 64 };

/* The objects of one kind in one namespace. An identifier is a sequence number and an index: identifiers.c. */
struct ipc_table {
	struct mutex own_lock;
	struct mutex *lock; /* &own_lock, or one that all namespaces share */
	struct radix objects;
	struct list by_key[IPC_KEY_BUCKETS];
	u32 used;
	s32 last_index;
	u16 sequence;
};

/* What an IPC namespace has of it. Limits are read and written without a lock: each is one word. */
struct sysv_ipc {
	struct ipc_table semaphores, messages, segments;
	u64 semaphores_in_all;        /* semaphores.lock */
	u64 message_count, text_size; /* messages.lock: in all queues */
	u64 segment_pages;            /* segments.lock */

	s32 sem_per_set, sem_in_all, sem_operations,
		sem_sets;                     /* SEMMSL, SEMMNS, SEMOPM, SEMMNI */
	s32 message_size, queue_size, queues; /* MSGMAX, MSGMNB, MSGMNI */
	u64 segment_size, pages_in_all;       /* SHMMAX, SHMALL */
	s32 segment_limit;                    /* SHMMNI */

	/* POSIX message queues: mqueue/ */
	struct mount *queues_mount; /* NULL until the first is asked for; then it stays */
	u32 mq_count;               /* mqueue_directory.lock */
	s32 mq_queues, mq_messages, mq_size, mq_messages_default, mq_size_default;
};

/* Empty, with the limits of a new system. -ENOMEM */
int sysv_ipc_create(struct sysv_ipc **out) must_check;
/* Nobody is in a call on it any more. Segments still attached go with their last mapping. May sleep. */
void sysv_ipc_destroy(struct sysv_ipc *ipc);
void sysv_init(void); /* boot */

/* Who calls. `pid`: of its process; borrowed. */
struct ipc_caller {
	struct sysv_ipc *ipc;
	const struct user_namespace
		*owner; /* of the namespace: where capabilities count */
	const struct credentials *credentials;
	struct pid *pid;
};

/* Installed by process/. number: as the running thread sees it; current: the running process's, NULL for kernel threads. */
struct ipc_pid_operations {
	void (*get)(struct pid *pid);
	void (*put)(struct pid *pid);
	pid_nr (*number)(const struct pid *pid);
	struct pid *(*current)(void);
};
void sysv_set_pid_operations(const struct ipc_pid_operations *operations);

/* How the first argument of a _status call is meant: IPC_STAT, SEM_STAT (an index), SEM_STAT_ANY (unchecked). */
enum ipc_status_by { IPC_BY_ID, IPC_BY_INDEX, IPC_BY_INDEX_ANY };

/* --- semget(2), semop(2), semctl(2) --- */

/* The identifier. ENOENT, EEXIST, ENOSPC, ENOMEM */
int semaphore_get(const struct ipc_caller *caller, s32 key, int count,
		  u32 flags) must_check;
/* All of `operations` or none. `undo`: needed if one of them has SEM_UNDO. EFBIG, ERANGE, EAGAIN (IPC_NOWAIT, or `deadline`
 * came), EIDRM, EINTR, ENOMEM */
int semaphore_operate(const struct ipc_caller *caller, int id,
		      const struct sembuf *operations, unsigned count, nsec_t deadline,
		      struct semaphore_undo *undo) must_check;
int semaphore_remove(const struct ipc_caller *caller, int id) must_check;
/* IPC_SET: uid, gid and mode of `wanted`. */
int semaphore_set_owner(const struct ipc_caller *caller, int id,
			const struct ipc64_perm *wanted) must_check;
/* The identifier. */
int semaphore_status(const struct ipc_caller *caller, enum ipc_status_by by, int id,
		     struct semid64_ds *out) must_check;
int semaphore_set_value(const struct ipc_caller *caller, int id, int number,
			int value) must_check;
/* GETVAL, GETPID, GETNCNT, GETZCNT */
int semaphore_get_value(const struct ipc_caller *caller, int id, int number,
			int command) must_check;
/* GETALL: *out is from the heap, the caller's to free; returns how many. */
int semaphore_get_all(const struct ipc_caller *caller, int id, u16 **out) must_check;
/* SETALL in two steps: how many there are, then as many values. EIDRM if the set went between. */
int semaphore_check_set_all(const struct ipc_caller *caller, int id) must_check;
int semaphore_set_all(const struct ipc_caller *caller, int id, const u16 *values,
		      unsigned count) must_check;
/* SEM_INFO (in_use) or IPC_INFO. Returns the highest index in use. */
int semaphore_info(const struct ipc_caller *caller, bool in_use, struct seminfo *out);

/*
 * A list of adjustments: a slot's object (resources.md), shared by CLONE_SYSVSEM. `users` is the number of slots that point
 * to it; they are all of threads in the namespace of `ipc`, which their namespace slot keeps alive.
 */
struct semaphore_undo {
	_Atomic u32 users;
	struct sysv_ipc *ipc;
	struct list entries; /* semaphores.lock */
};
int semaphore_undo_create(struct sysv_ipc *ipc, struct semaphore_undo **out) must_check;
void semaphore_undo_share(struct semaphore_undo *undo);
/* The last user applies the adjustments, as process `pid`. */
void semaphore_undo_leave(struct semaphore_undo *undo, struct pid *pid);

/* --- msgget(2), msgop(2), msgctl(2) --- */

struct message {
	struct list link;
	long type;
	size_t size;
	char *text;
};
int message_create(long type, size_t size, struct io_buffer *from,
		   struct message **out) must_check;
void message_free(struct message *message);

int message_queue_get(const struct ipc_caller *caller, s32 key, u32 flags) must_check;
/* Takes `message` over if it succeeds. EAGAIN, EIDRM, ERESTART_NO_HANDLER */
int message_send(const struct ipc_caller *caller, int id, struct message *message,
		 u32 flags) must_check;
/* The caller owns *out. E2BIG, ENOMSG, EIDRM, ERESTART_NO_HANDLER */
int message_receive(const struct ipc_caller *caller, int id, size_t size, long type,
		    u32 flags, struct message **out) must_check;
int message_queue_remove(const struct ipc_caller *caller, int id) must_check;
/* IPC_SET */
int message_queue_set(const struct ipc_caller *caller, int id,
		      const struct msqid64_ds *wanted) must_check;
int message_queue_status(const struct ipc_caller *caller, enum ipc_status_by by, int id,
			 struct msqid64_ds *out) must_check;
int message_info(const struct ipc_caller *caller, bool in_use, struct msginfo *out);

/* --- shmget(2), shmop(2), shmctl(2): shared_memory.h --- */
