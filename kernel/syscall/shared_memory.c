// SPDX-License-Identifier: MIT
/*
 * shmget(2), shmat(2), shmdt(2), shmctl(2).
 */
#include "syscall/syscall.h"

#include "ipc/sysv/shared_memory.h"
#include "mm/usercopy.h"
#include "syscall/sysv_support.h"
#include <asm/resource.h>

/* <linux/shm.h> wants a C library. */
enum { SHM_LOCK = 11, SHM_UNLOCK, SHM_STAT, SHM_INFO, SHM_STAT_ANY };

struct shm_info {
	int used_ids;
	u64 shm_tot, shm_rss, shm_swp, swap_attempts, swap_successes;
};

long sys_shmget(const struct syscall_arguments *a)
{
	struct ipc_caller caller = current_ipc_caller();

	return segment_get(&caller, (s32)a->arg[0], a->arg[1], (u32)a->arg[2]);
}

long sys_shmat(const struct syscall_arguments *a)
{
	struct ipc_caller caller = current_ipc_caller();
	vaddr_t place;
	int error = segment_attach(&caller, current_vm(), (int)a->arg[0], a->arg[1],
				   (u32)a->arg[2], &place);

	return error ? error : (long)place;
}

long sys_shmdt(const struct syscall_arguments *a)
{
	return segment_detach(current_vm(), a->arg[0]);
}

static long status(const struct ipc_caller *caller, enum ipc_status_by by, int id,
		   vaddr_t user)
{
	struct shmid64_ds text;
	int result = segment_status(caller, by, id, &text, NULL);

	return ipc_status_to_user(by, result, &text.shm_perm, sizeof(text), user);
}

static long set_owner(const struct ipc_caller *caller, int id, vaddr_t user)
{
	struct shmid64_ds text;

	if (user_read(&text, user, sizeof(text))) {
		return -EFAULT;
	}
	ipc_permissions_from_user(&text.shm_perm);
	return segment_set_owner(caller, id, &text.shm_perm);
}

static long limits(const struct ipc_caller *caller, vaddr_t user)
{
	struct shminfo64 text;
	int last = segment_limits(caller, &text);

	return user_write(user, &text, sizeof(text)) ? -EFAULT : last;
}

static long usage(const struct ipc_caller *caller, vaddr_t user)
{
	struct shm_info text = {0};
	struct segment_usage usage;
	int last = segment_usage(caller, &usage);

	text.used_ids = usage.used;
	text.shm_tot = usage.pages;
	text.shm_rss = usage.resident;
	return user_write(user, &text, sizeof(text)) ? -EFAULT : last;
}

long sys_shmctl(const struct syscall_arguments *a)
{
	struct ipc_caller caller = current_ipc_caller();
	int id = (int)a->arg[0], command = (int)a->arg[1];
	vaddr_t user = a->arg[2];

	if (id < 0 || command < 0) {
		return -EINVAL;
	}
	switch (command) {
	case IPC_INFO:
		return limits(&caller, user);
	case SHM_INFO:
		return usage(&caller, user);
	case IPC_STAT:
		return status(&caller, IPC_BY_ID, id, user);
	case SHM_STAT:
		return status(&caller, IPC_BY_INDEX, id, user);
	case SHM_STAT_ANY:
		return status(&caller, IPC_BY_INDEX_ANY, id, user);
	case IPC_SET:
		return set_owner(&caller, id, user);
	case IPC_RMID:
		return segment_remove(&caller, id);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return segment_lock(&caller, id, command == SHM_LOCK,
				    current_limit(RLIMIT_MEMLOCK));
	default:
		return -EINVAL;
	}
}
