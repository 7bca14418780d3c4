// SPDX-License-Identifier: MIT
/*
 * A thread's context: its first stack frame, the switch, and the TLS registers.
 *
 * The user's frame lies at the top of the kernel stack. Below it, while the thread does not run, what switch_stacks() pushed.
 * While it runs its TLS register, thread block and FPU state are in the CPU.
 */
#include "arch/thread.h"
#include "arch/aarch64/cpu_local.h"
#include "arch/aarch64/instructions.h"
#include "arch/aarch64/port.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/trap.h"
#include "core/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

struct switch_frame {
	u64 x19, x20, x21, x22, x23, x24, x25, x26, x27, x28;
	u64 frame_pointer, return_address;
};
STATIC_ASSERT(sizeof(struct switch_frame) == 96);

struct arch_thread boot_thread;

struct trap_frame *arch_thread_user_frame(struct arch_thread *thread)
{
	return (struct trap_frame *)(thread->stack_top - sizeof(struct trap_frame));
}

static struct switch_frame *first_frame(struct arch_thread *thread, vaddr_t stack_top,
					vaddr_t at, void (*start)(void))
{
	struct switch_frame *frame = (struct switch_frame *)(at - sizeof(*frame));

	memset(thread, 0, sizeof(*thread));
	memset(frame, 0, sizeof(*frame));
	frame->return_address = (u64)start;
	thread->stack_top = stack_top;
	thread->stack_pointer = (u64)frame;
	thread->preempt = 1;
	thread->cpu = &cpu_locals[0];
	return frame;
}

void arch_thread_init_kernel(struct arch_thread *thread, vaddr_t stack_top,
			     void (*entry)(void *argument), void *argument)
{
	struct switch_frame *frame =
		first_frame(thread, stack_top, stack_top, thread_start_kernel);

	frame->x19 = (u64)entry;
	frame->x20 = (u64)argument;
}

static int add_fpu_area(struct arch_thread *thread)
{
	thread->fpu = heap_allocate(sizeof(struct fpu_area));
	if (thread->fpu == NULL) {
		return -ENOMEM;
	}
	ASSERT(IS_ALIGNED((vaddr_t)thread->fpu, 16UL));
	fpu_reset_area(thread->fpu);
	return 0;
}

int arch_thread_init_clone(struct arch_thread *thread, vaddr_t stack_top,
			   const struct trap_frame *parent, vaddr_t user_stack)
{
	struct arch_thread *self = arch_current();
	struct trap_frame *frame = (struct trap_frame *)(stack_top - sizeof(*frame));
	u64 flags;
	int error;

	first_frame(thread, stack_top, (vaddr_t)frame, thread_start_user);
	error = add_fpu_area(thread);
	if (error != 0) {
		return error;
	}
	*frame = *parent;
	frame->regs[0] = 0;
	frame->sp = user_stack != 0 ? user_stack : parent->sp;
	flags = arch_irq_save();
	if (self->fpu != NULL) {
		fpu_save(thread->fpu);
	}
	thread->tls = READ_REGISTER("tpidr_el0");
	thread->block = self->block;
	arch_irq_restore(flags);
	return 0;
}

static void clear_user_frame(struct trap_frame *frame, vaddr_t ip, vaddr_t sp)
{
	memset(frame, 0, sizeof(*frame));
	frame->number = -1;
	frame->pc = ip;
	frame->sp = sp;
}

int arch_thread_init_user(struct arch_thread *thread, vaddr_t stack_top, vaddr_t ip,
			  vaddr_t sp)
{
	struct trap_frame *frame = (struct trap_frame *)(stack_top - sizeof(*frame));

	first_frame(thread, stack_top, (vaddr_t)frame, thread_start_user);
	clear_user_frame(frame, ip, sp);
	return add_fpu_area(thread);
}

void arch_thread_fini(struct arch_thread *thread)
{
	heap_free(thread->fpu);
	thread->fpu = NULL;
}

void arch_thread_adopt(struct arch_thread *thread, vaddr_t stack_top)
{
	u64 flags = arch_irq_save();
	struct arch_thread *old = arch_current();

	memset(thread, 0, sizeof(*thread));
	thread->stack_top = stack_top != 0 ? stack_top : (vaddr_t)boot_stack_top;
	thread->cpu = old->cpu;
	thread->cpu_number = old->cpu_number;
	thread->preempt = old->preempt;
	WRITE_REGISTER("tpidr_el1", thread);
	arch_irq_restore(flags);
}

static void save_user_registers(struct arch_thread *thread)
{
	if (thread->fpu == NULL) {
		return;
	}
	thread->tls = READ_REGISTER("tpidr_el0");
	if (thread->fpu_detached == 0) {
		fpu_save(thread->fpu);
	}
}

static void load_user_registers(struct arch_thread *thread)
{
	if (thread->fpu == NULL) {
		return;
	}
	WRITE_REGISTER("tpidr_el0", thread->tls);
	WRITE_REGISTER("tpidrro_el0", thread->block);
	if (thread->fpu_detached == 0) {
		fpu_restore(thread->fpu);
	}
}

struct arch_thread *arch_switch(struct arch_thread *prev, struct arch_thread *next)
{
	save_user_registers(prev);
	load_user_registers(next);
	next->cpu = prev->cpu;
	next->cpu_number = prev->cpu_number;
	WRITE_REGISTER("tpidr_el1", next);
	return switch_stacks(&prev->stack_pointer, next->stack_pointer, prev);
}

int arch_thread_prepare_exec(struct arch_thread *thread)
{
	return thread->fpu != NULL ? 0 : add_fpu_area(thread);
}

void arch_thread_exec(struct arch_thread *thread, struct trap_frame *frame, vaddr_t ip,
		      vaddr_t sp)
{
	u64 flags = arch_irq_save();

	clear_user_frame(frame, ip, sp);
	fpu_reset_area(thread->fpu);
	fpu_restore(thread->fpu);
	thread->fpu_detached = 0;
	WRITE_REGISTER("tpidr_el0", 0);
	WRITE_REGISTER("tpidrro_el0", 0);
	thread->tls = thread->block = 0;
	thread->trap_syndrome = thread->trap_address = 0;
	arch_irq_restore(flags);
}

/* Any value will do: what it leads to is the program's own business. */
int arch_thread_set_tls(struct arch_thread *thread, u64 value)
{
	u64 flags = arch_irq_save();

	thread->tls = value;
	if (thread == arch_current()) {
		WRITE_REGISTER("tpidr_el0", value);
	}
	arch_irq_restore(flags);
	return 0;
}

u64 arch_thread_get_tls(const struct arch_thread *thread)
{
	return thread == arch_current() ? READ_REGISTER("tpidr_el0") : thread->tls;
}

void arch_thread_set_block(struct arch_thread *thread, vaddr_t block)
{
	u64 flags = arch_irq_save();

	thread->block = block;
	if (thread == arch_current()) {
		WRITE_REGISTER("tpidrro_el0", block);
	}
	arch_irq_restore(flags);
}

int arch_thread_prctl(struct arch_thread *thread, int code, u64 address)
{
	return -ENOSYS;
}

u64 arch_thread_saved_ip(const struct arch_thread *thread)
{
	const struct switch_frame *frame = (const void *)thread->stack_pointer;

	return frame->return_address;
}

u64 arch_thread_saved_fp(const struct arch_thread *thread)
{
	const struct switch_frame *frame = (const void *)thread->stack_pointer;

	return frame->frame_pointer;
}

void arch_backtrace(u64 frame_pointer, void (*visit)(void *context, u64 address),
		    void *context)
{
	u64 frame = frame_pointer != 0 ? frame_pointer : (u64)__builtin_frame_address(0);
	u64 next, address;

	for (unsigned depth = 0; depth < 64; depth++) {
		if (frame < PHYSICAL_MAP_BASE || !IS_ALIGNED(frame, 8UL) ||
		    kernel_read_u64(&next, frame) != 0 ||
		    kernel_read_u64(&address, frame + 8) != 0) {
			return;
		}
		if (address < KERNEL_IMAGE_BASE) {
			return;
		}
		visit(context, address);
		/* Chains lead upward, but for the step from an emergency stack to the thread's. */
		frame = next;
	}
}
