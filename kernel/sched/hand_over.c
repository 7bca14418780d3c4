// SPDX-License-Identifier: MIT
/*
 * From a thread that goes to sleep straight to one that sleeps, without the run queue in between (B6).
 *
 *   H1  Both queues are locked from the look at the two states to the switch, so it is one step: a waker of the caller comes before
 *	 it (then there is no hand-over) or finds the caller asleep; a waker of `to` likewise.
 *   H2  It is a wake-up and a sleep in all that counts: `to` is placed in the fair clock, charged and preempted as if it had been
 *	 woken, and goes on only if it would be the first of this run queue. Else it is linked there, and the first goes on.
 *   H3  `to` comes to this CPU, also where its own is idle: who handed it over leaves, and what it is to look at is here.
 */
#include "arch/cpu.h"
#include "arch/irq.h"
#include "sched/run_queue.h"

/* Both queues are locked. */
static bool is_possible(struct run_queue *from, struct run_queue *here,
			const struct sched_entity *to)
{
	return atomic_load_explicit(&to->cpu, memory_order_relaxed) == from->cpu &&
	       to != from->current && (WAKE_NORMAL >> state_of(to) & 1) &&
	       state_is_wait(state_of(here->current)) &&
	       (place_allowed(to) >> here->cpu & 1);
}

/* Interrupts off. false: nothing has been done. */
NO_THREAD_SAFETY static bool hand_over(struct sched_entity *to)
{
	struct run_queue *here = run_queue_this();
	struct run_queue *from =
		run_queue_of(atomic_load_explicit(&to->cpu, memory_order_relaxed));
	enum thread_state state;

	spin_lock_pair(&from->lock, &here->lock);
	if (!is_possible(from, here, to)) {
		spin_unlock_pair(&from->lock, &here->lock);
		return false;
	}
	state = state_of(to);
	state_change(to, state, THREAD_READY);
	from->uninterruptible -= state == THREAD_UNINTERRUPTIBLE;
	reclaim_active(from, to);
	place_set_cpu(to, here->cpu);
	if (from != here) {
		spin_unlock(&from->lock);
	}
	switch_to_sleeper(here, to);
	return true;
}

void sched_hand_over(struct sched_entity *to)
{
	enum thread_state state = state_of(sched_current());
	bool done = false;
	u64 flags;

	lock_check_may_sleep("sched_hand_over");
	if (state != THREAD_RUNNING && !sched_break_pending(state)) {
		flags = arch_irq_save();
		done = hand_over(to);
		arch_irq_restore(flags);
	}
	if (!done) {
		sched_wake(to);
		sched_block(NSEC_NEVER);
	}
}
