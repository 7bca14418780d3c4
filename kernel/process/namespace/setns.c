// SPDX-License-Identifier: MIT
/*
 * setns(2): gather the namespaces, prepare each kind, commit all, release.
 */
#include "process/namespace/setns.h"

#include "cred/user_namespace.h"
#include "fs/fs_info.h"
#include "fs/mount.h"
#include "fs/nsfs.h"
#include "fs/path.h"
#include "lib/errno.h"
#include "process/current.h"
#include "process/exec/exec.h"
#include "process/namespace/namespace.h"
#include "process/namespace/pid_namespace.h"
#include "process/pid.h"
#include "process/pidfd.h"
#include "process/process.h"
#include <linux/sched.h>

const struct credentials *setns_credentials(const struct setns_change *change)
{
	return change->slots.credentials ? change->slots.credentials
					 : current_credentials();
}

int setns_check_admin(const struct setns_change *change,
		      const struct namespace *namespace)
{
	const struct credentials *credentials = setns_credentials(change);

	return namespace_capable(current_credentials(), namespace_owner(namespace),
				 CAP_SYS_ADMIN) &&
			       namespace_capable(credentials,
						 namespace_owner_of(credentials),
						 CAP_SYS_ADMIN)
		       ? 0
		       : -EPERM;
}

static int enter_slot(struct setns_change *change, struct namespace *namespace,
		      enum namespace_slot slot)
{
	int err = setns_check_admin(change, namespace);

	if (!err) {
		namespace_set_replace(change->slots.namespaces, slot, namespace);
	}
	return err;
}

static int enter_uts(struct setns_change *change, struct namespace *namespace)
{
	return enter_slot(change, namespace, NAMESPACE_SLOT_UTS);
}

static int enter_ipc(struct setns_change *change, struct namespace *namespace)
{
	int err = enter_slot(change, namespace, NAMESPACE_SLOT_IPC);

	// Adjustments are about semaphores of the namespace that is left.
	return err ? err : resources_prepare_undo(&change->slots);
}

static int enter_network(struct setns_change *change, struct namespace *namespace)
{
	return enter_slot(change, namespace, NAMESPACE_SLOT_NETWORK);
}

static bool is_alone(const struct setns_change *change, enum namespace_kind kind)
{
	for (unsigned i = 0; i < NAMESPACE_KINDS; i++) {
		if (change->wanted[i] && i != kind) {
			return false;
		}
	}
	return true;
}

/*
 * Root and working directory go with it. Are they somebody else's too, then no: but where other kinds are entered with this
 * one, Linux moves all who share them, who yet stay in the namespace they are in.
 */
static int move_places(struct setns_change *change, const struct path *root)
{
	struct fs_info *fs = current_fs();
	int err;

	if (atomic_load(&fs->users) > 1) {
		change->shared_root = *root;
		path_get(root);
		return is_alone(change, NAMESPACE_MOUNT) ? -EINVAL : 0;
	}
	err = fs_info_copy(fs, &change->slots.fs);
	if (!err) {
		fs_info_set_root(change->slots.fs, root);
		fs_info_set_cwd(change->slots.fs, root);
	}
	return err;
}

static int enter_mounts(struct setns_change *change, struct namespace *namespace)
{
	const struct credentials *credentials = setns_credentials(change);
	struct path root;
	int err = setns_check_admin(change, namespace);

	if (!err && !namespace_capable(credentials, namespace_owner_of(credentials),
				       CAP_SYS_CHROOT)) {
		err = -EPERM;
	}
	if (!err) {
		err = mount_namespace_root(mount_namespace_of(namespace), &root);
	}
	if (err) {
		return err;
	}
	err = move_places(change, &root);
	path_put(&root);
	if (!err) {
		namespace_set_replace(change->slots.namespaces, NAMESPACE_SLOT_MOUNTS,
				      namespace);
	}
	return err;
}

/* For the children to come: the thread's own number does not change. */
static int enter_pid(struct setns_change *change, struct namespace *namespace)
{
	int err = setns_check_admin(change, namespace);

	if (!err) {
		err = pid_namespace_check_join(pid_namespace_of(namespace));
	}
	if (!err) {
		namespace_set_replace(change->slots.namespaces,
				      NAMESPACE_SLOT_PID_FOR_CHILDREN, namespace);
	}
	return err;
}

static int enter_cgroup(struct setns_change *change, struct namespace *namespace)
{
	return enter_slot(change, namespace, NAMESPACE_SLOT_CGROUP);
}

/* One thread, alone on its root and working directory, into another namespace than its own: with all capabilities there. */
static int enter_user(struct setns_change *change, struct namespace *namespace)
{
	struct user_namespace *target = user_namespace_of(namespace);
	const struct credentials *own = current_credentials();
	int err;

	if (target == own->user_namespace ||
	    atomic_load(&current_process()->live_threads) > 1 ||
	    atomic_load(&current_fs()->users) > 1) {
		return -EINVAL;
	}
	if (!credentials_capable_in(own, target, CAP_SYS_ADMIN)) {
		return -EPERM;
	}
	err = credentials_copy(own, &change->slots.credentials);
	if (!err) {
		credentials_enter(change->slots.credentials, target);
		err = resources_prepare_account(&change->slots);
	}
	return err;
}

/* The clock changes under a program that has read it: its threads must agree, and its vDSO asks the kernel from now on. */
static int enter_time(struct setns_change *change, struct namespace *namespace)
{
	int err;

	if (atomic_load(&current_process()->live_threads) > 1) {
		return -EUSERS;
	}
	err = enter_slot(change, namespace, NAMESPACE_SLOT_TIME);
	if (!err) {
		err = enter_slot(change, namespace, NAMESPACE_SLOT_TIME_FOR_CHILDREN);
	}
	return err ? err : exec_use_kernel_clock(current_vm());
}

/* In the order they are entered: the user namespace first, for its capabilities count for the others. */
static const struct {
	enum namespace_kind kind;
	u64 flag;
	unsigned link; /* of the process a pidfd names */
	int (*enter)(struct setns_change *change, struct namespace *namespace);
} kinds[] = {
	{NAMESPACE_USER, CLONE_NEWUSER, NAMESPACE_LINK_USER, enter_user},
	{NAMESPACE_MOUNT, CLONE_NEWNS, NAMESPACE_SLOT_MOUNTS, enter_mounts},
	{NAMESPACE_UTS, CLONE_NEWUTS, NAMESPACE_SLOT_UTS, enter_uts},
	{NAMESPACE_IPC, CLONE_NEWIPC, NAMESPACE_SLOT_IPC, enter_ipc},
	{NAMESPACE_PID, CLONE_NEWPID, NAMESPACE_LINK_PID, enter_pid},
	{NAMESPACE_CGROUP, CLONE_NEWCGROUP, NAMESPACE_SLOT_CGROUP, enter_cgroup},
	{NAMESPACE_NETWORK, CLONE_NEWNET, NAMESPACE_SLOT_NETWORK, enter_network},
	{NAMESPACE_TIME, CLONE_NEWTIME, NAMESPACE_SLOT_TIME, enter_time},
};

static int gather_from_thread(struct setns_change *change, struct thread *thread,
			      u64 flags)
{
	int err = thread_check_access(thread, ACCESS_VM_READ);

	for (unsigned i = 0; i < ARRAY_SIZE(kinds) && !err; i++) {
		if (flags & kinds[i].flag) {
			change->wanted[kinds[i].kind] =
				thread_get_namespace(thread, kinds[i].link);
			err = change->wanted[kinds[i].kind] ? 0 : -ESRCH;
		}
	}
	return err;
}

/* What is wanted, with references. */
static int gather(struct setns_change *change, struct file *file, u64 flags)
{
	struct namespace *namespace = nsfs_namespace(file);
	struct pid *pid = pidfd_pid(file);
	struct thread *thread;
	int err;

	if (namespace) {
		if (flags && flags != namespace->operations->clone_flag) {
			return -EINVAL;
		}
		namespace_get(namespace);
		change->wanted[namespace->operations->kind] = namespace;
		return 0;
	}
	if (!pid || !flags || (flags & ~(u64)NAMESPACE_FLAGS)) {
		return -EINVAL;
	}
	thread = pid_get_thread(pid);
	if (!thread) {
		return -ESRCH;
	}
	err = gather_from_thread(change, thread, flags);
	thread_put(thread);
	return err;
}

static int prepare(struct setns_change *change)
{
	const struct credentials *credentials = current_credentials();
	int err = namespace_set_copy(current_namespaces(), 0,
				     namespace_owner_of(credentials),
				     &change->slots.namespaces);

	for (unsigned i = 0; i < ARRAY_SIZE(kinds) && !err; i++) {
		struct namespace *wanted = change->wanted[kinds[i].kind];

		if (wanted) {
			err = kinds[i].enter ? kinds[i].enter(change, wanted) : -EINVAL;
		}
	}
	return err;
}

int namespace_enter(struct file *file, u64 flags)
{
	struct setns_change change = {0};
	int err = gather(&change, file, flags);

	if (!err) {
		err = prepare(&change);
	}
	if (!err) {
		resources_commit(&change.slots);
		if (change.shared_root.mount) {
			fs_info_set_root(current_fs(), &change.shared_root);
			fs_info_set_cwd(current_fs(), &change.shared_root);
		}
	}
	resources_release(&change.slots);
	if (change.shared_root.mount) {
		path_put(&change.shared_root);
	}
	for (unsigned i = 0; i < NAMESPACE_KINDS; i++) {
		namespace_put(change.wanted[i]);
	}
	return err;
}
