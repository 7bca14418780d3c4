// SPDX-License-Identifier: MIT
/*
 * FPU and SIMD state (T5): an XSAVE area a user thread in the standard format, sized by CPUID; FXSAVE's 512 bytes on CPUs without.
 *
 * The kernel itself never touches these registers (-mgeneral-regs-only), so while a user thread runs, in the kernel too, they hold its state.
 * arch_switch() saves and loads them; nothing is lazy.
 */
#include "arch/common/exception_table.h"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/port.h"
#include "core/log.h"
#include "core/panic.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { FXSAVE_SIZE = 512, XSAVE_HEADER_END = 576 };

/* x87, SSE, AVX, and the three parts of AVX-512: what is small enough for every thread to carry. */
#define XCR0_WANTED 0xe7UL

#define CONTROL_WORD_RESET 0x37f
#define MXCSR_RESET        0x1f80u

static size_t area_size = FXSAVE_SIZE;
static u64 features = 3;
static u32 mxcsr_mask = 0xffbf;

static u64 wanted_features(void)
{
	struct cpuid_result r = cpuid(0xd, 0);
	u64 offered = (u64)r.d << 32 | r.a, wanted = offered & XCR0_WANTED;

	/* AVX-512 needs all its three parts, and AVX. */
	if ((wanted & 0xe4) != 0xe4) {
		wanted &= 7;
	}
	return wanted;
}

/* Which bits of MXCSR this CPU has; 0 in the image: the default. */
static void read_mxcsr_mask(void)
{
	u8 image[FXSAVE_SIZE] aligned_(16) = {0};
	u32 mask;

	__asm__ volatile("fxsave64 %0" : "=m"(image));
	memcpy(&mask, image + 28, sizeof(mask));
	mxcsr_mask = mask != 0 ? mask : 0xffbf;
}

u32 fpu_mxcsr_mask(void)
{
	return mxcsr_mask;
}

void fpu_init_cpu(void)
{
	if (cpu_features.xsave) {
		features = wanted_features();
		write_xcr0(features);
		area_size = cpuid(0xd, 0).b;
		if (area_size > PAGE_SIZE) {
			panic("fpu: %zu bytes of state a thread", area_size);
		}
	}
	__asm__ volatile("fninit");
	read_mxcsr_mask();
}

size_t fpu_area_size(void)
{
	return ALIGN_UP(area_size, (size_t)64);
}

size_t fpu_state_size(void)
{
	return area_size;
}

u64 fpu_features(void)
{
	return features;
}

void fpu_reset_area(void *area)
{
	u32 mxcsr = MXCSR_RESET;
	u16 control = CONTROL_WORD_RESET;

	/* XSTATE_BV 0: every component in its reset state; MXCSR is loaded in any case. */
	memset(area, 0, fpu_area_size());
	memcpy((char *)area, &control, sizeof(control));
	memcpy((char *)area + 24, &mxcsr, sizeof(mxcsr));
}

void fpu_reset_state(void *area)
{
	u32 mxcsr = MXCSR_RESET;

	if (!cpu_features.xsave) {
		fpu_reset_area(area);
		return;
	}
	memset((char *)area + FXSAVE_SIZE, 0, XSAVE_HEADER_END - FXSAVE_SIZE);
	memcpy((char *)area + 24, &mxcsr, sizeof(mxcsr));
}

void fpu_save(void *area)
{
	if (cpu_features.xsaveopt) {
		__asm__ volatile("xsaveopt64 (%0)" ::"r"(area), "a"((u32)features), "d"(0)
				 : "memory");
	} else {
		fpu_save_full(area);
	}
}

void fpu_save_full(void *area)
{
	if (cpu_features.xsave) {
		__asm__ volatile("xsave64 (%0)" ::"r"(area), "a"((u32)features), "d"(0)
				 : "memory");
	} else {
		__asm__ volatile("fxsave64 (%0)" ::"r"(area) : "memory");
	}
}

static bool try_restore(const void *area)
{
	u32 failed = 0;

	if (cpu_features.xsave) {
		__asm__ volatile("1:\txrstor64 (%1)\n\t"
				 "jmp 3f\n"
				 "2:\tmovl $1, %0\n"
				 "3:\n\t" EXCEPTION_ENTRY("1b", "2b", "1")
				 : "+r"(failed)
				 : "r"(area), "a"((u32)features), "d"(0)
				 : "memory");
	} else {
		__asm__ volatile("1:\tfxrstor64 (%1)\n\t"
				 "jmp 3f\n"
				 "2:\tmovl $1, %0\n"
				 "3:\n\t" EXCEPTION_ENTRY("1b", "2b", "1")
				 : "+r"(failed)
				 : "r"(area)
				 : "memory");
	}
	return failed == 0;
}

int fpu_restore(const void *area)
{
	if (likely(try_restore(area))) {
		return 0;
	}
	fpu_reset_area((void *)area);
	if (!try_restore(area)) {
		panic("fpu: the reset state is refused");
	}
	return -EINVAL;
}
