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
#include "arch/irq.h"
#include "core/panic.h"
#include "core/preempt.h"
#include "lib/errno.h"
#include "sched/debt.h"
#include "sched/run_queue.h"
#include "time/clock.h"
#include <linux/sched.h>

static bool is_deadline(const struct sched_standing *standing)
{
	return standing->policy == SCHED_DEADLINE;
}

/* a before b: deadline, real-time priority, else weight. */
bool standing_is_before(const struct sched_standing *a, const struct sched_standing *b)
{
	if (is_deadline(a) || is_deadline(b)) {
		return is_deadline(a) && (!is_deadline(b) || a->deadline < b->deadline);
	}
	if (a->realtime_priority || b->realtime_priority) {
		return a->realtime_priority > b->realtime_priority;
	}
	return fair_weight(a->policy, a->nice) > fair_weight(b->policy, b->nice);
}

/* Its own standing is that of a throttled thread: a deadline it inherits lets it go on. */
static bool own_is_spent(const struct sched_entity *entity)
{
	return is_deadline(&entity->own) && entity->server.throttled;
}

const struct sched_standing *standing_of(const struct sched_entity *entity)
{
	const struct sched_standing *more = &entity->owed;

	if (entity->is_lent && standing_is_before(&entity->lent, more)) {
		more = &entity->lent;
	}
	if (own_is_spent(entity) && is_deadline(more)) {
		return more;
	}
	return standing_is_before(more, &entity->own) ? more : &entity->own;
}

/* One it has inherited may have moved on since (deadline.c): then it stays. */
static void settle_deadline(struct sched_entity *entity,
			    const struct sched_standing *standing)
{
	bool own = standing == &entity->own || !is_deadline(standing);

	if (own || entity->inherited != standing->deadline) {
		entity->deadline = standing->deadline;
		entity->inherited = own ? 0 : standing->deadline;
		entity->inherited_budget_ns = (s64)standing->runtime_ns;
	}
}

void standing_settle(struct sched_entity *entity)
{
	const struct sched_standing *standing = standing_of(entity);

	if (!entity->realtime_priority && standing->realtime_priority) {
		entity->realtime_from_ns = entity->runtime_ns;
	}
	entity->policy = standing->policy;
	entity->realtime_priority = standing->realtime_priority;
	settle_deadline(entity, standing);
	entity->throttled = standing == &entity->own && own_is_spent(entity);
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
	standing_settle(entity);
	cpumask_fill(&entity->affinity, MAX_CPUS);
	timer_init(&entity->sleep_timer, sched_sleep_expired);
}

int sched_entity_inherit(struct sched_entity *child, const struct sched_entity *parent)
{
	unsigned policy = parent->own.policy, priority = parent->own.realtime_priority;
	int nice = parent->own.nice;

	if (policy == SCHED_DEADLINE && !parent->reset_on_fork) {
		return -EAGAIN;
	}
	if (parent->reset_on_fork) {
		if (priority || policy == SCHED_DEADLINE) {
			policy = SCHED_NORMAL;
			priority = 0;
			nice = 0;
		}
		nice = MAX(nice, 0);
	}
	set_own(child, policy, priority, nice);
	standing_settle(child);
	child->affinity = parent->affinity;
	atomic_store(&child->cpu, atomic_load(&parent->cpu));
	return 0;
}

static bool is_attached(const struct run_queue *queue, const struct sched_entity *entity)
{
	return rbtree_linked(&entity->node) || queue->current == entity;
}

/*
 * `own`, `lent` or `owed` change between the two: the thread leaves the queue, what it has run is charged to what it was, and it comes
 * back as what it is. Queue locked.
 */
struct place_in_queue {
	bool attached, linked;
};

static struct place_in_queue leave_queue(struct run_queue *queue,
					 struct sched_entity *entity)
{
	struct place_in_queue was = {
		.attached = is_attached(queue, entity),
		.linked = rbtree_linked(&entity->node),
	};

	run_queue_account(queue, clock_monotonic());
	if (was.linked) {
		run_queue_unlink(queue, entity);
	}
	if (was.attached) {
		run_queue_detach(queue, entity);
	}
	return was;
}

static void join_queue(struct run_queue *queue, struct sched_entity *entity,
		       struct place_in_queue was)
{
	standing_settle(entity);
	if (was.attached) {
		run_queue_attach(queue, entity, ATTACH_MOVED);
	}
	if (was.linked) {
		run_queue_link(queue, entity, false);
		run_queue_check_preempt(queue, entity);
	} else if (was.attached) {
		run_queue_publish_rank(queue);
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

/* Behind a change: who waits here for less than runs elsewhere goes there, and who has the CPU may have to leave it. */
static void carry_out(struct run_queue *queue, struct sched_entity *entity)
{
	u64 flags = arch_irq_save();

	balance_push_urgent(queue);
	arch_irq_restore(flags);
	sched_follow_from(entity);
	if (preempt_enabled()) {
		sched_reschedule();
	}
}

int sched_set_policy(struct sched_entity *entity, unsigned policy, unsigned priority,
		     int nice, bool reset_on_fork)
{
	struct place_in_queue was;
	struct run_queue *queue;
	u64 flags;

	if (policy == SCHED_DEADLINE || !policy_valid(policy, priority, nice)) {
		return -EINVAL;
	}
	queue = run_queue_lock_of(entity, &flags);
	was = leave_queue(queue, entity);
	reclaim_active(queue, entity);
	set_own(entity, policy, priority, nice);
	if (entity->server.bandwidth) {
		deadline_release(entity);
	}
	entity->reset_on_fork = reset_on_fork;
	join_queue(queue, entity, was);
	run_queue_unlock(queue, flags);
	carry_out(queue, entity);
	return 0;
}

static bool has_ended(const struct sched_entity *entity)
{
	return state_of(entity) == THREAD_ZOMBIE || state_of(entity) == THREAD_DEAD;
}

int sched_set_deadline(struct sched_entity *entity, const struct sched_deadline *wanted,
		       int nice, bool reset_on_fork)
{
	struct sched_deadline asked = *wanted;
	struct place_in_queue was;
	struct run_queue *queue;
	u64 flags;
	int error;

	if (!asked.period_ns) {
		asked.period_ns = asked.deadline_ns;
	}
	queue = run_queue_lock_of(entity, &flags);
	error = has_ended(entity) ? -ESRCH : deadline_reserve(entity, &asked);
	if (!error) {
		was = leave_queue(queue, entity);
		reclaim_active(queue, entity);
		set_own(entity, SCHED_DEADLINE, 0, nice);
		deadline_begin(entity, &asked, clock_monotonic());
		entity->reset_on_fork = reset_on_fork;
		join_queue(queue, entity, was);
		if (state_is_wait(state_of(entity)) && !was.attached) {
			reclaim_rest(queue, entity, clock_monotonic());
		}
	}
	run_queue_unlock(queue, flags);
	if (!error) {
		carry_out(queue, entity);
	}
	return error;
}

nsec_t sched_slice(unsigned policy)
{
	switch (policy) {
	case SCHED_FIFO:
	case SCHED_DEADLINE:
		return 0;
	case SCHED_RR:
		return SLICE_ROUND_ROBIN_NS;
	default:
		return SLICE_FAIR_NS;
	}
}

void sched_get_deadline(struct sched_entity *entity, struct sched_deadline *out)
{
	u64 flags;
	struct run_queue *queue = run_queue_lock_of(entity, &flags);

	*out = entity->server.asked;
	run_queue_unlock(queue, flags);
}

void sched_set_nice(struct sched_entity *entity, int nice)
{
	struct place_in_queue was;
	struct run_queue *queue;
	u64 flags;

	ASSERT(nice >= -20 && nice <= 19);
	queue = run_queue_lock_of(entity, &flags);
	was = leave_queue(queue, entity);
	entity->own.nice = (s8)nice;
	join_queue(queue, entity, was);
	run_queue_unlock(queue, flags);
	carry_out(queue, entity);
}

/* It was read while it might have been changed. */
static bool standing_valid(const struct sched_standing *standing)
{
	return is_deadline(standing)
		       ? standing->deadline > 0 && standing->runtime_ns &&
				 standing->period_ns
		       : policy_valid(standing->policy, standing->realtime_priority,
				      standing->nice);
}

void sched_lend(struct sched_entity *to, const struct sched_entity *from)
{
	struct sched_standing more = *standing_of(from);
	struct place_in_queue was;
	struct run_queue *queue;
	u64 flags;

	if (!standing_is_before(&more, standing_of(to))) {
		return;
	}
	queue = run_queue_lock_of(to, &flags);
	if (standing_valid(&more) && standing_is_before(&more, standing_of(to))) {
		was = leave_queue(queue, to);
		to->lent = more;
		to->is_lent = true;
		join_queue(queue, to, was);
	}
	run_queue_unlock(queue, flags);
	if (READ_ONCE(to->loan)) {
		sched_wake(
			to); /* it waits itself, and carries on what it is lent: not under our caller's lock */
	}
}

bool sched_set_owed(struct sched_entity *entity, const struct sched_standing *owed)
{
	struct sched_standing before, was_owed = entity->owed;
	struct place_in_queue was;
	struct run_queue *queue;
	bool changed;
	u64 flags;

	queue = run_queue_lock_of(entity, &flags);
	before = *standing_of(entity);
	entity->owed = *owed;
	changed = own_is_spent(entity) ||
		  standing_is_before(&before, standing_of(entity)) ||
		  standing_is_before(standing_of(entity), &before);
	if (changed) {
		entity->owed = was_owed;
		was = leave_queue(queue, entity);
		entity->owed = *owed;
		join_queue(queue, entity, was);
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
	struct place_in_queue was;
	struct run_queue *queue;
	u64 flags;

	if (!self->is_lent) {
		return;
	}
	queue = run_queue_lock_of(self, &flags);
	was = leave_queue(queue, self);
	self->is_lent = false;
	join_queue(queue, self, was);
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
	if (entity->own.policy == SCHED_DEADLINE && bandwidth_binds() &&
	    place_online() & ~mask->bits[0]) {
		run_queue_unlock(queue, flags);
		return -EBUSY; // it was admitted to all of them
	}
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
