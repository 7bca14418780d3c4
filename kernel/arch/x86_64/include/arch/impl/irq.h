// SPDX-License-Identifier: MIT
#pragma once

#include "lib/types.h"

#define X86_FLAG_INTERRUPTS (1UL << 9)

static inline u64 arch_irq_save(void)
{
	u64 flags;

	__asm__ volatile("pushfq; popq %0; cli" : "=rm"(flags)::"memory");
	return flags;
}

static inline void arch_irq_restore(u64 flags)
{
	if (flags & X86_FLAG_INTERRUPTS) {
		__asm__ volatile("sti" ::: "memory");
	} else {
		__asm__ volatile("cli" ::: "memory");
	}
}

static inline void arch_irq_enable(void)
{
	__asm__ volatile("sti" ::: "memory");
}

static inline void arch_irq_disable(void)
{
	__asm__ volatile("cli" ::: "memory");
}

static inline bool arch_irqs_enabled(void)
{
	u64 flags;

	__asm__ volatile("pushfq; popq %0" : "=rm"(flags)::"memory");
	return (flags & X86_FLAG_INTERRUPTS) != 0;
}
