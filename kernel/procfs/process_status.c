// SPDX-License-Identifier: MIT
/*
 * proc(5): stat, statm, status, limits, wchan, schedstat of processes and threads.
 */
#include "procfs/procfs_internal.h"

#include "core/percpu.h"
#include "cred/user_account.h"
#include "fs/file_table.h"
#include "fs/fs_info.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "process/job_control.h"
#include "process/limits.h"
#include "process/namespace/pid_namespace.h"
#include "process/namespace/time_namespace.h"
#include "process/pid.h"
#include "process/ptrace/ptrace.h"
#include "process/resources.h"
#include "process/signal/signal.h"
#include "process/stack_marks.h"
#include "tty/tty.h"
#include "vm/vm_space.h"
#include <linux/time.h>

enum { TICKS_PER_SECOND = 100 };
#define NSEC_PER_TICK ((u64)(NSEC_PER_SEC / TICKS_PER_SECOND))

/* What stat and status have in common, taken once. */
struct snapshot {
	char name[THREAD_NAME_SIZE];
	enum thread_state state;
	pid_nr number, process, parent, group, session, foreground;
	u64 terminal;
	u32 thread_count;
	int exit_signal, exit_status;
	u64 user_ns, system_ns, waited_user_ns, waited_system_ns;
	u64 minor_faults, major_faults, waited_minor_faults, waited_major_faults;
	u64 voluntary, involuntary;
	signal_mask pending, shared_pending, blocked, ignored, caught;
	nsec_t started;
	int nice, policy, realtime_priority, priority;
	unsigned cpu;
	struct cpumask affinity;
	/* of the address space; 0 once it is gone */
	u64 total_pages, resident_pages, resident_file, data_pages, stack_pages,
		locked_pages, peak_pages, peak_resident, table_pages;
	u64 limit_resident;
	vaddr_t code_start, code_end, data_start, data_end, stack_start, break_start;
	vaddr_t arguments_start, arguments_end, environment_start, environment_end;
	bool has_vm;
};

static char state_letter(enum thread_state state)
{
	static const char letters[] = {
		[THREAD_CREATING] = 'R', [THREAD_READY] = 'R',
		[THREAD_RUNNING] = 'R',  [THREAD_INTERRUPTIBLE] = 'S',
		[THREAD_KILLABLE] = 'D', [THREAD_UNINTERRUPTIBLE] = 'D',
		[THREAD_STOPPED] = 'T',  [THREAD_TRACED] = 't',
		[THREAD_ZOMBIE] = 'Z',   [THREAD_DEAD] = 'X',
	};

	return letters[state];
}

static const char *state_word(enum thread_state state)
{
	switch (state_letter(state)) {
	case 'R':
		return "running";
	case 'S':
		return "sleeping";
	case 'D':
		return "disk sleep";
	case 'T':
		return "stopped";
	case 't':
		return "tracing stop";
	case 'Z':
		return "zombie";
	}
	return "dead";
}

static void take_tree(struct snapshot *to, struct process *process,
		      const struct pid_namespace *namespace)
{
	u64 flags = spin_lock_irq(&process_tree_lock);

	to->parent = process->parent ? pid_number_in(process->parent->pid, namespace) : 0;
	to->group = pid_number_in(process->group, namespace);
	to->session =
		process->session ? pid_number_in(process->session->pid, namespace) : 0;
	to->foreground = -1;
	if (process->session && process->session->terminal) {
		to->terminal = tty_device_number(process->session->terminal);
		to->foreground = pid_number_in(process->session->foreground, namespace);
	}
	to->exit_signal = process->exit_signal;
	to->exit_status = process->exit_status;
	to->waited_user_ns = process->waited_children.user_ns;
	to->waited_system_ns = process->waited_children.system_ns;
	to->waited_minor_faults = process->waited_children.minor_faults;
	to->waited_major_faults = process->waited_children.major_faults;
	spin_unlock_irq(&process_tree_lock, flags);
}

static void take_signals(struct snapshot *to, struct thread *thread)
{
	struct process *process = thread->process;
	u64 flags = spin_lock_irq(&process->signal_lock);

	to->pending = thread->signals.queue.pending;
	to->blocked = thread->signals.blocked;
	to->shared_pending = process->shared_signals.pending;
	to->thread_count = process->thread_count;
	if (thread->finished) {
		to->state = THREAD_ZOMBIE; // a leader that waits for its threads
	} else if (thread->trace.stopped) {
		to->state = THREAD_TRACED; // likewise, its tracer
	} else if (process->stop.stopped && thread->stop_counted &&
		   !thread->trace.tracer) {
		to->state = THREAD_STOPPED; // the parent was told: it may be on its way
	}
	for (int i = 0; process->handlers && i < SIGNAL_COUNT; i++) {
		u64 handler = process->handlers->action[i].handler;

		to->ignored |= handler == 1 ? 1ULL << i : 0;
		to->caught |= handler > 1 ? 1ULL << i : 0;
	}
	spin_unlock_irq(&process->signal_lock, flags);
}

static void take_usage(struct snapshot *to, struct thread *thread, bool whole)
{
	struct process_usage usage;

	if (whole) {
		process_usage(thread->process, &usage);
		to->user_ns = usage.user_ns;
		to->system_ns = usage.system_ns;
		to->minor_faults = usage.minor_faults;
		to->major_faults = usage.major_faults;
	} else {
		sched_cpu_time(&thread->sched, &to->user_ns, &to->system_ns);
	}
	to->voluntary = thread->sched.switches_voluntary;
	to->involuntary = thread->sched.switches_involuntary;
}

static void take_layout(struct snapshot *to, struct vm_space *vm)
{
	to->code_start = vm->code_start;
	to->code_end = vm->code_end;
	to->data_start = vm->data_start;
	to->data_end = vm->data_end;
	to->stack_start = vm->stack_start;
	to->break_start = vm->break_start;
	to->arguments_start = vm->arguments_start;
	to->arguments_end = vm->arguments_end;
	to->environment_start = vm->environment_start;
	to->environment_end = vm->environment_end;
}

static struct vm_space *take_reference(struct process *process)
{
	struct vm_space *vm;

	spin_lock(&process->resource_lock);
	vm = process->vm;
	if (vm) {
		vm_get(vm);
	}
	spin_unlock(&process->resource_lock);
	return vm;
}

static void take_vm(struct snapshot *to, struct process *process)
{
	struct vm_space *vm = take_reference(process);

	if (!vm) {
		return;
	}
	if (vm_lock_shared(vm) == 0) {
		to->has_vm = true;
		to->total_pages = vm->total_pages;
		to->resident_file = (u64)MAX(vm->resident_file, (s64)0);
		to->resident_pages =
			to->resident_file + (u64)MAX(vm->resident_anonymous, (s64)0);
		to->data_pages = vm->data_pages;
		to->stack_pages = vm->stack_pages;
		to->locked_pages = vm->locked_pages;
		to->peak_pages = MAX(vm->peak_pages, to->total_pages);
		to->peak_resident = vm_peak_resident(vm);
		to->table_pages = arch_vm_table_pages(&vm->arch);
		take_layout(to, vm);
		vm_unlock_shared(vm);
	}
	vm_put(vm);
}

/* What it acts by: its own, or inherited. */
static int priority_shown(struct sched_entity *entity)
{
	struct sched_description d;

	sched_describe(entity, &d);
	return sched_priority_shown(&d.acts_by);
}

static int take(struct snapshot *to, const struct proc_node *node)
{
	struct thread *thread = proc_thread(node);
	struct process *process = node->process;

	memset(to, 0, sizeof(*to));
	if (!thread) {
		return -ESRCH;
	}
	thread_get_name(thread, to->name);
	to->state = (enum thread_state)atomic_load(&thread->sched.state);
	if (!node->thread && READ_ONCE(process->state) == PROCESS_ZOMBIE) {
		to->state = THREAD_ZOMBIE;
	}
	to->number = pid_number_in(READ_ONCE(thread->pid), node->namespace);
	to->process = pid_number_in(process->pid, node->namespace);
	to->started = thread->start_time + current_time_offset(CLOCK_BOOTTIME);
	to->nice = thread->sched.own.nice;
	to->policy = thread->sched.own.policy;
	to->realtime_priority = thread->sched.own.realtime_priority;
	to->priority = priority_shown(&thread->sched);
	to->cpu = atomic_load(&thread->sched.cpu);
	sched_get_affinity(&thread->sched, &to->affinity);
	take_tree(to, process, node->namespace);
	take_signals(to, thread);
	take_usage(to, thread, node->thread == NULL);
	take_vm(to, process);
	to->limit_resident = process_limit(process, RLIMIT_RSS);
	thread_put(thread);
	return 0;
}

/* Where things are in memory, and the exit status, are for those who may look into it. */
static void hide_addresses(struct snapshot *s)
{
	s->code_start = s->code_end = s->has_vm;
	s->stack_start = s->data_start = s->data_end = s->break_start = 0;
	s->arguments_start = s->arguments_end = 0;
	s->environment_start = s->environment_end = 0;
	s->exit_status = 0;
}

int proc_show_stat(struct proc_text *text, const struct proc_node *node)
{
	struct snapshot s;
	int error = take(&s, node);

	if (error) {
		return error;
	}
	if (proc_check_access(node)) {
		hide_addresses(&s);
	}
	proc_print(text, "%d (%s) %c %d %d %d %ld %d 0 %lu %lu %lu %lu ", s.number,
		   s.name, state_letter(s.state), s.parent, s.group, s.session,
		   (long)s.terminal, s.foreground, s.minor_faults, s.waited_minor_faults,
		   s.major_faults, s.waited_major_faults);
	proc_print(text, "%lu %lu %lu %lu %d %d %u 0 %lu ", s.user_ns / NSEC_PER_TICK,
		   s.system_ns / NSEC_PER_TICK, s.waited_user_ns / NSEC_PER_TICK,
		   s.waited_system_ns / NSEC_PER_TICK, s.priority, s.nice, s.thread_count,
		   (u64)s.started / NSEC_PER_TICK);
	proc_print(text, "%lu %lu %lu %lu %lu %lu 0 0 ", s.total_pages * PAGE_SIZE,
		   s.resident_pages, s.limit_resident, s.code_start, s.code_end,
		   s.stack_start);
	proc_print(text, "%lu %lu %lu %lu 0 0 0 %d %u %d %d 0 0 0 ", s.pending, s.blocked,
		   s.ignored, s.caught, node->thread ? -1 : s.exit_signal, s.cpu,
		   s.realtime_priority, s.policy);
	proc_print(text, "%lu %lu %lu %lu %lu %lu %lu %d\n", s.data_start, s.data_end,
		   s.break_start, s.arguments_start, s.arguments_end, s.environment_start,
		   s.environment_end, s.exit_status);
	return 0;
}

int proc_show_statm(struct proc_text *text, const struct proc_node *node)
{
	struct snapshot s;
	int error = take(&s, node);

	if (error) {
		return error;
	}
	proc_print(text, "%lu %lu %lu %lu 0 %lu 0\n", s.total_pages, s.resident_pages,
		   s.resident_file,
		   (s.code_end - s.code_start + PAGE_SIZE - 1) / PAGE_SIZE,
		   s.data_pages + s.stack_pages);
	return 0;
}

static void print_credentials(struct proc_text *text, struct thread *thread)
{
	struct credentials *c = thread_get_credentials(thread);

	proc_print(text, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n",
		   current_uid_shown(c->uid), current_uid_shown(c->euid),
		   current_uid_shown(c->suid), current_uid_shown(c->fsuid),
		   current_gid_shown(c->gid), current_gid_shown(c->egid),
		   current_gid_shown(c->sgid), current_gid_shown(c->fsgid));
	credentials_put(c);
}

static void print_groups(struct proc_text *text, struct thread *thread)
{
	struct credentials *c = thread_get_credentials(thread);

	proc_print(text, "Groups:\t");
	for (u32 i = 0; i < c->group_count; i++) {
		proc_print(text, "%u ", current_gid_shown(c->groups[i]));
	}
	proc_print(text, "\n");
	credentials_put(c);
}

static void print_capabilities(struct proc_text *text, struct thread *thread)
{
	struct credentials *c = thread_get_credentials(thread);

	proc_print(text,
		   "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%"
		   "016lx\nCapAmb:\t%016lx\nNoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_"
		   "filters:\t0\n",
		   c->capability_inheritable, c->capability_permitted,
		   c->capability_effective, c->capability_bounding, c->capability_ambient,
		   c->no_new_privileges);
	credentials_put(c);
}

/* Code of the program and of what it loaded: areas that are executable and cannot be written to. */
static u64 executable_size(const struct proc_node *node)
{
	struct vm_space *vm = take_reference(node->process);
	struct vm_area *area;
	u64 size = 0;

	if (vm && vm_lock_shared(vm) == 0) {
		for (area = vm_next_area(vm, 0); area;
		     area = vm_next_area(vm, area->end)) {
			if (area->protect & PROTECT_EXECUTE &&
			    !(area->protect & PROTECT_WRITE) &&
			    !(area->flags & AREA_STACK)) {
				size += area->end - area->start;
			}
		}
		vm_unlock_shared(vm);
	}
	vm_put(vm);
	return size;
}

static void print_memory(struct proc_text *text, const struct snapshot *s,
			 u64 executable_kb)
{
	const u64 k = PAGE_SIZE / 1024;
	u64 code_kb = (ALIGN_UP(s->code_end, PAGE_SIZE) -
		       ALIGN_DOWN(s->code_start, PAGE_SIZE)) /
		      1024;

	if (!s->has_vm) {
		return;
	}
	proc_print(text,
		   "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\nVmPin:\t%8lu "
		   "kB\nVmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\n",
		   s->peak_pages * k, s->total_pages * k, s->locked_pages * k, 0UL,
		   s->peak_resident * k, s->resident_pages * k);
	proc_print(text,
		   "RssAnon:\t%8lu kB\nRssFile:\t%8lu kB\nRssShmem:\t%8lu "
		   "kB\nVmData:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t%8lu kB\nVmLib:\t%8lu "
		   "kB\nVmPTE:\t%8lu kB\nVmSwap:\t%8lu kB\n",
		   (s->resident_pages - s->resident_file) * k, s->resident_file * k, 0UL,
		   s->data_pages * k, s->stack_pages * k, code_kb,
		   executable_kb > code_kb ? executable_kb - code_kb : 0UL,
		   s->table_pages * k, 0UL);
	proc_print(text,
		   "HugetlbPages:\t       0 kB\nCoreDumping:\t0\nTHP_enabled:\t0\n");
}

static void print_affinity(struct proc_text *text, const struct cpumask *mask)
{
	size_t cpu;
	const char *separator = "";
	u64 low = mask->bits[0] & (cpu_count() >= 64 ? ~0ULL : (1ULL << cpu_count()) - 1);

	proc_print(text, "Cpus_allowed:\t%lx\nCpus_allowed_list:\t", low);
	for_each_cpu(cpu, mask) {
		size_t last = cpu;

		if (cpu >= cpu_count()) {
			break;
		}
		while (last + 1 < cpu_count() && cpumask_test(mask, last + 1)) {
			last++;
		}
		if (last == cpu) {
			proc_print(text, "%s%lu", separator, cpu);
		} else {
			proc_print(text, "%s%lu-%lu", separator, cpu, last);
		}
		separator = ",";
		cpu = last;
	}
	proc_print(text, "\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
}

/* What `pid` is called in each namespace from the mount's to the innermost one of the thread. */
static void print_levels(struct proc_text *text, const char *name, const struct pid *pid,
			 const struct pid *own, u32 level)
{
	proc_print(text, "%s:", name);
	for (; level <= own->level; level++) {
		proc_print(text, "\t%d",
			   pid_number_in(pid, own->numbers[level].namespace));
	}
	proc_print(text, "\n");
}

static void print_numbers(struct proc_text *text, struct thread *thread,
			  const struct pid_namespace *namespace)
{
	struct process *process = thread->process;
	struct pid *group, *session, *own = READ_ONCE(thread->pid);
	u64 flags = spin_lock_irq(&process_tree_lock);

	group = process->group;
	session = process->session ? process->session->pid : NULL;
	if (group) {
		pid_get(group);
	}
	if (session) {
		pid_get(session);
	}
	spin_unlock_irq(&process_tree_lock, flags);
	print_levels(text, "NStgid", process->pid, own, namespace->level);
	print_levels(text, "NSpid", own, own, namespace->level);
	print_levels(text, "NSpgid", group, own, namespace->level);
	print_levels(text, "NSsid", session, own, namespace->level);
	pid_put(group);
	pid_put(session);
}

/* 0 and 0 once it has given them up. */
static void take_table_and_mask(struct thread *thread, u32 *capacity, u32 *umask)
{
	struct thread *held = thread_lock_resources(thread);

	*capacity = held->files ? file_table_capacity(held->files) : 0;
	*umask = held->fs ? fs_info_umask(held->fs) : ~0u;
	thread_unlock_resources(thread);
}

static unsigned queued_signals(struct thread *thread)
{
	unsigned count;

	thread_lock_resources(thread);
	count = thread->account
			? (unsigned)atomic_load(&thread->account->used[USER_SIGNALS])
			: 0;
	thread_unlock_resources(thread);
	return count;
}

/* S3. No line once it has given the stack up. */
static void print_stack_mark(struct proc_text *text, struct thread *thread)
{
	size_t bytes = thread_stack_mark(thread);

	if (bytes) {
		proc_print(text, "KernelStackPeak:\t%8lu B\n", bytes);
	}
}

int proc_show_status(struct proc_text *text, const struct proc_node *node)
{
	struct thread *thread;
	struct snapshot s;
	u32 capacity, umask;
	int error = take(&s, node);

	thread = error ? NULL : proc_thread(node);
	if (!thread) {
		return -ESRCH;
	}
	take_table_and_mask(thread, &capacity, &umask);
	proc_print(text, "Name:\t%s\n", s.name);
	if (umask != ~0u) {
		proc_print(text, "Umask:\t%04o\n", umask);
	}
	proc_print(text,
		   "State:\t%c "
		   "(%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n",
		   state_letter(s.state), state_word(s.state), s.process, s.number,
		   s.parent, trace_tracer_number(thread, node->namespace));
	print_credentials(text, thread);
	proc_print(text, "FDSize:\t%u\n", capacity);
	print_groups(text, thread);
	print_numbers(text, thread, node->namespace);
	print_memory(text, &s, executable_size(node) / 1024);
	proc_print(text,
		   "Threads:\t%u\nSigQ:\t%u/"
		   "%lu\nSigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\nSigIgn:\t%"
		   "016lx\nSigCgt:\t%016lx\n",
		   s.thread_count, queued_signals(thread),
		   process_limit(node->process, RLIMIT_SIGPENDING), s.pending,
		   s.shared_pending, s.blocked, s.ignored, s.caught);
	print_capabilities(text, thread);
	print_stack_mark(text, thread);
	print_affinity(text, &s.affinity);
	proc_print(text,
		   "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
		   s.voluntary, s.involuntary);
	thread_put(thread);
	return 0;
}

static void print_limit(struct proc_text *text, const char *name,
			const struct limit *limit, const char *unit)
{
	proc_print(text, "%-25s ", name);
	for (int i = 0; i < 2; i++) {
		u64 value = i ? limit->hard : limit->soft;

		if (value == RLIM_INFINITY) {
			proc_print(text, "%-20s ", "unlimited");
		} else {
			proc_print(text, "%-20lu ", value);
		}
	}
	proc_print(text, "%-10s\n", unit);
}

int proc_show_limits(struct proc_text *text, const struct proc_node *node)
{
	static const struct {
		const char *name, *unit;
	} rows[LIMIT_COUNT] = {
		[RLIMIT_CPU] = {"Max cpu time", "seconds"},
		[RLIMIT_FSIZE] = {"Max file size", "bytes"},
		[RLIMIT_DATA] = {"Max data size", "bytes"},
		[RLIMIT_STACK] = {"Max stack size", "bytes"},
		[RLIMIT_CORE] = {"Max core file size", "bytes"},
		[RLIMIT_RSS] = {"Max resident set", "bytes"},
		[RLIMIT_NPROC] = {"Max processes", "processes"},
		[RLIMIT_NOFILE] = {"Max open files", "files"},
		[RLIMIT_MEMLOCK] = {"Max locked memory", "bytes"},
		[RLIMIT_AS] = {"Max address space", "bytes"},
		[RLIMIT_LOCKS] = {"Max file locks", "locks"},
		[RLIMIT_SIGPENDING] = {"Max pending signals", "signals"},
		[RLIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"},
		[RLIMIT_NICE] = {"Max nice priority", ""},
		[RLIMIT_RTPRIO] = {"Max realtime priority", ""},
		[RLIMIT_RTTIME] = {"Max realtime timeout", "us"},
	};

	proc_print(text, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit",
		   "Units");
	for (int i = 0; i < LIMIT_COUNT; i++) {
		struct limit limit = node->process->limits[i];

		print_limit(text, rows[i].name, &limit, rows[i].unit);
	}
	return 0;
}

int proc_show_wchan(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "0");
	return 0;
}

int proc_show_schedstat(struct proc_text *text, const struct proc_node *node)
{
	struct thread *thread = proc_thread(node);
	u64 user, system;

	if (!thread) {
		return -ESRCH;
	}
	sched_cpu_time(&thread->sched, &user, &system);
	proc_print(text, "%lu 0 %lu\n", user + system,
		   thread->sched.switches_voluntary + thread->sched.switches_involuntary);
	thread_put(thread);
	return 0;
}
