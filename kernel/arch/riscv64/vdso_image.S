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
arch_vdso_image: /* a0: size */
	la t0, vdso_image_start
	la t1, vdso_image_end
	sub t1, t1, t0
	sd t1, (a0)
	mv a0, t0
	ret

	.globl arch_vdso_sigreturn_offset
arch_vdso_sigreturn_offset:
	li a0, VDSO_SIGRETURN
	ret

	.section .note.GNU-stack, "", @progbits
