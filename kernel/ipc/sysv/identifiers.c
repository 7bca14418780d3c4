// SPDX-License-Identifier: MIT
/*
 * System V IPC: identifiers, keys and permissions.
 *
 * Owns      struct ipc_table, struct ipc_object.
 * Locks     ipc_table.lock (RANK_IPC), which also covers every object of the table. With it held no user memory is touched: a
 *	     fault takes vm.lock, which is outside.
 *
 * Invariants
 *   I1  An object is in `objects` at its index from ipc_table_add() to ipc_table_remove().
 *   I2  id == sequence << 15 | index. The sequence number grows whenever an index is given out again, so a stale identifier
 *	 finds nothing until 65535 of them have gone by.
 *   I3  Indices are given out in turn within a range that is half as large again as what is in use, or CYCLE_MIN: an
 *	 index is not given out again at once.
 */
#include "ipc/sysv/sysv_internal.h"

#include "lib/hash.h"

enum { SEQUENCE_LIMIT = 0x7fffffff >> IPC_INDEX_BITS, CYCLE_MIN = 64 };

static const struct ipc_pid_operations *pid_operations;

void ipc_table_init(struct ipc_table *table, struct mutex *shared)
{
	mutex_init(&table->own_lock, RANK_IPC, "ipc_table.lock");
	table->lock = shared ? shared : &table->own_lock;
	table->last_index = -1;
	for (unsigned i = 0; i < IPC_KEY_BUCKETS; i++) {
		list_init(&table->by_key[i]);
	}
}

void ipc_table_destroy(struct ipc_table *table)
{
	radix_destroy(&table->objects);
}

static struct list *bucket_of(struct ipc_table *table, s32 key)
{
	return &table->by_key[hash_u64((u32)key) % IPC_KEY_BUCKETS];
}

static void name_object(struct ipc_table *table, struct ipc_object *object, u32 index)
{
	if ((s32)index <= table->last_index) {
		table->sequence++;
		if (table->sequence >= SEQUENCE_LIMIT) {
			table->sequence = 0;
		}
	}
	table->last_index = (s32)index;
	object->index = index;
	object->sequence = table->sequence;
	object->id = (s32)((u32)table->sequence << IPC_INDEX_BITS | index);
}

/* A free index behind the last one given out, or from the start of the range; false: there is none. */
static bool choose_index(const struct ipc_table *table, u32 *out)
{
	u32 range = MIN(MAX(table->used * 3 / 2, (u32)CYCLE_MIN), (u32)IPC_INDEX_LIMIT);
	u32 index = (u32)(table->last_index + 1);

	for (u32 tried = 0; tried < range; tried++, index++) {
		if (index >= range) {
			index = 0;
		}
		if (!radix_get(&table->objects, index)) {
			*out = index;
			return true;
		}
	}
	return false;
}

int ipc_table_add(const struct ipc_caller *caller, struct ipc_table *table,
		  struct ipc_object *object, s32 key, u32 flags, s32 limit)
{
	u32 index;
	int error;

	if ((s64)table->used >= limit || !choose_index(table, &index)) {
		return -ENOSPC;
	}
	error = radix_insert(&table->objects, index, object);
	if (error) {
		return error;
	}
	table->used++;
	name_object(table, object, index);
	object->key = key;
	object->mode = flags & IPC_PERMISSIONS;
	object->uid = object->creator_uid = caller->credentials->euid;
	object->gid = object->creator_gid = caller->credentials->egid;
	list_init(&object->key_link);
	if (key != IPC_PRIVATE) {
		list_push_back(bucket_of(table, key), &object->key_link);
	}
	return 0;
}

void ipc_table_hide(struct ipc_object *object)
{
	object->key = IPC_PRIVATE;
	if (!list_empty(&object->key_link)) {
		list_remove(&object->key_link);
	}
}

void ipc_table_remove(struct ipc_table *table, struct ipc_object *object)
{
	ipc_table_hide(object);
	(void)radix_remove(&table->objects, object->index);
	table->used--;
}

struct ipc_object *ipc_table_next(const struct ipc_table *table, u64 *index)
{
	return radix_next(&table->objects, index);
}

int ipc_table_last_index(const struct ipc_table *table)
{
	const struct ipc_object *object;
	u64 index = 0;
	int last = 0;

	while ((object = radix_next(&table->objects, &index)) != NULL) {
		last = (int)index++;
	}
	return last;
}

int ipc_table_find(struct ipc_table *table, s32 key, u32 flags, struct ipc_object **out)
{
	struct ipc_object *object;

	if (key == IPC_PRIVATE) {
		return 1;
	}
	list_for_each(object, bucket_of(table, key), key_link) {
		if (object->key != key) {
			continue;
		}
		if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL)) {
			return -EEXIST;
		}
		*out = object;
		return 0;
	}
	return flags & IPC_CREAT ? 1 : -ENOENT;
}

int ipc_table_lookup(const struct ipc_table *table, int id, struct ipc_object **out)
{
	struct ipc_object *object;

	if (id < 0) {
		return -EINVAL;
	}
	object = radix_get(&table->objects, (u32)id % IPC_INDEX_LIMIT);
	if (!object || object->id != id) {
		return -EINVAL;
	}
	*out = object;
	return 0;
}

int ipc_table_access(const struct ipc_caller *caller, const struct ipc_table *table,
		     int id, u32 access, struct ipc_object **out)
{
	int error = ipc_table_lookup(table, id, out);

	return error ? error : ipc_check(caller, *out, access);
}

int ipc_table_owned(const struct ipc_caller *caller, const struct ipc_table *table,
		    int id, struct ipc_object **out)
{
	u32 uid = caller->credentials->euid;
	int error = ipc_table_lookup(table, id, out);

	if (error) {
		return error;
	}
	if (uid == (*out)->creator_uid || uid == (*out)->uid) {
		return 0;
	}
	return ipc_capable(caller, CAP_SYS_ADMIN) ? 0 : -EPERM;
}

int ipc_table_status(const struct ipc_caller *caller, const struct ipc_table *table,
		     enum ipc_status_by by, int id, struct ipc_object **out)
{
	if (by == IPC_BY_ID) {
		return ipc_table_access(caller, table, id, IPC_READ, out);
	}
	*out = id < 0 ? NULL : radix_get(&table->objects, (u32)id % IPC_INDEX_LIMIT);
	if (!*out) {
		return -EINVAL;
	}
	return by == IPC_BY_INDEX ? ipc_check(caller, *out, IPC_READ) : 0;
}

/* Any of the three places of `flags` may ask; only one place of the mode answers. */
int ipc_check(const struct ipc_caller *caller, const struct ipc_object *object, u32 flags)
{
	const struct credentials *credentials = caller->credentials;
	u32 wanted = (flags >> 6 | flags >> 3 | flags) & 7;
	u32 granted = object->mode;

	if (credentials->euid == object->creator_uid ||
	    credentials->euid == object->uid) {
		granted >>= 6;
	} else if (credentials_in_group(credentials, object->creator_gid) ||
		   credentials_in_group(credentials, object->gid)) {
		granted >>= 3;
	}
	if (!(wanted & ~granted) || ipc_capable(caller, CAP_IPC_OWNER)) {
		return 0;
	}
	return -EACCES;
}

bool ipc_capable(const struct ipc_caller *caller, int capability)
{
	return credentials_capable_in(caller->credentials, caller->owner, capability);
}

int ipc_set_permissions(struct ipc_object *object, const struct ipc64_perm *wanted)
{
	if (wanted->uid == ~0u || wanted->gid == ~0u) {
		return -EINVAL;
	}
	object->uid = wanted->uid;
	object->gid = wanted->gid;
	object->mode =
		(object->mode & (u16)~IPC_PERMISSIONS) | (wanted->mode & IPC_PERMISSIONS);
	return 0;
}

void ipc_get_permissions(const struct ipc_object *object, struct ipc64_perm *out)
{
	*out = (struct ipc64_perm){
		.key = object->key,
		.uid = object->uid,
		.gid = object->gid,
		.cuid = object->creator_uid,
		.cgid = object->creator_gid,
		.mode = object->mode,
		.seq = object->sequence,
	};
}

/* --- numbers of processes --- */

void sysv_set_pid_operations(const struct ipc_pid_operations *operations)
{
	pid_operations = operations;
}

void ipc_pid_set(struct pid **slot, struct pid *pid)
{
	struct pid *old = *slot;

	if (old == pid || !pid_operations) {
		return;
	}
	if (pid) {
		pid_operations->get(pid);
	}
	*slot = pid;
	if (old) {
		pid_operations->put(old);
	}
}

pid_nr ipc_pid_number(const struct pid *pid)
{
	return pid && pid_operations ? pid_operations->number(pid) : 0;
}

struct pid *ipc_pid_current(void)
{
	return pid_operations ? pid_operations->current() : NULL;
}
