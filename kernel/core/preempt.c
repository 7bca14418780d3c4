// SPDX-License-Identifier: MIT
/* The way from preempt_enable() up to the scheduler. The hook is written once, at boot. */
#include "core/preempt.h"
#include "arch/irq.h"

static void (*hook)(void);

void preempt_set_hook(void (*reschedule)(void))
{
	hook = reschedule;
}

void preempt_reschedule(void)
{
	/* With interrupts off, whoever turns them on again comes by here or by an interrupt's end. */
	if (hook && arch_irqs_enabled()) {
		hook();
	}
}
