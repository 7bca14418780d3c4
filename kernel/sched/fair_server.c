// SPDX-License-Identifier: MIT
/*
 * What real-time and deadline threads leave to fair ones (D2, sched(7)): of each period of sched_rt_period_us what is beyond
 * sched_rt_runtime_us, 50 ms of a second.
 *
 * It begins when fair threads wait behind an urgent one. Whatever they get in the period counts. When no more time is left in it
 * than they are due, they are served: until they have had it they are a deadline thread whose deadline is the period's end.
 * So nothing is taken from urgent threads that leave gaps, nor where no fair thread waits.
 */
#include "sched/run_queue.h"
#include "time/clock.h"

static void begin_period(struct fair_server *server, const struct sched_limits *limits,
			 nsec_t now)
{
	s64 share_us =
		limits->runtime_us < 0 ? 0 : limits->period_us - limits->runtime_us;

	server->ends = nsec_add(now, limits->period_us * NSEC_PER_USEC);
	server->budget_ns = share_us * NSEC_PER_USEC;
}

void fair_server_wait(struct run_queue *queue, nsec_t now)
{
	struct fair_server *server = &queue->fair_server;
	struct sched_limits limits;

	if (server->armed || server->serving) {
		return;
	}
	if (now >= server->ends) {
		sched_get_limits(&limits);
		begin_period(server, &limits, now);
	}
	server->armed = true;
	timer_start(&server->timer, server->ends - MAX(server->budget_ns, 0LL));
}

void fair_server_charge(struct run_queue *queue, u64 ran_ns)
{
	struct fair_server *server = &queue->fair_server;

	server->budget_ns -= (s64)ran_ns;
	if (server->serving && server->budget_ns <= 0) {
		server->serving = false;
		run_queue_publish_rank(queue);
		run_queue_request(queue);
	}
}

/* Their time has come, if they still wait. */
static void expired(struct timer *timer)
{
	struct run_queue *queue =
		container_of(timer, struct run_queue, fair_server.timer);
	struct fair_server *server = &queue->fair_server;
	nsec_t now = clock_monotonic();

	spin_lock(&queue->lock);
	server->armed = false;
	run_queue_account(queue, now);
	if (rbtree_first(&queue->fair) && queue->current != queue->idle &&
	    !entity_is_fair(queue->current)) {
		if (server->budget_ns > 0) {
			server->serving = true;
			run_queue_request(queue);
		} else {
			fair_server_wait(queue, now);
		}
	}
	spin_unlock(&queue->lock);
}

void fair_server_init(struct run_queue *queue)
{
	timer_init(&queue->fair_server.timer, expired);
}
