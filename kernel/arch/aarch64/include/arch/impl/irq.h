// SPDX-License-Identifier: MIT
#pragma once

#include "lib/types.h"

#define DAIF_INTERRUPTS (1UL << 7) /* masked */

static inline u64 arch_irq_save(void)
{
	u64 flags;

	__asm__ volatile("mrs %0, daif; msr daifset, #2" : "=r"(flags)::"memory");
	return flags;
}

static inline void arch_irq_restore(u64 flags)
{
	__asm__ volatile("msr daif, %0" ::"r"(flags) : "memory");
}

static inline void arch_irq_enable(void)
{
	__asm__ volatile("msr daifclr, #2" ::: "memory");
}

static inline void arch_irq_disable(void)
{
	__asm__ volatile("msr daifset, #2" ::: "memory");
}

static inline bool arch_irqs_enabled(void)
{
	u64 flags;

	__asm__ volatile("mrs %0, daif" : "=r"(flags)::"memory");
	return (flags & DAIF_INTERRUPTS) == 0;
}
