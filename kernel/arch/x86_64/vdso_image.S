// SPDX-License-Identifier: MIT
/* The vDSO's image in whole pages; arch.mk builds the file. */
	.section .rodata, "a"
	.balign 4096
	.globl vdso_image_start, vdso_image_end
vdso_image_start:
	.incbin "vdso.so"
	.balign 4096
vdso_image_end:

	.text
	.globl arch_vdso_image
arch_vdso_image: /* rdi: size */
	movq $(vdso_image_end - vdso_image_start), (%rdi)
	mov $vdso_image_start, %rax
	ret

	.globl arch_vdso_sigreturn_offset
arch_vdso_sigreturn_offset: /* none: programs bring their own */
	xor %eax, %eax
	ret

	.section .note.GNU-stack, "", @progbits
