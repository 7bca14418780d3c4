// SPDX-License-Identifier: MIT
/*
 * A thread's context: what common/thread.c wants of the port. What the port's frames are like is in arch/impl/frames.h:
 *
 *	struct switch_frame	what switch_stacks() leaves on the stack; has frame_pointer and return_address
 *	FRAME_RECORD		where a frame pointer's caller's pair (frame pointer, return address) lies, from it
 *	FRAME_OF_LEAF_IS_SHORT	functions that call none keep no return address: the frame pointer stands in its place
 *	switch_frame_set_start	(frame, entry, argument) for thread_start_kernel
 *	trap_set_sp		(frame, sp)
 *	trap_begin_user		(frame, ip, sp): of user mode, nothing else in any register; the frame is zeros
 */
#pragma once

#include "lib/types.h"

struct arch_thread;

/* thread.c: what else a context has to begin with. It is zeros, its stack_top set. */
void thread_begin(struct arch_thread *thread);
/* A clone is made: `child` gets what is in the CPU of the running thread's user registers (not those of its user frame). Interrupts off. */
void thread_copy_registers(struct arch_thread *child);
/* A program begins: the running thread's are as its area for them, which is reset, and 0. Interrupts off. */
void thread_reset_registers(struct arch_thread *thread);
/* A thread ends: what it has of registers beyond its area is given back. Any context. */
void thread_drop_registers(struct arch_thread *thread);
