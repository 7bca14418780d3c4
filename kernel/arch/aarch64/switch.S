// SPDX-License-Identifier: MIT
/*
 * From one kernel stack to another, and the first steps of new threads.
 *
 * A thread that does not run has at its stack pointer: x19 … x28, x29, x30 (struct switch_frame).
 */
	.text
/* struct arch_thread *switch_stacks(u64 *save, u64 load, struct arch_thread *prev); returns prev, on the other stack */
	.globl switch_stacks
switch_stacks:
	sub sp, sp, #96
	stp x19, x20, [sp]
	stp x21, x22, [sp, #16]
	stp x23, x24, [sp, #32]
	stp x25, x26, [sp, #48]
	stp x27, x28, [sp, #64]
	stp x29, x30, [sp, #80]
	mov x3, sp
	str x3, [x0]
	mov sp, x1
	ldp x19, x20, [sp]
	ldp x21, x22, [sp, #16]
	ldp x23, x24, [sp, #32]
	ldp x25, x26, [sp, #48]
	ldp x27, x28, [sp, #64]
	ldp x29, x30, [sp, #80]
	add sp, sp, #96
	mov x0, x2
	ret

/* x19: entry, x20: argument, x0: the previous thread */
	.globl thread_start_kernel
thread_start_kernel:
	mov x29, xzr
	mov x30, xzr
	bl entry_thread_started
	mov x0, x20
	blr x19
	brk #0

/* The user frame lies at the stack pointer. */
	.globl thread_start_user
thread_start_user:
	mov x29, xzr
	mov x30, xzr
	bl entry_thread_started
	b return_to_user

	.section .note.GNU-stack, "", @progbits
