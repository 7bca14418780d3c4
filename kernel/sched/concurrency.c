// SPDX-License-Identifier: MIT
/*
 * Handing out concurrency numbers, and the note to who is switched in that its CPU and its number may be others.
 *
 *   N1  A thread of a set has a number exactly while it is a CPU's current thread; no two have the same.
 *   N2  A CPU gives the leaving thread's number back before it takes one for the next: of MAX_CPUS numbers one is free.
 *   N3  What a thread did with number n happens before what the next one does with it: it is given back with
 *	 release and taken with acquire, or passed on by the same CPU.
 *   N4  return_work is set after the switch was decided and before the thread can look: it passes entry_user_return() behind.
 */
#include "arch/irq.h"
#include "core/panic.h"
#include "sched/run_queue.h"

static void give_back(struct sched_entity *entity)
{
	if (entity->concurrency) {
		/* N3. order.concurrency: pairs with take_lowest() */
		atomic_fetch_and_explicit(&entity->concurrency->used,
					  ~(1UL << entity->concurrency_number),
					  memory_order_release);
	}
}

static void take_lowest(struct sched_entity *entity)
{
	_Atomic u64 *used = &entity->concurrency->used;
	u64 seen = atomic_load_explicit(used, memory_order_relaxed);
	u64 bit;

	do {
		ASSERT(~seen != 0); /* N2 */
		bit = ~seen & (seen + 1);
		/* N3. order.concurrency: pairs with give_back() */
	} while (!atomic_compare_exchange_weak_explicit(
		used, &seen, seen | bit, memory_order_acquire, memory_order_relaxed));
	entity->concurrency_number = (u32)__builtin_ctzl(bit);
}

void concurrency_switch(struct sched_entity *previous, struct sched_entity *next)
{
	if (previous->concurrency == next->concurrency) {
		next->concurrency_number = previous->concurrency_number;
	} else {
		give_back(previous);
		if (next->concurrency) {
			take_lowest(next);
		}
	}
	if (next->switch_work) {
		atomic_fetch_or_explicit(&next->return_work, next->switch_work,
					 memory_order_relaxed);
	}
}

void sched_prepare_concurrency(struct sched_entity *entity, struct concurrency_set *set,
			       u32 work)
{
	entity->concurrency = set;
	entity->switch_work = work;
}

void sched_join_concurrency(struct concurrency_set *set, u32 work)
{
	struct sched_entity *self = sched_current();
	u64 flags = arch_irq_save();

	give_back(self);
	sched_prepare_concurrency(self, set, work);
	if (set) {
		take_lowest(self);
	}
	atomic_fetch_or_explicit(&self->return_work, work, memory_order_relaxed);
	arch_irq_restore(flags);
}

u32 sched_concurrency_number(void)
{
	return READ_ONCE(sched_current()->concurrency_number);
}
