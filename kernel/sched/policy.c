// SPDX-License-Identifier: MIT
/*
 * What a thread asks of the scheduler: policy, priority, nice, affinity (D2, D3,
 * T10), and the defaults of a new one.
 *
 * Locks  the fields change under the lock of the thread's run queue; an unpublished
 * thread's need none. sched_lend() reads another's without: a standing that is being
 * changed just then is lent as it was, as it will be, or, mixed of both and not valid,
 * not at all.
 */
#include "arch/cpu.h"
#include "core/panic.h"
#include "core/preempt.h"
#include "lib/errno.h"
#include "sched/debt.h"
#include "sched/run_queue.h"
#include "time/clock.h"
#include <linux/sched.h>

/* a before b: real-time priority, else weight. */
bool standing_is_before(const struct sched_standing *a, const struct sched_standing *b)
{
	if (a->realtime_priority || b->realtime_priority) {
		return a->realtime_priority > b->realtime_priority;
	}
	return fair_weight(a->policy, a->nice) > fair_weight(b->policy, b->nice);
}

const struct sched_standing *standing_of(const struct sched_entity *entity)
{
	const struct sched_standing *best = &entity->own;

	if (entity->is_lent && standing_is_before(&entity->lent, best)) {
		best = &entity->lent;
	}
	return standing_is_before(&entity->owed, best) ? &entity->owed : best;
}

/* What the queues look at. */
static void set_standing(struct sched_entity *entity)
{
	const struct sched_standing *standing = standing_of(entity);

	entity->policy = standing->policy;
	entity->realtime_priority = standing->realtime_priority;
	entity->weight = fair_weight(standing->policy, standing->nice);
	entity->slice_ns =
		standing->policy == SCHED_RR ? SLICE_ROUND_ROBIN_NS : SLICE_FAIR_NS;
}

static void set_own(struct sched_entity *entity, unsigned policy, unsigned priority,
		    int nice)
{
	entity->own = (struct sched_standing){
		.policy = (u8)policy,
		.nice = (s8)nice,
		.realtime_priority = (u8)priority,
	};
}

void sched_entity_init(struct sched_entity *entity, vaddr_t stack_top)
{
	atomic_init(&entity->state, THREAD_CREATING);
	atomic_init(&entity->breaks, 0);
	atomic_init(&entity->on_cpu, 0);
	atomic_init(&entity->cpu, 0);
	entity->stack_top = stack_top;
	rbtree_node_init(&entity->node);
	spin_init(&entity->lending_lock, RANK_LENDING, "sched_entity.lending_lock");
	entity->owed.policy = SCHED_IDLE; /* nothing: less than any thread's own */
	set_own(entity, SCHED_NORMAL, 0, 0);
	set_standing(entity);
	cpumask_fill(&entity->affinity, MAX_CPUS);
	timer_init(&entity->sleep_timer, sched_sleep_expired);
}

void sched_entity_inherit(struct sched_entity *child, const struct sched_entity *parent)
{
	unsigned policy = parent->own.policy, priority = parent->own.realtime_priority;
	int nice = parent->own.nice;

	if (parent->reset_on_fork) {
		if (priority) {
			policy = SCHED_NORMAL;
			priority = 0;
			nice = 0;
		}
		nice = MAX(nice, 0);
	}
	set_own(child, policy, priority, nice);
	set_standing(child);
	child->affinity = parent->affinity;
	atomic_store(&child->cpu, atomic_load(&parent->cpu));
}

static bool is_attached(const struct run_queue *queue, const struct sched_entity *entity)
{
	return rbtree_linked(&entity->node) || queue->current == entity;
}

/* `own`, `lent` or `owed` is another. Queue locked. */
static void change_standing(struct run_queue *queue, struct sched_entity *entity)
{
	bool attached = is_attached(queue, entity);
	bool linked = rbtree_linked(&entity->node);

	run_queue_account(queue, clock_monotonic());
	if (linked) {
		run_queue_unlink(queue, entity);
	}
	if (attached) {
		run_queue_detach(queue, entity);
	}
	set_standing(entity);
	if (attached) {
		run_queue_attach(queue, entity, ATTACH_MOVED);
	}
	if (linked) {
		run_queue_link(queue, entity, false);
		run_queue_check_preempt(queue, entity);
	} else if (attached) {
		atomic_store(&queue->current_rank, entity_rank(entity));
		run_queue_request(queue); /* it may no longer be the first */
	}
}

static bool policy_valid(unsigned policy, unsigned priority, int nice)
{
	if (nice < -20 || nice > 19) {
		return false;
	}
	switch (policy) {
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
		return priority == 0;
	case SCHED_FIFO:
	case SCHED_RR:
		return priority >= 1 && priority <= 99;
	default:
		return false;
	}
}

int sched_set_policy(struct sched_entity *entity, unsigned policy, unsigned priority,
		     int nice, bool reset_on_fork)
{
	struct run_queue *queue;
	u64 flags;

	if (!policy_valid(policy, priority, nice)) {
		return -EINVAL;
	}
	queue = run_queue_lock_of(entity, &flags);
	set_own(entity, policy, priority, nice);
	change_standing(queue, entity);
	entity->reset_on_fork = reset_on_fork;
	run_queue_unlock(queue, flags);
	sched_follow_from(entity);
	if (preempt_enabled()) {
		sched_reschedule();
	}
	return 0;
}

void sched_lend(struct sched_entity *to, const struct sched_entity *from)
{
	struct sched_standing more = *standing_of(from);
	struct run_queue *queue;
	u64 flags;

	if (!standing_is_before(&more, standing_of(to))) {
		return;
	}
	queue = run_queue_lock_of(to, &flags);
	if (policy_valid(more.policy, more.realtime_priority, more.nice) &&
	    standing_is_before(&more, standing_of(to))) {
		to->lent = more;
		to->is_lent = true;
		change_standing(queue, to);
	}
	run_queue_unlock(queue, flags);
	if (READ_ONCE(to->loan)) {
		sched_wake(
			to); /* it waits itself, and carries on what it is lent: not under our caller's lock */
	}
}

bool sched_set_owed(struct sched_entity *entity, const struct sched_standing *owed)
{
	struct sched_standing before;
	struct run_queue *queue;
	bool changed;
	u64 flags;

	queue = run_queue_lock_of(entity, &flags);
	before = *standing_of(entity);
	entity->owed = *owed;
	changed = standing_is_before(&before, standing_of(entity)) ||
		  standing_is_before(standing_of(entity), &before);
	if (changed) {
		change_standing(queue, entity);
	}
	run_queue_unlock(queue, flags);
	return changed;
}

void sched_get_standing(struct sched_entity *entity, struct sched_standing *out)
{
	u64 flags;
	struct run_queue *queue = run_queue_lock_of(entity, &flags);

	*out = *standing_of(entity);
	run_queue_unlock(queue, flags);
}

void sched_return_lent(void)
{
	struct sched_entity *self = sched_current();
	struct run_queue *queue;
	u64 flags;

	if (!self->is_lent) {
		return;
	}
	queue = run_queue_lock_of(self, &flags);
	self->is_lent = false;
	change_standing(queue, self);
	run_queue_unlock(queue, flags);
}

void sched_get_affinity(struct sched_entity *entity, struct cpumask *mask)
{
	u64 flags;
	struct run_queue *queue = run_queue_lock_of(entity, &flags);

	*mask = entity->affinity;
	run_queue_unlock(queue, flags);
}

/* Does it run where it may not? Then its CPU has been told to let it go. */
static bool runs_outside(struct sched_entity *entity)
{
	u64 flags;
	struct run_queue *queue = run_queue_lock_of(entity, &flags);
	bool outside = queue->current == entity && entity != queue->idle &&
		       !cpumask_test(&entity->affinity, queue->cpu);

	run_queue_unlock(queue, flags);
	return outside;
}

int sched_set_affinity(struct sched_entity *entity, const struct cpumask *mask)
{
	struct sched_entity *moved = NULL;
	struct run_queue *queue;
	u64 flags;
	unsigned cpu;

	for (cpu = 0; cpu_is_online(cpu) && !cpumask_test(mask, cpu);) {
		cpu++;
	}
	if (!cpu_is_online(cpu)) {
		return -EINVAL;
	}
	queue = run_queue_lock_of(entity, &flags);
	entity->affinity = *mask;
	if (!cpumask_test(mask, queue->cpu)) {
		if (rbtree_linked(&entity->node)) {
			run_queue_unlink(queue, entity);
			run_queue_detach(queue, entity);
			moved = entity;
		} else if (queue->current == entity) {
			run_queue_request(queue);
		}
	}
	run_queue_unlock(queue, flags);
	if (moved) {
		place_pushed(moved);
	}
	while (preempt_enabled() && runs_outside(entity)) {
		sched_reschedule();
		arch_cpu_relax();
	}
	return 0;
}
