// SPDX-License-Identifier: MIT
/*
 * The door into the kernel for exceptions, interrupts and `ecall`; and the one way back to user mode.
 *
 * While a program runs sscratch holds its thread's context; in the kernel tp does, and sscratch is 0. A struct trap_frame is built: from user
 * mode at the top of the thread's kernel stack. From the kernel it is looked first, before anything is written, whether the stack
 * has room; if not, the frame goes to the CPU's emergency stack (S2).
 */
#include "arch/impl/thread_offsets.h"
#include "arch/riscv64/asm_offsets.h"

/* All but sp, tp and t0 (x5). */
.macro save_registers
	sd x1, 8(sp)
	sd x3, 24(sp)
	.irp n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	sd x\n, 8 * \n(sp)
	.endr
.endm

/* What the CPU says of the trap; user memory is closed. Clobbers s1 … s4. */
.macro save_state
	li s1, STATUS_SUM
	csrrc s1, sstatus, s1
	csrr s2, sepc
	csrr s3, scause
	csrr s4, stval
	sd s1, TRAP_FRAME_STATUS(sp)
	sd s2, TRAP_FRAME_PC(sp)
	sd s3, TRAP_FRAME_CAUSE(sp)
	sd s4, TRAP_FRAME_ADDRESS(sp)
	li s4, -1
	sd s4, TRAP_FRAME_NUMBER(sp)
.endm

/*
 * All but sp, tp. A reservation (LR) of who was interrupted, or of another thread, goes: the SC behind it must not succeed on what this CPU has
 * stored meanwhile. The SC here stores what is there already, if anything.
 */
.macro restore_registers
	ld t0, TRAP_FRAME_STATUS(sp)
	ld t1, TRAP_FRAME_PC(sp)
	sc.d zero, t1, (sp) /* TRAP_FRAME_PC is 0, checked in trap.c */
	csrw sstatus, t0
	csrw sepc, t1
	ld x1, 8(sp)
	ld x3, 24(sp)
	.irp n, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	ld x\n, 8 * \n(sp)
	.endr
.endm

	.text
	.balign 4
	.globl trap_door
trap_door:
	csrrw tp, sscratch, tp
	bnez tp, from_user

	/* From the kernel. */
	csrr tp, sscratch
	csrw sscratch, t0
	addi sp, sp, -TRAP_FRAME_SIZE
	ld t0, THREAD_STACK_LIMIT(tp)
	bltu sp, t0, no_stack
	csrr t0, sscratch
	csrw sscratch, zero
	sd t0, 40(sp)
	sd tp, TRAP_FRAME_TP(sp)
	save_registers
	addi t0, sp, TRAP_FRAME_SIZE
	sd t0, TRAP_FRAME_SP(sp)
	save_state
	/* A link of the chain of frame pointers, so that backtraces go through. */
	sd s0, TRAP_FRAME_RECORD(sp)
	sd s2, TRAP_FRAME_RECORD + 8(sp)
	addi s0, sp, TRAP_FRAME_SIZE
	mv a0, sp
	call trap_from_kernel
	restore_registers
	addi sp, sp, TRAP_FRAME_SIZE
	sret

no_stack:
	ld t0, THREAD_CPU(tp)
	ld t0, CPU_LOCAL_EMERGENCY_TOP(t0)
	addi t0, t0, -TRAP_FRAME_SIZE
	addi sp, sp, TRAP_FRAME_SIZE
	sd sp, TRAP_FRAME_SP(t0)
	mv sp, t0
	csrr t0, sscratch
	csrw sscratch, zero
	sd t0, 40(sp)
	sd tp, TRAP_FRAME_TP(sp)
	save_registers
	save_state
	sd s0, TRAP_FRAME_RECORD(sp)
	sd s2, TRAP_FRAME_RECORD + 8(sp)
	addi s0, sp, TRAP_FRAME_SIZE
	mv a0, sp
	call trap_no_stack
1:	j 1b

from_user:
	/* tp is the thread, sscratch the program's tp. */
	sd sp, THREAD_USER_SP(tp)
	ld sp, THREAD_STACK_TOP(tp)
	addi sp, sp, -TRAP_FRAME_SIZE
	sd t0, 40(sp)
	csrrw t0, sscratch, zero
	sd t0, TRAP_FRAME_TP(sp)
	ld t0, THREAD_USER_SP(tp)
	sd t0, TRAP_FRAME_SP(sp)
	save_registers
	save_state
	mv s0, zero
	mv ra, zero
	li t0, CAUSE_SYSCALL
	beq s3, t0, 1f
	mv a0, sp
	call trap_from_user_mode
	j return_to_user

1:	addi s2, s2, 4
	sd s2, TRAP_FRAME_PC(sp)
	sd a0, TRAP_FRAME_FIRST_ARGUMENT(sp)
	sd a7, TRAP_FRAME_NUMBER(sp)
	andi t0, s1, STATUS_VS
	bnez t0, 3f
2:	mv a0, sp
	csrsi sstatus, STATUS_SIE
	call entry_syscall
	csrci sstatus, STATUS_SIE

	/* Interrupts off; sp is the user frame. */
	.globl return_to_user
return_to_user:
	mv a0, sp
	call entry_user_return
	csrw sscratch, tp
	restore_registers
	ld tp, TRAP_FRAME_TP(sp)
	ld sp, TRAP_FRAME_SP(sp)
	sret

3:	mv a0, sp
	call vector_discard
	j 2b

	.section .note.GNU-stack, "", @progbits
