// SPDX-License-Identifier: MIT
/* Device interrupt lines: who handles which. Lines are never given back. */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

/*
 * Call handler(argument) for each interrupt of `line`, interrupts off, and enable the line. A line may have several handlers; all are
 * called. Context: thread, device setup. -EINVAL: no such line; -ENOSPC: too many handlers.
 */
int interrupt_register(unsigned line, bool level_triggered,
		       void (*handler)(void *argument), void *argument) must_check;
#define INTERRUPT_LINES 192
/* How often the line came to the CPU, for /proc/interrupts. Any context; a moment ago. */
u32 interrupt_count(unsigned line, unsigned cpu);
