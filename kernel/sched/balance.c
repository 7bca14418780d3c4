// SPDX-License-Identifier: MIT
/*
 * Moving waiting threads between CPUs: an idle CPU pulls from the fullest, or what another idle one was sent for and does not
 * come for: a halted CPU of a virtual machine may be late by milliseconds. A full one pushes to the emptiest when a slice ends.
 *
 * Urgent ones (deadline, real-time) are to run where they come first, so that of all there are the most urgent run (Q4): who links
 * one and does not run it offers it to the CPU with the least urgent work, and a CPU whose work becomes less urgent asks the others.
 * Either has written its own rank before it reads the other's, with a fence between: of the two at least one sees the other.
 */
#include "arch/irq.h"
#include "sched/run_queue.h"
#include "time/clock.h"

enum { BALANCE_LOOK_AT = 32 };
#define LATE_NS (20 * NSEC_PER_USEC) /* an interrupt takes less to wake a CPU */

static u32 attached(unsigned cpu)
{
	return atomic_load_explicit(&run_queue_of(cpu)->attached, memory_order_relaxed);
}

/* The next in a tree that may run on `cpu`, from `node` on. */
static struct sched_entity *
look_for(struct rbtree_node *node, unsigned cpu,
	 struct rbtree_node *(*next)(const struct rbtree_node *node))
{
	for (unsigned i = 0; node && i < BALANCE_LOOK_AT; node = next(node), i++) {
		struct sched_entity *entity =
			rbtree_entry(node, struct sched_entity, node);

		if (cpumask_test(&entity->affinity, cpu)) {
			return entity;
		}
	}
	return NULL;
}

/* The first deadline or real-time thread that is linked and may run on `cpu`. Locked. */
static struct sched_entity *urgent_candidate(struct run_queue *from, unsigned cpu)
{
	struct sched_entity *entity =
		look_for(rbtree_first(&from->deadline), cpu, rbtree_next);

	return entity ? entity
		      : look_for(rbtree_first(&from->realtime), cpu, rbtree_next);
}

/*
 * A linked thread of `from` that may run on `cpu`: an urgent one, or the one that would wait longest.
 * Both queues locked.
 */
static struct sched_entity *candidate(struct run_queue *from, unsigned cpu)
{
	struct sched_entity *entity = urgent_candidate(from, cpu);

	return entity ? entity : look_for(rbtree_last(&from->fair), cpu, rbtree_previous);
}

/* Both queues locked. */
static void move(struct sched_entity *entity, struct run_queue *from,
		 struct run_queue *to)
{
	run_queue_unlink(from, entity);
	run_queue_detach(from, entity);
	place_set_cpu(entity, to->cpu);
	run_queue_enqueue(to, entity, ATTACH_MOVED);
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
		move(entity, from, to);
	}
	spin_unlock_pair(&from->lock, &to->lock);
	return entity;
}

/* The idle CPU not in `tried` that was sent for first, long enough ago that it should have come; MAX_CPUS: none. */
static unsigned first_late(u64 tried)
{
	nsec_t oldest = clock_monotonic() - LATE_NS;
	unsigned found = MAX_CPUS;

	for (unsigned cpu = 0; cpu_is_online(cpu); cpu++) {
		nsec_t called = atomic_load_explicit(&run_queue_of(cpu)->called,
						     memory_order_relaxed);

		if (!(tried >> cpu & 1) && called && called <= oldest) {
			oldest = called;
			found = cpu;
		}
	}
	return found;
}

/* What waits for a CPU that is late, the first of it that may run on `to`. Interrupts off. */
NO_THREAD_SAFETY static bool take_over(struct run_queue *late, struct run_queue *to)
{
	struct sched_entity *entity = NULL;

	spin_lock_pair(&late->lock, &to->lock);
	if (late->current == late->idle) {
		entity = urgent_candidate(late, to->cpu);
		entity = entity ? entity
				: look_for(rbtree_first(&late->fair), to->cpu,
					   rbtree_next);
	}
	if (entity) {
		move(entity, late, to);
	}
	if (!run_queue_first(late)) {
		atomic_store_explicit(&late->called, 0, memory_order_relaxed);
	}
	spin_unlock_pair(&late->lock, &to->lock);
	return entity;
}

static bool pull_late(struct run_queue *idle)
{
	u64 tried = 1ull << idle->cpu;
	unsigned late;

	while ((late = first_late(tried)) != MAX_CPUS) {
		if (take_over(run_queue_of(late), idle)) {
			return true;
		}
		tried |= 1ull << late;
	}
	return false;
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
			return pull_late(idle);
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

static u64 current_rank(unsigned cpu)
{
	return atomic_load_explicit(&run_queue_of(cpu)->current_rank,
				    memory_order_relaxed);
}

/* One that waits on `from`, and comes before what `to` runs. Interrupts off. true: it was moved. */
NO_THREAD_SAFETY static bool move_urgent(struct run_queue *from, struct run_queue *to)
{
	struct sched_entity *entity;
	bool moved = false;

	spin_lock_pair(&from->lock, &to->lock);
	entity = urgent_candidate(from, to->cpu);
	if (entity && entity_rank(entity) > current_rank(to->cpu) &&
	    entity_rank(entity) <= current_rank(from->cpu)) {
		move(entity, from, to);
		moved = true;
	}
	spin_unlock_pair(&from->lock, &to->lock);
	return moved;
}

/* The CPU not in `tried` with the least urgent work, if that is less than `rank`; else MAX_CPUS. */
static unsigned least_urgent(u64 tried, u64 rank)
{
	unsigned found = MAX_CPUS;

	for (unsigned cpu = 0; cpu_is_online(cpu); cpu++) {
		if (!(tried >> cpu & 1) && current_rank(cpu) < rank) {
			rank = current_rank(cpu);
			found = cpu;
		}
	}
	return found;
}

void balance_push_urgent(struct run_queue *queue)
{
	u64 tried = 1ull << queue->cpu;
	unsigned to;

	atomic_thread_fence(
		memory_order_seq_cst); // order.urgent: pairs with balance_pull_urgent()
	while ((to = least_urgent(tried, run_queue_waiting(queue))) != MAX_CPUS) {
		tried |= 1ull << to;
		move_urgent(queue, run_queue_of(to));
	}
}

/* The CPU not in `tried` where the most urgent waits, if that is more than `rank`; else MAX_CPUS. */
static unsigned most_urgent(u64 tried, u64 rank)
{
	unsigned found = MAX_CPUS;

	for (unsigned cpu = 0; cpu_is_online(cpu); cpu++) {
		u64 waiting = run_queue_waiting(run_queue_of(cpu));

		if (!(tried >> cpu & 1) && waiting > rank) {
			rank = waiting;
			found = cpu;
		}
	}
	return found;
}

void balance_pull_urgent(struct run_queue *queue)
{
	u64 tried = 1ull << queue->cpu;
	bool moved = false;
	unsigned from;

	atomic_thread_fence(
		memory_order_seq_cst); // order.urgent: pairs with balance_push_urgent()
	while (!moved &&
	       (from = most_urgent(tried, current_rank(queue->cpu))) != MAX_CPUS) {
		tried |= 1ull << from;
		moved = move_urgent(run_queue_of(from), queue);
	}
}
