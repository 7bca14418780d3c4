// SPDX-License-Identifier: MIT
/*
 * User threads without a user mode: a "program" is a C function of the test, run on the thread's fibre with interrupts on.
 *
 * A thread's register frame says which: ip is the function, sp its argument. It begins as a CPU would, through
 * entry_user_return(); a clone's child continues with what the parent put into its own frame before. The program calls
 * the kernel's rooms directly, as system calls do, and host_user_return() where a system call would return: there
 * signals are taken, and a thread that is killed ends. It has user memory (arch/usercopy.h), but no handlers.
 */
#include "arch/entry.h"
#include "arch/irq.h"
#include "arch/signal.h"
#include "arch/trap.h"
#include "arch/vdso.h"
#include "host.h"
#include "host/machine.h"
#include "lib/errno.h"
#include <stdio.h>
#include <stdlib.h>

static void run_program(void *argument)
{
	struct trap_frame *frame = argument;

	entry_thread_started(host_cpu_now->switched_from);
	entry_user_return(frame);
	arch_irq_enable();
	((void (*)(u64))frame->ip)(frame->sp);
	fprintf(stderr, "host: a program returned; it must exit\n");
	abort();
}

static void make_context(struct arch_thread *thread, vaddr_t stack_top,
			 const struct trap_frame *from)
{
	thread->frame = malloc(sizeof(*from));
	*thread->frame = *from;
	thread->stack_top = stack_top;
	thread->fibre = host_fibre_create(run_program, thread->frame);
}

int arch_thread_init_clone(struct arch_thread *thread, vaddr_t stack_top,
			   const struct trap_frame *parent, vaddr_t user_stack)
{
	struct trap_frame frame = *parent;

	frame.number = -1;
	frame.result = 0;
	if (user_stack) {
		frame.sp = user_stack;
	}
	make_context(thread, stack_top, &frame);
	return 0;
}

int arch_thread_init_user(struct arch_thread *thread, vaddr_t stack_top, vaddr_t ip,
			  vaddr_t sp)
{
	struct trap_frame frame = {.number = -1, .ip = ip, .sp = sp, .from_user = true};

	make_context(thread, stack_top, &frame);
	return 0;
}

struct trap_frame *arch_thread_user_frame(struct arch_thread *thread)
{
	return thread->frame;
}

void host_user_return(void)
{
	struct trap_frame *frame = host_cpu_now->current->frame;

	frame->number = -1;
	arch_irq_disable();
	entry_user_return(frame);
	arch_irq_enable();
}

/* No program is loaded, none has handlers. */
void arch_thread_exec(struct arch_thread *thread, struct trap_frame *frame, vaddr_t ip,
		      vaddr_t sp)
{
	abort();
}

int arch_signal_deliver(struct arch_thread *thread, struct trap_frame *frame,
			const struct signal_delivery *delivery)
{
	return -EFAULT;
}

int arch_signal_return(struct arch_thread *thread, struct trap_frame *frame,
		       struct signal_restore *out)
{
	return -EFAULT;
}

size_t arch_signal_frame_size(void)
{
	return 2048;
}
