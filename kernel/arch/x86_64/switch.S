// SPDX-License-Identifier: MIT
/*
 * From one kernel stack to another, and the first steps of new threads.
 *
 * A thread that does not run has at its stack pointer: r15 r14 r13 r12 rbx rbp, return address (struct switch_frame).
 */
#include "arch/impl/cpu_offsets.h"
#include "arch/x86_64/asm_offsets.h"

	.text
/* struct arch_thread *switch_stacks(u64 *save, u64 load, struct arch_thread *prev); returns prev, on the other stack */
	.globl switch_stacks
switch_stacks:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, (%rdi)
	mov %rsi, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	mov %rdx, %rax
	ret

/* rbx: entry, r12: argument, rax: the previous thread */
	.globl thread_start_kernel
thread_start_kernel:
	xor %ebp, %ebp
	mov %rax, %rdi
	call entry_thread_started
	mov %r12, %rdi
	call *%rbx
	ud2

/* The user frame lies at the stack pointer. */
	.globl thread_start_user
thread_start_user:
	xor %ebp, %ebp
	mov %rax, %rdi
	call entry_thread_started
	jmp return_to_user

	.section .note.GNU-stack, "", @progbits
