// SPDX-License-Identifier: MIT
/* Where signal handlers return to. Debuggers and unwinders know these two instructions, and what lies on the stack then. */
#include <asm/unistd.h>

	.text
	.balign 16
	nop /* who looks up the return address less one finds this function still */
	.globl __kernel_rt_sigreturn
	.type __kernel_rt_sigreturn, %function
__kernel_rt_sigreturn:
	mov x8, #__NR_rt_sigreturn
	svc #0
	.size __kernel_rt_sigreturn, . - __kernel_rt_sigreturn

	.section .note.GNU-stack, "", @progbits
