// SPDX-License-Identifier: MIT
/* The vDSO's image in whole pages; tools/make/vdso.mk builds the file. */
#include "arch/vdso.h"
#include "vdso_symbols.h" /* generated */

extern const char vdso_image_start[], vdso_image_end[];

__asm__(".pushsection .rodata, \"a\"\n"
	".balign 4096\n"
	".globl vdso_image_start, vdso_image_end\n"
	"vdso_image_start: .incbin \"vdso.so\"\n"
	".balign 4096\n"
	"vdso_image_end:\n"
	".popsection\n");

const void *arch_vdso_image(size_t *size)
{
	*size = (size_t)(vdso_image_end - vdso_image_start);
	return vdso_image_start;
}

u64 arch_vdso_sigreturn_offset(void)
{
	return VDSO_SIGRETURN;
}
