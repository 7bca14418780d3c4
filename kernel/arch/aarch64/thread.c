// SPDX-License-Identifier: MIT
/*
 * A thread's context: the switch, and the TLS registers. Its frames: arch/common/thread.c.
 *
 * While it runs its TLS register, thread block and FPU state are in the CPU.
 */
#include "arch/thread.h"
#include "arch/aarch64/instructions.h"
#include "arch/aarch64/port.h"
#include "arch/common/thread.h"
#include "arch/cpu.h"
#include "arch/impl/cpu_local.h"
#include "arch/irq.h"
#include "lib/errno.h"
#include "lib/string.h"

struct arch_thread boot_thread;

void thread_begin(struct arch_thread *thread)
{
	thread->preempt = 1;
	thread->cpu = &cpu_locals[0];
}

void thread_copy_registers(struct arch_thread *child)
{
	if (arch_current()->fpu != NULL) {
		fpu_save(child->fpu);
	}
	child->tls = READ_REGISTER("tpidr_el0");
}

void thread_reset_registers(struct arch_thread *thread)
{
	fpu_restore(thread->fpu);
	thread->fpu_detached = 0;
	WRITE_REGISTER("tpidr_el0", 0);
	WRITE_REGISTER("tpidrro_el0", 0);
	thread->tls = 0;
	thread->trap_syndrome = thread->trap_address = 0;
}

void thread_drop_registers(struct arch_thread *thread)
{
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
	/* The next one's stack may be new: nothing of it is looked up before here. order.kernel_map: pairs with pte_publish_kernel() */
	instruction_barrier();
	return switch_stacks(&prev->stack_pointer, next->stack_pointer, prev);
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

long arch_thread_option(struct arch_thread *thread, int option, u64 argument)
{
	return -EINVAL;
}

bool arch_setting_is_there(void)
{
	return false;
}

u64 arch_setting_read(void)
{
	return 0;
}

int arch_setting_write(u64 value)
{
	return -EINVAL;
}
