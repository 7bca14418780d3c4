// SPDX-License-Identifier: MIT
/*
 * On which CPU a thread goes on.
 *
 * A woken thread goes to the CPU it ran on if that one is idle, else to an idle one
 * it may use, else it stays; a real-time thread may instead take the CPU with the
 * least important thread; a new one goes where the fewest are. An idle CPU is claimed
 * by taking its bit, so that two wake-ups at once do not both send their thread to
 * it.
 *
 * Everything here is a hint, made without locks, except that the CPU is in the
 * affinity mask: the caller checks that again under the run queue's lock.
 */
#include "arch/irq.h"
#include "arch/smp.h"
#include "core/panic.h"
#include "sched/run_queue.h"

STATIC_ASSERT(MAX_CPUS <= 64); /* one word holds a mask */

static _Atomic u64 online_cpus, idle_cpus;

void place_set_cpu(struct sched_entity *entity, unsigned cpu)
{
	if (atomic_load_explicit(&entity->cpu, memory_order_relaxed) == cpu) {
		return;
	}
	atomic_store_explicit(&entity->cpu, cpu, memory_order_relaxed);
	if (entity->move_work) {
		atomic_fetch_or_explicit(&entity->return_work, entity->move_work,
					 memory_order_relaxed);
	}
}

bool cpu_is_online(unsigned cpu)
{
	return cpu < MAX_CPUS && (atomic_load(&online_cpus) >> cpu & 1);
}

void place_cpu_online(unsigned cpu)
{
	atomic_fetch_or(&online_cpus, 1ull << cpu);
}

void place_mark_idle(unsigned cpu, bool idle)
{
	u64 bit = 1ull << cpu;

	if (idle) {
		atomic_fetch_or(&idle_cpus, bit);
	} else if (atomic_load_explicit(&idle_cpus, memory_order_relaxed) & bit) {
		atomic_fetch_and(&idle_cpus, ~bit);
	}
}

u64 place_online(void)
{
	return atomic_load_explicit(&online_cpus, memory_order_relaxed);
}

u64 place_allowed(const struct sched_entity *entity)
{
	return READ_ONCE(entity->affinity.bits[0]) &
	       atomic_load_explicit(&online_cpus, memory_order_relaxed);
}

static bool claim_idle(unsigned cpu)
{
	u64 bit = 1ull << cpu;

	return atomic_fetch_and(&idle_cpus, ~bit) & bit;
}

static u64 current_rank(unsigned cpu)
{
	return atomic_load_explicit(&run_queue_of(cpu)->current_rank,
				    memory_order_relaxed);
}

/* A claim that came to nothing. */
void place_release(unsigned cpu)
{
	if (current_rank(cpu) == 0) {
		place_mark_idle(cpu, true);
	}
}

static u64 attached(unsigned cpu)
{
	return atomic_load_explicit(&run_queue_of(cpu)->attached, memory_order_relaxed);
}

/* The CPU of `mask` with the smallest value, `preferred` among equals. */
static unsigned least(u64 mask, unsigned preferred, u64 (*value)(unsigned cpu))
{
	unsigned best =
		mask >> preferred & 1 ? preferred : (unsigned)__builtin_ctzll(mask);

	for (; mask; mask &= mask - 1) {
		unsigned cpu = (unsigned)__builtin_ctzll(mask);

		if (value(cpu) < value(best)) {
			best = cpu;
		}
	}
	return best;
}

unsigned place_choose(struct sched_entity *entity, unsigned previous_cpu)
{
	u64 allowed = place_allowed(entity);
	u64 idle = allowed & atomic_load_explicit(&idle_cpus, memory_order_relaxed);

	if (!allowed) {
		return previous_cpu; /* the mask is being changed; the caller looks again */
	}
	if (idle >> previous_cpu & 1 && claim_idle(previous_cpu)) {
		return previous_cpu;
	}
	for (; idle; idle &= idle - 1) {
		unsigned cpu = (unsigned)__builtin_ctzll(idle);

		if (claim_idle(cpu)) {
			return cpu;
		}
	}
	if (!entity_is_fair(entity)) {
		return least(allowed, previous_cpu, current_rank);
	}
	if (state_of(entity) == THREAD_CREATING || !(allowed >> previous_cpu & 1)) {
		return least(allowed, previous_cpu, attached);
	}
	return previous_cpu;
}

unsigned place_in_my_stead(struct sched_entity *entity, unsigned previous_cpu)
{
	unsigned here = arch_cpu_number();

	if ((place_allowed(entity) >> here & 1) && attached(here) == 1) {
		return here;
	}
	return place_choose(entity, previous_cpu);
}

NO_THREAD_SAFETY void place_pushed(struct sched_entity *entity)
{
	unsigned from = atomic_load_explicit(&entity->cpu, memory_order_relaxed);
	struct run_queue *old = run_queue_of(from);
	bool placed = false;

	/* Only we may change entity->cpu: nobody else holds it (Q1). */
	while (!placed) {
		unsigned to = place_choose(entity, from);
		struct run_queue *queue = run_queue_of(to);
		u64 flags = arch_irq_save();

		spin_lock_pair(&old->lock, &queue->lock);
		if (place_allowed(entity) >> to & 1) {
			place_set_cpu(entity, to);
			run_queue_enqueue(queue, entity, ATTACH_MOVED);
			placed = true;
		} else {
			place_release(to);
		}
		spin_unlock_pair(&old->lock, &queue->lock);
		balance_push_urgent(queue);
		arch_irq_restore(flags);
	}
}

void place_nudge_idle(struct run_queue *queue)
{
	u64 idle = atomic_load_explicit(&idle_cpus, memory_order_relaxed);
	struct rbtree_node *node;

	if (!idle) {
		return;
	}
	node = rbtree_last(&queue->fair);
	if (!node) {
		node = rbtree_last(&queue->realtime);
	}
	if (!node) {
		node = rbtree_last(&queue->deadline);
	}
	idle &= place_allowed(rbtree_entry(node, struct sched_entity, node));
	if (idle) {
		unsigned cpu = (unsigned)__builtin_ctzll(idle);

		if (claim_idle(cpu)) {
			arch_ipi_send(cpu, IPI_RESCHEDULE);
		}
	}
}
