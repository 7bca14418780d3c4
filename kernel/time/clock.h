// SPDX-License-Identifier: MIT
/* The clocks. Any context. CLOCK_MONOTONIC starts at boot; CLOCK_REALTIME is it plus an offset that can be set. */
#pragma once

#include "arch/timer.h"
#include "lib/compiler.h"
#include "lib/types.h"
#include <linux/time_types.h>

void clock_init(void);
void clock_refine(
	void); /* boot's end, thread context: a better rate, time stays continuous */
static inline nsec_t clock_monotonic(void)
{
	return arch_clock_read();
}
nsec_t clock_realtime(void);
void clock_set_realtime(nsec_t now); /* thread context; wakes absolute realtime timers */
nsec_t clock_realtime_offset(void);
/* How often CLOCK_REALTIME has been set; it grows after the offset has changed, before the watchers are called. */
u64 clock_realtime_changes(void);
/* Called by clock_set_realtime() after the change, thread context: installed by who keeps absolute realtime timers. false: all
 * places are taken. */
bool clock_on_realtime_change(void (*changed)(void)) must_check;
/* Where the vDSO's data is published from now on: a zeroed page that user programs see read-only, for good. */
void clock_set_vdso_page(void *page);

/* -EINVAL unless tv_sec >= 0 and 0 <= tv_nsec < 1e9; saturates to NSEC_NEVER. */
int timespec_to_nsec(const struct __kernel_timespec *ts, nsec_t *out) must_check;
struct __kernel_timespec nsec_to_timespec(nsec_t ns);
/* a + b for b >= 0, saturating at NSEC_NEVER. */
nsec_t nsec_add(nsec_t a, nsec_t b);
