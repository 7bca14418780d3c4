// SPDX-License-Identifier: MIT
/*
 * proc(5): what a thread is doing: syscall, stack, sched.
 *
 * Its registers and its stack are looked at while it sleeps and cannot be woken (sched_visit_sleeper()): a thread that
 * runs changes them, one that ends gives them back.
 */
#include "procfs/procfs_internal.h"

#include "arch/cpu.h"
#include "arch/thread.h"
#include "arch/trap.h"
#include "lib/string.h"
#include "process/pid.h"
#include "process/resources.h"
#include "sched/sched.h"

/* The node's thread with a reference, if the reader may trace it. -ESRCH, -EPERM */
static int get_traceable(const struct proc_node *node, struct thread **out)
{
	struct thread *thread = proc_thread(node);
	int error;

	if (!thread) {
		return -ESRCH;
	}
	error = thread_check_access(thread, ACCESS_VM_ATTACH);
	if (error) {
		thread_put(thread);
		return error;
	}
	*out = thread;
	return 0;
}

/* ---- syscall ---- */

struct registers {
	s64 number; /* -1: not in a system call */
	u64 arguments[6], sp, ip;
};

static void copy_registers(struct sched_entity *entity, void *context)
{
	const struct trap_frame *frame = arch_thread_user_frame(&entity->arch);
	struct registers *registers = context;

	registers->number = trap_syscall_number(frame);
	for (unsigned i = 0; i < ARRAY_SIZE(registers->arguments); i++) {
		registers->arguments[i] = trap_syscall_argument(frame, i);
	}
	registers->sp = trap_sp(frame);
	registers->ip = trap_ip(frame);
}

static void print_registers(struct proc_text *text, const struct registers *registers)
{
	proc_print(text, "%ld", registers->number);
	for (unsigned i = 0;
	     registers->number >= 0 && i < ARRAY_SIZE(registers->arguments); i++) {
		proc_print(text, " 0x%lx", registers->arguments[i]);
	}
	proc_print(text, " 0x%lx 0x%lx\n", registers->sp, registers->ip);
}

int proc_show_syscall(struct proc_text *text, const struct proc_node *node)
{
	struct registers registers = {.number = -1}; /* a zombie has none */
	struct thread *thread;
	int error = get_traceable(node, &thread);
	bool known = true;

	if (error) {
		return error;
	}
	if (thread == current_thread()) {
		copy_registers(&thread->sched, &registers);
	} else if (!READ_ONCE(thread->finished)) {
		known = sched_visit_sleeper(&thread->sched, copy_registers, &registers);
	}
	if (known) {
		print_registers(text, &registers);
	} else {
		proc_print(text, "running\n");
	}
	thread_put(thread);
	return 0;
}

/* ---- stack: addresses without names, which are not in the kernel ---- */

enum { DEPTH_MAX = 64 };

struct stack {
	unsigned depth;
	u64 addresses[DEPTH_MAX];
};

static void keep_address(void *context, u64 address)
{
	struct stack *stack = context;

	if (stack->depth < DEPTH_MAX) {
		stack->addresses[stack->depth++] = address;
	}
}

static void walk_stack(struct sched_entity *entity, void *context)
{
	keep_address(context, arch_thread_saved_ip(&entity->arch));
	arch_backtrace(arch_thread_saved_fp(&entity->arch), keep_address, context);
}

int proc_show_stack(struct proc_text *text, const struct proc_node *node)
{
	struct stack stack = {0};
	struct thread *thread;
	int error = get_traceable(node, &thread);

	if (error) {
		return error;
	}
	if (thread == current_thread()) {
		arch_backtrace(0, keep_address, &stack);
	} else {
		(void)sched_visit_sleeper(&thread->sched, walk_stack, &stack);
	}
	thread_put(thread);
	for (unsigned i = 0; i < stack.depth; i++) {
		proc_print(text, "[<0>] 0x%lx\n", stack.addresses[i]);
	}
	return 0;
}

/* ---- sched: those of Linux's lines that say something here ---- */

enum { NAME_WIDTH = 45, PRIORITY_OFFSET = 100, LOAD_SHIFT = 10 };

static void print_name(struct proc_text *text, const char *name)
{
	proc_append(text, name, strlen(name));
	for (size_t i = strlen(name); i < NAME_WIDTH; i++) {
		proc_append(text, " ", 1);
	}
}

static void print_time(struct proc_text *text, const char *name, nsec_t ns)
{
	print_name(text, name);
	proc_print(text, ":%14lld.%06lld\n", (long long)(ns / NSEC_PER_MSEC),
		   (long long)(ns % NSEC_PER_MSEC));
}

static void print_number(struct proc_text *text, const char *name, s64 value)
{
	print_name(text, name);
	proc_print(text, ":%21ld\n", value);
}

static void print_description(struct proc_text *text, const struct sched_description *d)
{
	print_time(text, "se.exec_start", d->started);
	print_time(text, "se.vruntime", (nsec_t)d->virtual_runtime_ns);
	print_time(text, "se.sum_exec_runtime", (nsec_t)d->runtime_ns);
	print_number(text, "nr_switches",
		     (s64)(d->switches_voluntary + d->switches_involuntary));
	print_number(text, "nr_voluntary_switches", (s64)d->switches_voluntary);
	print_number(text, "nr_involuntary_switches", (s64)d->switches_involuntary);
	print_number(text, "se.load.weight", (s64)d->weight << LOAD_SHIFT);
	print_number(text, "policy", d->policy);
	print_number(text, "prio", PRIORITY_OFFSET + sched_priority_shown(&d->acts_by));
}

int proc_show_sched(struct proc_text *text, const struct proc_node *node)
{
	struct thread *thread = proc_thread(node);
	struct sched_description description;
	char name[THREAD_NAME_SIZE];

	if (!thread) {
		return -ESRCH;
	}
	thread_get_name(thread, name);
	sched_describe(&thread->sched, &description);
	proc_print(
		text,
		"%s (%d, #threads: %u)\n"
		"-------------------------------------------------------------------\n",
		name, pid_number_in(thread->pid, node->namespace),
		READ_ONCE(thread->process->thread_count));
	print_description(text, &description);
	thread_put(thread);
	return 0;
}
