// SPDX-License-Identifier: MIT
/*
 * The doors into the kernel: exceptions, interrupts, `svc`; and the one way back to user mode.
 *
 * Every door builds a struct trap_frame. From user mode it lies at the top of the thread's kernel stack, where SP_EL1 points while the program
 * runs. In the kernel SP_EL0 is free: the door for its own exceptions uses it to look, before it writes, whether the stack has room;
 * if not, the frame goes to the CPU's emergency stack (S2).
 */
#include "arch/aarch64/asm_offsets.h"
#include "arch/impl/thread_offsets.h"

/* All but sp, at [sp]. */
.macro save_registers
	stp x0, x1, [sp]
	stp x2, x3, [sp, #16]
	stp x4, x5, [sp, #32]
	stp x6, x7, [sp, #48]
	stp x8, x9, [sp, #64]
	stp x10, x11, [sp, #80]
	stp x12, x13, [sp, #96]
	stp x14, x15, [sp, #112]
	stp x16, x17, [sp, #128]
	stp x18, x19, [sp, #144]
	stp x20, x21, [sp, #160]
	stp x22, x23, [sp, #176]
	stp x24, x25, [sp, #192]
	stp x26, x27, [sp, #208]
	stp x28, x29, [sp, #224]
	str x30, [sp, #240]
.endm

/* sp as \where says, and what the CPU says of the exception. Clobbers x21 … x25. */
.macro save_state
	mrs x22, elr_el1
	mrs x23, spsr_el1
	mrs x24, esr_el1
	mrs x25, far_el1
	str x21, [sp, #TRAP_FRAME_SP]
	stp x22, x23, [sp, #TRAP_FRAME_PC]
	stp x24, x25, [sp, #TRAP_FRAME_SYNDROME]
	mov x21, #-1
	str x21, [sp, #TRAP_FRAME_NUMBER]
.endm

.macro restore_registers
	ldp x22, x23, [sp, #TRAP_FRAME_PC]
	msr elr_el1, x22
	msr spsr_el1, x23
	ldp x0, x1, [sp]
	ldp x2, x3, [sp, #16]
	ldp x4, x5, [sp, #32]
	ldp x6, x7, [sp, #48]
	ldp x8, x9, [sp, #64]
	ldp x10, x11, [sp, #80]
	ldp x12, x13, [sp, #96]
	ldp x14, x15, [sp, #112]
	ldp x16, x17, [sp, #128]
	ldp x18, x19, [sp, #144]
	ldp x20, x21, [sp, #160]
	ldp x22, x23, [sp, #176]
	ldp x24, x25, [sp, #192]
	ldp x26, x27, [sp, #208]
	ldp x28, x29, [sp, #224]
	ldr x30, [sp, #240]
.endm

/* From the kernel: sp before, and a link of the chain of frame pointers, so that backtraces go through. */
.macro save_kernel
	save_registers
	add x21, sp, #TRAP_FRAME_SIZE
	save_state
	stp x29, x22, [sp, #TRAP_FRAME_RECORD]
	add x29, sp, #TRAP_FRAME_RECORD
	mov x0, sp
.endm

.macro save_user
	sub sp, sp, #TRAP_FRAME_SIZE
	save_registers
	mrs x21, sp_el0
	save_state
	mov x29, xzr
	mov x30, xzr
	mov x0, sp
.endm

.macro door to
	.balign 128
	b \to
.endm

.macro bad_door
	.balign 128
	sub sp, sp, #TRAP_FRAME_SIZE
	b trap_bad_door
.endm

	.text
	.balign 2048
	.globl exception_vectors
exception_vectors:
	bad_door /* the kernel never runs on SP_EL0 */
	bad_door
	bad_door
	bad_door
	door kernel_exception
	door kernel_interrupt
	bad_door
	bad_door
	door user_exception
	door user_interrupt
	bad_door
	bad_door
	bad_door /* 32-bit programs */
	bad_door
	bad_door
	bad_door

trap_bad_door:
	save_kernel
	bl trap_bad
	b .

kernel_exception:
	msr sp_el0, x0
	sub x0, sp, #TRAP_FRAME_SIZE
	at s1e1w, x0
	isb
	mrs x0, par_el1
	tbnz x0, #0, 1f
	mrs x0, sp_el0
	sub sp, sp, #TRAP_FRAME_SIZE
	save_kernel
	bl trap_from_kernel
	b return_to_kernel

	/* No room. x0 is in SP_EL0. */
1:	mrs x0, tpidr_el1
	ldr x0, [x0, #THREAD_CPU]
	ldr x0, [x0, #CPU_LOCAL_EMERGENCY_TOP]
	sub x0, x0, #TRAP_FRAME_SIZE
	str x21, [x0, #168]
	mov x21, sp
	mov sp, x0
	str x21, [sp, #TRAP_FRAME_SP]
	ldr x21, [sp, #168]
	mrs x0, sp_el0
	save_registers
	ldr x21, [sp, #TRAP_FRAME_SP]
	save_state
	stp x29, x22, [sp, #TRAP_FRAME_RECORD]
	add x29, sp, #TRAP_FRAME_RECORD
	mov x0, sp
	bl trap_no_stack
	b .

kernel_interrupt:
	sub sp, sp, #TRAP_FRAME_SIZE
	save_kernel
	bl trap_interrupt_in_kernel

return_to_kernel:
	restore_registers
	add sp, sp, #TRAP_FRAME_SIZE
	eret

user_interrupt:
	save_user
	bl trap_interrupt_in_user
	b return_to_user

user_exception:
	save_user
	ubfx x21, x24, #EXCEPTION_CLASS_SHIFT, #6
	cmp x21, #EXCEPTION_SVC
	b.ne 1f
	ldr x1, [sp]
	str x1, [sp, #TRAP_FRAME_FIRST_ARGUMENT]
	sxtw x8, w8
	str x8, [sp, #TRAP_FRAME_NUMBER]
	mrs x2, tpidr_el1
	ldr w2, [x2, #THREAD_SVE_LIVE]
	cbnz w2, 2f
3:	msr daifclr, #2
	bl entry_syscall
	msr daifset, #2
	b return_to_user
2:	bl sve_flush /* a call leaves nothing of SVE but the low 128 bits */
	mov x0, sp
	b 3b
1:	bl trap_from_user_mode

	/* Interrupts off; sp is the user frame. */
	.globl return_to_user
return_to_user:
	mov x0, sp
	bl entry_user_return
	ldr x21, [sp, #TRAP_FRAME_SP]
	msr sp_el0, x21
	restore_registers
	add sp, sp, #TRAP_FRAME_SIZE
	eret

	.section .note.GNU-stack, "", @progbits
