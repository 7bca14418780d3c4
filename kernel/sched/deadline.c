// SPDX-License-Identifier: MIT
/*
 * SCHED_DEADLINE (D2, sched(7)): earliest deadline first, each thread behind a server of constant bandwidth.
 *
 * A thread asks for a runtime in each period, by a deadline from its beginning. Its server has a budget and an absolute deadline:
 *	wake-up		past the deadline, or with more budget than its bandwidth gives until then: a new period from now. Else as they were.
 *			(With a deadline before the period's end: the budget is cut instead; and none before the period is over.)
 *	running		takes from the budget, more slowly if it reclaims what others leave (reclaim.c). Used up, or given up by sched_yield(): the next period's budget and deadline at once, but the
 *			thread is throttled until that period begins.
 *	throttled	in run_queue.throttled, by when it may go on; a timer of the queue lets it.
 *
 *   E1  entity.own.deadline is server.deadline while its policy is SCHED_DEADLINE.
 *   E2  While it acts by a deadline it has inherited (debt.c) it is not throttled; its own budget pays nevertheless. Whenever it has
 *	 used the lender's runtime, the deadline it acts by is that of the lender's next period: so it keeps nobody from his for good.
 *
 * Who waits for a debt and is given another deadline before it sleeps lends the old one until it wakes: that is earlier, and does no harm.
 */
#include "core/panic.h"
#include "lib/errno.h"
#include "sched/run_queue.h"
#include "time/clock.h"

enum { DENSITY_SHIFT = 20 };
typedef unsigned __int128 u128; /* products of two lengths of time */

/* The server has changed: E1, and what the queues look at. */
static void settle(struct sched_entity *entity)
{
	entity->own.deadline = entity->server.deadline;
	standing_settle(entity);
}

static void new_period(struct deadline_server *server, nsec_t now)
{
	server->deadline = nsec_add(now, (nsec_t)server->asked.deadline_ns);
	server->budget_ns = (s64)server->asked.runtime_ns;
	server->throttled = false;
}

/* When the period behind the one of its deadline begins. */
static nsec_t next_period(const struct deadline_server *server)
{
	return server->deadline - (nsec_t)server->asked.deadline_ns +
	       (nsec_t)server->asked.period_ns;
}

/* The budget is used up: what was used beyond it is paid by later deadlines. */
static void exhaust(struct deadline_server *server, nsec_t now)
{
	u64 periods = (u64)-server->budget_ns / server->asked.runtime_ns + 1;

	server->eligible = next_period(server);
	server->budget_ns += (s64)(periods * server->asked.runtime_ns);
	server->deadline =
		nsec_add(server->deadline, (nsec_t)(periods * server->asked.period_ns));
	server->throttled = server->eligible > now;
	if (server->deadline <= now) {
		new_period(server, now); // we are late: so much has been lost
	}
}

/* It was throttled, and its time has come? */
static void let_go(struct deadline_server *server, nsec_t now)
{
	if (server->throttled && server->eligible <= now) {
		server->throttled = false;
		if (server->deadline <= now) {
			new_period(server, now);
		}
	}
}

/* Would the budget until the deadline be more than its share of that time? */
static bool is_too_much(const struct deadline_server *server, nsec_t now)
{
	return (u128)server->budget_ns * server->asked.deadline_ns >
	       (u128)(server->deadline - now) * server->asked.runtime_ns;
}

/* Its share of the time that is left. */
static s64 cut_budget(const struct deadline_server *server, nsec_t now)
{
	u64 density =
		(server->asked.runtime_ns << DENSITY_SHIFT) / server->asked.deadline_ns;

	return (s64)((u128)(server->deadline - now) * density >> DENSITY_SHIFT);
}

static void wake_rule(struct deadline_server *server, nsec_t now)
{
	bool implicit = server->asked.deadline_ns == server->asked.period_ns;

	let_go(server, now);
	if (server->throttled) {
		return;
	}
	if (server->deadline <= now) {
		if (!implicit && server->deadline && now < next_period(server)) {
			server->budget_ns = 0;
			exhaust(server, now);
		} else {
			new_period(server, now);
		}
	} else if (is_too_much(server, now)) {
		if (implicit) {
			new_period(server, now);
		} else {
			server->budget_ns = cut_budget(server, now);
		}
	}
}

void deadline_wake(struct sched_entity *entity, nsec_t now)
{
	wake_rule(&entity->server, now);
	settle(entity);
}

/* It may have been SCHED_DEADLINE before: then leaving and coming back gives no more than waking up does. */
void deadline_begin(struct sched_entity *entity, const struct sched_deadline *asked,
		    nsec_t now)
{
	struct deadline_server *server = &entity->server;

	server->asked = *asked;
	server->budget_ns = MIN(server->budget_ns, (s64)asked->runtime_ns);
	wake_rule(server, now);
	entity->own.deadline = server->deadline;
	entity->own.runtime_ns = asked->runtime_ns;
	entity->own.period_ns = asked->period_ns;
}

/* The current thread's budget is used up. */
static void leave_period(struct run_queue *queue, struct sched_entity *entity, nsec_t now)
{
	exhaust(&entity->server, now);
	settle(entity);
	run_queue_publish_rank(queue);
	run_queue_request(queue);
}

void deadline_charge(struct run_queue *queue, struct sched_entity *entity, u64 ran_ns,
		     nsec_t now)
{
	struct deadline_server *server = &entity->server;

	server->budget_ns -=
		(s64)(server->asked.reclaim ? reclaim_charge(queue, entity, ran_ns, now)
					    : ran_ns);
	if (server->budget_ns > 0) {
		return;
	}
	if (server->asked.tell_overrun) {
		atomic_fetch_or(&entity->return_work, entity->overrun_work);
	}
	leave_period(queue, entity, now);
}

void deadline_charge_inherited(struct run_queue *queue, struct sched_entity *entity,
			       u64 ran_ns)
{
	const struct sched_standing *lender = standing_of(entity);

	entity->inherited_budget_ns -= (s64)ran_ns;
	while (entity->inherited_budget_ns <= 0) {
		entity->inherited_budget_ns += (s64)lender->runtime_ns;
		entity->deadline = nsec_add(entity->deadline, (nsec_t)lender->period_ns);
		run_queue_publish_rank(queue);
		run_queue_request(queue);
	}
}

void deadline_yield(struct run_queue *queue, struct sched_entity *entity, nsec_t now)
{
	if (entity->own.policy != SCHED_DEADLINE || entity->server.throttled) {
		return; // acts by what it has inherited
	}
	entity->server.budget_ns = 0;
	leave_period(queue, entity, now);
}

static bool deadline_before(const struct rbtree_node *a, const struct rbtree_node *b)
{
	return rbtree_entry(a, const struct sched_entity, node)->deadline <
	       rbtree_entry(b, const struct sched_entity, node)->deadline;
}

static bool eligible_before(const struct rbtree_node *a, const struct rbtree_node *b)
{
	return rbtree_entry(a, const struct sched_entity, node)->server.eligible <
	       rbtree_entry(b, const struct sched_entity, node)->server.eligible;
}

static struct sched_entity *first_throttled(struct run_queue *queue)
{
	struct rbtree_node *node = rbtree_first(&queue->throttled);

	return node ? rbtree_entry(node, struct sched_entity, node) : NULL;
}

static void park(struct run_queue *queue, struct sched_entity *entity)
{
	entity->parked = true;
	rbtree_add(&queue->throttled, &entity->node, eligible_before);
	atomic_fetch_sub_explicit(&queue->attached, 1, memory_order_relaxed);
	if (first_throttled(queue) == entity) {
		timer_start(&queue->throttled_timer, entity->server.eligible);
	}
}

void deadline_link(struct run_queue *queue, struct sched_entity *entity)
{
	if (entity->throttled) {
		let_go(&entity->server, clock_monotonic());
		settle(entity);
	}
	if (entity->throttled) {
		park(queue, entity);
	} else {
		rbtree_add(&queue->deadline, &entity->node, deadline_before);
	}
}

void deadline_unlink(struct run_queue *queue, struct sched_entity *entity)
{
	if (entity->parked) {
		entity->parked = false;
		rbtree_remove(&queue->throttled, &entity->node);
		atomic_fetch_add_explicit(&queue->attached, 1, memory_order_relaxed);
	} else {
		rbtree_remove(&queue->deadline, &entity->node);
	}
}

static void throttled_expired(struct timer *timer)
{
	struct run_queue *queue = container_of(timer, struct run_queue, throttled_timer);
	nsec_t now = clock_monotonic();
	struct sched_entity *entity;

	spin_lock(&queue->lock);
	run_queue_account(queue, now);
	while ((entity = first_throttled(queue)) && entity->server.eligible <= now) {
		run_queue_unlink(queue, entity);
		run_queue_link(queue, entity, false);
		run_queue_check_preempt(queue, entity);
	}
	if (entity) {
		timer_start(timer, entity->server.eligible);
	}
	spin_unlock(&queue->lock);
	balance_push_urgent(queue);
}

void deadline_queue_init(struct run_queue *queue)
{
	timer_init(&queue->throttled_timer, throttled_expired);
}
