// SPDX-License-Identifier: MIT
/*
 * What deadline threads do not use, for those that ask for it (D2, SCHED_FLAG_RECLAIM): greedy reclaiming by rates.
 *
 * A thread that reclaims pays for the time it runs with so much of its budget:
 *	max(its own bandwidth, most - inactive - free) / most
 * most: what may be promised of a CPU. free: what is promised to nobody, a CPU's part of it. inactive: the bandwidth of the threads of
 * this CPU that are inactive. So all the active threads of a CPU together use no more than `most` of it, and leave none of that.
 *
 *	active		it is attached
 *	lingering	asleep, but at its rate it would still use what is left of its budget: until it has no lag
 *	inactive	asleep, and that moment is past
 *
 *   G1  A thread lingers or is inactive only while it sleeps, in the queue of its `cpu`; it is linked in `lingering`, or its bandwidth
 *	 is in `inactive_bandwidth` there. Policies change behind reclaim_active() only.
 *   G2  Nobody looks at who lingers before somebody reclaims: so the others pay nothing for it, and there is no timer.
 */
#include "sched/run_queue.h"
#include "time/clock.h"

enum { ACTIVE, LINGERING, INACTIVE };
enum { PERIOD_SHIFT = 11, RATE_SHIFT = 40 }; // periods are shorter than 2^32 us
typedef unsigned __int128 u128;

static bool before(const struct rbtree_node *a, const struct rbtree_node *b)
{
	return rbtree_entry(a, const struct sched_entity, server.resting)->server.no_lag <
	       rbtree_entry(b, const struct sched_entity, server.resting)->server.no_lag;
}

static struct sched_entity *first_lingering(struct run_queue *queue)
{
	struct rbtree_node *node = rbtree_first(&queue->lingering);

	return node ? rbtree_entry(node, struct sched_entity, server.resting) : NULL;
}

static void become_inactive(struct run_queue *queue, struct deadline_server *server)
{
	server->rest = INACTIVE;
	server->rest_bandwidth = server->bandwidth;
	queue->inactive_bandwidth += server->rest_bandwidth;
}

/* length * numerator / denominator, for numerator << shift that fits. */
static u64 scale(u64 length, u64 numerator, u64 denominator, unsigned shift)
{
	return (u64)((u128)length * ((numerator << shift) / denominator) >> shift);
}

/* When its budget is used up, at its own rate: the one of the bandwidth it has reserved. */
static nsec_t no_lag_at(const struct deadline_server *server)
{
	u64 left = (u64)MAX(server->budget_ns, 0LL);

	return server->deadline - (nsec_t)scale(left, server->asked.period_ns,
						server->asked.runtime_ns, PERIOD_SHIFT);
}

void reclaim_rest(struct run_queue *queue, struct sched_entity *entity, nsec_t now)
{
	struct deadline_server *server = &entity->server;

	server->no_lag = no_lag_at(server);
	if (server->no_lag <= now) {
		become_inactive(queue, server);
		return;
	}
	server->rest = LINGERING;
	rbtree_node_init(&server->resting);
	rbtree_add(&queue->lingering, &server->resting, before);
}

void reclaim_active(struct run_queue *queue, struct sched_entity *entity)
{
	struct deadline_server *server = &entity->server;

	if (server->rest == ACTIVE) {
		return;
	}
	run_queue_account(queue,
			  clock_monotonic()); // who runs there pays by the rate so far
	if (server->rest == LINGERING) {
		rbtree_remove(&queue->lingering, &server->resting);
	} else if (server->rest == INACTIVE) {
		queue->inactive_bandwidth -= server->rest_bandwidth;
	}
	server->rest = ACTIVE;
}

/* The part of `most` that its budget pays, now. */
static u64 rate(const struct run_queue *queue, const struct sched_entity *entity,
		const struct bandwidth_shares *shares)
{
	u64 unused = queue->inactive_bandwidth + shares->free;
	u64 own = entity->server.bandwidth;

	return MAX(unused + own > shares->most ? own : shares->most - unused, 1ul);
}

u64 reclaim_charge(struct run_queue *queue, struct sched_entity *entity, u64 ran_ns,
		   nsec_t now)
{
	struct bandwidth_shares shares;
	struct sched_entity *first;
	nsec_t at = now - (nsec_t)ran_ns;
	u64 paid = 0;

	bandwidth_get_shares(&shares);
	while ((first = first_lingering(queue)) && first->server.no_lag <= now) {
		if (first->server.no_lag > at) {
			paid += scale((u64)(first->server.no_lag - at),
				      rate(queue, entity, &shares), shares.most,
				      RATE_SHIFT);
			at = first->server.no_lag;
		}
		rbtree_remove(&queue->lingering, &first->server.resting);
		become_inactive(queue, &first->server);
	}
	return paid + scale((u64)(now - at), rate(queue, entity, &shares), shares.most,
			    RATE_SHIFT);
}

s64 reclaim_lasts(const struct run_queue *queue, const struct sched_entity *entity)
{
	struct bandwidth_shares shares;
	s64 budget = entity->server.budget_ns;

	if (budget <= 0) {
		return 0;
	}
	bandwidth_get_shares(&shares);
	return (s64)scale((u64)budget, shares.most, rate(queue, entity, &shares),
			  RATE_SHIFT) +
	       1;
}
