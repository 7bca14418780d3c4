// SPDX-License-Identifier: MIT
/*
 * Floating point state (T5): 32 registers of 64 bits and fcsr a user thread. Those of the vector extension are vector.c's.
 *
 * The kernel itself never touches these registers (its code is compiled without), so while a user thread runs, in the kernel too, they
 * hold its state. arch_switch() saves and loads them; nothing is lazy.
 */
#include "arch/riscv64/port.h"
#include "lib/string.h"

#define EACH(operation)                                                            \
	".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, "       \
	"17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31\n\t" operation \
	" f\\n, 8 * \\n(%0)\n\t.endr\n\t"
#define BEGIN ".option push\n\t.option arch, +d\n\t"
#define END   "\n\t.option pop"

size_t fpu_area_size(void)
{
	return sizeof(struct fpu_area);
}

void fpu_reset_area(void *area)
{
	memset(area, 0, sizeof(struct fpu_area));
}

void fpu_save(struct fpu_area *area)
{
	u64 control;

	__asm__ volatile(BEGIN EACH("fsd") "frcsr %1" END
			 : "+r"(area), "=&r"(control)
			 :
			 : "memory");
	area->control = control;
}

void fpu_restore(const struct fpu_area *area)
{
	__asm__ volatile(BEGIN EACH("fld") "fscsr %1" END ::"r"(area), "r"(area->control)
			 : "memory");
}
