// SPDX-License-Identifier: MIT
/*
 * From one kernel stack to another, and the first steps of new threads.
 *
 * A thread that does not run has at its stack pointer: s1 … s11, a word unused, s0, ra (struct switch_frame): the last two as a function
 * leaves them for backtraces.
 */
	.text
/* struct arch_thread *switch_stacks(u64 *save, u64 load, struct arch_thread *prev); returns prev, on the other stack */
	.globl switch_stacks
switch_stacks:
	addi sp, sp, -112
	sd s1, 0(sp)
	sd s2, 8(sp)
	sd s3, 16(sp)
	sd s4, 24(sp)
	sd s5, 32(sp)
	sd s6, 40(sp)
	sd s7, 48(sp)
	sd s8, 56(sp)
	sd s9, 64(sp)
	sd s10, 72(sp)
	sd s11, 80(sp)
	sd s0, 96(sp)
	sd ra, 104(sp)
	sd sp, (a0)
	mv sp, a1
	ld s1, 0(sp)
	ld s2, 8(sp)
	ld s3, 16(sp)
	ld s4, 24(sp)
	ld s5, 32(sp)
	ld s6, 40(sp)
	ld s7, 48(sp)
	ld s8, 56(sp)
	ld s9, 64(sp)
	ld s10, 72(sp)
	ld s11, 80(sp)
	ld s0, 96(sp)
	ld ra, 104(sp)
	addi sp, sp, 112
	mv a0, a2
	ret

/* s1: entry, s2: argument, a0: the previous thread */
	.globl thread_start_kernel
thread_start_kernel:
	mv s0, zero
	mv ra, zero
	call entry_thread_started
	mv a0, s2
	jalr s1
	ebreak

/* The user frame lies at the stack pointer. */
	.globl thread_start_user
thread_start_user:
	mv s0, zero
	mv ra, zero
	call entry_thread_started
	j return_to_user

	.section .note.GNU-stack, "", @progbits
