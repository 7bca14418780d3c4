// SPDX-License-Identifier: MIT
/*
 * Completions: see completion.h.
 *
 * `done` is set under queue.lock, and a waiter takes that lock after it has seen it
 * (wait_end): so a waiter may free the completion as soon as its wait returns,
 * although the completer is still on its way out.
 */
#include "sync/completion.h"

void completion_init(struct completion *completion)
{
	wait_queue_init(&completion->queue);
	atomic_init(&completion->done, false);
}

static int wait(struct completion *completion, enum thread_state state, nsec_t deadline)
{
	lock_check_may_sleep("completion_wait");
	return wait_until(&completion->queue, atomic_load(&completion->done), state,
			  deadline);
}

void completion_wait(struct completion *completion)
{
	wait(completion, THREAD_UNINTERRUPTIBLE, NSEC_NEVER);
}

int completion_wait_killable(struct completion *completion)
{
	return wait(completion, THREAD_KILLABLE, NSEC_NEVER);
}

int completion_wait_until(struct completion *completion, nsec_t deadline)
{
	return wait(completion, THREAD_UNINTERRUPTIBLE, deadline);
}

void completion_complete(struct completion *completion)
{
	u64 flags = spin_lock_irq(&completion->queue.lock);

	atomic_store(&completion->done, true);
	wake_some_locked(&completion->queue, ~0u, 0);
	spin_unlock_irq(&completion->queue.lock, flags);
}
