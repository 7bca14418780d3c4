// SPDX-License-Identifier: MIT
/*
 * Moving waiting threads between CPUs: an idle CPU pulls from the fullest; a full one
 * pushes to the emptiest when a slice ends.
 */
#include "arch/irq.h"
#include "sched/run_queue.h"

enum { BALANCE_LOOK_AT = 32 };

static u32 attached(unsigned cpu)
{
	return atomic_load_explicit(&run_queue_of(cpu)->attached, memory_order_relaxed);
}

/*
 * A linked thread of `from` that may run on `cpu`: the one that would wait longest.
 * Both queues locked.
 */
static struct sched_entity *candidate(struct run_queue *from, unsigned cpu)
{
	struct rbtree_node *node = rbtree_first(&from->realtime);
	unsigned looked_at = 0;

	for (; node && looked_at++ < BALANCE_LOOK_AT; node = rbtree_next(node)) {
		struct sched_entity *entity =
			rbtree_entry(node, struct sched_entity, node);

		if (cpumask_test(&entity->affinity, cpu)) {
			return entity;
		}
	}
	node = rbtree_last(&from->fair);
	for (looked_at = 0; node && looked_at++ < BALANCE_LOOK_AT;
	     node = rbtree_previous(node)) {
		struct sched_entity *entity =
			rbtree_entry(node, struct sched_entity, node);

		if (cpumask_test(&entity->affinity, cpu)) {
			return entity;
		}
	}
	return NULL;
}

/* Move one thread if there is one to move and it helps. Interrupts off. */
NO_THREAD_SAFETY static bool move_one(struct run_queue *from, struct run_queue *to,
				      u32 excess)
{
	struct sched_entity *entity = NULL;

	spin_lock_pair(&from->lock, &to->lock);
	if (from->current != from->idle &&
	    attached(from->cpu) >= attached(to->cpu) + excess) {
		entity = candidate(from, to->cpu);
	}
	if (entity) {
		run_queue_unlink(from, entity);
		run_queue_detach(from, entity);
		place_set_cpu(entity, to->cpu);
		run_queue_enqueue(to, entity, ATTACH_MOVED);
	}
	spin_unlock_pair(&from->lock, &to->lock);
	return entity;
}

bool balance_pull(struct run_queue *idle)
{
	u64 tried = 1ull << idle->cpu;

	for (;;) {
		unsigned busiest = MAX_CPUS;
		u32 most = 1;

		for (unsigned cpu = 0; cpu_is_online(cpu); cpu++) {
			if (!(tried >> cpu & 1) && attached(cpu) > most) {
				most = attached(cpu);
				busiest = cpu;
			}
		}
		if (busiest == MAX_CPUS) {
			return false;
		}
		if (move_one(run_queue_of(busiest), idle, 2)) {
			return true;
		}
		tried |= 1ull << busiest;
	}
}

void balance_push(struct run_queue *busy)
{
	unsigned emptiest = busy->cpu;

	for (unsigned cpu = 0; cpu_is_online(cpu); cpu++) {
		if (attached(cpu) < attached(emptiest)) {
			emptiest = cpu;
		}
	}
	if (attached(busy->cpu) >= attached(emptiest) + 2) {
		move_one(busy, run_queue_of(emptiest), 2);
	}
}
