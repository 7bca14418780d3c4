// SPDX-License-Identifier: MIT
/*
 * Semaphore sets: made and removed; who waits for one is told.
 *
 * Owns      struct semaphore_set.
 * Locks     sysv_ipc.semaphores.lock
 *
 * Invariants
 *   S1  A waiter is linked in its set iff its result is CALL_BLOCKED. Whoever decides the result unlinks it.
 *   S2  After each change of a value no linked waiter could go on: semaphore_update() saw to it under the same hold of the lock.
 */
#include "ipc/sysv/semaphore_internal.h"

#include "mm/heap.h"

OBJECT_CACHE(sets, semaphore_set);

static void set_free(struct semaphore_set *set)
{
	if (!set) {
		return;
	}
	for (u32 i = 0; set->semaphores && i < set->count; i++) {
		ipc_pid_set(&set->semaphores[i].pid, NULL);
	}
	heap_free(set->semaphores);
	object_free(&sets, set);
}

static struct semaphore_set *set_allocate(u32 count)
{
	struct semaphore_set *set = object_allocate(&sets);

	if (!set) {
		return NULL;
	}
	set->semaphores = heap_allocate_array(count, sizeof(*set->semaphores));
	if (!set->semaphores) {
		set_free(set);
		return NULL;
	}
	set->count = count;
	set->change_time = ipc_now();
	list_init(&set->for_zero);
	list_init(&set->altering);
	list_init(&set->undos);
	return set;
}

static int set_create(const struct ipc_caller *caller, s32 key, int count, u32 flags)
{
	struct sysv_ipc *ipc = caller->ipc;
	struct semaphore_set *set;
	int error;

	if (count == 0) {
		return -EINVAL;
	}
	if (ipc->semaphores_in_all + (u64)count > (u64)READ_ONCE(ipc->sem_in_all)) {
		return -ENOSPC;
	}
	set = set_allocate((u32)count);
	if (!set) {
		return -ENOMEM;
	}
	error = ipc_table_add(caller, &ipc->semaphores, &set->object, key, flags,
			      READ_ONCE(ipc->sem_sets));
	if (error) {
		set_free(set);
		return error;
	}
	ipc->semaphores_in_all += (u64)count;
	return set->object.id;
}

static int get_locked(const struct ipc_caller *caller, s32 key, int count, u32 flags)
{
	struct ipc_object *object;
	int error = ipc_table_find(&caller->ipc->semaphores, key, flags, &object);

	if (error > 0) {
		return set_create(caller, key, count, flags);
	}
	if (!error && (u32)count > semaphore_set_of(object)->count) {
		return -EINVAL;
	}
	if (!error) {
		error = ipc_check(caller, object, flags);
	}
	return error ? error : object->id;
}

int semaphore_get(const struct ipc_caller *caller, s32 key, int count, u32 flags)
{
	struct sysv_ipc *ipc = caller->ipc;
	int result;

	if (count < 0 || count > READ_ONCE(ipc->sem_per_set)) {
		return -EINVAL;
	}
	mutex_lock(&ipc->semaphores.own_lock);
	result = get_locked(caller, key, count, flags);
	mutex_unlock(&ipc->semaphores.own_lock);
	return result;
}

/* --- removal --- */

static void end_waiters(struct list *waiters)
{
	struct semaphore_call *call, *following;

	list_for_each_safe(call, following, waiters, link) {
		list_remove(&call->link);
		call->result = -EIDRM;
		wake_all(&call->changed, 0);
	}
}

static void set_remove(struct sysv_ipc *ipc, struct semaphore_set *set)
{
	struct semaphore_adjustments *adjustments, *following;

	list_for_each_safe(adjustments, following, &set->undos, set_link) {
		semaphore_adjustments_free(adjustments);
	}
	end_waiters(&set->for_zero);
	end_waiters(&set->altering);
	ipc_table_remove(&ipc->semaphores, &set->object);
	ipc->semaphores_in_all -= set->count;
	set_free(set);
}

int semaphore_remove(const struct ipc_caller *caller, int id)
{
	struct sysv_ipc *ipc = caller->ipc;
	struct ipc_object *object;
	int error;

	mutex_lock(&ipc->semaphores.own_lock);
	error = ipc_table_owned(caller, &ipc->semaphores, id, &object);
	if (!error) {
		set_remove(ipc, semaphore_set_of(object));
	}
	mutex_unlock(&ipc->semaphores.own_lock);
	return error;
}

void semaphores_destroy(struct sysv_ipc *ipc)
{
	struct ipc_object *object;
	u64 index = 0;

	mutex_lock(&ipc->semaphores.own_lock);
	while ((object = ipc_table_next(&ipc->semaphores, &index)) != NULL) {
		set_remove(ipc, semaphore_set_of(object));
	}
	mutex_unlock(&ipc->semaphores.own_lock);
}
