// SPDX-License-Identifier: MIT
/*
 * Going to sleep and being woken (T2).
 *
 *	sleeper					waker
 *	state = wait (1)			condition = true (3)
 *	look at the condition (2)		fence; look at the state (4)
 *	still waiting? leave the CPU		lock its queue; compare-and-set
 *
 * (1) before (2) and (3) before (4) in one total order: either the sleeper sees the
 * condition, or the waker sees the wait state. The sleeper leaves the CPU under its
 * run queue's lock, and looks at the state there once more: a waker that had the lock
 * before has made it RUNNING; one that gets it later finds the thread asleep, its
 * registers saved (Q2), and makes it READY. As only the one whose compare-and-set
 * succeeds goes on, no wake-up is doubled. Models: tests/model/wakeup_model.c, and
 * tests/model/wait_order_model.c for the fences.
 */
#include "arch/irq.h"
#include "arch/smp.h"
#include "core/panic.h"
#include "core/preempt.h"
#include "lib/errno.h"
#include "sched/run_queue.h"
#include "time/clock.h"

#define WAKE_ANY (WAKE_NORMAL | (1u << THREAD_STOPPED) | (1u << THREAD_TRACED))

void sched_prepare_wait(enum thread_state state)
{
	ASSERT(state_is_wait(state));
	state_change(sched_current(), THREAD_RUNNING, state);
	/* order.wake: pairs with sched_wake_mask(); order.poll: pairs with wake_some() */
	atomic_thread_fence(memory_order_seq_cst);
}

void sched_finish_wait(void)
{
	struct sched_entity *self = sched_current();

	/*
	 * Fails if a waker was faster, and then it is RUNNING as well. A preemption
	 * leaves it RUNNING too.
	 */
	for (;;) {
		enum thread_state state = state_of(self);

		if (state == THREAD_RUNNING ||
		    state_try_change(self, state, THREAD_RUNNING)) {
			return;
		}
	}
}

void sched_block(nsec_t deadline)
{
	struct sched_entity *self = sched_current();
	enum thread_state state = state_of(self);
	u64 flags;

	lock_check_may_sleep("sched_block");
	if (state == THREAD_RUNNING || sched_break_pending(state) ||
	    (deadline != NSEC_NEVER && clock_monotonic() >= deadline)) {
		sched_finish_wait();
		return;
	}
	if (deadline != NSEC_NEVER) {
		timer_start_with_slack(&self->sleep_timer, deadline,
				       READ_ONCE(self->timer_slack_ns));
	}
	flags = arch_irq_save();
	if (state_of(self) != THREAD_RUNNING) {
		switch_away(false);
	}
	arch_irq_restore(flags);
	if (deadline != NSEC_NEVER) {
		timer_cancel(&self->sleep_timer);
	}
}

bool sched_break_pending(enum thread_state state)
{
	u32 breaks = atomic_load(&sched_current()->breaks);

	switch (state) {
	case THREAD_INTERRUPTIBLE:
		return breaks & (BREAK_SIGNAL | BREAK_KILL);
	case THREAD_KILLABLE:
	case THREAD_STOPPED:
	case THREAD_TRACED:
		return breaks & BREAK_KILL;
	default:
		return false;
	}
}

static bool matches(const struct sched_entity *entity, u32 state_mask)
{
	return state_mask >> atomic_load(&entity->state) & 1;
}

/*
 * Locks of its queue and of the one it shall go to. Returns false if that plan is out
 * of date.
 */
NO_THREAD_SAFETY static bool lock_plan(struct sched_entity *entity, unsigned from,
				       unsigned to)
{
	spin_lock_pair(&run_queue_of(from)->lock, &run_queue_of(to)->lock);
	if (atomic_load_explicit(&entity->cpu, memory_order_relaxed) == from &&
	    (place_allowed(entity) >> to & 1)) {
		return true;
	}
	spin_unlock_pair(&run_queue_of(from)->lock, &run_queue_of(to)->lock);
	place_release(to);
	return false;
}

/* Both queues are locked. */
static bool wake_locked(struct sched_entity *entity, struct run_queue *from,
			struct run_queue *to, u32 state_mask)
{
	enum thread_state state = state_of(entity);

	for (; state_mask >> state & 1; state = state_of(entity)) {
		if (entity == from->current) {
			/*
			 * It may give up the wait itself at this moment: then look
			 * again.
			 */
			if (state_try_change(entity, state, THREAD_RUNNING)) {
				place_release(to->cpu);
				return true;
			}
			continue;
		}
		state_change(entity, state, THREAD_READY);
		from->uninterruptible -= state == THREAD_UNINTERRUPTIBLE;
		reclaim_active(from, entity);
		place_set_cpu(entity, to->cpu);
		run_queue_enqueue(to, entity,
				  state == THREAD_CREATING ? ATTACH_NEW : ATTACH_WOKEN);
		return true;
	}
	place_release(to->cpu);
	return false;
}

NO_THREAD_SAFETY static bool wake(struct sched_entity *entity, u32 state_mask,
				  unsigned (*choose)(struct sched_entity *entity,
						     unsigned previous_cpu))
{
	u64 flags = arch_irq_save();
	unsigned from, to;
	bool woken;

	do {
		from = atomic_load_explicit(&entity->cpu, memory_order_relaxed);
		to = choose(entity, from);
	} while (!lock_plan(entity, from, to));
	woken = wake_locked(entity, run_queue_of(from), run_queue_of(to), state_mask);
	spin_unlock_pair(&run_queue_of(from)->lock, &run_queue_of(to)->lock);
	if (run_queue_waiting(run_queue_of(to))) {
		balance_push_urgent(run_queue_of(to));
	}
	arch_irq_restore(flags);
	return woken;
}

bool sched_wake_mask(struct sched_entity *entity, u32 state_mask)
{
	bool woken;

	/* order.wake: pairs with sched_prepare_wait() */
	atomic_thread_fence(memory_order_seq_cst);
	if (!matches(entity, state_mask)) {
		return false;
	}
	woken = wake(entity, state_mask, place_choose);
	if (arch_need_reschedule()) {
		preempt_disable();
		preempt_enable(); /* the chance that arch_irq_restore() did not take */
	}
	return woken;
}

void sched_start(struct sched_entity *entity)
{
	ASSERT(state_of(entity) == THREAD_CREATING);
	wake(entity, 1u << THREAD_CREATING, place_choose);
}

void sched_start_and_sleep(struct sched_entity *entity)
{
	ASSERT(state_of(entity) == THREAD_CREATING);
	wake(entity, 1u << THREAD_CREATING, place_in_my_stead);
}

void sched_sleep_expired(struct timer *timer)
{
	sched_wake_mask(container_of(timer, struct sched_entity, sleep_timer), WAKE_ANY);
}

void sched_break(struct sched_entity *entity, u32 breaks)
{
	u32 mask = 1u << THREAD_INTERRUPTIBLE;

	if (breaks & BREAK_KILL) {
		mask |= 1u << THREAD_KILLABLE | 1u << THREAD_STOPPED |
			1u << THREAD_TRACED;
	}
	atomic_fetch_or(&entity->breaks, breaks);
	if (!sched_wake_mask(entity, mask)) {
		sched_nudge(entity);
	}
}

/*
 * Whoever comes to a CPU takes its queue's lock first, and looks at its breaks and its work after that. So either it comes behind this
 * look, and sees what the caller has set; or it is found, and interrupted. Without the lock neither need be.
 */
void sched_nudge(struct sched_entity *entity)
{
	u64 flags;
	/* order.break: pairs with switch_away() and what comes behind it, entry_user_return() */
	struct run_queue *queue = run_queue_lock_of(entity, &flags);

	if (queue->current == entity && queue->cpu != arch_cpu_number()) {
		arch_ipi_send(queue->cpu, IPI_RESCHEDULE);
	}
	run_queue_unlock(queue, flags);
}

void sched_clear_break(struct sched_entity *entity, u32 breaks)
{
	atomic_fetch_and(&entity->breaks, ~breaks);
}

int sched_sleep_until(nsec_t deadline, enum thread_state state)
{
	for (;;) {
		bool broken;

		sched_prepare_wait(state);
		broken = sched_break_pending(state);
		if (broken || clock_monotonic() >= deadline) {
			sched_finish_wait();
			return broken && clock_monotonic() < deadline ? -EINTR : 0;
		}
		sched_block(deadline);
		sched_finish_wait();
	}
}
