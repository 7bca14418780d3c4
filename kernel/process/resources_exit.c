// SPDX-License-Identifier: MIT
/*
 * The slots at the end: dropped in the one documented order, by the thread itself (R2, R8). The rules are in resources.h.
 */
#include "process/resources.h"

#include "core/panic.h"
#include "fs/file_table.h"
#include "fs/fs_info.h"
#include "ipc/sysv/sysv.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "process/current.h"
#include "process/futex/futex.h"
#include "process/job_control.h"
#include "process/namespace/ipc_caller.h"
#include "process/namespace/namespace.h"
#include "process/port/port.h"
#include "process/process.h"
#include "process/rseq.h"
#include "sync/completion.h"
#include "vm/vm_space.h"

/* CLONE_CHILD_CLEARTID: tell who waits in pthread_join, if anybody can still see that memory. */
static void clear_thread_id(struct thread *thread)
{
	struct process *process = thread->process;
	vaddr_t address = thread->clear_tid;
	u32 zero = 0;

	thread->clear_tid = 0;
	if (!address) {
		return;
	}
	if (atomic_load(&process->live_threads) > 1 ||
	    atomic_load(&process->vm->users) > 1) {
		if (user_write(address, &zero, sizeof(zero)) == 0) {
			futex_wake_address(process->vm, address, 1);
		}
	}
}

static void complete_vfork(struct thread *thread)
{
	// Under the lock, so that a parent that gives up waiting knows we no longer touch what is on its stack.
	spin_lock(&thread->resource_lock);
	if (thread->vfork_done) {
		completion_complete(thread->vfork_done);
		thread->vfork_done = NULL;
	}
	spin_unlock(&thread->resource_lock);
}

void resources_farewell_to_memory(void)
{
	struct thread *thread = current_thread();

	rseq_forget();
	port_farewell();
	thread_block_give(thread->process->vm, &thread->block);
	futex_farewell();
	clear_thread_id(thread);
	complete_vfork(thread);
}

/* The last live thread (true) gives up the address space. */
static bool leave_vm(struct process *process)
{
	struct vm_space *vm;
	struct file *executable;
	struct process_usage usage = {0};
	u64 flags;

	sched_use_vm(NULL);
	/* order.alone: pairs with is_alone(), and with those who left before */
	if (atomic_fetch_sub_explicit(&process->live_threads, 1, memory_order_acq_rel) !=
	    1) {
		return false;
	}
	spin_lock(&process->resource_lock);
	vm = process->vm;
	executable = process->executable;
	process->vm = NULL;
	process->executable = NULL;
	spin_unlock(&process->resource_lock);

	usage.minor_faults = vm->minor_faults;
	usage.major_faults = vm->major_faults;
	usage.peak_resident_pages = vm_peak_resident(vm);
	flags = spin_lock_irq(&process->signal_lock);
	process_usage_add(&process->dead_threads, &usage);
	spin_unlock_irq(&process->signal_lock, flags);

	vm_leave(vm);
	if (executable) {
		file_put(executable);
	}
	return true;
}

static void leave_undo(struct thread *thread)
{
	struct semaphore_undo *undo = thread->undo;

	if (!undo) {
		return;
	}
	spin_lock(&thread->resource_lock);
	thread->undo = NULL;
	spin_unlock(&thread->resource_lock);
	semaphore_undo_leave(undo, thread->process->pid);
}

static void leave_files(struct thread *thread)
{
	struct file_table *files = thread->files;

	spin_lock(&thread->resource_lock);
	thread->files = NULL;
	spin_unlock(&thread->resource_lock);
	file_table_leave(files);
}

static void leave_fs(struct thread *thread)
{
	struct fs_info *fs = thread->fs;

	spin_lock(&thread->resource_lock);
	thread->fs = NULL;
	spin_unlock(&thread->resource_lock);
	fs_info_leave(fs);
}

static void leave_namespaces(struct thread *thread)
{
	struct namespace_set *namespaces = thread->namespaces;

	spin_lock(&thread->resource_lock);
	thread->namespaces = NULL;
	spin_unlock(&thread->resource_lock);
	namespace_set_leave(namespaces);
}

void resources_exit(void)
{
	struct thread *thread = current_thread();
	bool last;

	resources_farewell_to_memory();
	last = leave_vm(thread->process);
	leave_undo(thread);
	leave_files(thread);
	leave_fs(thread);
	if (last) {
		job_control_leader_exit();
	}
	leave_namespaces(thread);
}
