// SPDX-License-Identifier: MIT
/*
 * The fair class: weighted virtual deadlines (D2).
 *
 * Each thread has a virtual runtime: its CPU time times 1024 / weight. It may ask for
 * a slice at a time, and the deadline of the request is virtual runtime + slice /
 * weight; the thread with the earliest deadline runs. As everybody's requests are of
 * one size, virtual runtimes stay within about a slice of each other, so CPU time
 * goes by weight. The queue's clock is the average virtual runtime by weight. A
 * thread that sleeps keeps its lag (clock - virtual runtime), bounded, so that
 * sleeping neither earns nor loses a claim; a woken one asks for half a slice first,
 * so that short work is served soon. Who joins moves the clock towards itself, and is put
 * that much further from it: else its lag would be less each time, and two threads that
 * take turns to sleep would never be behind a third.
 */
#include "lib/types.h"
#include "sched/run_queue.h"
#include <linux/sched.h>

/*
 * Linux's weights for nice -20 … 19: each step is a tenth of the CPU between two
 * threads.
 */
static const u32 nice_weight[40] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548,  7620,  6100,  4904,  3906,  3121,  2501,  1991,  1586,  1277,
	1024,  820,   655,   526,   423,   335,   272,   215,   172,   137,
	110,   87,    70,    56,    45,    36,    29,    23,    18,    15,
};

u32 fair_weight(unsigned policy, int nice)
{
	return policy == SCHED_IDLE ? WEIGHT_IDLE : nice_weight[nice + 20];
}

static u64 weighted(const struct sched_entity *entity, u64 ns)
{
	return entity->weight == WEIGHT_NICE_0 ? ns : ns * WEIGHT_NICE_0 / entity->weight;
}

/* The clock; moves `zero` there, so that the products in `offset` stay small. */
u64 fair_clock(struct run_queue *queue)
{
	if (queue->load) {
		s64 delta = queue->offset / (s64)queue->load;

		queue->zero += delta;
		queue->offset -= delta * (s64)queue->load;
	}
	return queue->zero;
}

void fair_charge(struct run_queue *queue, struct sched_entity *entity, u64 ran_ns)
{
	u64 delta = weighted(entity, ran_ns);

	entity->virtual_runtime += delta;
	queue->offset += (s64)(delta * entity->weight);
	if ((s64)(entity->virtual_runtime - entity->virtual_deadline) >= 0) {
		entity->virtual_deadline =
			entity->virtual_runtime + weighted(entity, entity->slice_ns);
	}
	fair_clock(queue);
}

void fair_attach(struct run_queue *queue, struct sched_entity *entity,
		 enum attach_kind kind)
{
	u64 clock = fair_clock(queue);
	u64 slice = weighted(entity, entity->slice_ns);
	s64 lag = kind == ATTACH_NEW ? 0 : entity->lag;

	lag = MIN(lag, (s64)slice);
	lag = MAX(lag, -(s64)slice);
	if (queue->load) {
		lag += lag * (s64)entity->weight / (s64)queue->load;
	}
	entity->virtual_runtime = clock - (u64)lag;
	entity->virtual_deadline =
		entity->virtual_runtime + (kind == ATTACH_MOVED ? slice : slice / 2);
	queue->load += entity->weight;
	queue->offset +=
		(s64)(entity->virtual_runtime - queue->zero) * (s64)entity->weight;
}

void fair_detach(struct run_queue *queue, struct sched_entity *entity)
{
	entity->lag = (s64)(fair_clock(queue) - entity->virtual_runtime);
	queue->load -= entity->weight;
	queue->offset -=
		(s64)(entity->virtual_runtime - queue->zero) * (s64)entity->weight;
}

/*
 * Behind everybody who waits now, but no further than a slice more than it had to wait
 * anyway: who has yielded its CPU time for long gets it when it asks for it.
 */
void fair_yield(struct run_queue *queue, struct sched_entity *entity)
{
	struct rbtree_node *node = rbtree_last(&queue->fair);
	u64 limit = entity->virtual_runtime + 2 * weighted(entity, entity->slice_ns);
	u64 behind;

	if (!node) {
		return;
	}
	behind = rbtree_entry(node, struct sched_entity, node)->virtual_deadline + 1;
	if ((s64)(behind - limit) > 0) {
		behind = limit;
	}
	if ((s64)(behind - entity->virtual_deadline) > 0) {
		entity->virtual_deadline = behind;
	}
}

bool fair_before(const struct rbtree_node *a, const struct rbtree_node *b)
{
	const struct sched_entity *left =
		rbtree_entry(a, const struct sched_entity, node);
	const struct sched_entity *right =
		rbtree_entry(b, const struct sched_entity, node);

	return (s64)(left->virtual_deadline - right->virtual_deadline) < 0;
}

bool fair_slice_over(struct run_queue *queue, struct sched_entity *entity, nsec_t now)
{
	return queue->fair.leftmost && now - entity->picked >= (nsec_t)entity->slice_ns;
}
