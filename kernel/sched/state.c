// SPDX-License-Identifier: MIT
/*
 * The state word and its transition table (T2).
 *
 * Ordering: every change is sequentially consistent. sched_prepare_wait() stores the
 * wait state and then the sleeper reads its condition; a waker stores the condition
 * and then, behind a fence, reads the state (sched_wake_mask). One of the two sees
 * the other: tests/model/wakeup_model.c.
 */
#include "core/panic.h"
#include "sched/run_queue.h"

#define BIT(state) (1u << (state))
#define WAITS                                               \
	(BIT(THREAD_INTERRUPTIBLE) | BIT(THREAD_KILLABLE) | \
	 BIT(THREAD_UNINTERRUPTIBLE) | BIT(THREAD_STOPPED) | BIT(THREAD_TRACED))
#define AWAKE (BIT(THREAD_READY) | BIT(THREAD_RUNNING))

static const u32 allowed_next[THREAD_STATES] = {
	[THREAD_CREATING] = BIT(THREAD_READY) | BIT(THREAD_DEAD),
	[THREAD_READY] = BIT(THREAD_RUNNING),
	[THREAD_RUNNING] =
		BIT(THREAD_READY) | WAITS | BIT(THREAD_ZOMBIE) | BIT(THREAD_DEAD),
	[THREAD_INTERRUPTIBLE] = AWAKE,
	[THREAD_KILLABLE] = AWAKE,
	[THREAD_UNINTERRUPTIBLE] = AWAKE,
	[THREAD_STOPPED] = AWAKE,
	[THREAD_TRACED] = AWAKE,
	[THREAD_ZOMBIE] = BIT(THREAD_DEAD),
	[THREAD_DEAD] = 0,
};

bool state_is_wait(u32 state)
{
	return WAITS & BIT(state);
}

bool state_try_change(struct sched_entity *entity, enum thread_state from,
		      enum thread_state to)
{
	u32 expected = from;

	ASSERT(from < THREAD_STATES && (allowed_next[from] & BIT(to)));
	return atomic_compare_exchange_strong(&entity->state, &expected, to);
}

void state_change(struct sched_entity *entity, enum thread_state from,
		  enum thread_state to)
{
	bool changed = state_try_change(entity, from, to);

	ASSERT(changed);
}
