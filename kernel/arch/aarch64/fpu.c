// SPDX-License-Identifier: MIT
/*
 * FPU and SIMD state (T5): 32 vector registers and two control registers a user thread. What SVE adds is in sve.c. SME is not turned
 * on: a program that tries gets SIGILL, and AT_HWCAP2 does not offer it.
 *
 * The kernel itself never touches these registers (-mgeneral-regs-only), so while a user thread runs, in the kernel too, they hold its state.
 * arch_switch() saves and loads them; nothing is lazy.
 */
#include "arch/aarch64/instructions.h"
#include "arch/aarch64/port.h"
#include "arch/cpu.h"
#include "lib/string.h"

#define PAIRS(operation)                                                                \
	operation " q0, q1, [%0]\n\t" operation " q2, q3, [%0, #32]\n\t" operation      \
		  " q4, q5, [%0, #64]\n\t" operation " q6, q7, [%0, #96]\n\t" operation \
		  " q8, q9, [%0, #128]\n\t" operation                                   \
		  " q10, q11, [%0, #160]\n\t" operation                                 \
		  " q12, q13, [%0, #192]\n\t" operation                                 \
		  " q14, q15, [%0, #224]\n\t" operation                                 \
		  " q16, q17, [%0, #256]\n\t" operation                                 \
		  " q18, q19, [%0, #288]\n\t" operation                                 \
		  " q20, q21, [%0, #320]\n\t" operation                                 \
		  " q22, q23, [%0, #352]\n\t" operation                                 \
		  " q24, q25, [%0, #384]\n\t" operation                                 \
		  " q26, q27, [%0, #416]\n\t" operation                                 \
		  " q28, q29, [%0, #448]\n\t" operation " q30, q31, [%0, #480]\n\t"

void fpu_init_cpu(void)
{
	sve_init_cpu(arch_cpu_number() == 0);
	step_init_cpu();
}

/* A thread that uses SVE gets a larger one: sve_make_room(). */
size_t fpu_area_size(void)
{
	return sizeof(struct fpu_area);
}

void fpu_reset_area(void *area)
{
	memset(area, 0, sizeof(struct fpu_area));
}

void fpu_save_control(struct fpu_area *area)
{
	area->status = (u32)READ_REGISTER("fpsr");
	area->control = (u32)READ_REGISTER("fpcr");
}

void fpu_restore_control(const struct fpu_area *area)
{
	WRITE_REGISTER("fpsr", area->status);
	WRITE_REGISTER("fpcr", area->control);
}

void fpu_save(struct fpu_area *area)
{
	__asm__ volatile(".arch_extension simd\n\t" PAIRS("stp")::"r"(area) : "memory");
	fpu_save_control(area);
}

void fpu_restore(const struct fpu_area *area)
{
	__asm__ volatile(".arch_extension simd\n\t" PAIRS("ldp")::"r"(area) : "memory");
	fpu_restore_control(area);
}
