// SPDX-License-Identifier: MIT
/* Contract: signal frames on the user's stack. */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

struct arch_thread;
struct trap_frame;

/* What a handler needs. Plain data: the kernel's view of struct sigaction, siginfo_t (128 bytes) and stack_t. */
struct signal_delivery {
	int signal;
	u64 handler, restorer;
	bool with_info;      /* SA_SIGINFO; the frame has the information in any case */
	u64 blocked_mask;    /* to be restored by rt_sigreturn */
	const void *siginfo; /* 128 bytes */
	u64 stack_base, stack_size; /* the alternate stack to switch to, size 0: stay */
	u64 alternate_base, alternate_size; /* for uc_stack */
	u32 alternate_flags;
};

/* Build the frame and aim the registers at the handler. -EFAULT: the stack is not writable. */
int arch_signal_deliver(struct arch_thread *thread, struct trap_frame *frame,
			const struct signal_delivery *delivery) must_check;

struct signal_restore {
	u64 blocked_mask;
	u64 alternate_base, alternate_size;
	u32 alternate_flags;
};
/* rt_sigreturn(2): restore registers and FPU state from the user's frame, checked. -EFAULT or -EINVAL: bad frame (SIGSEGV). */
int arch_signal_return(struct arch_thread *thread, struct trap_frame *frame,
		       struct signal_restore *out) must_check;
/* AT_MINSIGSTKSZ */
size_t arch_signal_frame_size(void);
