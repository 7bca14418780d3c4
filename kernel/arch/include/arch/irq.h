// SPDX-License-Identifier: MIT
/* Contract: this CPU's interrupts, and the interrupt chips' lines. */
#pragma once

#include "lib/types.h"

static inline u64 arch_irq_save(void); /* off; returns what arch_irq_restore() takes */
static inline void arch_irq_restore(u64 flags);
static inline void arch_irq_enable(void);
static inline void arch_irq_disable(void);
static inline bool arch_irqs_enabled(void);

/*
 * Device interrupt lines (GSI, SPI, PLIC source). The port acknowledges and calls
 * entry_device_interrupt(line). Context: thread, during device setup. -EINVAL: no such line.
 */
int arch_irq_line_enable(unsigned line, bool level_triggered);
void arch_irq_line_disable(unsigned line);

/* What /proc/interrupts calls those that are no device's: as Linux does on this architecture. */
struct arch_interrupt_name {
	const char *label, *text;
};
extern const struct arch_interrupt_name arch_timer_interrupt, arch_reschedule_interrupt;

#include "arch/impl/irq.h"
