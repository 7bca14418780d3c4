// SPDX-License-Identifier: MIT
/* Contract: time and this CPU's one-shot timer. */
#pragma once

#include "lib/types.h"

nsec_t
arch_clock_read(void); /* since boot, monotonic, the same on every CPU; any context */
/*
 * What the clock is made of, for stretches of time that are measured often and seldom asked for: units that pass one by one, the same on
 * every CPU, and as many of them in nanoseconds. Any context.
 */
u64 arch_counter_read(void);
nsec_t arch_counter_time(u64 units);
nsec_t arch_clock_realtime_at_boot(
	void); /* of the RTC: CLOCK_REALTIME when arch_clock_read() was 0 */
/* Interrupt this CPU (entry_timer_interrupt()) at `deadline` of arch_clock_read(), or at once if past; NSEC_NEVER: not at all. Interrupts off. */
void arch_timer_set(nsec_t deadline);
/* Boot's end, before the first process: measure the clock's rate better, over the time passed. The time read stays continuous. */
void arch_clock_refine(void);
/* Keep the CPU busy for `length` (device setup only). */
void arch_delay(nsec_t length);
