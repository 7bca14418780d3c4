// SPDX-License-Identifier: MIT
/*
 * Threads: building, publishing, taking apart (T1, T12, T13).
 *
 * Owns      struct thread's life.
 *
 * Building is all-or-nothing: thread_build() allocates everything into an unpublished thread, and thread_free() knows how
 * to take apart a thread in any state of completeness. Nothing is visible to others before thread_publish().
 */
#include "process/thread.h"

#include "core/command_line.h"
#include "core/panic.h"
#include "cred/user_account.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/kernel_stack.h"
#include "process/call_log.h"
#include "process/current.h"
#include "process/job_control.h"
#include "process/namespace/namespace.h"
#include "process/namespace/pid_namespace.h"
#include "process/pid.h"
#include "process/process.h"
#include "process/ptrace/ptrace.h"
#include "process/resources.h"
#include "process/rseq.h"
#include "process/signal/signal.h"
#include "process/stack_marks.h"
#include "process/subreaper.h"
#include "sched/debt.h"
#include "time/clock.h"
#include "vm/vm_space.h"
#include <linux/prctl.h>
#include <linux/sched.h>

OBJECT_CACHE(thread_cache, thread);

void thread_get(struct thread *thread)
{
	refcount_get(&thread->references);
}

bool thread_try_get(struct thread *thread)
{
	return refcount_try_get(&thread->references);
}

/* Before wait(2) returns: who was told of its end may start another one. */
static void give_back_count(struct thread *thread)
{
	if (thread->account_charged) {
		user_account_give_back(thread->account, USER_THREADS, 1);
		thread->account_charged = false;
	}
}

/* Take apart what there is of it. Nobody else can find it. */
static void thread_free(struct thread *thread)
{
	arch_thread_fini(&thread->sched.arch);
	if (thread->sched.stack_top) {
		thread_give_stack(thread);
	}
	give_back_count(thread);
	user_account_put(thread->account);
	if (thread->credentials) {
		credentials_put(thread->credentials);
	}
	pid_put(thread->pid);
	pid_put(thread->former_pid);
	process_put(thread->process);
	object_free(&thread_cache, thread);
}

void thread_put(struct thread *thread)
{
	if (thread && refcount_put(&thread->references)) {
		ASSERT(!thread->files && !thread->fs && !thread->namespaces);
		thread_free(thread);
	}
}

pid_nr thread_number(const struct thread *thread)
{
	return pid_number(READ_ONCE(thread->pid));
}

void thread_get_name(struct thread *thread, char name[THREAD_NAME_SIZE])
{
	spin_lock(&thread->resource_lock);
	memcpy(name, thread->name, THREAD_NAME_SIZE);
	spin_unlock(&thread->resource_lock);
}

/* heddle.fail=NAME:n: who takes that name. */
static void arm_if_wanted(struct thread *thread, const char *name)
{
	u64 nth = fault_injection_wanted(name);

	if (nth) {
		(void)fault_plan_arm(&thread->faults, nth, false);
	}
}

void thread_set_name(struct thread *thread, const char *name)
{
	char fresh[THREAD_NAME_SIZE] = {0};

	string_copy(fresh, name, sizeof(fresh));
	spin_lock(&thread->resource_lock);
	memcpy(thread->name, fresh, sizeof(fresh));
	spin_unlock(&thread->resource_lock);
	arm_if_wanted(thread, fresh);
}

static bool may_be_late(struct thread *thread)
{
	const struct sched_standing *own = &thread->sched.own;

	return !own->realtime_priority && own->policy != SCHED_DEADLINE;
}

void thread_set_timer_slack(struct thread *thread, u64 slack_ns)
{
	if (may_be_late(thread)) {
		WRITE_ONCE(thread->sched.timer_slack_ns,
			   slack_ns ? slack_ns : thread->default_timer_slack_ns);
	}
}

void thread_settle_timer_slack(struct thread *thread)
{
	if (!may_be_late(thread)) {
		WRITE_ONCE(thread->sched.timer_slack_ns, 0);
	} else if (!READ_ONCE(thread->sched.timer_slack_ns)) {
		thread_set_timer_slack(thread, 0);
	}
}

struct credentials *thread_get_credentials(struct thread *thread)
{
	struct credentials *credentials;

	spin_lock(&thread->resource_lock);
	credentials = credentials_get(thread->credentials);
	spin_unlock(&thread->resource_lock);
	return credentials;
}

struct user_account *thread_get_account(struct thread *thread)
{
	struct user_account *account;

	spin_lock(&thread->resource_lock);
	account = thread->account;
	user_account_get(account);
	spin_unlock(&thread->resource_lock);
	return account;
}

void thread_options_init(struct thread_options *options, struct thread *parent)
{
	memset(options, 0, sizeof(*options));
	options->parent = parent;
	options->exit_signal = SIGCHLD;
	if (parent) {
		options->group_signals_seen = READ_ONCE(parent->process->group_signals);
	}
}

/* Does RLIMIT_NPROC mean nothing to it? Root of the machine, and who has power over the machine. */
static bool is_unlimited(const struct user_account *account,
			 const struct thread_options *options)
{
	const struct credentials *parent;

	if (!options->parent || account->uid == 0) {
		return true;
	}
	parent = options->parent->credentials;
	return credentials_capable(parent, CAP_SYS_RESOURCE) ||
	       credentials_capable(parent, CAP_SYS_ADMIN);
}

/* The parent's, but for the first thread and one that begins a user namespace. */
static int find_account(struct thread *thread, const struct thread_options *options,
			struct user_account **out)
{
	const struct credentials *own = thread->credentials;

	if (!options->parent || (options->clone_flags & CLONE_NEWUSER)) {
		return user_account_find(own->user_namespace, own->uid, out);
	}
	*out = options->parent->account;
	user_account_get(*out);
	return 0;
}

/* Its user's right to one more thread, and the count of it (RLIMIT_NPROC). */
static int charge_account(struct thread *thread, const struct thread_options *options)
{
	struct user_account *account;
	u64 limit = ~0ULL;
	int err = find_account(thread, options, &account);

	if (err) {
		return err;
	}
	if (options->parent) {
		limit = process_limit(options->parent->process, RLIMIT_NPROC);
	}
	if (is_unlimited(account, options)) {
		user_account_charge_anyway(account, USER_THREADS, 1);
	} else if (!user_account_charge(account, USER_THREADS, 1, limit)) {
		user_account_put(account);
		return -EAGAIN;
	}
	if (options->parent) {
		thread->over_process_limit = options->parent->over_process_limit;
		options->parent->over_process_limit = false;
	}
	thread->account = account;
	thread->account_charged = true;
	return 0;
}

/* What a new thread has from its parent by plain copy: no slot is among it (I8). */
static void inherit(struct thread *thread, const struct thread_options *options)
{
	struct thread *parent = options->parent;

	thread->clear_tid = options->clear_tid;
	thread->set_tid = options->set_tid;
	thread->sched.return_work = options->set_tid ? RETURN_SET_TID : 0;
	thread->start_time = clock_monotonic();
	thread->sched.timer_slack_ns = thread->default_timer_slack_ns =
		50 * NSEC_PER_USEC;
	thread->memory_failure = PR_MCE_KILL_DEFAULT;
	if (!parent) {
		thread->traced =
			command_line_has("heddle.trace") ? TRACE_CALLS : TRACE_OFF;
		(void)fault_plan_arm(&thread->faults, fault_injection_wanted(NULL),
				     false);
		string_copy(thread->name, options->name ? options->name : "init",
			    sizeof(thread->name));
		arm_if_wanted(thread, thread->name);
		return;
	}
	thread_get_name(parent, thread->name);
	if (options->name) {
		string_copy(thread->name, options->name, sizeof(thread->name));
	}
	thread->traced = parent->traced & TRACE_LOG;
	thread->signals.blocked = parent->signals.blocked;
	fault_plan_inherit(&thread->faults, &parent->faults);
	thread->default_timer_slack_ns = READ_ONCE(parent->sched.timer_slack_ns);
	thread->sched.timer_slack_ns = thread->default_timer_slack_ns;
	thread->memory_failure = parent->memory_failure;
	thread->io_flusher = parent->io_flusher;
	thread->io_priority = parent->io_priority;
	thread->personality = parent->personality;
	// A new process may have a limit, a new thread a process with timers: the first way back to user mode finds out.
	thread->sched.return_work |= RETURN_CPU_TIMERS;
	// A new stack knows nothing of the alternate one; after fork and vfork the child is on the same addresses.
	if (!(options->clone_flags & CLONE_VM) || (options->clone_flags & CLONE_VFORK)) {
		thread->alternate_stack = parent->alternate_stack;
		thread->alternate_stack_size = parent->alternate_stack_size;
		thread->alternate_stack_flags = parent->alternate_stack_flags;
	}
}

static int build_context(struct thread *thread, const struct thread_options *options)
{
	vaddr_t top = thread->sched.stack_top;
	int err;

	if (!options->parent) {
		return arch_thread_init_user(&thread->sched.arch, top, options->start_ip,
					     options->start_sp);
	}
	err = arch_thread_init_clone(&thread->sched.arch, top, options->frame,
				     options->user_stack);
	if (!err && (options->clone_flags & CLONE_SETTLS)) {
		err = arch_thread_set_tls(&thread->sched.arch, options->tls);
	}
	return err;
}

/* Numbers in the namespace for children, of which a thread's own is one: it has no choice. */
static int build_pid(struct thread *thread, const struct thread_options *options)
{
	struct namespace *namespace =
		thread->namespaces->slot[NAMESPACE_SLOT_PID_FOR_CHILDREN];

	return pid_create(pid_namespace_of(namespace), options->wanted, &thread->pid);
}

static int build_process(struct thread *thread, const struct thread_options *options)
{
	if (options->clone_flags & CLONE_THREAD) {
		process_get(options->parent->process);
		thread->process = options->parent->process;
		return 0;
	}
	return process_create(options, thread->pid, &thread->process);
}

/* The slots: shared or copied from the parent, or those given. */
static int build_resources(struct thread *thread, const struct thread_options *options)
{
	int err;

	if (options->parent) {
		return resources_share(thread, options->clone_flags);
	}
	err = namespace_set_create(&thread->namespaces);
	if (!err) {
		thread->files = options->files;
		thread->fs = options->fs;
	}
	return err;
}

/* Before everything else: other new namespaces belong to the new user namespace. */
static int build_credentials(struct thread *thread, const struct thread_options *options)
{
	const struct credentials *from =
		options->parent ? options->parent->credentials : options->credentials;

	if (options->clone_flags & CLONE_NEWUSER) {
		int err = credentials_copy_into_new(from, &thread->credentials);

		if (!err) {
			limits_of_namespace(options->parent->process, from,
					    thread->credentials->user_namespace);
		}
		return err;
	}
	thread->credentials = credentials_get(from);
	return 0;
}

/* The thread block: one more in a shared address space; in a copy the one that the parent has in its own (B5). */
static int build_block(struct thread *thread, const struct thread_options *options)
{
	struct vm_space *vm = thread->process->vm;

	thread->block.tid =
		(u32)pid_number_in(thread->pid, pid_own_namespace(thread->pid));
	if (!options->parent || (options->clone_flags & CLONE_VM)) {
		return thread_block_take(vm, &thread->block);
	}
	thread_block_inherit(vm, &thread->block, &options->parent->block);
	return 0;
}

/* It begins with the parent's registers: gs base finds the block unless the parent has set its own. */
static void show_block(struct thread *thread)
{
	arch_thread_set_block(&thread->sched.arch, thread->block.address);
	thread->sched.return_work |= RETURN_BLOCK; // where it begins is not known yet
	thread->sched.move_work = RETURN_BLOCK;
}

static int build_steps(struct thread *thread, const struct thread_options *options)
{
	vaddr_t top;
	int err = build_credentials(thread, options);

	if (!err) {
		err = charge_account(thread, options);
	}
	if (!err) {
		err = kernel_stack_allocate(&top);
	}
	if (err) {
		return err;
	}
	sched_entity_init(&thread->sched, top);
	thread->sched.overrun_work = RETURN_OVERRUN;
	if (options->parent) {
		err = sched_entity_inherit(&thread->sched, &options->parent->sched);
	}
	inherit(thread, options);
	if (!err) {
		err = build_resources(thread, options);
	}
	if (!err) {
		err = build_pid(thread, options);
	}
	if (!err) {
		err = build_process(thread, options);
	}
	if (!err) {
		err = build_block(thread, options);
	}
	if (!err && options->parent) {
		err = resources_settle_memory(thread);
	}
	if (!err) {
		thread->sched.vm = &thread->process->vm->arch;
		if (options->parent && !(options->clone_flags & CLONE_VM)) {
			rseq_inherit(thread, options->parent);
		}
		err = build_context(thread, options);
	}
	if (!err) {
		show_block(thread);
	}
	return err;
}

int thread_build(const struct thread_options *options, struct thread **out)
{
	struct thread *thread = object_allocate(&thread_cache);
	int err;

	if (!thread) {
		return -ENOMEM;
	}
	refcount_init(&thread->references, 2); // the table's and the running thread's
	spin_init(&thread->resource_lock, RANK_RESOURCES, "thread.resource_lock");
	list_init(&thread->process_link);
	list_init(&thread->trace.link);
	signal_queue_init(&thread->signals.queue);
	err = build_steps(thread, options);
	if (err) {
		thread_discard(thread);
		return err;
	}
	*out = thread;
	return 0;
}

void thread_discard(struct thread *thread)
{
	struct process *process = thread->process;

	if (process) {
		thread_block_give(process->vm, &thread->block);
	}
	resources_discard(thread);
	if (process && (!current_is_user_thread() || process != current_process())) {
		process_discard(process);
	}
	thread_free(thread);
}

/* Into an existing process; its signal_lock is held. */
static void link_thread_locked(struct thread *thread, struct process *process)
	MUST_HOLD(&process->signal_lock)
{
	list_push_back(&process->threads, &thread->process_link);
	process->thread_count++;
	process->had_threads |= process->thread_count > 1;
	process->unfinished_threads++;
	process->staying_threads++;
	atomic_fetch_add_explicit(&process->live_threads, 1, memory_order_relaxed);
	if (process->stop.signal && !process->stop.stopped) {
		process->stop.remaining++;
		thread->trace.stop_signal = (u8)process->stop.signal;
	} else if (process->stop.signal) {
		thread->stop_counted = true; // its maker is traced, and goes on
	}
	signal_recalculate_locked(thread);
}

static int publish_in_group(struct thread *thread)
{
	struct process *process = thread->process;
	u64 flags = spin_lock_irq(&process->signal_lock);
	bool dying = process->group_exit || process->exec_thread;

	if (!dying) {
		link_thread_locked(thread, process);
	}
	spin_unlock_irq(&process->signal_lock, flags);
	if (dying) {
		return -ERESTART_ALWAYS;
	}
	pid_attach(thread->pid, thread, NULL);
	return 0;
}

static int publish_process(struct thread *thread, const struct thread_options *options)
{
	struct process *process = thread->process;
	struct process *parent = options->parent ? options->parent->process : NULL;
	u64 flags;

	if (parent && (atomic_load(&options->parent->sched.breaks) & BREAK_KILL)) {
		return -ERESTART_ALWAYS;
	}
	if (parent && READ_ONCE(parent->group_signals) != options->group_signals_seen) {
		return -ERESTART_ALWAYS; // a signal to the group came meanwhile: it counts as before the fork
	}
	process->parent_thread = options->parent;
	process->parent_exec_count = parent ? parent->exec_count : 0;
	if (options->clone_flags & CLONE_PARENT) {
		process->parent_thread = parent->parent_thread;
		process->parent_exec_count = parent->parent_exec_count;
		parent = parent->parent;
	}
	process->parent = parent;
	process_inherit_subreaper(process);
	if (parent) {
		list_push_back(&parent->children, &process->sibling);
		job_control_inherit_locked(process, options->parent->process);
	}
	flags = spin_lock_irq(&process->signal_lock);
	process->leader = thread;
	link_thread_locked(thread, process);
	spin_unlock_irq(&process->signal_lock, flags);
	pid_attach(thread->pid, thread, process);
	if (process->is_init) {
		pid_own_namespace(thread->pid)->init = process;
	}
	return 0;
}

int thread_publish(struct thread *thread, const struct thread_options *options)
{
	u64 flags = spin_lock_irq(&process_tree_lock);
	int err;

	if (!pid_may_live_locked(thread->pid)) {
		err = -ENOMEM;
	} else if (options->clone_flags & CLONE_THREAD) {
		err = publish_in_group(thread);
	} else {
		err = publish_process(thread, options);
	}
	if (!err && options->traced) {
		trace_inherit_locked(thread);
	}
	spin_unlock_irq(&process_tree_lock, flags);
	return err;
}

void thread_unpublish(struct thread *thread)
{
	struct process *process = thread->process;
	struct process_usage usage = {0};
	u64 flags;

	trace_unlink(thread);
	give_back_count(thread);
	sched_cpu_time(&thread->sched, &usage.user_ns, &usage.system_ns);
	usage.switches_voluntary = thread->sched.switches_voluntary;
	usage.switches_involuntary = thread->sched.switches_involuntary;
	pid_detach(thread->pid);
	flags = spin_lock_irq(&process->signal_lock);
	process_usage_add(&process->dead_threads, &usage);
	io_counts_add(&process->dead_io, &thread->io);
	list_remove(&thread->process_link);
	process->thread_count--;
	if (process->exec_thread) {
		wake_all(&process->thread_end,
			 0); // it waits for us to be gone from the table too
	}
	if (process->leader == thread) {
		process->leader =
			NULL; // who still has the process finds no thread, not a freed one
	}
	spin_unlock_irq(&process->signal_lock, flags);
	thread_put(thread);
}

/* The thread that ran before on this CPU has ended: its stack is free now, and its own reference goes (T1). */
static void finish_dead(struct sched_entity *entity)
{
	struct thread *thread = thread_from_entity(entity);

	thread_give_stack(thread);
	thread_put(thread);
}

static struct fault_plan *running_fault_plan(void)
{
	return current_is_user_thread() ? &current_thread()->faults : NULL;
}

static void keep_entity(struct sched_entity *entity)
{
	thread_get(thread_from_entity(entity));
}

static void let_entity_go(struct sched_entity *entity)
{
	thread_put(thread_from_entity(entity));
}

void thread_init_system(void)
{
	fault_injection_set_lookup(running_fault_plan);
	sched_set_exit_hook(finish_dead);
	sched_set_reference_hooks(keep_entity, let_entity_go);
}
