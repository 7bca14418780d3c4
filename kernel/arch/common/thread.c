// SPDX-License-Identifier: MIT
/*
 * A thread's context, the same on every port: its first frames, a clone's and a fresh program's, and walking frames for backtraces.
 *
 * The user's frame lies at the top of the kernel stack. Below it, while the thread does not run, what switch_stacks() pushed. Which
 * user registers are in the CPU meanwhile, and the switch, are in the port's thread.c.
 */
#include "arch/common/thread.h"
#include "arch/common/port.h"
#include "arch/cpu.h"
#include "arch/impl/frames.h"
#include "arch/irq.h"
#include "arch/thread.h"
#include "arch/trap.h"
#include "core/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

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
	thread_begin(thread);
	return frame;
}

void arch_thread_init_kernel(struct arch_thread *thread, vaddr_t stack_top,
			     void (*entry)(void *argument), void *argument)
{
	/* 16 bytes stay free: thread_start_kernel() finds an aligned stack that is not empty. */
	struct switch_frame *frame =
		first_frame(thread, stack_top, stack_top - 16, thread_start_kernel);

	switch_frame_set_start(frame, (u64)entry, (u64)argument);
}

static int add_fpu_area(struct arch_thread *thread)
{
	thread->fpu = heap_allocate(fpu_area_size());
	if (thread->fpu == NULL) {
		return -ENOMEM;
	}
	ASSERT(IS_ALIGNED((vaddr_t)thread->fpu, FPU_AREA_ALIGNMENT));
	fpu_reset_area(thread->fpu);
	return 0;
}

int arch_thread_init_clone(struct arch_thread *thread, vaddr_t stack_top,
			   const struct trap_frame *parent, vaddr_t user_stack)
{
	struct trap_frame *frame = (struct trap_frame *)(stack_top - sizeof(*frame));
	u64 flags;
	int error;

	first_frame(thread, stack_top, (vaddr_t)frame, thread_start_user);
	error = add_fpu_area(thread);
	if (error != 0) {
		return error;
	}
	*frame = *parent;
	trap_set_syscall_result(frame, 0);
	if (user_stack != 0) {
		trap_set_sp(frame, user_stack);
	}
	flags = arch_irq_save();
	thread_copy_registers(thread);
	thread->block = arch_current()->block;
	arch_irq_restore(flags);
	return 0;
}

static void begin_user(struct trap_frame *frame, vaddr_t ip, vaddr_t sp)
{
	memset(frame, 0, sizeof(*frame));
	trap_set_syscall_number(frame, -1);
	trap_begin_user(frame, ip, sp);
}

int arch_thread_init_user(struct arch_thread *thread, vaddr_t stack_top, vaddr_t ip,
			  vaddr_t sp)
{
	struct trap_frame *frame = (struct trap_frame *)(stack_top - sizeof(*frame));

	first_frame(thread, stack_top, (vaddr_t)frame, thread_start_user);
	begin_user(frame, ip, sp);
	return add_fpu_area(thread);
}

void arch_thread_fini(struct arch_thread *thread)
{
	thread_drop_registers(thread);
	heap_free(thread->fpu);
	thread->fpu = NULL;
}

int arch_thread_prepare_exec(struct arch_thread *thread)
{
	return thread->fpu != NULL ? 0 : add_fpu_area(thread);
}

void arch_thread_exec(struct arch_thread *thread, struct trap_frame *frame, vaddr_t ip,
		      vaddr_t sp)
{
	u64 flags = arch_irq_save();

	begin_user(frame, ip, sp);
	fpu_reset_area(thread->fpu);
	thread->block = 0;
	thread_reset_registers(thread);
	arch_irq_restore(flags);
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
		    kernel_read_u64(&next, frame + FRAME_RECORD) != 0 ||
		    kernel_read_u64(&address, frame + FRAME_RECORD + 8) != 0) {
			return;
		}
		if (address >= KERNEL_IMAGE_BASE) {
			visit(context, address);
		} else if (FRAME_OF_LEAF_IS_SHORT) {
			next = address;
		} else {
			return;
		}
		/* Chains lead upward, but for the step from an emergency stack to the thread's. */
		frame = next;
	}
}
