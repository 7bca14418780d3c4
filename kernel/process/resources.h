// SPDX-License-Identifier: MIT
/*
 * What a thread uses, and how that changes (rows R1–R9).
 *
 * Locks   process_tree_lock > thread.resource_lock > file_table.lock, fs_info.lock	[spin, thread context only]
 *
 * I1  Only the owner changes its slots, and only under its resource_lock.
 * I2  The owner reads its slots without a lock; the pointer is borrowed until its own next resources_commit() or
 *     resources_exit(), also across sleeps.
 * I3  Others read a slot only between thread_lock_resources() and thread_unlock_resources(); it may be NULL; they do not
 *     sleep there and take references on leaves, never on containers.
 * I4  users == the number of slots that point to the object. Inspectors never change it.
 * I5  Teardown (closing files, unmapping) runs when users reaches 0, in the context of the last user, with no lock held.
 * I6  All that can fail is done before commit; commit cannot fail or sleep; release may sleep.
 * I7  A zombie uses nothing: files, fs, namespaces (and the process's vm, handlers) are NULL before wait(2) sees it.
 *     Credentials, numbers and exit status stay until reap.
 * I8  A child's slots start NULL (no byte copy of the parent) and are filled before publication.
 */
#pragma once

#include "lib/compiler.h"
#include "process/thread.h"

/* 2. clone: share or copy the running thread's resources into an unpublished child; its process is made already. */
int resources_share(struct thread *child, u64 clone_flags) must_check;
/* After its publication and before its start: what the running thread shares since, but did not have. */
void resources_child_published(struct thread *child);
/* Once the child's process is made: its memory as its namespaces want it. -ENOMEM */
int resources_settle_memory(struct thread *child) must_check;
/* Drop what an unpublished child holds. */
void resources_discard(struct thread *child);

/* 3–5. unshare, setns, execve: one shape. NULL = leave alone; before commit the new objects, after it the displaced ones. */
struct resource_change {
	struct file_table *files;
	struct fs_info *fs;
	struct namespace_set *namespaces;
	struct vm_space *vm;
	struct semaphore_undo *undo;
	struct signal_handlers *handlers;
	struct credentials *credentials;
	struct user_account *account;
	struct file *executable; /* with vm */
};
/* Copies of what `unshare_flags` (CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_SYSVSEM, CLONE_NEW…) names, where it is shared. */
int resources_prepare(struct resource_change *change, u64 unshare_flags) must_check;
/* An empty undo list in place of the running thread's, if it has one; in the IPC namespace of change->namespaces, if set.
 * Whoever changes that namespace must (CLONE_NEWIPC). -ENOMEM */
int resources_prepare_undo(struct resource_change *change) must_check;
/* The running thread's undo list, made if there is none. -ENOMEM */
int resources_need_undo(struct semaphore_undo **out) must_check;
/* What execve replaces besides memory: files and handlers where they are shared, and the time namespace it comes into. */
int resources_prepare_program(struct resource_change *change) must_check;
/* A private copy of the running thread's credentials, to be changed by the caller. */
int resources_prepare_credentials(struct resource_change *change) must_check;
/* The account that goes with the real uid and the user namespace of change->credentials. -ENOMEM */
int resources_prepare_account(struct resource_change *change) must_check;
void resources_commit(struct resource_change *change);
void resources_release(struct resource_change *change);

/* 6. exit: drop everything in the one documented order. Owner context, may sleep. `last`: of its process's live threads. */
void resources_exit(void);
/* The part exec shares with exit: everything the kernel still has to write into the old address space (R8). */
void resources_farewell_to_memory(void);

/* 7. Others: look at slots, possibly NULL. The thread itself stays valid through the caller's reference. */
struct thread *thread_lock_resources(struct thread *thread) NO_THREAD_SAFETY;
void thread_unlock_resources(struct thread *thread) NO_THREAD_SAFETY;

/* 8. Others: the address space, check and take in one step against execve. A vm_put() is due. -ESRCH, -EACCES, -EPERM. */
/* ACCESS_TRACE: by the real ids and all permitted capabilities; the others by those in effect for files. */
enum access_mode { ACCESS_VM_READ, ACCESS_VM_ATTACH, ACCESS_TRACE };
int process_get_vm(struct process *process, enum access_mode mode,
		   struct vm_space **out) must_check;
/* May the running thread look into `thread` (ptrace(2) "access mode")? 0 or -EPERM. */
int thread_check_access(struct thread *thread, enum access_mode mode) must_check;
/* true: its memory is not dumpable; what /proc shows of it then belongs to this user and group, kernel ids. */
bool process_dump_owner(struct process *process, u32 *uid, u32 *gid);

/* Signal handlers, as a slot's object. */
int signal_handlers_create(struct signal_handlers **out) must_check;
int signal_handlers_copy(struct signal_handlers *from,
			 struct signal_handlers **out) must_check;
void signal_handlers_share(struct signal_handlers *handlers);
void signal_handlers_leave(struct signal_handlers *handlers);
