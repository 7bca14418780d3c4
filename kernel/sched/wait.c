// SPDX-License-Identifier: MIT
/*
 * Wait queues: see wait.h.
 *
 * Locks  wait_queue.lock (irq-safe)  >  run_queue.lock
 *
 *   W1  A thread's entry is linked until a waker of it unlinks it, or wait_end();
 *       both under wait_queue.lock. After wait_end() nobody touches the entry, and no
 *       waker that found the thread there still looks at the queue.
 *   W2  A thread is woken at most once per wait_begin(): the waker that makes it
 *       runnable unlinks it.
 *
 * An exclusive entry whose thread cannot be woken (it is awake already: timed out,
 * broken, or preempted before its sleep) does not use up a wake-up: the next one gets
 * it too. Such a thread looks at its condition again.
 */
#include "sched/wait.h"

static bool linked(const struct wait_entry *entry)
{
	return entry->link.next && !list_empty(&entry->link);
}

static void begin(struct wait_queue *queue, struct wait_entry *entry,
		  enum thread_state state, bool exclusive)
{
	u64 flags = spin_lock_irq(&queue->lock);

	entry->thread = sched_current();
	entry->exclusive = exclusive;
	if (!linked(entry)) {
		entry->woken = false;
		if (exclusive) {
			list_push_back(&queue->entries, &entry->link);
		} else {
			list_push_front(&queue->entries, &entry->link);
		}
	}
	sched_finish_wait(); /* it may still wait from the round before */
	sched_prepare_wait(state);
	spin_unlock_irq(&queue->lock, flags);
}

void wait_begin(struct wait_queue *queue, struct wait_entry *entry,
		enum thread_state state)
{
	begin(queue, entry, state, false);
}

void wait_begin_exclusive(struct wait_queue *queue, struct wait_entry *entry,
			  enum thread_state state)
{
	begin(queue, entry, state, true);
}

void wait_end(struct wait_queue *queue, struct wait_entry *entry)
{
	sched_finish_wait();
	wait_remove(queue, entry);
}

void wait_add(struct wait_queue *queue, struct wait_entry *entry)
{
	u64 flags = spin_lock_irq(&queue->lock);

	entry->woken = false;
	list_push_front(&queue->entries, &entry->link);
	spin_unlock_irq(&queue->lock, flags);
	/* The caller looks at its condition now, perhaps without a lock. */
	atomic_thread_fence(
		memory_order_seq_cst); /* order.poll: pairs with wake_some() */
}

/*
 * The lock is taken even if the entry is unlinked already: its waker may still hold it
 * (W1).
 */
void wait_remove(struct wait_queue *queue, struct wait_entry *entry)
{
	u64 flags = spin_lock_irq(&queue->lock);

	if (linked(entry)) {
		list_remove(&entry->link);
	}
	spin_unlock_irq(&queue->lock, flags);
}

NO_THREAD_SAFETY bool wait_queue_empty(struct wait_queue *queue)
{
	return READ_ONCE(queue->entries.next) == &queue->entries;
}

unsigned wake_some_locked(struct wait_queue *queue, unsigned count, u32 events)
{
	struct wait_entry *entry, *following;
	unsigned woken = 0;

	list_for_each_safe(entry, following, &queue->entries, link) {
		if (!entry->thread) {
			entry->woken = true;
			woken++;
			entry->notify(entry, events);
		} else if (sched_wake(entry->thread)) {
			list_remove(&entry->link);
			entry->woken = true;
			woken++;
			if (entry->exclusive && --count == 0) {
				break;
			}
		}
	}
	return woken;
}

unsigned wake_some(struct wait_queue *queue, unsigned count, u32 events)
{
	unsigned woken;
	u64 flags;

	/*
	 * The waker's side of the race in wake.c: whoever links an entry after this
	 * sees the condition. order.poll: pairs with wait_add(), wait_for_any(), modify_item(),
	 * and sched_prepare_wait()
	 */
	atomic_thread_fence(memory_order_seq_cst);
	if (wait_queue_empty(queue)) {
		return 0;
	}
	flags = spin_lock_irq(&queue->lock);
	woken = wake_some_locked(queue, count, events);
	spin_unlock_irq(&queue->lock, flags);
	return woken;
}
