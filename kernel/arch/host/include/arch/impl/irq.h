// SPDX-License-Identifier: MIT
/* Host: a flag a virtual CPU. Turning it on delivers what is pending. */
#pragma once

#include "lib/types.h"

bool host_irqs_set(bool enabled); /* returns what it was */
bool host_irqs_enabled(void);

static inline u64 arch_irq_save(void)
{
	return host_irqs_set(false);
}

static inline void arch_irq_restore(u64 flags)
{
	host_irqs_set(flags != 0);
}

static inline void arch_irq_enable(void)
{
	host_irqs_set(true);
}

static inline void arch_irq_disable(void)
{
	host_irqs_set(false);
}

static inline bool arch_irqs_enabled(void)
{
	return host_irqs_enabled();
}
