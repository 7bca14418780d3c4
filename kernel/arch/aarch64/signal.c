// SPDX-License-Identifier: MIT
/*
 * Signal frames in Linux's layout. On the user's stack, from the handler's sp upward:
 *
 *	siginfo (128 bytes) · struct ucontext with 4 KiB for records, or more · a frame record (x29, x30)
 *
 * The records are in signal_records.c. Everything that comes back in rt_sigreturn is the user's word: the state is masked, the
 * lengths are checked.
 */
#include "arch/signal.h"
#include "arch/aarch64/port.h"
#include "arch/cpu.h"
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

/* What lies before the records: siginfo, struct ucontext up to them. */
struct frame_head {
	u8 siginfo[SIGINFO_SIZE];
	u64 flags, link;
	stack_t stack;
	u64 mask;
	u8 unused[128 - sizeof(u64)];
	u64 padding;
	u64 fault_address, regs[31], sp, pc, pstate;
	u64 padding_2;
};
STATIC_ASSERT(offsetof(struct frame_head, mask) ==
	      SIGINFO_SIZE + offsetof(struct ucontext, uc_sigmask));
STATIC_ASSERT(offsetof(struct frame_head, fault_address) ==
	      SIGINFO_SIZE + offsetof(struct ucontext, uc_mcontext));
STATIC_ASSERT(sizeof(struct frame_head) ==
	      SIGINFO_SIZE + offsetof(struct ucontext, uc_mcontext.__reserved));

struct frame_record {
	u64 frame_pointer, return_address;
};

#define STATE_BRANCH_TYPE 0xc00UL

size_t arch_signal_frame_size(void)
{
	return sizeof(struct frame_head) + signal_records_longest() +
	       sizeof(struct frame_record) + 16;
}

int signal_give(vaddr_t to, const void *from, size_t size)
{
	return arch_copy_to_user((void __user *)to, from, size) != 0 ? -EFAULT : 0;
}

int signal_take(void *to, vaddr_t from, size_t size)
{
	return arch_copy_from_user(to, (const void __user *)from, size) != 0 ? -EFAULT
									     : 0;
}

static int write_head(struct arch_thread *thread, const struct trap_frame *frame,
		      const struct signal_delivery *delivery, vaddr_t to)
{
	struct frame_head head;

	memset(&head, 0, sizeof(head));
	memcpy(head.siginfo, delivery->siginfo, sizeof(head.siginfo));
	head.stack.ss_sp = (void *)delivery->alternate_base;
	head.stack.ss_size = delivery->alternate_size;
	head.stack.ss_flags = (int)delivery->alternate_flags;
	head.mask = delivery->blocked_mask;
	head.fault_address = thread->trap_address;
	memcpy(head.regs, frame->regs, sizeof(head.regs));
	head.sp = frame->sp;
	head.pc = frame->pc;
	head.pstate = frame->pstate;
	return signal_give(to, &head, sizeof(head));
}

int arch_signal_deliver(struct arch_thread *thread, struct trap_frame *frame,
			const struct signal_delivery *delivery)
{
	vaddr_t stack = delivery->stack_size != 0
				? delivery->stack_base + delivery->stack_size
				: frame->sp;
	vaddr_t record_at = ALIGN_DOWN(stack, 16UL) - sizeof(struct frame_record);
	vaddr_t at = record_at - sizeof(struct frame_head) - signal_records_save(thread);
	struct frame_record record = {frame->regs[29], frame->regs[30]};
	int error;

	if (delivery->restorer == 0 || !user_range_ok(at, stack - at)) {
		return -EFAULT;
	}
	error = write_head(thread, frame, delivery, at);
	if (error == 0) {
		error = signal_records_write(thread, at + sizeof(struct frame_head));
	}
	if (error == 0) {
		error = signal_give(record_at, &record, sizeof(record));
	}
	if (error != 0) {
		return error;
	}
	thread->trap_syndrome = thread->trap_address = 0;
	frame->regs[0] = (u64)delivery->signal;
	if (delivery->with_info) {
		frame->regs[1] = at;
		frame->regs[2] = at + SIGINFO_SIZE;
	}
	frame->regs[29] = record_at;
	frame->regs[30] = delivery->restorer;
	frame->sp = at;
	frame->pc = delivery->handler;
	frame->pstate &= ~STATE_BRANCH_TYPE;
	frame->number = -1;
	return 0;
}

int arch_signal_return(struct arch_thread *thread, struct trap_frame *frame,
		       struct signal_restore *out)
{
	vaddr_t at = frame->sp;
	struct frame_head head;
	struct signal_records records;
	int error = at % 16 != 0 ? -EFAULT : signal_take(&head, at, sizeof(head));

	if (error == 0) {
		error = signal_records_find(thread, at + sizeof(head), &records);
	}
	if (error == 0 && head.pstate & STATE_PRIVILEGED) {
		error = -EINVAL;
	}
	if (error != 0) {
		return error;
	}
	memcpy(frame->regs, head.regs, sizeof(frame->regs));
	frame->sp = head.sp;
	frame->pc = head.pc;
	frame->pstate = head.pstate & STATE_OF_USER;
	frame->number = -1;
	out->blocked_mask = head.mask;
	out->alternate_base = (u64)head.stack.ss_sp;
	out->alternate_size = head.stack.ss_size;
	out->alternate_flags = (u32)head.stack.ss_flags;
	return signal_records_read(thread, &records);
}
