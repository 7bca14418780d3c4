// SPDX-License-Identifier: MIT
/*
 * High-resolution one-shot timers, one red-black tree a CPU.
 * The callback runs in interrupt context, interrupts off, with no timer lock held; it may start its timer again, and wake threads.
 */
#pragma once

#include "lib/rbtree.h"
#include "lib/types.h"
#include <stdatomic.h>

struct timer {
	struct rbtree_node node; /* the queue's lock */
	nsec_t deadline;         /* CLOCK_MONOTONIC; the queue's lock */
	nsec_t soonest; /* it may run from then on, if the CPU is interrupted anyway; likewise */
	void (*expired)(struct timer *timer);
	_Atomic s32
		cpu; /* the queue it was last in; TIMER_NOWHERE: never in one. Private to time/. */
};

void timer_init_system(void); /* boot, each CPU's tree */
void timer_init(struct timer *timer, void (*expired)(struct timer *timer));
/* Start, or move. Any context. */
void timer_start(struct timer *timer, nsec_t deadline);
/* The same, but it need not have an interrupt of its own before soonest + slack_ns: timers that can wait share one. */
void timer_start_with_slack(struct timer *timer, nsec_t soonest, u64 slack_ns);
/* After return the callback neither runs nor will (waits for it if it runs on another CPU; not from the callback itself).
 * true: it was pending. No lock the callback takes may be held. */
bool timer_cancel(struct timer *timer);
/* Like timer_cancel() but never waits: -EBUSY if the callback is running now (it will not run again unless it starts its timer
 * itself), 0 not pending, 1 was pending. */
int timer_try_cancel(struct timer *timer);
/* A moment ago; exact for who alone starts and cancels it. */
bool timer_pending(const struct timer *timer);
/* How often the CPU's timer has interrupted it, for /proc. Any context; a moment ago. */
u64 timer_interrupt_count(unsigned cpu);
/* Move a CPU's next interrupt to the earliest of its timers (after idle); interrupts off. */
void timer_program(void);

/*
 * The scheduler's own deadline on this CPU: a number instead of a timer, so that setting it at each switch costs next to nothing.
 * Interrupts off; NSEC_NEVER: none. An earlier interrupt that is already programmed stays: it finds nothing due.
 */
void timer_set_tick(nsec_t deadline);
/* Called when it is reached, interrupts off, no lock held; the deadline is NSEC_NEVER again by then. Installed at boot. */
void timer_set_tick_hook(void (*tick)(void));
