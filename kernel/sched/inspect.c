// SPDX-License-Identifier: MIT
/* Looking at a thread from outside, for /proc: what it is held to while somebody looks is its run queue's lock. */
#include "sched/run_queue.h"

#include "time/clock.h"

bool sched_visit_sleeper(struct sched_entity *entity,
			 void (*visit)(struct sched_entity *entity, void *context),
			 void *context)
{
	u64 flags;
	struct run_queue *queue = run_queue_lock_of(entity, &flags);
	/* Q2: its registers are saved; and only who has the lock can wake it. */
	bool sleeps = entity != queue->current && state_is_wait(state_of(entity));

	if (sleeps) {
		visit(entity, context);
	}
	run_queue_unlock(queue, flags);
	return sleeps;
}

void sched_describe(struct sched_entity *entity, struct sched_description *out)
{
	u64 flags;
	struct run_queue *queue = run_queue_lock_of(entity, &flags);

	if (entity == queue->current) {
		run_queue_account(queue, clock_monotonic());
	}
	*out = (struct sched_description){
		.started = entity->started,
		.virtual_runtime_ns = entity->virtual_runtime,
		.runtime_ns = READ_ONCE(entity->runtime_ns),
		.switches_voluntary = READ_ONCE(entity->switches_voluntary),
		.switches_involuntary = READ_ONCE(entity->switches_involuntary),
		.weight = entity->weight,
		.policy = entity->own.policy,
		.nice = entity->own.nice,
		.realtime_priority = entity->own.realtime_priority,
		.acts_by = *standing_of(entity),
	};
	run_queue_unlock(queue, flags);
}

int sched_priority_shown(const struct sched_standing *standing)
{
	if (standing->policy == SCHED_DEADLINE) {
		return -101;
	}
	return standing->realtime_priority ? -1 - standing->realtime_priority
					   : 20 + standing->nice;
}
