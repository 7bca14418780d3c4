// SPDX-License-Identifier: MIT
/*
 * Processes: making, finding, counting.
 *
 * Owns      struct process's life, process_tree_lock.
 */
#include "process/process.h"

#include "core/panic.h"
#include "cred/credentials.h"
#include "cred/user_account.h"
#include "cred/user_namespace.h"
#include "fs/file.h"
#include "fs/nsfs.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/net_namespace.h"
#include "process/cpu_timers.h"
#include "process/current.h"
#include "process/exec/exec.h"
#include "process/futex/futex.h"
#include "process/job_control.h"
#include "process/namespace/ipc_caller.h"
#include "process/namespace/namespace.h"
#include "process/namespace/pid_namespace.h"
#include "process/namespace/uts_namespace.h"
#include "process/pid.h"
#include "process/posix_timers.h"
#include "process/process_events.h"
#include "process/resources.h"
#include "process/signal/file_signal.h"
#include "process/signal/signal.h"
#include "process/taskstats.h"
#include "time/clock.h"
#include "vm/vm_space.h"
#include <linux/sched.h>

struct spinlock process_tree_lock = SPINLOCK_INIT(RANK_PROCESS_TREE, "process_tree_lock");
struct process *init_process;
OBJECT_CACHE(process_cache, process);

/* For the panic report: takes no lock, for nobody knows what is held. */
static void describe_running(char *to, size_t size)
{
	const struct sched_entity *entity = sched_current();
	const struct thread *thread = (const struct thread *)entity;

	if (!entity) {
		string_copy(to, "no thread", size);
	} else if (entity->kernel_name) {
		format_string(to, size, "kernel thread %s", entity->kernel_name);
	} else {
		format_string(to, size, "thread %d (%.15s) of process %d",
			      pid_number_global(thread->pid), thread->name,
			      pid_number_global(thread->process->pid));
	}
}

static struct user_ucred identity_of_current(void)
{
	const struct credentials *credentials = current_credentials();

	return (struct user_ucred){.pid = pid_number_global(current_process()->pid),
				   .uid = credentials->uid,
				   .gid = credentials->gid};
}

static pid_nr number_of_current(void)
{
	return process_number(current_process());
}

static const struct net_upcalls net_upcalls = {
	.capable = current_capable_over,
	.identity = identity_of_current,
	.process_number = number_of_current,
};

void process_init(void)
{
	panic_set_describe_thread(describe_running);
	pid_init();
	user_account_init();
	thread_init_system();
	posix_timers_init();
	file_signal_init();
	futex_init();
	exec_init();
	uts_init();
	nsfs_set_ioctl(namespace_ioctl);
	ipc_caller_init();
	net_set_upcalls(&net_upcalls);
	process_events_init();
	taskstats_init();
}

static void process_setup(struct process *process, struct pid *pid)
{
	refcount_init(&process->references, 2); // the tree's, and the first thread's
	pid_get(pid);
	process->pid = pid;
	spin_init(&process->resource_lock, RANK_RESOURCES, "process.resource_lock");
	spin_init(&process->signal_lock, RANK_SIGNAL, "process.signal_lock");
	rwlock_init(&process->exec_lock, RANK_EXEC, "process.exec_lock");
	signal_queue_init(&process->shared_signals);
	list_init(&process->threads);
	list_init(&process->children);
	list_init(&process->tracees);
	list_init(&process->sibling);
	list_init(&process->group_link);
	list_init(&process->session_link);
	list_init(&process->posix_timers);
	wait_queue_init(&process->thread_end);
	wait_queue_init(&process->child_events);
	wait_queue_init(&process->signal_events);
	cpu_timers_init(process);
	process->start_time = clock_monotonic();
}

static int inherit_vm(struct process *process, struct process *parent, u64 clone_flags)
{
	int err = 0;

	if (clone_flags & CLONE_VM) {
		vm_share(parent->vm);
		process->vm = parent->vm;
	} else {
		err = vm_fork(parent->vm, &current_thread()->block, &process->vm);
	}
	if (!err && parent->executable) {
		file_get(parent->executable);
		process->executable = parent->executable;
	}
	return err;
}

static int inherit_handlers(struct process *process, struct process *parent,
			    u64 clone_flags)
{
	int err;

	if (clone_flags & CLONE_SIGHAND) {
		signal_handlers_share(parent->handlers);
		process->handlers = parent->handlers;
		return 0;
	}
	err = signal_handlers_copy(parent->handlers, &process->handlers);
	if (!err && (clone_flags & CLONE_CLEAR_SIGHAND)) {
		signal_handlers_reset(process->handlers);
	}
	return err;
}

static int fill_from_parent(struct process *process, const struct thread_options *options)
{
	struct process *parent = options->parent->process;
	u64 flags;
	int err;

	process->exit_signal = options->exit_signal;
	process->is_init = process->immune =
		pid_number_in(process->pid, pid_own_namespace(process->pid)) == 1;
	flags = spin_lock_irq(&parent->signal_lock);
	memcpy(process->limits, parent->limits, sizeof(process->limits));
	spin_unlock_irq(&parent->signal_lock, flags);
	cpu_timers_inherit_limit(process);
	process->oom_adjust = READ_ONCE(parent->oom_adjust);
	process->oom_adjust_least = READ_ONCE(parent->oom_adjust_least);
	err = inherit_vm(process, parent, options->clone_flags);
	if (!err) {
		err = inherit_handlers(process, parent, options->clone_flags);
	}
	return err;
}

/* The first process: what it starts with was made by the caller. */
static int fill_first(struct process *process, const struct thread_options *options)
{
	int err;

	limits_init(process->limits);
	process->is_init = process->immune = true;
	err = signal_handlers_create(&process->handlers);
	if (!err) {
		limits_apply(process->limits, options->vm);
		process->vm = options->vm;
	}
	return err;
}

int process_create(const struct thread_options *options, struct pid *pid,
		   struct process **out)
{
	struct process *process = object_allocate(&process_cache);
	int err;

	if (!process) {
		return -ENOMEM;
	}
	process_setup(process, pid);
	if (options->parent) {
		err = fill_from_parent(process, options);
	} else {
		err = fill_first(process, options);
	}
	if (err) {
		process_discard(process);
		process_put(process); // the first thread's, which was not made
		return err;
	}
	*out = process;
	return 0;
}

void process_discard(struct process *process)
{
	if (process->handlers) {
		signal_handlers_leave(process->handlers);
		process->handlers = NULL;
	}
	if (process->vm) {
		vm_leave(process->vm);
		process->vm = NULL;
	}
	if (process->executable) {
		file_put(process->executable);
		process->executable = NULL;
	}
	process_put(process);
}

void process_get(struct process *process)
{
	refcount_get(&process->references);
}

void process_put(struct process *process)
{
	if (!process || !refcount_put(&process->references)) {
		return;
	}
	ASSERT(!process->vm && !process->handlers && !process->executable);
	ASSERT(list_empty(&process->threads) && list_empty(&process->children) &&
	       list_empty(&process->tracees));
	pid_put(process->pid);
	object_free(&process_cache, process);
}

pid_nr process_number(const struct process *process)
{
	return pid_number(process->pid);
}

static struct thread *get_leader(struct process *process)
{
	struct thread *leader = NULL;
	u64 flags = spin_lock_irq(&process->signal_lock);

	if (process->leader && thread_try_get(process->leader)) {
		leader = process->leader;
	}
	spin_unlock_irq(&process->signal_lock, flags);
	return leader;
}

struct credentials *process_get_credentials(struct process *process)
{
	struct thread *leader = get_leader(process);
	struct credentials *credentials = leader ? thread_get_credentials(leader) : NULL;

	thread_put(leader);
	return credentials;
}

struct user_account *process_get_account(struct process *process)
{
	struct thread *leader = get_leader(process);
	struct user_account *account = leader ? thread_get_account(leader) : NULL;

	thread_put(leader);
	return account;
}

u32 process_uid_shown_to(struct process *process, struct process *observer)
{
	struct credentials *seen = thread_get_credentials(process->leader);
	struct credentials *by = thread_get_credentials(observer->leader);
	u32 uid = id_from_kernel_or_overflow(by->user_namespace, ID_USER, seen->uid);

	credentials_put(seen);
	credentials_put(by);
	return uid;
}

struct process *process_find(pid_nr number)
{
	return process_find_in(current_pid_namespace(), number);
}

struct thread *thread_find(pid_nr number)
{
	return thread_find_in(current_pid_namespace(), number);
}

struct process *process_next(pid_nr *number)
{
	return process_next_in(current_pid_namespace(), number);
}

struct process *process_find_in(struct pid_namespace *namespace, pid_nr number)
{
	struct pid *pid = pid_find_in(namespace, number);
	struct process *process = pid ? pid_get_process(pid) : NULL;

	pid_put(pid);
	return process;
}

struct thread *thread_find_in(struct pid_namespace *namespace, pid_nr number)
{
	struct pid *pid = pid_find_in(namespace, number);
	struct thread *thread = pid ? pid_get_thread(pid) : NULL;

	pid_put(pid);
	return thread;
}

struct process *process_next_in(struct pid_namespace *namespace, pid_nr *number)
{
	struct pid *pid;

	while ((pid = pid_next_in(namespace, *number))) {
		struct process *process = pid_get_process(pid);

		*number = pid_number_in(pid, namespace);
		pid_put(pid);
		if (process) {
			return process;
		}
		(*number)++;
	}
	return NULL;
}

void io_counts_add(struct io_counts *to, const struct io_counts *more)
{
	to->read_bytes += READ_ONCE(more->read_bytes);
	to->written_bytes += READ_ONCE(more->written_bytes);
	to->read_calls += READ_ONCE(more->read_calls);
	to->write_calls += READ_ONCE(more->write_calls);
}

void process_usage_add(struct process_usage *to, const struct process_usage *more)
{
	to->user_ns += more->user_ns;
	to->system_ns += more->system_ns;
	to->minor_faults += more->minor_faults;
	to->major_faults += more->major_faults;
	to->switches_voluntary += more->switches_voluntary;
	to->switches_involuntary += more->switches_involuntary;
	to->peak_resident_pages = MAX(to->peak_resident_pages, more->peak_resident_pages);
}

void process_usage(struct process *process, struct process_usage *out)
{
	struct thread *thread;
	u64 flags = spin_lock_irq(&process->signal_lock);

	*out = process->dead_threads;
	for_each_thread(thread, process) {
		u64 user_ns, system_ns;

		sched_cpu_time(&thread->sched, &user_ns, &system_ns);
		out->user_ns += user_ns;
		out->system_ns += system_ns;
		out->switches_voluntary += thread->sched.switches_voluntary;
		out->switches_involuntary += thread->sched.switches_involuntary;
	}
	spin_unlock_irq(&process->signal_lock, flags);
	spin_lock(&process->resource_lock);
	if (process->vm) {
		out->minor_faults += process->vm->minor_faults;
		out->major_faults += process->vm->major_faults;
		out->peak_resident_pages =
			MAX(out->peak_resident_pages, vm_peak_resident(process->vm));
	}
	spin_unlock(&process->resource_lock);
}
