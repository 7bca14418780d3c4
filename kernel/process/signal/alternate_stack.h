// SPDX-License-Identifier: MIT
/* sigaltstack(2): the stack handlers may run on. */
#pragma once

#include "arch/signal.h"
#include "process/thread.h"

/* uc_stack's flags for a user stack pointer. */
u32 alternate_stack_flags(const struct thread *thread, u64 sp);
/* Switch to it if the handler wants it and it is not in use already. */
void alternate_stack_choose(const struct thread *thread, const struct trap_frame *frame,
			    const struct signal_action *action,
			    struct signal_delivery *delivery);
/* The frame is made: SS_AUTODISARM takes effect. */
void alternate_stack_delivered(struct thread *thread);
/* Set it from a stack_t's fields; sp: the user's. 0, -EINVAL, -ENOMEM, -EPERM. */
int alternate_stack_set(struct thread *thread, u64 base, u64 size, u32 flags,
			u64 sp) must_check;
