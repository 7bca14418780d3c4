// SPDX-License-Identifier: MIT
/*
 * semop(2): all operations of a call or none, now or when it becomes possible.
 *
 * Who changes a value carries out, for every waiter that can go on, that waiter's operations: so a set is never seen between a
 * waiter's wake-up and its operations. Waiters for zero go first, for they take nothing from others; then the altering ones in
 * the order they came, from the first again after each that went on.
 */
#include "ipc/sysv/semaphore_internal.h"

#include "mm/heap.h"

/* One operation on its semaphore: 0, CALL_BLOCKED or -ERANGE; nothing is changed unless 0. */
static int apply(struct semaphore_set *set, const struct sembuf *operation,
		 struct semaphore_adjustments *undo)
{
	struct semaphore *semaphore = &set->semaphores[operation->sem_num];
	int value = semaphore->value + operation->sem_op;

	if (operation->sem_op == 0 && semaphore->value != 0) {
		return CALL_BLOCKED;
	}
	if (value < 0) {
		return CALL_BLOCKED;
	}
	if (value > SEMVMX) {
		return -ERANGE;
	}
	if (operation->sem_flg & SEM_UNDO) {
		int adjustment = undo->by[operation->sem_num] - operation->sem_op;

		if (adjustment < -SEMAEM - 1 || adjustment > SEMAEM) {
			return -ERANGE;
		}
		undo->by[operation->sem_num] = (s16)adjustment;
	}
	semaphore->value = value;
	return 0;
}

static void take_back(struct semaphore_set *set, const struct semaphore_call *call,
		      unsigned done)
{
	while (done-- > 0) {
		const struct sembuf *operation = &call->operations[done];

		set->semaphores[operation->sem_num].value -= operation->sem_op;
		if (operation->sem_flg & SEM_UNDO) {
			call->undo->by[operation->sem_num] += operation->sem_op;
		}
	}
}

int semaphore_try(struct semaphore_set *set, struct semaphore_call *call)
{
	int result;

	for (unsigned i = 0; i < call->count; i++) {
		result = apply(set, &call->operations[i], call->undo);
		if (!result) {
			continue;
		}
		take_back(set, call, i);
		call->blocking = i;
		if (result == CALL_BLOCKED && call->operations[i].sem_flg & IPC_NOWAIT) {
			return -EAGAIN;
		}
		return result;
	}
	for (unsigned i = 0; i < call->count; i++) {
		ipc_pid_set(&set->semaphores[call->operations[i].sem_num].pid, call->pid);
	}
	set->operation_time = ipc_now();
	return 0;
}

/* true: it went on (or failed), and is told. */
static bool retry(struct semaphore_set *set, struct semaphore_call *call)
{
	int result = semaphore_try(set, call);

	if (result == CALL_BLOCKED) {
		return false;
	}
	list_remove(&call->link);
	call->result = result;
	wake_all(&call->changed, 0);
	return true;
}

static void update_for_zero(struct semaphore_set *set)
{
	struct semaphore_call *call, *following;

	list_for_each_safe(call, following, &set->for_zero, link) {
		(void)retry(set, call);
	}
}

/* true: one of them has changed the values. */
static bool update_altering(struct semaphore_set *set)
{
	struct semaphore_call *call, *following;

	list_for_each_safe(call, following, &set->altering, link) {
		if (retry(set, call) && call->result == 0) {
			return true;
		}
	}
	return false;
}

void semaphore_update(struct semaphore_set *set)
{
	do {
		update_for_zero(set);
	} while (update_altering(set));
}

/* Sleep until somebody decides the result, the time is over or a signal comes. */
static int wait_for(struct mutex *lock, struct semaphore_set *set,
		    struct semaphore_call *call, nsec_t deadline) MUST_HOLD(lock)
{
	list_push_back(call->alters ? &set->altering : &set->for_zero, &call->link);
	call->result = CALL_BLOCKED;
	while (call->result == CALL_BLOCKED) {
		int error = mutex_sleep(lock, &call->changed, deadline);

		if (error && call->result == CALL_BLOCKED) {
			list_remove(&call->link);
			call->result = error == -ETIMEDOUT ? -EAGAIN : -EINTR;
		}
	}
	return call->result;
}

/* What of the set the call needs. */
static void look_at_operations(struct semaphore_call *call, u32 *highest, bool *undoes)
{
	*highest = 0;
	*undoes = false;
	for (unsigned i = 0; i < call->count; i++) {
		const struct sembuf *operation = &call->operations[i];

		*highest = MAX(*highest, (u32)operation->sem_num);
		*undoes = *undoes || operation->sem_flg & SEM_UNDO;
		call->alters = call->alters || operation->sem_op != 0;
	}
}

static int operate_locked(const struct ipc_caller *caller, int id,
			  struct semaphore_call *call, struct semaphore_undo *undo,
			  nsec_t deadline) MUST_HOLD(&caller->ipc->semaphores.own_lock)
{
	struct ipc_object *object;
	struct semaphore_set *set;
	bool undoes;
	u32 highest;
	int error = ipc_table_lookup(&caller->ipc->semaphores, id, &object);

	if (error) {
		return error;
	}
	set = semaphore_set_of(object);
	look_at_operations(call, &highest, &undoes);
	if (highest >= set->count) {
		return -EFBIG;
	}
	error = ipc_check(caller, object, call->alters ? IPC_WRITE : IPC_READ);
	if (!error && undoes) {
		error = semaphore_undo_find(undo, set, &call->undo);
	}
	if (!error) {
		error = semaphore_try(set, call);
	}
	if (!error && call->alters) {
		semaphore_update(set);
	}
	if (error == CALL_BLOCKED) {
		error = wait_for(&caller->ipc->semaphores.own_lock, set, call, deadline);
	}
	return error;
}

int semaphore_operate(const struct ipc_caller *caller, int id,
		      const struct sembuf *operations, unsigned count, nsec_t deadline,
		      struct semaphore_undo *undo)
{
	struct semaphore_call call = {
		.operations = operations,
		.count = count,
		.pid = caller->pid,
	};
	int error;

	wait_queue_init(&call.changed);
	mutex_lock(&caller->ipc->semaphores.own_lock);
	error = operate_locked(caller, id, &call, undo, deadline);
	mutex_unlock(&caller->ipc->semaphores.own_lock);
	return error;
}
