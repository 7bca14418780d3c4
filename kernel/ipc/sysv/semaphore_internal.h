// SPDX-License-Identifier: MIT
/* Semaphore sets: what their files share. All fields are guarded by the lock of sysv_ipc.semaphores. */
#pragma once

#include "ipc/sysv/sysv_internal.h"

struct semaphore {
	s32 value;
	struct pid *pid; /* who changed it last; a reference */
};

/* Made by semget(2), ended by IPC_RMID or with its namespace. */
struct semaphore_set {
	struct ipc_object object; /* first */
	s64 operation_time, change_time;
	u32 count;
	struct semaphore *semaphores;
	struct list for_zero; /* struct semaphore_waiter: they change nothing, */
	struct list altering; /* these do; each in the order they came */
	struct list undos;    /* struct semaphore_adjustments */
};

/* What one undo list does to one set when it is applied. */
struct semaphore_adjustments {
	struct list undo_link, set_link;
	struct semaphore_set *set;
	s16 *by; /* one a semaphore */
};

/* A call of semop(2): on the stack of who makes it. */
struct semaphore_call {
	struct list link; /* in the set while it waits */
	const struct sembuf *operations;
	unsigned count, blocking; /* blocking: the operation it waits for */
	struct semaphore_adjustments *undo;
	struct pid *pid;
	bool alters;
	int result;                /* CALL_BLOCKED while it waits */
	struct wait_queue changed; /* result is */
};
enum { CALL_BLOCKED = 1 };

static inline struct semaphore_set *semaphore_set_of(struct ipc_object *object)
{
	return (struct semaphore_set *)object;
}

/* All or nothing: 0, CALL_BLOCKED, or an errno. */
int semaphore_try(struct semaphore_set *set, struct semaphore_call *call) must_check;
/* Values have changed: let go on whoever can now. */
void semaphore_update(struct semaphore_set *set);
/* The adjustments `undo` has for `set`, made if need be. -ENOMEM */
int semaphore_undo_find(struct semaphore_undo *undo, struct semaphore_set *set,
			struct semaphore_adjustments **out) must_check;
void semaphore_adjustments_free(struct semaphore_adjustments *adjustments);
