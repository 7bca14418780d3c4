// SPDX-License-Identifier: MIT
/*
 * High-resolution one-shot timers, one red-black tree a CPU.
 * The callback runs in interrupt context, interrupts off, with no timer lock held; it may start its timer again, and wake threads.
 */
#pragma once

#include "lib/rbtree.h"
#include "lib/types.h"

struct timer {
	struct rbtree_node node;
	nsec_t deadline; /* CLOCK_MONOTONIC */
	void (*expired)(struct timer *timer);
	s32 cpu; /* whose tree it is in; -1: none. Private to time/. */
	bool running;
};

void timer_init_system(void); /* boot, each CPU's tree */
void timer_init(struct timer *timer, void (*expired)(struct timer *timer));
/* Start, or move. Any context. */
void timer_start(struct timer *timer, nsec_t deadline);
/* After return the callback neither runs nor will (waits for it if it runs on another CPU; not from the callback itself).
 * true: it was pending. No lock the callback takes may be held. */
bool timer_cancel(struct timer *timer);
/* Like timer_cancel() but never waits: -EBUSY if the callback is running now, 0 not pending, 1 was pending. */
int timer_try_cancel(struct timer *timer);
bool timer_pending(const struct timer *timer);
/* Move a CPU's next interrupt to the earliest of its timers (after idle); interrupts off. */
void timer_program(void);
