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
#include "arch/trap.h"
#include "lib/errno.h"
#include "lib/string.h"

struct arch_thread boot_thread;

void thread_begin(struct arch_thread *thread)
{
	thread->preempt = 1;
	thread->cpu = &cpu_locals[0];
	thread->sve_length = (u16)sve_default();
}

void thread_copy_registers(struct arch_thread *child)
{
	const struct arch_thread *parent = arch_current();

	if (parent->fpu != NULL) {
		fpu_save(child->fpu);
		child->sve_length = parent->sve_length;
		child->sve_next = parent->sve_next;
		child->sve_inherit = parent->sve_inherit;
	}
	child->tls = READ_REGISTER("tpidr_el0");
}

void thread_reset_registers(struct arch_thread *thread)
{
	sve_exec(thread);
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

/* What a system call leaves of SVE is zeros (V4 of sve.c): it ends here, and begins anew when the program wants it. */
static void save_vectors(struct arch_thread *thread)
{
	if (thread->sve_live && arch_thread_user_frame(thread)->number >= 0) {
		sve_end(thread);
	}
	if (thread->sve_live) {
		sve_save(thread);
		fpu_save_control(thread->fpu);
	} else {
		fpu_save(thread->fpu);
	}
}

static void load_vectors(const struct arch_thread *thread)
{
	if (thread->sve_live) {
		sve_load(thread);
		fpu_restore_control(thread->fpu);
	} else {
		fpu_restore(thread->fpu);
	}
}

static void save_user_registers(struct arch_thread *thread)
{
	if (thread->fpu == NULL) {
		return;
	}
	thread->tls = READ_REGISTER("tpidr_el0");
	if (thread->fpu_detached == 0) {
		save_vectors(thread);
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
		load_vectors(thread);
	}
}

struct arch_thread *arch_switch(struct arch_thread *prev, struct arch_thread *next)
{
	save_user_registers(prev);
	sve_switch(prev, next);
	step_switch(prev, next);
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
	return sve_option(thread, option, argument);
}

bool arch_setting_is_there(void)
{
	return sve_longest() != 0;
}

u64 arch_setting_read(void)
{
	return sve_default();
}

/* -1 asks for the longest. */
int arch_setting_write(u64 value)
{
	return sve_set_default(value == ~0UL ? sve_longest() : value);
}
