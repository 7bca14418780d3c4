// SPDX-License-Identifier: MIT
/*
 * Signal frames in Linux's layout. On the user's stack, from the handler's sp upward:
 *
 *	siginfo (128 bytes) · struct ucontext with the registers and the floating point state
 *
 * Everything that comes back in rt_sigreturn is the user's word: none of the registers can do harm, and records behind the state must be none.
 */
#include "arch/signal.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/riscv64/port.h"
#include "arch/thread.h"
#include "arch/trap.h"
#include "arch/usercopy.h"
#include "lib/errno.h"
#include "lib/string.h"
#include <asm/signal.h>
/* after asm/signal.h */
#include <asm/sigcontext.h>
#include <asm/ucontext.h>

enum { SIGINFO_SIZE = 128 };

struct signal_frame {
	u8 siginfo[SIGINFO_SIZE];
	struct ucontext context;
};
STATIC_ASSERT(sizeof(struct user_regs_struct) == sizeof(((struct trap_frame *)0)->regs));
STATIC_ASSERT(offsetof(struct ucontext, uc_mcontext) == 176);
STATIC_ASSERT(sizeof(struct signal_frame) == 1088);

size_t arch_signal_frame_size(void)
{
	return sizeof(struct signal_frame) + 16;
}

static void fill_fpu(struct arch_thread *thread, union __riscv_fp_state *to)
{
	struct fpu_area *area = thread->fpu;
	u64 flags = arch_irq_save();

	fpu_save(area);
	arch_irq_restore(flags);
	memcpy(to->d.f, area->registers, sizeof(to->d.f));
	to->d.fcsr = (u32)area->control;
}

static int write_context(struct arch_thread *thread, const struct trap_frame *frame,
			 const struct signal_delivery *delivery, vaddr_t at)
{
	struct ucontext context;

	memset(&context, 0, sizeof(context));
	context.uc_stack.ss_sp = (void *)delivery->alternate_base;
	context.uc_stack.ss_size = delivery->alternate_size;
	context.uc_stack.ss_flags = (int)delivery->alternate_flags;
	memcpy(&context.uc_sigmask, &delivery->blocked_mask, sizeof(u64));
	memcpy(&context.uc_mcontext.sc_regs, frame->regs, sizeof(frame->regs));
	fill_fpu(thread, &context.uc_mcontext.sc_fpregs);
	return arch_copy_to_user((void __user *)at, &context, sizeof(context)) ? -EFAULT
									       : 0;
}

int arch_signal_deliver(struct arch_thread *thread, struct trap_frame *frame,
			const struct signal_delivery *delivery)
{
	vaddr_t stack = delivery->stack_size != 0
				? delivery->stack_base + delivery->stack_size
				: frame->regs[REGISTER_SP];
	vaddr_t at = ALIGN_DOWN(stack - sizeof(struct signal_frame), 16UL);
	vaddr_t context = at + offsetof(struct signal_frame, context);

	if (delivery->restorer == 0 || !user_range_ok(at, stack - at) ||
	    arch_copy_to_user((void __user *)at, delivery->siginfo, SIGINFO_SIZE) != 0 ||
	    write_context(thread, frame, delivery, context) != 0) {
		return -EFAULT;
	}
	frame->regs[0] = delivery->handler;
	frame->regs[REGISTER_RA] = delivery->restorer;
	frame->regs[REGISTER_SP] = at;
	frame->regs[REGISTER_A0] = (u64)delivery->signal;
	frame->regs[REGISTER_A1] = at;
	frame->regs[REGISTER_A2] = context;
	frame->number = -1;
	return 0;
}

static void load_fpu(struct arch_thread *thread, const union __riscv_fp_state *from)
{
	struct fpu_area *area = thread->fpu;
	u64 flags = arch_irq_save();

	memcpy(area->registers, from->d.f, sizeof(area->registers));
	area->control = from->d.fcsr;
	fpu_restore(area);
	arch_irq_restore(flags);
}

int arch_signal_return(struct arch_thread *thread, struct trap_frame *frame,
		       struct signal_restore *out)
{
	vaddr_t at = frame->regs[REGISTER_SP];
	struct sigcontext *state;
	struct ucontext context;

	if (at % 16 != 0 ||
	    arch_copy_from_user(
		    &context,
		    (const void __user *)(at + offsetof(struct signal_frame, context)),
		    sizeof(context)) != 0) {
		return -EFAULT;
	}
	state = &context.uc_mcontext;
	if (state->sc_extdesc.reserved != 0 || state->sc_extdesc.hdr.magic != END_MAGIC ||
	    state->sc_extdesc.hdr.size != END_HDR_SIZE) {
		return -EINVAL;
	}
	memcpy(frame->regs, &state->sc_regs, sizeof(frame->regs));
	frame->number = -1;
	memcpy(&out->blocked_mask, &context.uc_sigmask, sizeof(u64));
	out->alternate_base = (u64)context.uc_stack.ss_sp;
	out->alternate_size = context.uc_stack.ss_size;
	out->alternate_flags = (u32)context.uc_stack.ss_flags;
	load_fpu(thread, &state->sc_fpregs);
	return 0;
}
