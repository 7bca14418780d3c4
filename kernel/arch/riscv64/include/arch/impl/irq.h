// SPDX-License-Identifier: MIT
#pragma once

#include "lib/types.h"

#define STATUS_INTERRUPTS 2UL /* sstatus.SIE */

static inline u64 arch_irq_save(void)
{
	u64 flags;

	__asm__ volatile("csrrci %0, sstatus, 2" : "=r"(flags)::"memory");
	return flags & STATUS_INTERRUPTS;
}

static inline void arch_irq_restore(u64 flags)
{
	if (flags & STATUS_INTERRUPTS) {
		__asm__ volatile("csrsi sstatus, 2" ::: "memory");
	} else {
		__asm__ volatile("csrci sstatus, 2" ::: "memory");
	}
}

static inline void arch_irq_enable(void)
{
	__asm__ volatile("csrsi sstatus, 2" ::: "memory");
}

static inline void arch_irq_disable(void)
{
	__asm__ volatile("csrci sstatus, 2" ::: "memory");
}

static inline bool arch_irqs_enabled(void)
{
	u64 flags;

	__asm__ volatile("csrr %0, sstatus" : "=r"(flags)::"memory");
	return (flags & STATUS_INTERRUPTS) != 0;
}
