// SPDX-License-Identifier: MIT
/*
 * Signal frames in Linux's layout. On the user's stack, from the handler's sp upward:
 *
 *	siginfo (128 bytes) · struct ucontext with the registers and the floating point state · its vectors, if the thread uses them
 *
 * The last word of the ucontext is the header of a record: the vectors', which lies behind it, with an end's header behind that, or the end's.
 * Everything that comes back in rt_sigreturn is the user's word: none of the registers can do harm; a record must be as it was written, but for the
 * state in it.
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
#define RECORD_HEADER_SIZE sizeof(struct __riscv_ctx_hdr)
STATIC_ASSERT(offsetof(struct signal_frame, context.uc_mcontext.sc_extdesc.hdr) ==
	      sizeof(struct signal_frame) - RECORD_HEADER_SIZE);

/* The vectors' record, its header included. */
static size_t vector_record_size(void)
{
	return RECORD_HEADER_SIZE + sizeof(struct __sc_riscv_v_state) +
	       vector_registers_size();
}

/* What lies behind the fixed part of the frame: the record but for its header, which that has, and the end's header. */
static size_t extra_size(bool vectors)
{
	return vectors ? vector_record_size() : 0;
}

size_t arch_signal_frame_size(void)
{
	return sizeof(struct signal_frame) + extra_size(cpu_features.vlenb != 0) + 16;
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

static int write_vectors(struct arch_thread *thread, vaddr_t at)
{
	const struct vector_area *area = vector_settle(thread);
	const struct __riscv_ctx_hdr end = {END_MAGIC, END_HDR_SIZE};
	vaddr_t registers = at + sizeof(struct __sc_riscv_v_state);
	struct __sc_riscv_v_state state;

	memset(&state, 0, sizeof(state));
	state.v_state.vstart = area->start;
	state.v_state.vl = area->length;
	state.v_state.vtype = area->type;
	state.v_state.vcsr = area->control;
	state.v_state.vlenb = cpu_features.vlenb;
	state.v_state.datap = (void *)registers;
	if (arch_copy_to_user((void __user *)at, &state, sizeof(state)) != 0 ||
	    arch_copy_to_user((void __user *)registers, area->registers,
			      vector_registers_size()) != 0 ||
	    arch_copy_to_user((void __user *)(registers + vector_registers_size()), &end,
			      sizeof(end)) != 0) {
		return -EFAULT;
	}
	return 0;
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
	if (thread->vector != NULL) {
		context.uc_mcontext.sc_extdesc.hdr = (struct __riscv_ctx_hdr){
			RISCV_V_MAGIC, (u32)vector_record_size()};
	}
	return arch_copy_to_user((void __user *)at, &context, sizeof(context)) ? -EFAULT
									       : 0;
}

int arch_signal_deliver(struct arch_thread *thread, struct trap_frame *frame,
			const struct signal_delivery *delivery)
{
	vaddr_t stack = delivery->stack_size != 0
				? delivery->stack_base + delivery->stack_size
				: frame->regs[REGISTER_SP];
	vaddr_t at = ALIGN_DOWN(stack - extra_size(thread->vector != NULL) -
					sizeof(struct signal_frame),
				16UL);
	vaddr_t context = at + offsetof(struct signal_frame, context);

	if (delivery->restorer == 0 || !user_range_ok(at, stack - at) ||
	    arch_copy_to_user((void __user *)at, delivery->siginfo, SIGINFO_SIZE) != 0 ||
	    write_context(thread, frame, delivery, context) != 0 ||
	    (thread->vector != NULL &&
	     write_vectors(thread, at + sizeof(struct signal_frame)) != 0)) {
		return -EFAULT;
	}
	if (thread->vector != NULL) {
		vector_begin_handler(thread);
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

/* Into the area, while the frame says that nothing of it counts; then all at once. */
static int read_vectors(struct arch_thread *thread, vaddr_t at)
{
	struct vector_area *area = thread->vector;
	struct __sc_riscv_v_state state;

	if (area == NULL) {
		return -EINVAL;
	}
	if (arch_copy_from_user(&state, (const void __user *)at, sizeof(state)) != 0) {
		return -EFAULT;
	}
	if (state.v_state.vlenb != cpu_features.vlenb) {
		return -EINVAL;
	}
	if (arch_copy_from_user(area->registers, (const void __user *)state.v_state.datap,
				vector_registers_size()) != 0) {
		return -EFAULT;
	}
	area->start = state.v_state.vstart;
	area->length = state.v_state.vl;
	area->type = state.v_state.vtype;
	area->control = state.v_state.vcsr;
	vector_take(thread);
	return 0;
}

static int read_records(struct arch_thread *thread, struct __riscv_ctx_hdr header,
			vaddr_t at)
{
	int error;

	if (header.magic == RISCV_V_MAGIC && header.size == vector_record_size()) {
		error = read_vectors(thread, at);
		if (error != 0) {
			return error;
		}
		at += header.size - RECORD_HEADER_SIZE;
		if (arch_copy_from_user(&header, (const void __user *)at,
					sizeof(header)) != 0) {
			return -EFAULT;
		}
	}
	return header.magic == END_MAGIC && header.size == END_HDR_SIZE ? 0 : -EINVAL;
}

int arch_signal_return(struct arch_thread *thread, struct trap_frame *frame,
		       struct signal_restore *out)
{
	vaddr_t at = frame->regs[REGISTER_SP];
	struct sigcontext *state;
	struct ucontext context;
	int error;

	if (at % 16 != 0 ||
	    arch_copy_from_user(
		    &context,
		    (const void __user *)(at + offsetof(struct signal_frame, context)),
		    sizeof(context)) != 0) {
		return -EFAULT;
	}
	state = &context.uc_mcontext;
	if (state->sc_extdesc.reserved != 0) {
		return -EINVAL;
	}
	error = read_records(thread, state->sc_extdesc.hdr,
			     at + sizeof(struct signal_frame));
	if (error != 0) {
		return error;
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
