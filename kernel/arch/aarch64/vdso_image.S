// SPDX-License-Identifier: MIT
/* The vDSO's image in whole pages; arch.mk builds the file. */
#include "vdso_symbols.h" /* generated */

	.section .rodata, "a"
	.balign 4096
	.globl vdso_image_start, vdso_image_end
vdso_image_start:
	.incbin "vdso.so"
	.balign 4096
vdso_image_end:

	.text
	.globl arch_vdso_image
arch_vdso_image: /* x0: size */
	ldr x1, =vdso_image_start
	ldr x2, =vdso_image_end
	sub x2, x2, x1
	str x2, [x0]
	mov x0, x1
	ret

	.globl arch_vdso_sigreturn_offset
arch_vdso_sigreturn_offset:
	ldr x0, =VDSO_SIGRETURN
	ret
	.ltorg

	.section .note.GNU-stack, "", @progbits
