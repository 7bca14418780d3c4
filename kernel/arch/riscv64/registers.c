// SPDX-License-Identifier: MIT
/*
 * Registers for ptrace(2): struct user_regs_struct and struct __riscv_d_ext_state. Nothing that is set can do harm: they are all the program's
 * own. The machine has no way to step a program.
 */
#include "arch/registers.h"
#include "arch/riscv64/port.h"
#include "arch/thread.h"
#include "arch/trap.h"
#include "lib/errno.h"
#include "lib/string.h"
#include <asm/ptrace.h>
#include <asm/siginfo.h>
#include <linux/audit.h>
#include <linux/elf.h>

STATIC_ASSERT(sizeof(struct user_regs_struct) == sizeof(((struct trap_frame *)0)->regs));

size_t arch_registers_size(u32 set)
{
	switch (set) {
	case NT_PRSTATUS:
		return sizeof(struct user_regs_struct);
	case NT_PRFPREG:
		return sizeof(struct __riscv_d_ext_state);
	default:
		return 0;
	}
}

size_t arch_registers_unit(u32 set)
{
	return sizeof(u64);
}

void arch_registers_read(struct arch_thread *thread, u32 set, void *to)
{
	const struct fpu_area *area = thread->fpu;
	struct __riscv_d_ext_state *state = to;

	if (set == NT_PRSTATUS) {
		memcpy(to, arch_thread_user_frame(thread)->regs,
		       sizeof(struct user_regs_struct));
		return;
	}
	memset(state, 0, sizeof(*state));
	memcpy(state->f, area->registers, sizeof(state->f));
	state->fcsr = (u32)area->control;
}

int arch_registers_write(struct arch_thread *thread, u32 set, const void *from)
{
	struct fpu_area *area = thread->fpu;
	const struct __riscv_d_ext_state *state = from;

	if (set == NT_PRSTATUS) {
		memcpy(arch_thread_user_frame(thread)->regs, from,
		       sizeof(struct user_regs_struct));
		return 0;
	}
	memcpy(area->registers, state->f, sizeof(state->f));
	area->control = state->fcsr;
	return 0;
}

u32 arch_registers_of_request(long request, bool *write)
{
	return 0;
}

int arch_user_word_read(struct arch_thread *thread, u64 offset, u64 *word)
{
	return -EIO;
}

int arch_user_word_write(struct arch_thread *thread, u64 offset, u64 word)
{
	return -EIO;
}

u32 arch_audit_number(void)
{
	return AUDIT_ARCH_RISCV64;
}

bool arch_step_is_there(void)
{
	return false;
}

int arch_step_call_code(void)
{
	return SI_KERNEL;
}

void arch_step_set(struct arch_thread *thread, bool step)
{
}
