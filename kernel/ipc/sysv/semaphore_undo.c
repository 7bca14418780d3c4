// SPDX-License-Identifier: MIT
/*
 * SEM_UNDO: what an exit takes back (R8).
 *
 * Owns      struct semaphore_undo, struct semaphore_adjustments.
 * Locks     sysv_ipc.semaphores.lock: the entries, and the numbers in them.
 *
 * Adjustments are found from both ends, the list and the set; whichever ends first frees them, under the same lock.
 */
#include "ipc/sysv/semaphore_internal.h"

#include "mm/heap.h"
#include <stdatomic.h>

OBJECT_CACHE(undo_lists, semaphore_undo);
OBJECT_CACHE(adjustment_cache, semaphore_adjustments);

int semaphore_undo_create(struct sysv_ipc *ipc, struct semaphore_undo **out)
{
	struct semaphore_undo *undo = object_allocate(&undo_lists);

	if (!undo) {
		return -ENOMEM;
	}
	undo->users = 1;
	undo->ipc = ipc;
	list_init(&undo->entries);
	*out = undo;
	return 0;
}

void semaphore_undo_share(struct semaphore_undo *undo)
{
	atomic_fetch_add_explicit(&undo->users, 1, memory_order_relaxed);
}

void semaphore_adjustments_free(struct semaphore_adjustments *adjustments)
{
	list_remove(&adjustments->undo_link);
	list_remove(&adjustments->set_link);
	heap_free(adjustments->by);
	object_free(&adjustment_cache, adjustments);
}

int semaphore_undo_find(struct semaphore_undo *undo, struct semaphore_set *set,
			struct semaphore_adjustments **out)
{
	struct semaphore_adjustments *adjustments;

	list_for_each(adjustments, &undo->entries, undo_link) {
		if (adjustments->set == set) {
			*out = adjustments;
			return 0;
		}
	}
	adjustments = object_allocate(&adjustment_cache);
	if (!adjustments) {
		return -ENOMEM;
	}
	adjustments->by = heap_allocate_array(set->count, sizeof(*adjustments->by));
	if (!adjustments->by) {
		object_free(&adjustment_cache, adjustments);
		return -ENOMEM;
	}
	adjustments->set = set;
	list_push_back(&undo->entries, &adjustments->undo_link);
	list_push_back(&set->undos, &adjustments->set_link);
	*out = adjustments;
	return 0;
}

/* As far as the values allow: a semaphore stays between 0 and SEMVMX. */
static void apply(struct semaphore_adjustments *adjustments, struct pid *pid)
{
	struct semaphore_set *set = adjustments->set;

	for (u32 i = 0; i < set->count; i++) {
		struct semaphore *semaphore = &set->semaphores[i];

		if (adjustments->by[i]) {
			int value = semaphore->value + adjustments->by[i];

			semaphore->value = MIN(MAX(value, 0), SEMVMX);
			ipc_pid_set(&semaphore->pid, pid);
		}
	}
	set->operation_time = ipc_now();
	semaphore_update(set);
}

void semaphore_undo_leave(struct semaphore_undo *undo, struct pid *pid)
{
	struct semaphore_adjustments *adjustments, *following;

	// acquire-release, as everywhere in resources.md: what the others did comes before the teardown
	if (atomic_fetch_sub_explicit(&undo->users, 1, memory_order_acq_rel) != 1) {
		return;
	}
	mutex_lock(&undo->ipc->semaphores.own_lock);
	list_for_each_safe(adjustments, following, &undo->entries, undo_link) {
		apply(adjustments, pid);
		semaphore_adjustments_free(adjustments);
	}
	mutex_unlock(&undo->ipc->semaphores.own_lock);
	object_free(&undo_lists, undo);
}
