// SPDX-License-Identifier: MIT
/*
 * execve of the running thread.
 *
 *	load (may fail, nothing changed) -> prepare (may fail) -> end siblings (only our own death stops it)
 *	-> farewell to the old memory -> commit -> what the new program starts with
 *
 * From the commit on nothing fails. process.exec_lock is held for writing over commit and credentials, so that nobody who
 * checks permission against the old ones gets at the new memory.
 */
#include "process/exec/exec.h"

#include "arch/thread.h"
#include "arch/trap.h"
#include "core/panic.h"
#include "cred/user_account.h"
#include "fs/file_table.h"
#include "fs/fs_info.h"
#include "fs/path.h"
#include "lib/errno.h"
#include "process/cpu_timers.h"
#include "process/current.h"
#include "process/exec/exec_internal.h"
#include "process/futex/futex.h"
#include "process/limits.h"
#include "process/pid.h"
#include "process/process.h"
#include "process/process_events.h"
#include "process/ptrace/ptrace.h"
#include "process/resources.h"
#include "process/signal/signal.h"
#include "vm/vm_space.h"
#include <linux/sched.h>
#include <linux/signal.h>

/* Are the others gone, from the pid table too, but for a leader that has ended? It leaves its number to this thread. */
static bool is_alone_locked(struct process *process)
{
	struct thread *leader = process->leader;
	u32 staying = leader != current_thread() && leader->finished ? 2 : 1;

	return process->thread_count == staying;
}

/* Wait until this is the process's only thread. */
static int wait_for_siblings(struct process *process)
{
	struct wait_entry entry = {0};
	int err = 0;

	for (;;) {
		bool alone;
		u64 flags;

		wait_begin(&process->thread_end, &entry, THREAD_KILLABLE);
		flags = spin_lock_irq(&process->signal_lock);
		alone = is_alone_locked(process);
		spin_unlock_irq(&process->signal_lock, flags);
		if (alone) {
			break;
		}
		if (sched_break_pending(THREAD_KILLABLE)) {
			err = -ERESTART;
			break;
		}
		sched_block(NSEC_NEVER);
		wait_end(&process->thread_end, &entry);
	}
	wait_end(&process->thread_end, &entry);
	return err;
}

/* The leader has ended; its number is ours now, as if we had led all along. */
static void take_over_leader(struct thread *thread)
{
	struct process *process = thread->process;
	struct thread *leader = process->leader;
	struct pid *mine = thread->pid;
	u64 flags;

	if (leader == thread) {
		return;
	}
	flags = spin_lock_irq(&process_tree_lock);
	pid_exchange_threads(mine, leader->pid);
	pid_get(mine);
	thread->former_pid = mine;
	thread->pid = leader->pid;
	leader->pid = mine;
	thread->start_time = leader->start_time;
	spin_lock(&process->signal_lock);
	process->leader = thread;
	spin_unlock(&process->signal_lock);
	spin_unlock_irq(&process_tree_lock, flags);
	thread_unpublish(leader);
}

int exec_end_siblings(void)
{
	struct thread *thread = current_thread();
	struct process *process = thread->process;
	u64 flags = spin_lock_irq(&process->signal_lock);
	int err = process->group_exit || process->exec_thread ? -EAGAIN : 0;

	if (!err) {
		process->exec_thread = thread;
		signal_kill_threads_locked(process, thread);
	}
	spin_unlock_irq(&process->signal_lock, flags);
	if (err) {
		return err;
	}
	err = wait_for_siblings(process);
	if (err) {
		flags = spin_lock_irq(&process->signal_lock);
		process->exec_thread = NULL;
		spin_unlock_irq(&process->signal_lock, flags);
		return err;
	}
	// former_pid can hold one number: a process that gets here twice as a non-leader has led in between.
	pid_put(thread->former_pid);
	thread->former_pid = NULL;
	take_over_leader(thread);
	return 0;
}

/* Descriptors shared outside the process stay theirs: this program gets its own table. Decided when the siblings are gone. */
static void settle_files(struct resource_change *change)
{
	struct file_table *own = current_files();

	/* order.alone: pairs with file_table_leave() */
	if (change->files &&
	    atomic_load_explicit(&own->users, memory_order_acquire) == 1) {
		file_table_leave(change->files);
		change->files = NULL;
	}
}

/* From here on no signal that the old program agreed on with a child or its parent reaches this one, or comes from it. */
static void forget_agreed_signals(struct process *process)
{
	u64 flags = spin_lock_irq(&process_tree_lock);

	process->exit_signal = SIGCHLD;
	process->exec_count++;
	spin_unlock_irq(&process_tree_lock, flags);
}

/* Signals, timers, names: what the new program starts with. */
static void start_afresh(struct thread *thread, struct exec_image *image, bool changed_id)
{
	struct process *process = thread->process;
	u64 flags;

	signal_handlers_reset(process->handlers);
	posix_timers_drop(process);
	thread->alternate_stack = thread->alternate_stack_size = 0;
	thread->alternate_stack_flags = SS_DISABLE;
	thread->restart = NULL;
	thread_set_name(thread, image->comm);
	if (changed_id) {
		thread->parent_death_signal = 0;
	}
	flags = spin_lock_irq(&process->signal_lock);
	process->exec_thread = NULL;
	spin_unlock_irq(&process->signal_lock, flags);
	file_table_close_on_exec(thread->files);
}

/* The first slot of an address space that has a page of them: there is nothing that could fail. */
static void take_block(struct thread *thread)
{
	thread->block.tid =
		(u32)pid_number_in(thread->pid, pid_own_namespace(thread->pid));
	if (thread_block_take(thread->process->vm, &thread->block)) {
		panic("a new program has no thread block");
	}
}

static void commit(struct thread *thread, struct exec_image *image,
		   struct resource_change *change, struct trap_frame *frame)
{
	struct process *process = thread->process;
	bool changed_id = image->secure;

	atomic_store(&image->vm->dump_filter, atomic_load(&process->vm->dump_filter));
	atomic_store(&image->vm->huge_pages_off,
		     atomic_load(&process->vm->huge_pages_off));
	resources_farewell_to_memory();
	atomic_store(&image->vm->dumpable,
		     !image->unreadable &&
			     image->credentials->euid == image->credentials->uid &&
			     image->credentials->egid == image->credentials->gid);
	limits_apply(process->limits, image->vm);
	change->vm = image->vm;
	change->executable = image->file;
	change->credentials = image->credentials;
	image->vm = NULL;
	image->file = NULL;
	image->credentials = NULL;
	forget_agreed_signals(process);
	rwlock_lock(&process->exec_lock);
	settle_files(change);
	resources_commit(change);
	rwlock_unlock(&process->exec_lock);
	futex_begin_anew();
	take_block(thread);
	start_afresh(thread, image, changed_id);
	arch_thread_exec(&thread->sched.arch, frame, image->start_ip, image->start_sp);
	arch_thread_set_block(&thread->sched.arch, thread->block.address);
	trap_set_syscall_number(frame, -1);
}

/*
 * Set-uid programs must not be steered by somebody who shares our root and working directory. The slots of siblings are
 * read without their locks: a sibling that changes its own just now may make the count wrong, which
 * settle_fs() finds out when they are gone.
 */
static bool claim_fs(struct thread *thread)
{
	struct process *process = thread->process;
	struct thread *sibling;
	u32 inside = 0;
	u64 flags = spin_lock_irq(&process->signal_lock);

	for_each_thread(sibling, process) {
		inside += READ_ONCE(sibling->fs) == thread->fs;
	}
	spin_unlock_irq(&process->signal_lock, flags);
	return fs_info_begin_exec(thread->fs, inside);
}

/*
 * Alone now: is what may_set_id() decided still true? Nobody new has come; one outside may have been overlooked. No tracer
 * comes before exec_thread is NULL again.
 */
static int settle_set_id(struct thread *thread, const struct exec_image *image)
{
	u64 flags;

	if (image->refuse_set_id ||
	    (atomic_load(&thread->fs->users) == 1 && trace_allows_privilege(thread))) {
		return 0;
	}
	flags = spin_lock_irq(&thread->process->signal_lock);
	thread->process->exec_thread = NULL;
	spin_unlock_irq(&thread->process->signal_lock, flags);
	return -EAGAIN;
}

/* A program that turns out bad where Linux has no old one to go back to: the process ends, with all its threads. */
static int load(struct exec_image *image)
{
	int err =
		exec_image_load(image, current_credentials(), current_process()->limits);

	if (err && image->accepted && (err != -ENOMEM || image->vm->over_limit)) {
		signal_kill_current_process(SIGSEGV);
	}
	return err;
}

static int load_and_commit(struct exec_image *image, struct trap_frame *frame)
{
	struct thread *thread = current_thread();
	struct resource_change change = {0};
	int err = load(image);

	if (!err) {
		err = arch_thread_prepare_exec(&thread->sched.arch);
	}
	if (!err) {
		err = resources_prepare_program(&change);
	}
	if (!err) {
		err = exec_end_siblings();
	}
	if (!err) {
		err = settle_set_id(thread, image);
	}
	if (!err) {
		commit(thread, image, &change, frame);
	}
	resources_release(&change);
	return err;
}

/* Who became a user with too many processes (setuid(2) does not fail for that) cannot go on as such. */
static int check_process_limit(struct thread *thread)
{
	bool over = thread->over_process_limit &&
		    user_account_is_over(thread->account, USER_THREADS,
					 current_limit(RLIMIT_NPROC));

	thread->over_process_limit = over;
	return over ? -EAGAIN : 0;
}

long exec_program(struct exec_image *image, struct trap_frame *frame)
{
	struct thread *thread = current_thread();
	int err = check_process_limit(thread);
	pid_nr former = thread_is_traced(thread) ? trace_number(thread) : 0;

	if (!err) {
		bool shared = claim_fs(thread);

		image->refuse_set_id = shared || !trace_allows_privilege(thread);
		err = load_and_commit(image, frame);
		if (!err) {
			process_event_exec();
		}
		if (!shared) {
			fs_info_end_exec(thread->fs);
		}
	}
	exec_image_destroy(image);
	if (!err) {
		trace_exec(former);
	}
	return err;
}
