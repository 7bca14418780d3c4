// SPDX-License-Identifier: MIT
/*
 * A thread's context: its first stack frame, the switch, and TLS.
 *
 * The user's frame lies at the top of the kernel stack. Below it, while the thread does not run, what switch_stacks() pushed.
 * While it runs its FPU state is in the CPU. The TLS register is one of the frame's.
 */
#include "arch/thread.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/riscv64/asm_offsets.h"
#include "arch/riscv64/cpu_local.h"
#include "arch/riscv64/instructions.h"
#include "arch/riscv64/port.h"
#include "arch/trap.h"
#include "core/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/kernel_stack.h"

struct switch_frame {
	u64 s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11;
	u64 unused;
	u64 frame_pointer, return_address;
};
STATIC_ASSERT(sizeof(struct switch_frame) == 112);

/* Of user mode: interrupts on, 64-bit, floating point on. */
#define STATUS_OF_USER (STATUS_SPIE | STATUS_FS | 2UL << 32)

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
	thread->stack_limit = stack_top - KERNEL_STACK_SIZE;
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

	frame->s1 = (u64)entry;
	frame->s2 = (u64)argument;
}

static int add_fpu_area(struct arch_thread *thread)
{
	thread->fpu = heap_allocate(sizeof(struct fpu_area));
	if (thread->fpu == NULL) {
		return -ENOMEM;
	}
	ASSERT(IS_ALIGNED((vaddr_t)thread->fpu, 16UL));
	memset(thread->fpu, 0, sizeof(struct fpu_area));
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
	frame->regs[REGISTER_A0] = 0;
	if (user_stack != 0) {
		frame->regs[REGISTER_SP] = user_stack;
	}
	flags = arch_irq_save();
	if (self->fpu != NULL) {
		fpu_save(thread->fpu);
	}
	arch_irq_restore(flags);
	thread->block = self->block;
	return 0;
}

static void clear_user_frame(struct trap_frame *frame, vaddr_t ip, vaddr_t sp)
{
	memset(frame, 0, sizeof(*frame));
	frame->number = -1;
	frame->regs[0] = ip;
	frame->regs[REGISTER_SP] = sp;
	frame->status = STATUS_OF_USER;
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
	if (stack_top != 0) {
		thread->stack_top = stack_top;
		thread->stack_limit = stack_top - KERNEL_STACK_SIZE;
	} else {
		thread->stack_top = (vaddr_t)boot_stack_top;
		thread->stack_limit = (vaddr_t)boot_stack + PAGE_SIZE;
	}
	thread->cpu = old->cpu;
	thread->cpu_number = old->cpu_number;
	thread->preempt = old->preempt;
	__asm__ volatile("mv tp, %0" ::"r"(thread) : "memory");
	arch_irq_restore(flags);
}

struct arch_thread *arch_switch(struct arch_thread *prev, struct arch_thread *next)
{
	struct cpu_local *cpu = prev->cpu;
	u64 changes = atomic_load_explicit(&kernel_map_changes, memory_order_relaxed);

	if (prev->fpu != NULL) {
		fpu_save(prev->fpu);
	}
	if (next->fpu != NULL) {
		fpu_restore(next->fpu);
	}
	/* The CPU may have looked for the next one's stack before it was mapped, and remember that. */
	if (cpu->kernel_map_seen != changes) {
		cpu->kernel_map_seen = changes;
		flush_tlb();
	}
	next->cpu = cpu;
	next->cpu_number = prev->cpu_number;
	__asm__ volatile("mv tp, %0" ::"r"(next) : "memory");
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
	memset(thread->fpu, 0, sizeof(struct fpu_area));
	fpu_restore(thread->fpu);
	thread->block = 0;
	arch_irq_restore(flags);
}

/* Any value will do: what it leads to is the program's own business. */
int arch_thread_set_tls(struct arch_thread *thread, u64 value)
{
	arch_thread_user_frame(thread)->regs[REGISTER_TP] = value;
	return 0;
}

u64 arch_thread_get_tls(const struct arch_thread *thread)
{
	const struct trap_frame *frame =
		(const void *)(thread->stack_top - sizeof(*frame));

	return frame->regs[REGISTER_TP];
}

/* No register shows it: the vDSO asks. */
void arch_thread_set_block(struct arch_thread *thread, vaddr_t block)
{
	thread->block = block;
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
		    kernel_read_u64(&next, frame - 16) != 0 ||
		    kernel_read_u64(&address, frame - 8) != 0) {
			return;
		}
		if (address >= KERNEL_IMAGE_BASE) {
			visit(context, address);
		} else {
			next = address; /* a leaf function keeps the chain there, and no return address */
		}
		/* Chains lead upward, but for the step from an emergency stack to the thread's. */
		frame = next;
	}
}
