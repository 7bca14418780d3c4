// SPDX-License-Identifier: MIT
/*
 * Signal frames in Linux's layout. On the user's stack, from the handler's rsp upward:
 *
 *	restorer address · struct ucontext · siginfo (128 bytes) · padding · FPU state (64-byte aligned) and its end mark
 *
 * The FPU state is the XSAVE area with a note in its software bytes that says how long it is, as C libraries and debuggers expect. Everything
 * that comes back in rt_sigreturn is the user's word: selectors and flags are masked, the XSAVE header is checked, and what the CPU still
 * refuses becomes the reset state and a failed call.
 */
#include "arch/signal.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/thread.h"
#include "arch/trap.h"
#include "arch/usercopy.h"
#include "arch/x86_64/asm_offsets.h"
#include "arch/x86_64/port.h"
#include "lib/errno.h"
#include "lib/string.h"
#include <asm/signal.h>
/* after asm/signal.h */
#include <asm/sigcontext.h>
#include <asm/ucontext.h>

enum { SIGINFO_SIZE = 128, RED_ZONE = 128, FXSAVE_SIZE = 512, XSAVE_HEADER_SIZE = 64 };

struct signal_frame {
	u64 restorer;
	struct ucontext context;
	u8 siginfo[SIGINFO_SIZE];
};
STATIC_ASSERT(sizeof(struct ucontext) == 304);
STATIC_ASSERT(sizeof(struct signal_frame) == 8 + 304 + 128);

#define FLAG_TRAP      0x100UL
#define FLAG_DIRECTION 0x400UL
#define FLAG_RESUME    0x10000UL
/* Carry, parity, adjust, zero, sign, trap, direction, overflow, resume, alignment check. */
#define FLAGS_OF_USER 0x50dd5UL

/* With the end mark. */
static size_t fpu_frame_size(void)
{
	return cpu_features.xsave ? fpu_state_size() + FP_XSTATE_MAGIC2_SIZE
				  : FXSAVE_SIZE;
}

size_t arch_signal_frame_size(void)
{
	return sizeof(struct signal_frame) + fpu_frame_size() + RED_ZONE + 64 + 16;
}

static void fill_software_bytes(struct _fpx_sw_bytes *bytes)
{
	memset(bytes, 0, sizeof(*bytes));
	if (cpu_features.xsave) {
		bytes->magic1 = FP_XSTATE_MAGIC1;
		bytes->extended_size = (u32)fpu_frame_size();
		bytes->xfeatures = fpu_features();
		bytes->xstate_size = (u32)fpu_state_size();
	}
}

/* The state as FXSAVE has it, by way of the thread's area. */
static int write_legacy_state(struct arch_thread *thread, vaddr_t to)
{
	u64 flags = arch_irq_save();

	fpu_save_full(thread->fpu);
	arch_irq_restore(flags);
	return arch_copy_to_user((void __user *)to, thread->fpu, fpu_state_size()) == 0
		       ? 0
		       : -EFAULT;
}

/* The running thread's FPU state out to `to`: its registers are in the CPU, whatever is switched to meanwhile. */
static int write_fpu(struct arch_thread *thread, vaddr_t to)
{
	const u32 end_mark = FP_XSTATE_MAGIC2;
	struct _fpx_sw_bytes bytes;
	int error = cpu_features.xsave ? fpu_save_to_user(to, fpu_features())
				       : write_legacy_state(thread, to);

	if (error != 0) {
		return error;
	}
	fill_software_bytes(&bytes);
	if (arch_copy_to_user(
		    (void __user *)(to + offsetof(struct _fpstate_64, sw_reserved)),
		    &bytes, sizeof(bytes)) != 0) {
		return -EFAULT;
	}
	if (cpu_features.xsave &&
	    arch_copy_to_user((void __user *)(to + fpu_state_size()), &end_mark,
			      sizeof(end_mark)) != 0) {
		return -EFAULT;
	}
	return 0;
}

static void reset_fpu(struct arch_thread *thread)
{
	u64 flags = arch_irq_save();

	fpu_reset_state(thread->fpu);
	(void)fpu_restore(thread->fpu);
	arch_irq_restore(flags);
}

static void fill_registers(struct sigcontext *to, const struct trap_frame *from,
			   const struct arch_thread *thread)
{
	to->r8 = from->r8;
	to->r9 = from->r9;
	to->r10 = from->r10;
	to->r11 = from->r11;
	to->r12 = from->r12;
	to->r13 = from->r13;
	to->r14 = from->r14;
	to->r15 = from->r15;
	to->rdi = from->rdi;
	to->rsi = from->rsi;
	to->rbp = from->rbp;
	to->rbx = from->rbx;
	to->rdx = from->rdx;
	to->rax = from->rax;
	to->rcx = from->rcx;
	to->rsp = from->rsp;
	to->rip = from->rip;
	to->eflags = from->rflags;
	to->cs = (u16)from->cs;
	to->ss = (u16)from->ss;
	to->err = thread->trap_error;
	to->trapno = thread->trap_number;
	to->cr2 = thread->trap_address;
}

static void fill_frame(struct signal_frame *to, const struct trap_frame *from,
		       const struct arch_thread *thread,
		       const struct signal_delivery *delivery, vaddr_t fpu_at)
{
	struct ucontext *context = &to->context;

	memset(to, 0, sizeof(*to));
	to->restorer = delivery->restorer;
	context->uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	context->uc_flags |= cpu_features.xsave ? UC_FP_XSTATE : 0;
	context->uc_stack.ss_sp = (void *)delivery->alternate_base;
	context->uc_stack.ss_size = delivery->alternate_size;
	context->uc_stack.ss_flags = (int)delivery->alternate_flags;
	fill_registers(&context->uc_mcontext, from, thread);
	context->uc_mcontext.oldmask = delivery->blocked_mask;
	context->uc_mcontext.fpstate = (struct _fpstate *)fpu_at;
	context->uc_sigmask = delivery->blocked_mask;
	memcpy(to->siginfo, delivery->siginfo, sizeof(to->siginfo));
}

static void aim_at_handler(struct trap_frame *frame,
			   const struct signal_delivery *delivery, vaddr_t at)
{
	frame->rdi = (u64)delivery->signal;
	frame->rsi = at + offsetof(struct signal_frame, siginfo);
	frame->rdx = at + offsetof(struct signal_frame, context);
	frame->rax = 0;
	frame->rip = delivery->handler;
	frame->rsp = at;
	frame->cs = USER_CS;
	frame->ss = USER_DS;
	frame->rflags &= ~(FLAG_TRAP | FLAG_DIRECTION | FLAG_RESUME);
	frame->number = -1;
}

int arch_signal_deliver(struct arch_thread *thread, struct trap_frame *frame,
			const struct signal_delivery *delivery)
{
	vaddr_t stack = delivery->stack_size != 0
				? delivery->stack_base + delivery->stack_size
				: frame->rsp - RED_ZONE;
	vaddr_t fpu_at = ALIGN_DOWN(stack - fpu_frame_size(), 64UL);
	/* As if the handler had been called: the stack is 8 short of a multiple of 16. */
	vaddr_t at = ALIGN_DOWN(fpu_at - sizeof(struct signal_frame), 16UL) - 8;
	struct signal_frame image uninitialized_;
	int error;

	/* There is no trampoline but the C library's. */
	if (delivery->restorer == 0 || !user_range_ok(at, stack - at)) {
		return -EFAULT;
	}
	error = write_fpu(thread, fpu_at);
	if (error != 0) {
		return error;
	}
	fill_frame(&image, frame, thread, delivery, fpu_at);
	if (arch_copy_to_user((void __user *)at, &image, sizeof(image)) != 0) {
		return -EFAULT;
	}
	reset_fpu(thread);
	aim_at_handler(frame, delivery, at);
	return 0;
}

/* Is the state at `from` of the extended kind, as long as ours, with its end mark? */
static bool extended_state(vaddr_t from, const struct _fpx_sw_bytes *bytes)
{
	u32 end_mark;

	if (!cpu_features.xsave || bytes->magic1 != FP_XSTATE_MAGIC1 ||
	    bytes->xstate_size < FXSAVE_SIZE + XSAVE_HEADER_SIZE ||
	    bytes->xstate_size > fpu_state_size() ||
	    bytes->extended_size != bytes->xstate_size + FP_XSTATE_MAGIC2_SIZE) {
		return false;
	}
	return arch_copy_from_user(&end_mark,
				   (const void __user *)(from + bytes->xstate_size),
				   sizeof(end_mark)) == 0 &&
	       end_mark == FP_XSTATE_MAGIC2;
}

/* Make the area's header what the CPU takes: our components only, the standard format, reserved bytes 0. */
static void sanitise_header(char *area, bool extended)
{
	u64 header[XSAVE_HEADER_SIZE / 8] = {0};

	if (!cpu_features.xsave) {
		return;
	}
	if (extended) {
		memcpy(header, area + FXSAVE_SIZE, sizeof(header[0]));
		header[0] &= fpu_features();
	} else {
		header[0] = 3;
	}
	memcpy(area + FXSAVE_SIZE, header, sizeof(header));
}

static int read_fpu_detached(struct arch_thread *thread, vaddr_t from)
{
	struct _fpx_sw_bytes bytes;
	size_t size = FXSAVE_SIZE;
	bool extended;
	u32 mask;

	if (arch_copy_from_user(&bytes,
				(const void __user *)(from + offsetof(struct _fpstate_64,
								      sw_reserved)),
				sizeof(bytes)) != 0) {
		return -EFAULT;
	}
	extended = extended_state(from, &bytes);
	if (extended) {
		size = bytes.xstate_size;
	}
	if (size < fpu_state_size()) {
		fpu_reset_area(thread->fpu); // nothing of what was there is to come back
	}
	if (arch_copy_from_user(thread->fpu, (const void __user *)from, size) != 0) {
		return -EFAULT;
	}
	sanitise_header(thread->fpu, extended);
	mask = fpu_mxcsr_mask();
	*(u32 *)((char *)thread->fpu + offsetof(struct _fpstate_64, mxcsr)) &= mask;
	return 0;
}

/* Load the FPU state from the user's frame. The area is marked while it is half written: a switch would save over it. */
static int read_fpu(struct arch_thread *thread, vaddr_t from)
{
	int error;
	u64 flags;

	if (from == 0) {
		reset_fpu(thread);
		return 0;
	}
	if (!user_range_ok(from, fpu_frame_size()) || !IS_ALIGNED(from, 16UL)) {
		return -EFAULT;
	}
	thread->fpu_detached = 1;
	__asm__ volatile("" ::: "memory");
	error = read_fpu_detached(thread, from);
	flags = arch_irq_save();
	if (error != 0) {
		fpu_reset_area(thread->fpu);
	}
	if (fpu_restore(thread->fpu) != 0) {
		error = -EINVAL;
	}
	thread->fpu_detached = 0;
	arch_irq_restore(flags);
	return error;
}

static void restore_registers(struct trap_frame *to, const struct sigcontext *from)
{
	to->r8 = from->r8;
	to->r9 = from->r9;
	to->r10 = from->r10;
	to->r11 = from->r11;
	to->r12 = from->r12;
	to->r13 = from->r13;
	to->r14 = from->r14;
	to->r15 = from->r15;
	to->rdi = from->rdi;
	to->rsi = from->rsi;
	to->rbp = from->rbp;
	to->rbx = from->rbx;
	to->rdx = from->rdx;
	to->rax = from->rax;
	to->rcx = from->rcx;
	to->rsp = from->rsp;
	to->rip = from->rip;
	to->rflags = (to->rflags & ~FLAGS_OF_USER) | (from->eflags & FLAGS_OF_USER);
	to->number = -1;
}

int arch_signal_return(struct arch_thread *thread, struct trap_frame *frame,
		       struct signal_restore *out)
{
	/* The restorer address was popped by the handler's return. */
	vaddr_t at = frame->rsp - sizeof(u64);
	struct ucontext context uninitialized_;

	if (arch_copy_from_user(
		    &context,
		    (const void __user *)(at + offsetof(struct signal_frame, context)),
		    sizeof(context)) != 0) {
		return -EFAULT;
	}
	/* 64-bit user code alone runs here, below the end of user space. */
	if (context.uc_mcontext.cs != USER_CS || context.uc_mcontext.ss != USER_DS ||
	    context.uc_mcontext.rip >= USER_END) {
		return -EINVAL;
	}
	restore_registers(frame, &context.uc_mcontext);
	out->blocked_mask = context.uc_sigmask;
	out->alternate_base = (u64)context.uc_stack.ss_sp;
	out->alternate_size = context.uc_stack.ss_size;
	out->alternate_flags = (u32)context.uc_stack.ss_flags;
	return read_fpu(thread, (vaddr_t)context.uc_mcontext.fpstate);
}
