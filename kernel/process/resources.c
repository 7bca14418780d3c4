// SPDX-License-Identifier: MIT
/*
 * The slots: sharing and replacing. The rules are in resources.h; dropping is resources_exit.c's.
 *
 * Owns      the slot pointers of struct thread and struct process.
 */
#include "process/resources.h"

#include "core/panic.h"
#include "cred/user_account.h"
#include "cred/user_namespace.h"
#include "fs/file_table.h"
#include "fs/fs_info.h"
#include "fs/mount.h"
#include "ipc/sysv/sysv.h"
#include "lib/errno.h"
#include "process/current.h"
#include "process/exec/exec.h"
#include "process/namespace/ipc_caller.h"
#include "process/namespace/namespace.h"
#include "process/namespace/time_namespace.h"
#include "process/process.h"
#include "process/process_events.h"
#include "process/signal/signal.h"
#include "vm/vm_space.h"
#include <linux/sched.h>

/* Those in the namespace set; the user namespace is the credentials'. */
#define UNSHARE_NAMESPACES (NAMESPACE_FLAGS & ~(u64)CLONE_NEWUSER)

static int share_files(struct thread *child, struct thread *parent, u64 clone_flags)
{
	if (clone_flags & CLONE_FILES) {
		file_table_share(parent->files);
		child->files = parent->files;
		return 0;
	}
	return file_table_copy(parent->files, ~0u, &child->files);
}

static int share_fs(struct thread *child, struct thread *parent, u64 clone_flags)
{
	if (clone_flags & CLONE_FS) {
		int err = fs_info_share(parent->fs);

		child->fs = err ? NULL : parent->fs;
		return err;
	}
	return fs_info_copy(parent->fs, &child->fs);
}

/* New mounts come with new places: `fs` is a copy that nobody uses yet. */
static int copy_namespaces(struct thread *from, u64 flags,
			   const struct credentials *credentials, struct fs_info *fs,
			   struct namespace_set **out)
{
	int err = namespace_set_copy(from->namespaces, flags,
				     namespace_owner_of(credentials), out);

	if (!err && (flags & CLONE_NEWNS)) {
		mount_namespace_move_places(
			mount_namespace_of((*out)->slot[NAMESPACE_SLOT_MOUNTS]), fs);
	}
	return err;
}

static int share_namespaces(struct thread *child, struct thread *parent, u64 clone_flags)
{
	// A process with memory of its own comes into the time namespace meant for it; one that shares it, by its execve.
	bool own_clock = !(clone_flags & CLONE_VM);
	int err;

	if (!(clone_flags & UNSHARE_NAMESPACES) &&
	    !(own_clock && time_namespace_moves(parent->namespaces))) {
		namespace_set_share(parent->namespaces);
		child->namespaces = parent->namespaces;
		return 0;
	}
	err = copy_namespaces(parent, clone_flags, child->credentials, child->fs,
			      &child->namespaces);
	if (!err && own_clock && time_namespace_moves(child->namespaces)) {
		time_namespace_move(child->namespaces);
	}
	return err;
}

int resources_settle_memory(struct thread *child)
{
	const struct thread *parent = current_thread();

	if (child->process->vm == parent->process->vm ||
	    child->namespaces->slot[NAMESPACE_SLOT_TIME] ==
		    parent->namespaces->slot[NAMESPACE_SLOT_TIME]) {
		return 0;
	}
	return exec_use_kernel_clock(child->process->vm);
}

/* A parent without a list gets the child's once nothing can fail any more: resources_child_published(). */
static int share_undo(struct thread *child, struct thread *parent, u64 clone_flags)
{
	if (!(clone_flags & CLONE_SYSVSEM)) {
		return 0;
	}
	if (parent->undo) {
		semaphore_undo_share(parent->undo);
		child->undo = parent->undo;
		return 0;
	}
	return semaphore_undo_create(namespace_set_ipc(parent->namespaces), &child->undo);
}

int resources_share(struct thread *child, u64 clone_flags)
{
	struct thread *parent = current_thread();
	int err = share_files(child, parent, clone_flags);

	if (!err) {
		err = share_fs(child, parent, clone_flags);
	}
	if (!err) {
		err = share_namespaces(child, parent, clone_flags);
	}
	if (!err) {
		err = share_undo(child, parent, clone_flags);
	}
	return err; // the caller's resources_discard() drops what was made
}

void resources_child_published(struct thread *child)
{
	struct thread *parent = current_thread();

	time_namespace_entered(child->namespaces);
	if (!child->undo || parent->undo) {
		return;
	}
	semaphore_undo_share(child->undo);
	spin_lock(&parent->resource_lock);
	parent->undo = child->undo;
	spin_unlock(&parent->resource_lock);
}

void resources_discard(struct thread *child)
{
	if (child->undo) {
		semaphore_undo_leave(child->undo, NULL); // it has adjusted nothing
		child->undo = NULL;
	}
	if (child->files) {
		file_table_leave(child->files);
		child->files = NULL;
	}
	if (child->fs) {
		fs_info_leave(child->fs);
		child->fs = NULL;
	}
	if (child->namespaces) {
		namespace_set_leave(child->namespaces);
		child->namespaces = NULL;
	}
}

static int prepare_user_namespace(struct thread *thread, struct resource_change *change)
{
	int err = credentials_copy_into_new(thread->credentials, &change->credentials);

	if (err) {
		return err;
	}
	limits_of_namespace(thread->process, thread->credentials,
			    change->credentials->user_namespace);
	return resources_prepare_account(change);
}

int resources_prepare(struct resource_change *change, u64 unshare_flags)
{
	struct thread *thread = current_thread();
	int err = 0;

	if (unshare_flags & CLONE_NEWUSER) { // first: it owns the other new ones
		err = prepare_user_namespace(thread, change);
	}
	if (!err && (unshare_flags & CLONE_FILES) &&
	    atomic_load(&thread->files->users) > 1) {
		err = file_table_copy(thread->files, ~0u, &change->files);
	}
	if (!err &&
	    ((unshare_flags & CLONE_NEWNS) ||
	     ((unshare_flags & CLONE_FS) && atomic_load(&thread->fs->users) > 1))) {
		err = fs_info_copy(thread->fs, &change->fs);
	}
	if (!err && (unshare_flags & UNSHARE_NAMESPACES)) {
		err = copy_namespaces(thread, unshare_flags,
				      change->credentials ? change->credentials
							  : thread->credentials,
				      change->fs, &change->namespaces);
	}
	if (!err && (unshare_flags & CLONE_SIGHAND) &&
	    atomic_load(&thread->process->handlers->users) > 1) {
		err = signal_handlers_copy(thread->process->handlers, &change->handlers);
	}
	if (!err && (unshare_flags & (CLONE_SYSVSEM | CLONE_NEWIPC))) {
		err = resources_prepare_undo(change);
	}
	return err;
}

int resources_prepare_undo(struct resource_change *change)
{
	struct thread *thread = current_thread();
	struct namespace_set *namespaces =
		change->namespaces ? change->namespaces : thread->namespaces;

	if (!thread->undo) {
		return 0;
	}
	return semaphore_undo_create(namespace_set_ipc(namespaces), &change->undo);
}

int resources_need_undo(struct semaphore_undo **out)
{
	struct resource_change change = {0};
	struct thread *thread = current_thread();
	int err = 0;

	if (!thread->undo) {
		err = semaphore_undo_create(namespace_set_ipc(thread->namespaces),
					    &change.undo);
		if (!err) {
			resources_commit(&change);
		}
	}
	*out = thread->undo;
	return err;
}

int resources_prepare_program(struct resource_change *change)
{
	struct thread *thread = current_thread();
	int err = resources_prepare(change, CLONE_FILES | CLONE_SIGHAND);

	if (!err && time_namespace_moves(thread->namespaces)) {
		err = namespace_set_copy(thread->namespaces, 0,
					 namespace_owner_of(thread->credentials),
					 &change->namespaces);
		if (!err) {
			time_namespace_move(change->namespaces);
		}
	}
	return err;
}

int resources_prepare_credentials(struct resource_change *change)
{
	return credentials_copy(current_credentials(), &change->credentials);
}

int resources_prepare_account(struct resource_change *change)
{
	const struct credentials *fresh = change->credentials;
	const struct user_account *own = current_thread()->account;

	if (fresh->uid == own->uid && fresh->user_namespace == own->user_namespace) {
		return 0;
	}
	return user_account_find(fresh->user_namespace, fresh->uid, &change->account);
}

#define SWAP_SLOT(slot, new)                          \
	do {                                          \
		if (new) {                            \
			__typeof__(slot) old_ = slot; \
			slot = new;                   \
			new = old_;                   \
		}                                     \
	} while (0)

static void commit_thread_slots(struct thread *thread, struct resource_change *change)
{
	spin_lock(&thread->resource_lock);
	SWAP_SLOT(thread->files, change->files);
	SWAP_SLOT(thread->fs, change->fs);
	if (change->namespaces) {
		time_namespace_entered(change->namespaces);
	}
	SWAP_SLOT(thread->namespaces, change->namespaces);
	SWAP_SLOT(thread->undo, change->undo);
	SWAP_SLOT(thread->credentials, change->credentials);
	if (change->account) {
		user_account_charge_anyway(change->account, USER_THREADS, 1);
		SWAP_SLOT(thread->account, change->account);
		user_account_give_back(change->account, USER_THREADS, 1);
	}
	spin_unlock(&thread->resource_lock);
}

/* The process's slots: only its one live thread comes here with them. */
static void commit_process_slots(struct process *process, struct resource_change *change)
{
	u64 flags;

	if (change->vm) {
		flags = spin_lock_irq(&process->resource_lock);
		SWAP_SLOT(process->vm, change->vm);
		SWAP_SLOT(process->executable, change->executable);
		sched_use_vm(&process->vm->arch);
		spin_unlock_irq(&process->resource_lock, flags);
	}
	if (change->handlers) {
		flags = spin_lock_irq(&process->signal_lock);
		SWAP_SLOT(process->handlers, change->handlers);
		spin_unlock_irq(&process->signal_lock, flags);
	}
}

/*
 * Other ids, or more power, mean that what is in memory may be a secret from who could look in till now, and that a signal
 * at the parent's end might hit something it should not.
 */
static void close_to_others(struct thread *thread, struct resource_change *change)
{
	const struct credentials *fresh = change->credentials, *old = thread->credentials;
	struct vm_space *vm = change->vm ? change->vm : thread->process->vm;
	u64 flags;

	if (fresh->euid == old->euid && fresh->egid == old->egid &&
	    fresh->fsuid == old->fsuid && fresh->fsgid == old->fsgid &&
	    credentials_within(fresh, old)) {
		return;
	}
	atomic_store(&vm->dumpable, false);
	flags = spin_lock_irq(&process_tree_lock);
	thread->parent_death_signal = 0;
	spin_unlock_irq(&process_tree_lock, flags);
}

void resources_commit(struct resource_change *change)
{
	struct thread *thread = current_thread();

	if (change->credentials) {
		close_to_others(thread, change);
	}
	commit_thread_slots(thread, change);
	commit_process_slots(thread->process, change);
	if (change->credentials) { // the old ones
		process_event_ids(change->credentials);
	}
}

void resources_release(struct resource_change *change)
{
	if (change->vm) {
		vm_leave(change->vm);
	}
	if (change->executable) {
		file_put(change->executable);
	}
	if (change->undo) { // before the namespaces it is about
		semaphore_undo_leave(change->undo, current_process()->pid);
	}
	if (change->files) {
		file_table_leave(change->files);
	}
	if (change->fs) {
		fs_info_leave(change->fs);
	}
	if (change->namespaces) {
		namespace_set_leave(change->namespaces);
	}
	if (change->handlers) {
		signal_handlers_leave(change->handlers);
	}
	if (change->credentials) {
		credentials_put(change->credentials);
	}
	user_account_put(change->account);
	*change = (struct resource_change){0};
}

struct thread *thread_lock_resources(struct thread *thread)
{
	spin_lock(&thread->resource_lock);
	return thread;
}

void thread_unlock_resources(struct thread *thread)
{
	spin_unlock(&thread->resource_lock);
}

/* Whether the process's memory is closed to its own user, and then in which user namespace one may still look in. */
static bool memory_closed(struct process *process, struct user_namespace **out)
{
	bool closed = false;

	*out = NULL;
	spin_lock(&process->resource_lock);
	if (process->vm && !atomic_load(&process->vm->dumpable)) {
		closed = true;
		*out = user_namespace_get(process->vm->user_namespace
						  ? process->vm->user_namespace
						  : &first_user_namespace);
	}
	spin_unlock(&process->resource_lock);
	return closed;
}

bool process_dump_owner(struct process *process, u32 *uid, u32 *gid)
{
	struct user_namespace *namespace;
	bool closed = memory_closed(process, &namespace);

	*uid = *gid = 0;
	if (closed) {
		*uid = id_to_kernel(namespace, ID_USER, 0);
		*gid = id_to_kernel(namespace, ID_GROUP, 0);
		*uid = *uid == ID_INVALID ? 0 : *uid;
		*gid = *gid == ID_INVALID ? 0 : *gid;
		user_namespace_put(namespace);
	}
	return closed;
}

static bool same_user(const struct credentials *mine, const struct credentials *theirs,
		      enum access_mode mode)
{
	u32 uid = mode == ACCESS_TRACE ? mine->uid : mine->fsuid;
	u32 gid = mode == ACCESS_TRACE ? mine->gid : mine->fsgid;

	return uid == theirs->euid && uid == theirs->suid && uid == theirs->uid &&
	       gid == theirs->egid && gid == theirs->sgid && gid == theirs->gid;
}

static bool may_look_into(const struct credentials *mine,
			  const struct credentials *theirs, struct process *process,
			  enum access_mode mode)
{
	u64 power = mode == ACCESS_TRACE ? mine->capability_permitted
					 : mine->capability_effective;
	bool tracer =
		credentials_capable_in(mine, theirs->user_namespace, CAP_SYS_PTRACE);
	struct user_namespace *closed_in;
	bool allowed = same_user(mine, theirs, mode) || tracer;

	if (memory_closed(process, &closed_in)) {
		allowed = allowed &&
			  credentials_capable_in(mine, closed_in, CAP_SYS_PTRACE);
		user_namespace_put(closed_in);
	}
	// Nobody looks into more power than they have.
	return allowed && (tracer || (mine->user_namespace == theirs->user_namespace &&
				      (theirs->capability_permitted & ~power) == 0));
}

int thread_check_access(struct thread *thread, enum access_mode mode)
{
	const struct credentials *mine = current_credentials();
	struct credentials *theirs;
	bool allowed;

	if (thread->process == current_process()) {
		return 0;
	}
	theirs = thread_get_credentials(thread);
	allowed = may_look_into(mine, theirs, thread->process, mode);
	credentials_put(theirs);
	return allowed ? 0 : -EPERM;
}

int process_get_vm(struct process *process, enum access_mode mode, struct vm_space **out)
{
	struct thread *leader = NULL;
	u64 flags;
	int err = rwlock_lock_shared_killable(&process->exec_lock);

	if (err) {
		return err;
	}
	flags = spin_lock_irq(&process->signal_lock);
	if (process->leader && thread_try_get(process->leader)) {
		leader = process->leader;
	}
	spin_unlock_irq(&process->signal_lock, flags);
	err = leader ? thread_check_access(leader, mode) : -ESRCH;
	thread_put(leader);
	if (!err) {
		spin_lock(&process->resource_lock);
		*out = process->vm;
		if (process->vm) {
			vm_get(process->vm);
		} else {
			err = -ESRCH;
		}
		spin_unlock(&process->resource_lock);
	}
	rwlock_unlock_shared(&process->exec_lock);
	return err;
}
