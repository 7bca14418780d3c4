// SPDX-License-Identifier: MIT
/*
 * A thread's context: the switch, TLS registers and arch_prctl(2). Its frames: arch/common/thread.c.
 *
 * While it runs its fs and gs bases and FPU state are in the CPU, the user's gs base in the "other" gs register.
 */
#include "arch/thread.h"
#include "arch/common/thread.h"
#include "arch/cpu.h"
#include "arch/impl/cpu_local.h"
#include "arch/irq.h"
#include "arch/trap.h"
#include "arch/usercopy.h"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/port.h"
#include "lib/errno.h"
#include "lib/string.h"
#include <asm/prctl.h>

/* The user's gs base, while its thread is in the kernel. Interrupts off. */
static u64 read_user_gs(void)
{
	u64 value;

	if (!cpu_features.fsgsbase) {
		return read_msr(MSR_KERNEL_GS_BASE);
	}
	__asm__ volatile("swapgs; rdgsbase %0; swapgs" : "=r"(value)::"memory");
	return value;
}

static void write_user_gs(u64 value)
{
	if (cpu_features.fsgsbase) {
		__asm__ volatile("swapgs; wrgsbase %0; swapgs" ::"r"(value) : "memory");
	} else {
		write_msr(MSR_KERNEL_GS_BASE, value);
	}
}

static u64 read_user_fs(void)
{
	u64 value;

	if (!cpu_features.fsgsbase) {
		return read_msr(MSR_FS_BASE);
	}
	__asm__ volatile("rdfsbase %0" : "=r"(value));
	return value;
}

static void write_user_fs(u64 value)
{
	if (cpu_features.fsgsbase) {
		__asm__ volatile("wrfsbase %0" ::"r"(value) : "memory");
	} else {
		write_msr(MSR_FS_BASE, value);
	}
}

void thread_begin(struct arch_thread *thread)
{
}

void thread_copy_registers(struct arch_thread *child)
{
	if (arch_current()->fpu != NULL) {
		fpu_save_full(child->fpu);
	}
	if (arch_current()->step) {
		arch_thread_user_frame(child)->rflags &= ~0x100UL; // TF
	}
	child->fs_base = read_user_fs();
	child->gs_base = read_user_gs();
}

void thread_reset_registers(struct arch_thread *thread)
{
	(void)fpu_restore(thread->fpu);
	thread->fpu_detached = 0;
	write_user_fs(0);
	write_user_gs(0);
	thread->trap_number = 0;
	thread->trap_error = thread->trap_address = 0;
}

void thread_drop_registers(struct arch_thread *thread)
{
}

void arch_thread_adopt(struct arch_thread *thread, vaddr_t stack_top)
{
	struct cpu_local *cpu = cpu_local_current();

	memset(thread, 0, sizeof(*thread));
	thread->stack_top = stack_top != 0 ? stack_top : (vaddr_t)boot_stack_top;
	cpu->current = thread;
	cpu->kernel_stack = cpu->tss.rsp[0] = thread->stack_top;
}

static void save_user_registers(struct arch_thread *thread)
{
	if (thread->fpu == NULL) {
		return;
	}
	thread->fs_base = read_user_fs();
	thread->gs_base = read_user_gs();
	if (thread->fpu_detached == 0) {
		fpu_save(thread->fpu);
	}
}

static void load_user_registers(struct arch_thread *thread)
{
	if (thread->fpu == NULL) {
		return;
	}
	write_user_fs(thread->fs_base);
	write_user_gs(thread->gs_base);
	if (thread->fpu_detached == 0) {
		(void)fpu_restore(thread->fpu);
	}
}

struct arch_thread *arch_switch(struct arch_thread *prev, struct arch_thread *next)
{
	struct cpu_local *cpu = cpu_local_current();

	save_user_registers(prev);
	load_user_registers(next);
	cpu->current = next;
	cpu->kernel_stack = cpu->tss.rsp[0] = next->stack_top;
	return switch_stacks(&prev->stack_pointer, next->stack_pointer, prev);
}

static bool base_allowed(u64 value)
{
	return value < USER_END;
}

int arch_thread_set_tls(struct arch_thread *thread, u64 value)
{
	u64 flags;

	if (!base_allowed(value)) {
		return -EPERM;
	}
	flags = arch_irq_save();
	thread->fs_base = value;
	if (thread == arch_current()) {
		write_user_fs(value);
	}
	arch_irq_restore(flags);
	return 0;
}

u64 arch_thread_get_tls(const struct arch_thread *thread)
{
	return thread == arch_current() ? read_user_fs() : thread->fs_base;
}

static int set_gs(struct arch_thread *thread, u64 value)
{
	u64 flags;

	if (!base_allowed(value)) {
		return -EPERM;
	}
	flags = arch_irq_save();
	thread->gs_base = value;
	if (thread == arch_current()) {
		write_user_gs(value);
	}
	arch_irq_restore(flags);
	return 0;
}

/* Interrupts off. */
static u64 gs_of(const struct arch_thread *thread)
{
	return thread == arch_current() ? read_user_gs() : thread->gs_base;
}

/* A program that has set none has none, by what it is told. */
static u64 get_gs(const struct arch_thread *thread)
{
	u64 flags = arch_irq_save();
	u64 value = gs_of(thread);

	arch_irq_restore(flags);
	return value == thread->block ? 0 : value;
}

void arch_thread_set_block(struct arch_thread *thread, vaddr_t block)
{
	u64 flags = arch_irq_save();

	if (gs_of(thread) == thread->block) {
		thread->gs_base = block;
		if (thread == arch_current()) {
			write_user_gs(block);
		}
	}
	thread->block = block;
	arch_irq_restore(flags);
}

static int give(u64 address, u64 value)
{
	return arch_copy_to_user((void __user *)address, &value, sizeof(value)) ? -EFAULT
										: 0;
}

int arch_thread_prctl(struct arch_thread *thread, int code, u64 address)
{
	switch (code) {
	case ARCH_SET_FS:
		return arch_thread_set_tls(thread, address);
	case ARCH_GET_FS:
		return give(address, arch_thread_get_tls(thread));
	case ARCH_SET_GS:
		return set_gs(thread, address);
	case ARCH_GET_GS:
		return give(address, get_gs(thread));
	default:
		return -EINVAL;
	}
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
