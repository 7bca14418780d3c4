// SPDX-License-Identifier: MIT
/*
 * Registers for ptrace(2): struct user_pt_regs, struct user_fpsimd_state, TLS, the system call's number; and stepping.
 *
 * What is set is the tracer's word: of the state only what is the program's own is taken, and none that is not of user mode.
 * A thread is stepped by PSTATE.SS, which counts while MDSCR_EL1.SS is set: arch_switch() sets that for the threads that are.
 */
#include "arch/registers.h"
#include "arch/aarch64/instructions.h"
#include "arch/aarch64/port.h"
#include "arch/irq.h"
#include "arch/thread.h"
#include "arch/trap.h"
#include "lib/errno.h"
#include "lib/string.h"
#include <asm/ptrace.h>
#include <asm/siginfo.h>
#include <linux/audit.h>
#include <linux/elf.h>

enum { VECTORS = 32, VECTOR_SIZE = 16 };

#define STATE_STEP (1UL << 21)
#define MDSCR_STEP 1UL

STATIC_ASSERT(sizeof(struct user_pt_regs) ==
	      offsetof(struct trap_frame, pstate) + sizeof(u64));
STATIC_ASSERT(sizeof(struct user_fpsimd_state) == 528);

static void read_general(struct arch_thread *thread, struct user_pt_regs *to)
{
	const struct trap_frame *frame = arch_thread_user_frame(thread);

	memcpy(to->regs, frame->regs, sizeof(to->regs));
	to->sp = frame->sp;
	to->pc = frame->pc;
	to->pstate = frame->pstate & ~STATE_STEP;
}

static int write_general(struct arch_thread *thread, const struct user_pt_regs *from)
{
	struct trap_frame *frame = arch_thread_user_frame(thread);

	if (from->pstate & STATE_PRIVILEGED) {
		return -EINVAL;
	}
	memcpy(frame->regs, from->regs, sizeof(frame->regs));
	frame->sp = from->sp;
	frame->pc = from->pc;
	frame->pstate = from->pstate & STATE_OF_USER;
	return 0;
}

/* While the state of SVE is live, the low 128 bits of each of its vectors. */
static u8 *vector_of(const struct arch_thread *thread, unsigned index)
{
	struct fpu_area *area = thread->fpu;

	return thread->sve_live ? sve_state(area) + index * (size_t)thread->sve_length
				: (u8 *)area->vectors + index * (size_t)VECTOR_SIZE;
}

static void read_vectors(const struct arch_thread *thread, struct user_fpsimd_state *to)
{
	const struct fpu_area *area = thread->fpu;

	memset(to, 0, sizeof(*to));
	for (unsigned i = 0; i < VECTORS; i++) {
		memcpy(&to->vregs[i], vector_of(thread, i), VECTOR_SIZE);
	}
	to->fpsr = area->status;
	to->fpcr = area->control;
}

static void write_vectors(struct arch_thread *thread,
			  const struct user_fpsimd_state *from)
{
	struct fpu_area *area = thread->fpu;

	for (unsigned i = 0; i < VECTORS; i++) {
		if (thread->sve_live) {
			memset(vector_of(thread, i), 0, thread->sve_length);
		}
		memcpy(vector_of(thread, i), &from->vregs[i], VECTOR_SIZE);
	}
	area->status = from->fpsr;
	area->control = from->fpcr;
}

size_t arch_registers_size(u32 set)
{
	switch (set) {
	case NT_PRSTATUS:
		return sizeof(struct user_pt_regs);
	case NT_PRFPREG:
		return sizeof(struct user_fpsimd_state);
	case NT_ARM_TLS:
		return sizeof(u64);
	case NT_ARM_SYSTEM_CALL:
		return sizeof(u32);
	default:
		return 0;
	}
}

size_t arch_registers_unit(u32 set)
{
	return set == NT_PRFPREG || set == NT_ARM_SYSTEM_CALL ? sizeof(u32) : sizeof(u64);
}

void arch_registers_read(struct arch_thread *thread, u32 set, void *to)
{
	s32 number;

	switch (set) {
	case NT_PRSTATUS:
		read_general(thread, to);
		break;
	case NT_PRFPREG:
		read_vectors(thread, to);
		break;
	case NT_ARM_TLS:
		memcpy(to, &thread->tls, sizeof(u64));
		break;
	default:
		number = (s32)arch_thread_user_frame(thread)->number;
		memcpy(to, &number, sizeof(number));
	}
}

int arch_registers_write(struct arch_thread *thread, u32 set, const void *from)
{
	s32 number;

	switch (set) {
	case NT_PRSTATUS:
		return write_general(thread, from);
	case NT_PRFPREG:
		write_vectors(thread, from);
		return 0;
	case NT_ARM_TLS:
		memcpy(&thread->tls, from, sizeof(u64));
		return 0;
	default:
		memcpy(&number, from, sizeof(number));
		arch_thread_user_frame(thread)->number = number;
		return 0;
	}
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
	return AUDIT_ARCH_AARCH64;
}

bool arch_step_is_there(void)
{
	return true;
}

/* The debug events of this CPU are for user mode alone (KDE is 0). */
void step_init_cpu(void)
{
	WRITE_REGISTER("mdscr_el1", 0);
	WRITE_REGISTER("oslar_el1", 0); /* or there would be none */
	instruction_barrier();
}

void step_switch(const struct arch_thread *prev, const struct arch_thread *next)
{
	if (unlikely(prev->step != next->step)) {
		WRITE_REGISTER("mdscr_el1", next->step ? MDSCR_STEP : 0);
	}
}

int arch_step_call_code(void)
{
	return SI_KERNEL;
}

void arch_step_set(struct arch_thread *thread, bool step)
{
	struct trap_frame *frame = arch_thread_user_frame(thread);
	u64 flags = arch_irq_save();

	if (step) {
		frame->pstate |= STATE_STEP;
	} else {
		frame->pstate &= ~STATE_STEP;
	}
	if (thread->step != step) {
		thread->step = step;
		WRITE_REGISTER("mdscr_el1", step ? MDSCR_STEP : 0);
	}
	arch_irq_restore(flags);
}
