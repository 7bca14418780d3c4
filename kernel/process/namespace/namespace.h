// SPDX-License-Identifier: MIT
/*
 * Namespace sets: which namespaces a thread sees (C8). Immutable once published; changing means copying.
 * users == the number of thread slots that point here.
 *
 * The set has one reference on each of its namespaces. Two kinds are not in it: the user namespace is the credentials',
 * and the pid namespace a thread lives in is that of its pid. A kind joins by its slot here and its
 * namespace_operations; each has a header of its own with its struct and current_…().
 */
#pragma once

#include "core/namespace.h"
#include "lib/compiler.h"
#include "lib/types.h"
#include <stdatomic.h>

struct credentials;
struct ipc_namespace;
struct net_namespace;
struct mount_namespace;
struct thread;

enum namespace_slot {
	NAMESPACE_SLOT_UTS,
	NAMESPACE_SLOT_IPC,
	NAMESPACE_SLOT_NETWORK,
	NAMESPACE_SLOT_CGROUP,
	NAMESPACE_SLOT_TIME,
	NAMESPACE_SLOT_TIME_FOR_CHILDREN,
	NAMESPACE_SLOT_MOUNTS,
	NAMESPACE_SLOT_PID_FOR_CHILDREN,
	NAMESPACE_SLOTS,
};

struct namespace_set {
	_Atomic u32 users;
	struct namespace *slot[NAMESPACE_SLOTS];
};

/* Flags of clone(2) and unshare(2) that name namespaces. */
#define NAMESPACE_FLAGS                                                                \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)

/* The set of the first process. -ENOMEM */
int namespace_set_create(struct namespace_set **out) must_check;
/*
 * A copy with new namespaces where `flags` names them, made from the old ones and owned by the user namespace `owner`.
 * CLONE_NEWTIME replaces the one for children. -ENOMEM, and what the kind's copy answers.
 */
int namespace_set_copy(struct namespace_set *from, u64 flags, struct namespace *owner,
		       struct namespace_set **out) must_check;
/* In a set that is not published yet: `namespace` (a reference is taken) instead of what is there. */
void namespace_set_replace(struct namespace_set *set, enum namespace_slot slot,
			   struct namespace *namespace);
void namespace_set_share(struct namespace_set *set);
void namespace_set_leave(struct namespace_set *set); /* may sleep */

/* Names in /proc/PID/ns: those of the slots, and two more. */
enum namespace_link {
	NAMESPACE_LINK_PID = NAMESPACE_SLOTS,
	NAMESPACE_LINK_USER,
};
/* What `link` (a slot, or one of the above) of a thread leads to, with a reference; NULL: it has none (any more). */
struct namespace *thread_get_namespace(struct thread *thread, unsigned link);

/* The running thread's, borrowed. */
struct ipc_namespace *current_ipc(void);
struct net_namespace *current_network(void);
struct mount_namespace *current_mounts(void);

/* The user namespace of credentials, borrowed. */
struct namespace *namespace_owner_of(const struct credentials *credentials);
/* The user namespace that owns a namespace, borrowed; NULL: it is the first user namespace. */
struct namespace *namespace_owner(const struct namespace *namespace);
/* Who made a user namespace, as the running thread's sees it; false: it is not one. */
bool namespace_owner_uid(struct namespace *namespace, u32 *uid);
/* Have these credentials the capability over what the user namespace `owner` (NULL: the first) owns? */
bool namespace_capable(const struct credentials *credentials,
		       const struct namespace *owner, int capability);
/* Has the running thread the capability over this namespace? */
bool current_capable_over(const struct namespace *namespace, int capability);
/* May the running thread make the namespaces that `flags` of clone or unshare name? 0 or -EPERM. */
int namespace_check_create(u64 flags) must_check;
/* ioctl(2) on a file of nsfs. -ENOTTY, -EPERM, -EINVAL, -EFAULT and what opening a file answers. */
s64 namespace_ioctl(struct namespace *namespace, unsigned command, u64 argument);
