// SPDX-License-Identifier: MIT
/* Where signal handlers return to. Debuggers and unwinders know these two instructions, and what lies on the stack then. */
#include <asm/unistd.h>

	.text
	.balign 16
	nop /* who looks up the return address less one finds this function still */
	.globl __vdso_rt_sigreturn
	.type __vdso_rt_sigreturn, %function
__vdso_rt_sigreturn:
	li a7, __NR_rt_sigreturn
	ecall
	.size __vdso_rt_sigreturn, . - __vdso_rt_sigreturn

	.section .note.GNU-stack, "", @progbits
