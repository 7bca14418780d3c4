// SPDX-License-Identifier: MIT
/*
 * Run queues: what is linked, who comes first, who must make way. See run_queue.h for
 * the invariants.
 *
 * Order: real-time threads by priority and arrival, then fair ones by virtual
 * deadline (fair.c), then the idle thread.
 */
#include "sched/run_queue.h"
#include "arch/entry.h"
#include "arch/irq.h"
#include "arch/smp.h"
#include "core/panic.h"
#include "core/percpu.h"
#include "sched/log_news.h"
#include "time/clock.h"
#include <linux/sched.h>

struct run_queues_element run_queues[MAX_CPUS];

NO_THREAD_SAFETY struct run_queue *run_queue_lock_of(struct sched_entity *entity,
						     u64 *flags)
{
	for (;;) {
		u32 cpu = atomic_load_explicit(&entity->cpu, memory_order_relaxed);
		struct run_queue *queue = run_queue_of(cpu);

		*flags = spin_lock_irq(&queue->lock);
		if (atomic_load_explicit(&entity->cpu, memory_order_relaxed) == cpu) {
			return queue;
		}
		spin_unlock_irq(&queue->lock, *flags);
	}
}

NO_THREAD_SAFETY void run_queue_unlock(struct run_queue *queue, u64 flags)
{
	spin_unlock_irq(&queue->lock, flags);
}

static bool realtime_before(const struct rbtree_node *a, const struct rbtree_node *b)
{
	const struct sched_entity *left =
		rbtree_entry(a, const struct sched_entity, node);
	const struct sched_entity *right =
		rbtree_entry(b, const struct sched_entity, node);

	if (left->realtime_priority != right->realtime_priority) {
		return left->realtime_priority > right->realtime_priority;
	}
	return left->realtime_order < right->realtime_order;
}

u32 entity_rank(const struct sched_entity *entity)
{
	return 1u + entity->realtime_priority;
}

void run_queue_account(struct run_queue *queue, nsec_t now)
{
	struct sched_entity *current = queue->current;
	nsec_t ran = now - current->started;

	if (ran <= 0) {
		return;
	}
	current->started = now;
	current->runtime_ns += (u64)ran;
	if (current != queue->idle && !current->realtime_priority) {
		fair_charge(queue, current, (u64)ran);
	}
}

void run_queue_attach(struct run_queue *queue, struct sched_entity *entity,
		      enum attach_kind kind)
{
	if (!entity->realtime_priority) {
		fair_attach(queue, entity, kind);
	}
	atomic_fetch_add_explicit(&queue->attached, 1, memory_order_relaxed);
}

void run_queue_detach(struct run_queue *queue, struct sched_entity *entity)
{
	if (!entity->realtime_priority) {
		fair_detach(queue, entity);
	}
	atomic_fetch_sub_explicit(&queue->attached, 1, memory_order_relaxed);
}

void run_queue_link(struct run_queue *queue, struct sched_entity *entity, bool front)
{
	DEBUG_ASSERT(!rbtree_linked(&entity->node));
	if (entity->realtime_priority) {
		entity->realtime_order =
			front ? --queue->order_front : ++queue->order_back;
		rbtree_add(&queue->realtime, &entity->node, realtime_before);
	} else {
		rbtree_add(&queue->fair, &entity->node, fair_before);
	}
}

void run_queue_unlink(struct run_queue *queue, struct sched_entity *entity)
{
	rbtree_remove(entity->realtime_priority ? &queue->realtime : &queue->fair,
		      &entity->node);
}

struct sched_entity *run_queue_first(struct run_queue *queue)
{
	struct rbtree_node *node = rbtree_first(&queue->realtime);

	if (!node) {
		node = rbtree_first(&queue->fair);
	}
	return node ? rbtree_entry(node, struct sched_entity, node) : NULL;
}

bool run_queue_is_before_all(struct run_queue *queue, const struct sched_entity *entity)
{
	const struct sched_entity *first = run_queue_first(queue);

	if (!first) {
		return true;
	}
	if (first->realtime_priority || entity->realtime_priority) {
		return entity->realtime_priority > first->realtime_priority;
	}
	return fair_before(&entity->node, &first->node);
}

void run_queue_request(struct run_queue *queue)
{
	if (queue->cpu == arch_cpu_number()) {
		arch_set_need_reschedule(true);
		return;
	}
	queue->reschedule_wanted = true;
	arch_ipi_send(queue->cpu, IPI_RESCHEDULE);
}

/* Should `entity` run rather than `current`, which is not the idle thread? */
static bool comes_before(const struct sched_entity *entity,
			 const struct sched_entity *current)
{
	if (entity->realtime_priority || current->realtime_priority) {
		return entity->realtime_priority > current->realtime_priority;
	}
	if (current->policy == SCHED_IDLE && entity->policy != SCHED_IDLE) {
		return true;
	}
	if (entity->policy == SCHED_BATCH || entity->policy == SCHED_IDLE) {
		return false;
	}
	return fair_before(&entity->node, &current->node);
}

void run_queue_check_preempt(struct run_queue *queue, struct sched_entity *entity)
{
	struct sched_entity *current = queue->current;

	if (current == queue->idle) {
		run_queue_request(queue);
		return;
	}
	if (comes_before(entity, current)) {
		run_queue_request(queue);
	} else if (!queue->slice_armed) {
		if (queue->cpu == arch_cpu_number()) {
			run_queue_arm_slice(queue, current->started); /* just accounted */
		} else {
			arch_ipi_send(queue->cpu, IPI_RESCHEDULE);
		}
	}
}

void run_queue_enqueue(struct run_queue *queue, struct sched_entity *entity,
		       enum attach_kind kind)
{
	spin_assert_held(&queue->lock);
	if (queue->current != queue->idle) {
		run_queue_account(queue, clock_monotonic());
	}
	run_queue_attach(queue, entity, kind);
	run_queue_link(queue, entity, false);
	run_queue_check_preempt(queue, entity);
}

/*
 * Somebody waits behind the current thread: its slice ends. A pending timer that is
 * early enough is left alone. A thread that was alone for long may go on for a
 * quarter.
 */
void run_queue_arm_slice(struct run_queue *queue, nsec_t now)
{
	nsec_t slice = (nsec_t)queue->current->slice_ns;
	nsec_t deadline = MAX(queue->current->picked + slice, now + slice / 4);

	if (queue->slice_armed && queue->slice_timer.deadline <= deadline) {
		return;
	}
	queue->slice_armed = true;
	timer_start(&queue->slice_timer, deadline);
}

/*
 * The current thread has had its time, and somebody could use the CPU? Then go to the
 * back of the line.
 */
static bool slice_over(struct run_queue *queue, nsec_t now)
{
	struct sched_entity *current = queue->current;
	struct rbtree_node *node = rbtree_first(&queue->realtime);

	if (!current->realtime_priority) {
		return node || fair_slice_over(queue, current, now);
	}
	return current->policy == SCHED_RR && node &&
	       rbtree_entry(node, struct sched_entity, node)->realtime_priority ==
		       current->realtime_priority &&
	       now - current->picked >= (nsec_t)current->slice_ns;
}

static void slice_expired(struct timer *timer)
{
	struct run_queue *queue = container_of(timer, struct run_queue, slice_timer);
	bool waiting;

	spin_lock(&queue->lock);
	queue->slice_armed = false;
	waiting = queue->current != queue->idle && run_queue_first(queue);
	if (waiting) {
		nsec_t now = clock_monotonic();

		run_queue_account(queue, now);
		if (slice_over(queue, now)) {
			arch_set_need_reschedule(true);
		} else {
			run_queue_arm_slice(queue, now);
		}
	}
	spin_unlock(&queue->lock);
	if (waiting) {
		balance_push(queue);
	}
}

void run_queue_init(struct run_queue *queue, unsigned cpu, struct sched_entity *idle)
{
	spin_init(&queue->lock, RANK_RUN_QUEUE, "run_queue.lock");
	queue->cpu = cpu;
	queue->current = queue->idle = idle;
	timer_init(&queue->slice_timer, slice_expired);
}

/* An interrupt from another CPU that wants this one to react, or from this one: the log has news. */
void entry_reschedule_interrupt(void)
{
	struct run_queue *queue = run_queue_this();

	log_news_deliver();
	spin_lock(&queue->lock);
	if (queue->reschedule_wanted) {
		queue->reschedule_wanted = false;
		arch_set_need_reschedule(true);
	} else if (queue->current != queue->idle && run_queue_first(queue)) {
		run_queue_arm_slice(queue, clock_monotonic());
	}
	spin_unlock(&queue->lock);
}
