// SPDX-License-Identifier: MIT
/*
 * shmctl(2): what there is, and its permissions.
 *
 * Locks     segments_lock, taken by every function here > vm_object.lock
 */
#include "ipc/sysv/segment_internal.h"

int segment_set_owner(const struct ipc_caller *caller, int id,
		      const struct ipc64_perm *wanted)
{
	struct ipc_object *object;
	int error;

	mutex_lock(&segments_lock);
	error = ipc_table_owned(caller, &caller->ipc->segments, id, &object);
	if (!error) {
		error = ipc_set_permissions(object, wanted);
	}
	if (!error) {
		segment_of(object)->change_time = ipc_now();
	}
	mutex_unlock(&segments_lock);
	return error;
}

/* Nothing is ever swapped out: the mark is all there is to it. */
static int lock_locked(const struct ipc_caller *caller, int id, bool lock, u64 lock_limit)
{
	u32 uid = caller->credentials->euid;
	struct ipc_object *object;
	int error = ipc_table_lookup(&caller->ipc->segments, id, &object);

	if (error) {
		return error;
	}
	if (!ipc_capable(caller, CAP_IPC_LOCK)) {
		if (uid != object->uid && uid != object->creator_uid) {
			return -EPERM;
		}
		if (lock && !lock_limit) {
			return -EPERM;
		}
		if (lock && segment_of(object)->size > lock_limit) {
			return -ENOMEM;
		}
	}
	if (lock) {
		object->mode |= SHM_LOCKED;
	} else {
		object->mode &= (u16)~SHM_LOCKED;
	}
	return 0;
}

int segment_lock(const struct ipc_caller *caller, int id, bool lock, u64 lock_limit)
{
	int error;

	mutex_lock(&segments_lock);
	error = lock_locked(caller, id, lock, lock_limit);
	mutex_unlock(&segments_lock);
	return error;
}

static void describe(struct segment *segment, struct shmid64_ds *out)
{
	*out = (struct shmid64_ds){
		.shm_segsz = segment->size,
		.shm_atime = segment->attach_time,
		.shm_dtime = segment->detach_time,
		.shm_ctime = segment->change_time,
		.shm_cpid = ipc_pid_number(segment->creator),
		.shm_lpid = ipc_pid_number(segment->last),
		.shm_nattch = segment->attached,
	};
	ipc_get_permissions(&segment->object, &out->shm_perm);
}

int segment_status(const struct ipc_caller *caller, enum ipc_status_by by, int id,
		   struct shmid64_ds *out, u64 *resident)
{
	struct ipc_object *object;
	int result;

	mutex_lock(&segments_lock);
	result = ipc_table_status(caller, &caller->ipc->segments, by, id, &object);
	if (!result) {
		describe(segment_of(object), out);
		if (resident) {
			*resident = vm_object_page_count(segment_of(object)->vm_object);
		}
		result = object->id;
	}
	mutex_unlock(&segments_lock);
	return result;
}

int segment_limits(const struct ipc_caller *caller, struct shminfo64 *out)
{
	const struct sysv_ipc *ipc = caller->ipc;
	int last;

	*out = (struct shminfo64){
		.shmmax = READ_ONCE(ipc->segment_size),
		.shmmin = 1,
		.shmmni = (u64)READ_ONCE(ipc->segment_limit),
		.shmseg = (u64)READ_ONCE(ipc->segment_limit),
		.shmall = READ_ONCE(ipc->pages_in_all),
	};
	mutex_lock(&segments_lock);
	last = ipc_table_last_index(&ipc->segments);
	mutex_unlock(&segments_lock);
	return last;
}

int segment_usage(const struct ipc_caller *caller, struct segment_usage *out)
{
	const struct sysv_ipc *ipc = caller->ipc;
	struct ipc_object *object;
	u64 index = 0;
	int last;

	*out = (struct segment_usage){0};
	mutex_lock(&segments_lock);
	out->used = (int)ipc->segments.used;
	out->pages = ipc->segment_pages;
	while ((object = ipc_table_next(&ipc->segments, &index)) != NULL) {
		out->resident += vm_object_page_count(segment_of(object)->vm_object);
		index++;
	}
	last = ipc_table_last_index(&ipc->segments);
	mutex_unlock(&segments_lock);
	return last;
}
