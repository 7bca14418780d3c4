// SPDX-License-Identifier: MIT
/*
 * semctl(2): reading and setting values, permissions, and what there is.
 *
 * Locks     sysv_ipc.semaphores.lock, taken by every function here.
 */
#include "ipc/sysv/semaphore_internal.h"

#include "mm/heap.h"

int semaphore_set_owner(const struct ipc_caller *caller, int id,
			const struct ipc64_perm *wanted)
{
	struct ipc_table *table = &caller->ipc->semaphores;
	struct ipc_object *object;
	int error;

	mutex_lock(&table->own_lock);
	error = ipc_table_owned(caller, table, id, &object);
	if (!error) {
		error = ipc_set_permissions(object, wanted);
	}
	if (!error) {
		semaphore_set_of(object)->change_time = ipc_now();
	}
	mutex_unlock(&table->own_lock);
	return error;
}

int semaphore_status(const struct ipc_caller *caller, enum ipc_status_by by, int id,
		     struct semid64_ds *out)
{
	struct ipc_table *table = &caller->ipc->semaphores;
	const struct semaphore_set *set;
	struct ipc_object *object;
	int result;

	mutex_lock(&table->own_lock);
	result = ipc_table_status(caller, table, by, id, &object);
	if (!result) {
		set = semaphore_set_of(object);
		*out = (struct semid64_ds){
			.sem_otime = set->operation_time,
			.sem_ctime = set->change_time,
			.sem_nsems = set->count,
		};
		ipc_get_permissions(object, &out->sem_perm);
		result = object->id;
	}
	mutex_unlock(&table->own_lock);
	return result;
}

/* A value was set from outside: no adjustment of it is left. */
static void forget_adjustments(struct semaphore_set *set, u32 first, u32 end)
{
	struct semaphore_adjustments *adjustments;

	list_for_each(adjustments, &set->undos, set_link) {
		for (u32 i = first; i < end; i++) {
			adjustments->by[i] = 0;
		}
	}
}

static void set_value(struct semaphore_set *set, u32 index, int value, struct pid *pid)
{
	set->semaphores[index].value = value;
	ipc_pid_set(&set->semaphores[index].pid, pid);
}

static int find_one(const struct ipc_caller *caller, int id, int number, u32 access,
		    struct semaphore_set **out)
{
	struct ipc_object *object;
	int error = ipc_table_lookup(&caller->ipc->semaphores, id, &object);

	if (error) {
		return error;
	}
	*out = semaphore_set_of(object);
	error = ipc_check(caller, object, access);
	if (access == IPC_READ && error) {
		return error;
	}
	return number < 0 || (u32)number >= (*out)->count ? -EINVAL : error;
}

int semaphore_set_value(const struct ipc_caller *caller, int id, int number, int value)
{
	struct mutex *lock = &caller->ipc->semaphores.own_lock;
	struct semaphore_set *set;
	int error;

	if (value < 0 || value > SEMVMX) {
		return -ERANGE;
	}
	mutex_lock(lock);
	error = find_one(caller, id, number, IPC_WRITE, &set);
	if (!error) {
		forget_adjustments(set, (u32)number, (u32)number + 1);
		set_value(set, (u32)number, value, caller->pid);
		set->change_time = ipc_now();
		semaphore_update(set);
	}
	mutex_unlock(lock);
	return error;
}

/* How many calls wait for this semaphore to be zero, or to grow. */
static int count_waiters(const struct list *waiters, int number, bool zero)
{
	const struct semaphore_call *call;
	int count = 0;

	list_for_each(call, waiters, link) {
		const struct sembuf *operation = &call->operations[call->blocking];

		if (operation->sem_num == number && (operation->sem_op == 0) == zero &&
		    operation->sem_op <= 0) {
			count++;
		}
	}
	return count;
}

static int read_one(const struct semaphore_set *set, int number, int command)
{
	const struct semaphore *semaphore = &set->semaphores[number];

	switch (command) {
	case GETVAL:
		return semaphore->value;
	case GETPID:
		return ipc_pid_number(semaphore->pid);
	case GETNCNT:
	case GETZCNT:
		return count_waiters(&set->for_zero, number, command == GETZCNT) +
		       count_waiters(&set->altering, number, command == GETZCNT);
	default:
		return -EINVAL;
	}
}

int semaphore_get_value(const struct ipc_caller *caller, int id, int number, int command)
{
	struct mutex *lock = &caller->ipc->semaphores.own_lock;
	struct semaphore_set *set;
	int result;

	mutex_lock(lock);
	result = find_one(caller, id, number, IPC_READ, &set);
	if (!result) {
		result = read_one(set, number, command);
	}
	mutex_unlock(lock);
	return result;
}

static int copy_values(const struct semaphore_set *set, u16 **out)
{
	u16 *values = heap_allocate_array(set->count, sizeof(*values));

	if (!values) {
		return -ENOMEM;
	}
	for (u32 i = 0; i < set->count; i++) {
		values[i] = (u16)set->semaphores[i].value;
	}
	*out = values;
	return (int)set->count;
}

int semaphore_get_all(const struct ipc_caller *caller, int id, u16 **out)
{
	struct ipc_table *table = &caller->ipc->semaphores;
	struct ipc_object *object;
	int result;

	mutex_lock(&table->own_lock);
	result = ipc_table_access(caller, table, id, IPC_READ, &object);
	if (!result) {
		result = copy_values(semaphore_set_of(object), out);
	}
	mutex_unlock(&table->own_lock);
	return result;
}

int semaphore_check_set_all(const struct ipc_caller *caller, int id)
{
	struct ipc_table *table = &caller->ipc->semaphores;
	struct ipc_object *object;
	int result;

	mutex_lock(&table->own_lock);
	result = ipc_table_access(caller, table, id, IPC_WRITE, &object);
	if (!result) {
		result = (int)semaphore_set_of(object)->count;
	}
	mutex_unlock(&table->own_lock);
	return result;
}

int semaphore_set_all(const struct ipc_caller *caller, int id, const u16 *values,
		      unsigned count)
{
	struct ipc_table *table = &caller->ipc->semaphores;
	struct ipc_object *object;
	struct semaphore_set *set;

	for (unsigned i = 0; i < count; i++) {
		if (values[i] > SEMVMX) {
			return -ERANGE;
		}
	}
	mutex_lock(&table->own_lock);
	if (ipc_table_lookup(table, id, &object)) {
		mutex_unlock(&table->own_lock);
		return -EIDRM;
	}
	set = semaphore_set_of(object);
	for (u32 i = 0; i < set->count; i++) {
		set_value(set, i, values[i], caller->pid);
	}
	forget_adjustments(set, 0, set->count);
	set->change_time = ipc_now();
	semaphore_update(set);
	mutex_unlock(&table->own_lock);
	return 0;
}

int semaphore_info(const struct ipc_caller *caller, bool in_use, struct seminfo *out)
{
	struct sysv_ipc *ipc = caller->ipc;
	int last;

	*out = (struct seminfo){
		.semmap = SEMMAP,
		.semmni = READ_ONCE(ipc->sem_sets),
		.semmns = READ_ONCE(ipc->sem_in_all),
		.semmnu = SEMMNU,
		.semmsl = READ_ONCE(ipc->sem_per_set),
		.semopm = READ_ONCE(ipc->sem_operations),
		.semume = SEMUME,
		.semusz = SEMUSZ,
		.semvmx = SEMVMX,
		.semaem = SEMAEM,
	};
	mutex_lock(&ipc->semaphores.own_lock);
	if (in_use) {
		out->semusz = (int)ipc->semaphores.used;
		out->semaem = (int)ipc->semaphores_in_all;
	}
	last = ipc_table_last_index(&ipc->semaphores);
	mutex_unlock(&ipc->semaphores.own_lock);
	return last;
}
