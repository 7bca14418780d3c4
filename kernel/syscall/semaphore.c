// SPDX-License-Identifier: MIT
/*
 * semget(2), semop(2), semtimedop(2), semctl(2).
 */
#include "syscall/syscall.h"

#include "mm/heap.h"
#include "mm/usercopy.h"
#include "process/resources.h"
#include "syscall/sysv_support.h"

enum { OPERATIONS_ON_STACK = 16 };

long sys_semget(const struct syscall_arguments *a)
{
	struct ipc_caller caller = current_ipc_caller();

	return semaphore_get(&caller, (s32)a->arg[0], (int)a->arg[1], (u32)a->arg[2]);
}

static bool undoes(const struct sembuf *operations, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (operations[i].sem_flg & SEM_UNDO) {
			return true;
		}
	}
	return false;
}

static long operate(int id, vaddr_t user, unsigned count, struct sembuf *operations,
		    nsec_t deadline)
{
	struct ipc_caller caller = current_ipc_caller();
	struct semaphore_undo *undo = NULL;
	int error = user_read(operations, user, count * sizeof(*operations));

	if (!error && undoes(operations, count)) {
		error = resources_need_undo(&undo);
	}
	return error ? error
		     : semaphore_operate(&caller, id, operations, count, deadline, undo);
}

static long do_semop(const struct syscall_arguments *a, nsec_t deadline)
{
	struct sembuf few[OPERATIONS_ON_STACK], *operations = few;
	unsigned count = (unsigned)a->arg[2];
	long result;

	if (count < 1 || (int)a->arg[0] < 0) {
		return -EINVAL;
	}
	if (count > (unsigned)READ_ONCE(current_ipc_caller().ipc->sem_operations)) {
		return -E2BIG;
	}
	if (count > OPERATIONS_ON_STACK) {
		operations = heap_allocate_array(count, sizeof(*operations));
		if (!operations) {
			return -ENOMEM;
		}
	}
	result = operate((int)a->arg[0], a->arg[1], count, operations, deadline);
	if (operations != few) {
		heap_free(operations);
	}
	return result;
}

long sys_semop(const struct syscall_arguments *a)
{
	return do_semop(a, NSEC_NEVER);
}

long sys_semtimedop(const struct syscall_arguments *a)
{
	struct __kernel_timespec timeout;
	nsec_t length;

	if (!a->arg[3]) {
		return do_semop(a, NSEC_NEVER);
	}
	if (user_read(&timeout, a->arg[3], sizeof(timeout))) {
		return -EFAULT;
	}
	if (timespec_to_nsec(&timeout, &length)) {
		return -EINVAL;
	}
	return do_semop(a, nsec_add(clock_monotonic(), length));
}

/* --- semctl --- */

static long status(const struct ipc_caller *caller, enum ipc_status_by by, int id,
		   vaddr_t user)
{
	struct semid64_ds text;
	int result = semaphore_status(caller, by, id, &text);

	return ipc_status_to_user(by, result, &text.sem_perm, sizeof(text), user);
}

static long set_owner(const struct ipc_caller *caller, int id, vaddr_t user)
{
	struct semid64_ds text;

	if (user_read(&text, user, sizeof(text))) {
		return -EFAULT;
	}
	ipc_permissions_from_user(&text.sem_perm);
	return semaphore_set_owner(caller, id, &text.sem_perm);
}

static long info(const struct ipc_caller *caller, bool in_use, vaddr_t user)
{
	struct seminfo text;
	int last = semaphore_info(caller, in_use, &text);

	return user_write(user, &text, sizeof(text)) ? -EFAULT : last;
}

static long get_all(const struct ipc_caller *caller, int id, vaddr_t user)
{
	u16 *values;
	int count = semaphore_get_all(caller, id, &values);
	int error;

	if (count < 0) {
		return count;
	}
	error = user_write(user, values, (size_t)count * sizeof(*values));
	heap_free(values);
	return error;
}

static long set_all(const struct ipc_caller *caller, int id, vaddr_t user)
{
	int count = semaphore_check_set_all(caller, id);
	u16 *values;
	int error;

	if (count < 0) {
		return count;
	}
	values = heap_allocate_array((size_t)count, sizeof(*values));
	if (!values) {
		return -ENOMEM;
	}
	error = user_read(values, user, (size_t)count * sizeof(*values));
	if (!error) {
		error = semaphore_set_all(caller, id, values, (unsigned)count);
	}
	heap_free(values);
	return error;
}

long sys_semctl(const struct syscall_arguments *a)
{
	struct ipc_caller caller = current_ipc_caller();
	int id = (int)a->arg[0], number = (int)a->arg[1], command = (int)a->arg[2];
	vaddr_t user = a->arg[3];

	if (id < 0) {
		return -EINVAL;
	}
	switch (command) {
	case IPC_INFO:
	case SEM_INFO:
		return info(&caller, command == SEM_INFO, user);
	case IPC_STAT:
		return status(&caller, IPC_BY_ID, id, user);
	case SEM_STAT:
		return status(&caller, IPC_BY_INDEX, id, user);
	case SEM_STAT_ANY:
		return status(&caller, IPC_BY_INDEX_ANY, id, user);
	case GETALL:
		return get_all(&caller, id, user);
	case SETALL:
		return set_all(&caller, id, user);
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
		return semaphore_get_value(&caller, id, number, command);
	case SETVAL:
		return semaphore_set_value(&caller, id, number, (int)user);
	case IPC_SET:
		return set_owner(&caller, id, user);
	case IPC_RMID:
		return semaphore_remove(&caller, id);
	default:
		return -EINVAL;
	}
}
