// SPDX-License-Identifier: MIT
/*
 * Namespace sets: made, copied, shared; and who may make namespaces.
 *
 * Owns      struct namespace_set.
 */
#include "process/namespace/namespace.h"

#include "cred/credentials.h"
#include "cred/user_namespace.h"
#include "fs/fs_info.h"
#include "fs/mount.h"
#include "ipc/ipc_namespace.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "net/net_namespace.h"
#include "process/current.h"
#include "process/namespace/cgroup_namespace.h"
#include "process/namespace/pid_namespace.h"
#include "process/namespace/time_namespace.h"
#include "process/namespace/uts_namespace.h"
#include "process/resources.h"
#include <linux/sched.h>

OBJECT_CACHE(set_cache, namespace_set);

/* Which flag replaces what is in a slot. The time namespace itself changes by setns and for a new process only. */
static const u64 slot_flags[NAMESPACE_SLOTS] = {
	[NAMESPACE_SLOT_UTS] = CLONE_NEWUTS,
	[NAMESPACE_SLOT_IPC] = CLONE_NEWIPC,
	[NAMESPACE_SLOT_NETWORK] = CLONE_NEWNET,
	[NAMESPACE_SLOT_CGROUP] = CLONE_NEWCGROUP,
	[NAMESPACE_SLOT_TIME_FOR_CHILDREN] = CLONE_NEWTIME,
	[NAMESPACE_SLOT_MOUNTS] = CLONE_NEWNS,
	[NAMESPACE_SLOT_PID_FOR_CHILDREN] = CLONE_NEWPID,
};

static void set_free(struct namespace_set *set)
{
	for (unsigned i = 0; i < NAMESPACE_SLOTS; i++) {
		namespace_put(set->slot[i]);
	}
	object_free(&set_cache, set);
}

int namespace_set_create(struct namespace_set **out)
{
	struct namespace_set *set = object_allocate(&set_cache);

	if (!set) {
		return -ENOMEM;
	}
	set->slot[NAMESPACE_SLOT_UTS] = &first_uts_namespace.base;
	set->slot[NAMESPACE_SLOT_IPC] = &first_ipc_namespace.base;
	set->slot[NAMESPACE_SLOT_NETWORK] = &first_net_namespace.base;
	set->slot[NAMESPACE_SLOT_CGROUP] = &first_cgroup_namespace.base;
	set->slot[NAMESPACE_SLOT_TIME] = &first_time_namespace.base;
	set->slot[NAMESPACE_SLOT_TIME_FOR_CHILDREN] = &first_time_namespace.base;
	set->slot[NAMESPACE_SLOT_MOUNTS] = &first_mount_namespace.base;
	set->slot[NAMESPACE_SLOT_PID_FOR_CHILDREN] = &first_pid_namespace.base;
	for (unsigned i = 0; i < NAMESPACE_SLOTS; i++) {
		if (set->slot[i]) {
			namespace_get(set->slot[i]);
		}
	}
	set->users = 1;
	*out = set;
	return 0;
}

struct mount_namespace *current_mounts(void)
{
	return mount_namespace_of(current_namespaces()->slot[NAMESPACE_SLOT_MOUNTS]);
}

static int copy_slot(struct namespace *from, bool fresh, struct namespace *owner,
		     struct namespace **out)
{
	if (from && fresh) {
		return from->operations->copy(from, owner, out);
	}
	if (from) {
		namespace_get(from);
	}
	*out = from;
	return 0;
}

int namespace_set_copy(struct namespace_set *from, u64 flags, struct namespace *owner,
		       struct namespace_set **out)
{
	struct namespace_set *set = object_allocate(&set_cache);
	int err = 0;

	if (!set) {
		return -ENOMEM;
	}
	for (unsigned i = 0; i < NAMESPACE_SLOTS && !err; i++) {
		err = copy_slot(from->slot[i], (flags & slot_flags[i]) != 0, owner,
				&set->slot[i]);
	}
	if (err) {
		set_free(set);
		return err;
	}
	set->users = 1;
	*out = set;
	return 0;
}

void namespace_set_replace(struct namespace_set *set, enum namespace_slot slot,
			   struct namespace *namespace)
{
	namespace_get(namespace);
	namespace_put(set->slot[slot]);
	set->slot[slot] = namespace;
}

void namespace_set_share(struct namespace_set *set)
{
	atomic_fetch_add_explicit(&set->users, 1, memory_order_relaxed);
}

void namespace_set_leave(struct namespace_set *set)
{
	if (atomic_fetch_sub_explicit(&set->users, 1, memory_order_acq_rel) == 1) {
		set_free(set);
	}
}

struct ipc_namespace *current_ipc(void)
{
	return container_of(current_namespaces()->slot[NAMESPACE_SLOT_IPC],
			    struct ipc_namespace, base);
}

struct net_namespace *current_network(void)
{
	return container_of(current_namespaces()->slot[NAMESPACE_SLOT_NETWORK],
			    struct net_namespace, base);
}

struct namespace *namespace_owner_of(const struct credentials *credentials)
{
	return &credentials->user_namespace->base;
}

struct namespace *namespace_owner(const struct namespace *namespace)
{
	if (namespace->owner || namespace->operations->kind == NAMESPACE_USER) {
		return namespace->owner;
	}
	return &first_user_namespace.base;
}

bool namespace_owner_uid(struct namespace *namespace, u32 *uid)
{
	if (namespace->operations->kind != NAMESPACE_USER) {
		return false;
	}
	*uid = id_from_kernel_or_overflow(current_credentials()->user_namespace, ID_USER,
					  user_namespace_of(namespace)->owner_uid);
	return true;
}

static struct namespace *find_locked(struct thread *thread, unsigned link)
	MUST_HOLD(&thread->resource_lock)
{
	if (link == NAMESPACE_LINK_USER) {
		return &thread->credentials->user_namespace->base;
	}
	if (link == NAMESPACE_LINK_PID) {
		return &pid_own_namespace(READ_ONCE(thread->pid))->base;
	}
	if (!thread->namespaces || link >= NAMESPACE_SLOTS) {
		return NULL;
	}
	if (link == NAMESPACE_SLOT_PID_FOR_CHILDREN &&
	    !pid_namespace_is_open(thread->namespaces->slot[link])) {
		return NULL;
	}
	return thread->namespaces->slot[link];
}

NO_THREAD_SAFETY struct namespace *thread_get_namespace(struct thread *thread,
							unsigned link)
{
	struct namespace *found = find_locked(thread_lock_resources(thread), link);

	if (found) {
		namespace_get(found);
	}
	thread_unlock_resources(thread);
	return found;
}

bool namespace_capable(const struct credentials *credentials,
		       const struct namespace *owner, int capability)
{
	return credentials_capable_in(
		credentials, user_namespace_of((struct namespace *)owner), capability);
}

bool current_capable_over(const struct namespace *namespace, int capability)
{
	return namespace_capable(current_credentials(), namespace_owner(namespace),
				 capability);
}

int namespace_check_create(u64 flags)
{
	const struct credentials *credentials = current_credentials();

	if ((flags & CLONE_NEWUSER) && fs_info_is_chrooted(current_fs())) {
		return -EPERM;
	}
	// With a new user namespace come all capabilities over what is made in it.
	if (!(flags & NAMESPACE_FLAGS) || (flags & CLONE_NEWUSER)) {
		return 0;
	}
	return namespace_capable(credentials, namespace_owner_of(credentials),
				 CAP_SYS_ADMIN)
		       ? 0
		       : -EPERM;
}
