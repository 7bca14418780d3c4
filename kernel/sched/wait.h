// SPDX-License-Identifier: MIT
/*
 * Wait queues: who is to be told when a condition may have changed.
 *
 * An entry either wakes a thread or calls a function (poll, epoll). Functions run
 * under wait_queue.lock, interrupts off: no sleeping.
 */
#pragma once

#include "core/spinlock.h"
#include "lib/errno.h"
#include "lib/list.h"
#include "sched/sched.h"
#include "time/clock.h"

struct wait_queue {
	struct spinlock lock; /* irq-safe */
	struct list entries GUARDED_BY(lock);
};

struct wait_entry {
	struct list link;
	struct sched_entity *thread; /* to wake; or NULL and: */
	void (*notify)(struct wait_entry *entry, u32 events);
	bool exclusive; /* wake_one() stops behind it */
	bool woken;     /* set by the waker; cleared when linked again */
};

static inline NO_THREAD_SAFETY void wait_queue_init(struct wait_queue *queue)
{
	spin_init(&queue->lock, RANK_WAIT_QUEUE, "wait_queue.lock");
	list_init(&queue->entries);
}
/* Link the running thread (and prepare to sleep in `state`). */
void wait_begin(struct wait_queue *queue, struct wait_entry *entry,
		enum thread_state state);
void wait_begin_exclusive(struct wait_queue *queue, struct wait_entry *entry,
			  enum thread_state state);
void wait_end(struct wait_queue *queue, struct wait_entry *entry);
/* For notify entries. */
void wait_add(struct wait_queue *queue, struct wait_entry *entry);
void wait_remove(struct wait_queue *queue, struct wait_entry *entry);
bool wait_queue_empty(struct wait_queue *queue);

/*
 * Wake all non-exclusive and up to `count` exclusive entries; `events` (EPOLLIN …, 0:
 * unknown) goes to notify. Any context. Returns how many.
 */
unsigned wake_some(struct wait_queue *queue, unsigned count, u32 events);
/* The same for a caller that holds queue->lock (to make its condition true under it). */
unsigned wake_some_locked(struct wait_queue *queue, unsigned count, u32 events)
	MUST_HOLD(&queue->lock);
static inline unsigned wake_one(struct wait_queue *queue, u32 events)
{
	return wake_some(queue, 1, events);
}
static inline unsigned wake_all(struct wait_queue *queue, u32 events)
{
	return wake_some(queue, ~0u, events);
}

/*
 * Sleep until `condition`; value: 0, -ERESTART if a signal broke the wait
 * (interruptible, killable), -ETIMEDOUT. The condition is evaluated in the state of
 * waiting: it must not sleep (a mutex inside needs its own loop with wait_begin).
 */
#define wait_until(queue, condition, state, deadline)               \
	({                                                          \
		struct wait_entry wait_entry_ = {0};                \
		nsec_t wait_deadline_ = (deadline);                 \
		int wait_result_ = 0;                               \
		for (;;) {                                          \
			wait_begin((queue), &wait_entry_, (state)); \
			if (condition) {                            \
				break;                              \
			}                                           \
			if (sched_break_pending(state)) {           \
				wait_result_ = -ERESTART;           \
				break;                              \
			}                                           \
			if (wait_deadline_ != NSEC_NEVER &&         \
			    clock_monotonic() >= wait_deadline_) {  \
				wait_result_ = -ETIMEDOUT;          \
				break;                              \
			}                                           \
			sched_block(wait_deadline_);                \
			wait_end((queue), &wait_entry_);            \
		}                                                   \
		wait_end((queue), &wait_entry_);                    \
		wait_result_;                                       \
	})
