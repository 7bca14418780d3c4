// SPDX-License-Identifier: MIT
/* Single instructions C has no words for. */
#pragma once

#include "lib/types.h"

#define READ_REGISTER(name)                                                             \
	({                                                                              \
		u64 register_value_;                                                    \
		__asm__ volatile("mrs %0, " name : "=r"(register_value_) : : "memory"); \
		register_value_;                                                        \
	})
#define WRITE_REGISTER(name, value) \
	__asm__ volatile("msr " name ", %0" ::"r"((u64)(value)) : "memory")

/* GICv3's, by number: the assembler wants to be told of it otherwise. */
#define ICC_PMR_EL1     "s3_0_c4_c6_0"
#define ICC_IAR1_EL1    "s3_0_c12_c12_0"
#define ICC_EOIR1_EL1   "s3_0_c12_c12_1"
#define ICC_BPR1_EL1    "s3_0_c12_c12_3"
#define ICC_CTLR_EL1    "s3_0_c12_c12_4"
#define ICC_SRE_EL1     "s3_0_c12_c12_5"
#define ICC_IGRPEN1_EL1 "s3_0_c12_c12_7"
#define ICC_SGI1R_EL1   "s3_0_c12_c11_5"
#define RNDR            "s3_3_c2_c4_0"
/* SVE's, likewise. */
#define ID_AA64ZFR0_EL1 "s3_0_c0_c4_4"
#define ZCR_EL1         "s3_0_c1_c2_0"

static inline u64 read_counter(void)
{
	u64 value;

	/* Not before what was read earlier. */
	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(value)::"memory");
	return value;
}

static inline void instruction_barrier(void)
{
	__asm__ volatile("isb" ::: "memory");
}

static inline void data_barrier(void)
{
	__asm__ volatile("dsb ish" ::: "memory");
}
