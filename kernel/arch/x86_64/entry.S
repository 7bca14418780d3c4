// SPDX-License-Identifier: MIT
/*
 * The doors into the kernel: exceptions, interrupts, `syscall`; and the one way back to user mode.
 *
 * Every door builds a struct trap_frame. From user mode it lies at the top of the thread's kernel stack, and gs is swapped exactly then.
 * NMI, double fault, machine check and debug come on stacks of their own (IST), where gs may be anything: the kernel's is taken from the top
 * word of that stack, and what was there is put back after.
 */
#include "arch/impl/cpu_offsets.h"
#include "arch/x86_64/asm_offsets.h"
#include "arch/x86_64/macros.inc"

.macro save_registers
	push %rdi
	push %rsi
	push %rdx
	push %rcx
	push %rax
	push %r8
	push %r9
	push %r10
	push %r11
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	push $0
	push $-1
.endm

.macro restore_registers
	add $16, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rax
	pop %rcx
	pop %rdx
	pop %rsi
	pop %rdi
.endm

/* One door per vector, 16 bytes apart; those that bring no error code push a 0. */
	.text
	.balign 16
	.globl trap_doors
trap_doors:
	vector = 0
	.rept 256
	.balign 16
	.if (vector != 8) && (vector != 10) && (vector != 11) && (vector != 12) && (vector != 13) && (vector != 14) && (vector != 17) && (vector != 21) && (vector != 29) && (vector != 30)
	push $0
	.endif
	push $vector
	.if (vector == 1) || (vector == 2) || (vector == 8) || (vector == 18)
	jmp trap_own_stack
	.else
	jmp trap_common
	.endif
	vector = vector + 1
	.endr

	.balign 16
trap_common:
	save_registers
	cld
	close_user_access
	testb $3, TRAP_FRAME_CS(%rsp)
	jnz 1f

	cmpq $user_iret, TRAP_FRAME_RIP(%rsp)
	je 3f

	/* From the kernel: a call frame of our own, so that backtraces go through. */
	mov %rsp, %rdi
	push TRAP_FRAME_RIP(%rdi)
	push %rbp
	mov %rsp, %rbp
	call trap_from_kernel
	add $16, %rsp
	restore_registers
	add $16, %rsp
	iretq

	/* The return to user mode itself failed: gs is the user's. Make it an exception of the user's. */
3:	swapgs
	mov %rsp, %rdi
	call trap_failed_return
	mov %rax, %rsp
	jmp return_to_user

1:	swapgs
	/*
	 * The CPU came with no selector in ss, by `syscall` with the kernel's. It is always the kernel's from here on: an emulator keeps what
	 * it translated apart by it, and would do the code that both doors lead to twice.
	 */
trap_user:
	mov $KERNEL_DS, %eax
	mov %eax, %ss
	xor %ebp, %ebp
	mov %rsp, %rdi
	call trap_from_user_mode

	/* Interrupts off; rsp is the user frame. */
	.globl return_to_user
return_to_user:
	mov %rsp, %rdi
	call entry_user_return
	cmpl $TRAP_VECTOR_SYSCALL, TRAP_FRAME_VECTOR(%rsp)
	jne 2f
	/* sysret only where it can not fault in kernel mode and loses nothing. */
	mov TRAP_FRAME_RIP(%rsp), %rcx
	mov %rcx, %rax
	shr $47, %rax
	jnz 2f
	cmp TRAP_FRAME_RCX(%rsp), %rcx
	jne 2f
	mov TRAP_FRAME_RFLAGS(%rsp), %r11
	cmp TRAP_FRAME_R11(%rsp), %r11
	jne 2f
	test $0x10100, %r11d /* RF, TF */
	jnz 2f
	cmpl $USER_CS, TRAP_FRAME_CS(%rsp)
	jne 2f
	cmpl $USER_DS, TRAP_FRAME_SS(%rsp)
	jne 2f
	restore_registers
	mov 40(%rsp), %rsp /* behind vector, error, rip, cs and rflags: the user's */
	swapgs
	sysretq

2:	restore_registers
	swapgs
	add $16, %rsp
	.globl user_iret
user_iret:
	iretq

	.balign 16
	.globl syscall_door
syscall_door:
	swapgs
	mov %rsp, %gs:CPU_LOCAL_USER_STACK
	mov %gs:CPU_LOCAL_KERNEL_STACK, %rsp
	push $USER_DS
	push %gs:CPU_LOCAL_USER_STACK
	push %r11
	push $USER_CS
	push %rcx
	push $0
	push $TRAP_VECTOR_SYSCALL
	save_registers
	mov %rax, TRAP_FRAME_NUMBER(%rsp)
	movq $-38, TRAP_FRAME_RAX(%rsp) /* -ENOSYS */
	xor %ebp, %ebp
	mov %rsp, %rdi
	sti
	call entry_syscall
	cli
	jmp return_to_user

	.balign 16
trap_own_stack:
	save_registers
	cld
	close_user_access
	testb $3, TRAP_FRAME_CS(%rsp)
	jz 1f

	/* From user mode: over to the thread's own stack, then as any trap. */
	swapgs
	mov %rsp, %rsi
	mov %gs:CPU_LOCAL_KERNEL_STACK, %rdi
	sub $TRAP_FRAME_SIZE, %rdi
	mov %rdi, %rsp
	mov $(TRAP_FRAME_SIZE / 8), %ecx
	rep movsq
	jmp trap_user

1:	mov $0xc0000101, %ecx
	rdmsr
	mov %eax, %r12d
	mov %edx, %r13d
	mov %rsp, %rbx
	or $(IST_STACK_SIZE - 1), %rbx
	mov -7(%rbx), %rax
	mov %rax, %rdx
	shr $32, %rdx
	wrmsr
	mov %rsp, %rdi
	push TRAP_FRAME_RIP(%rdi)
	push %rbp
	mov %rsp, %rbp
	call trap_on_own_stack
	add $16, %rsp
	mov $0xc0000101, %ecx
	mov %r12d, %eax
	mov %r13d, %edx
	wrmsr
	restore_registers
	add $16, %rsp
	iretq

	.section .note.GNU-stack, "", @progbits
