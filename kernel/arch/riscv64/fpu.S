// SPDX-License-Identifier: MIT
/*
 * Floating point state (T5): 32 registers of 64 bits and fcsr a user thread. The vector extension is not turned on: a program that tries
 * gets SIGILL, and AT_HWCAP does not offer it.
 *
 * The kernel itself never touches these registers (its code is compiled without), so while a user thread runs, in the kernel too, they
 * hold its state. arch_switch() saves and loads them; nothing is lazy.
 */
	.option arch, +d
	.text
/* void fpu_save(struct fpu_area *area) */
	.globl fpu_save
fpu_save:
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	fsd f\n, 8 * \n(a0)
	.endr
	frcsr t0
	sd t0, 256(a0)
	ret

/* void fpu_restore(const struct fpu_area *area) */
	.globl fpu_restore
fpu_restore:
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	fld f\n, 8 * \n(a0)
	.endr
	ld t0, 256(a0)
	fscsr t0
	ret

	.section .note.GNU-stack, "", @progbits
