// SPDX-License-Identifier: MIT
/*
 * A thread's context: the switch, and TLS. Its frames: arch/common/thread.c.
 *
 * While it runs its FPU state is in the CPU, and its vectors, if it uses any (vector.c). The TLS register is one of the frame's.
 */
#include "arch/thread.h"
#include "arch/common/thread.h"
#include "arch/cpu.h"
#include "arch/impl/cpu_local.h"
#include "arch/irq.h"
#include "arch/riscv64/asm_offsets.h"
#include "arch/riscv64/instructions.h"
#include "arch/riscv64/port.h"
#include "arch/trap.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kernel_stack.h"

struct arch_thread boot_thread;

void thread_begin(struct arch_thread *thread)
{
	thread->preempt = 1;
	thread->cpu = &cpu_locals[0];
	thread->stack_limit = thread->stack_top - KERNEL_STACK_SIZE;
	thread->vector_control = vector_next_control(0);
}

void thread_copy_registers(struct arch_thread *child)
{
	if (arch_current()->fpu != NULL) {
		fpu_save(child->fpu);
	}
	arch_thread_user_frame(child)->status &= ~(u64)STATUS_VS;
	child->vector_control = arch_current()->vector_control;
}

void thread_reset_registers(struct arch_thread *thread)
{
	fpu_restore(thread->fpu);
	vector_drop(thread);
	thread->vector_control = vector_next_control(thread->vector_control);
}

void thread_drop_registers(struct arch_thread *thread)
{
	vector_drop(thread);
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
	if (unlikely(prev->vector != NULL)) {
		vector_leave(prev);
	}
	if (unlikely(next->vector != NULL)) {
		vector_enter(next);
	}
	/* The CPU may have looked for the next one's stack before it was mapped, and remember that. order.kernel_map: pairs with pte_publish_kernel() */
	if (cpu->kernel_map_seen != changes) {
		cpu->kernel_map_seen = changes;
		flush_tlb();
	}
	next->cpu = cpu;
	next->cpu_number = prev->cpu_number;
	__asm__ volatile("mv tp, %0" ::"r"(next) : "memory");
	return switch_stacks(&prev->stack_pointer, next->stack_pointer, prev);
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

long arch_thread_option(struct arch_thread *thread, int option, u64 argument)
{
	return vector_option(thread, option, argument);
}

bool arch_setting_is_there(void)
{
	return cpu_features.vlenb != 0;
}

u64 arch_setting_read(void)
{
	return atomic_load(&vector_default);
}

int arch_setting_write(u64 value)
{
	if (value > 1) {
		return -EINVAL;
	}
	atomic_store(&vector_default, value != 0);
	return 0;
}
