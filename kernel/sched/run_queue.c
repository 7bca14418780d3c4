// SPDX-License-Identifier: MIT
/*
 * Run queues: what is linked, who comes first, who must make way. See run_queue.h for
 * the invariants.
 *
 * Order: deadline threads by deadline (deadline.c), real-time ones by priority and arrival, then fair
 * ones by virtual deadline (fair.c), then the idle thread. While the fair are served
 * (fair_server.c) they are among the deadline threads.
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

u64 entity_rank(const struct sched_entity *entity)
{
	return entity->policy == SCHED_DEADLINE ? UINT64_MAX - (u64)entity->deadline
						: 1u + entity->realtime_priority;
}

enum { LEVEL_FAIR, LEVEL_REALTIME, LEVEL_DEADLINE };

static int level_of(const struct run_queue *queue, const struct sched_entity *entity)
{
	if (entity_is_fair(entity)) {
		return queue->fair_server.serving ? LEVEL_DEADLINE : LEVEL_FAIR;
	}
	return entity->policy == SCHED_DEADLINE ? LEVEL_DEADLINE : LEVEL_REALTIME;
}

static nsec_t deadline_of(const struct run_queue *queue,
			  const struct sched_entity *entity)
{
	return entity_is_fair(entity) ? queue->fair_server.ends : entity->deadline;
}

/* By class, then within it; not two fair ones. */
static bool is_more_urgent(const struct run_queue *queue, const struct sched_entity *a,
			   const struct sched_entity *b)
{
	int level = level_of(queue, a);

	if (level != level_of(queue, b)) {
		return level > level_of(queue, b);
	}
	return level == LEVEL_DEADLINE ? deadline_of(queue, a) < deadline_of(queue, b)
				       : a->realtime_priority > b->realtime_priority;
}

void run_queue_publish_rank(struct run_queue *queue)
{
	const struct sched_entity *current = queue->current;
	u64 rank = 0;

	if (current != queue->idle) {
		rank = entity_is_fair(current) && queue->fair_server.serving
			       ? UINT64_MAX - (u64)queue->fair_server.ends
			       : entity_rank(current);
	}
	if (rank < atomic_load_explicit(&queue->current_rank, memory_order_relaxed)) {
		queue->unbalanced = true;
	}
	atomic_store_explicit(&queue->current_rank, rank, memory_order_relaxed);
}

/* Q4 */
static void publish_waiting(struct run_queue *queue)
{
	struct rbtree_node *node = rbtree_first(&queue->deadline);
	u64 rank = 0;

	if (!node) {
		node = rbtree_first(&queue->realtime);
	}
	if (node) {
		rank = entity_rank(rbtree_entry(node, struct sched_entity, node));
	}
	atomic_store_explicit(&queue->waiting_rank, rank, memory_order_relaxed);
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
	if (current->own.policy == SCHED_DEADLINE) {
		deadline_charge(queue, current, (u64)ran, now);
	}
	if (current->inherited) {
		deadline_charge_inherited(queue, current, (u64)ran);
	}
	if (current != queue->idle && entity_is_fair(current)) {
		fair_charge(queue, current, (u64)ran);
		fair_server_charge(queue, (u64)ran);
	}
}

void run_queue_attach(struct run_queue *queue, struct sched_entity *entity,
		      enum attach_kind kind)
{
	if (kind != ATTACH_MOVED) {
		entity->realtime_from_ns = entity->runtime_ns;
	}
	if (kind != ATTACH_MOVED && entity->own.policy == SCHED_DEADLINE) {
		deadline_wake(entity, clock_monotonic());
	}
	if (entity_is_fair(entity)) {
		fair_attach(queue, entity, kind);
	}
	atomic_fetch_add_explicit(&queue->attached, 1, memory_order_relaxed);
}

void run_queue_detach(struct run_queue *queue, struct sched_entity *entity)
{
	if (entity_is_fair(entity)) {
		fair_detach(queue, entity);
	}
	atomic_fetch_sub_explicit(&queue->attached, 1, memory_order_relaxed);
}

void run_queue_link(struct run_queue *queue, struct sched_entity *entity, bool front)
{
	DEBUG_ASSERT(!rbtree_linked(&entity->node));
	if (entity_is_fair(entity)) {
		rbtree_add(&queue->fair, &entity->node, fair_before);
		return;
	}
	if (entity->policy == SCHED_DEADLINE) {
		deadline_link(queue, entity);
	} else {
		entity->realtime_order =
			front ? --queue->order_front : ++queue->order_back;
		rbtree_add(&queue->realtime, &entity->node, realtime_before);
	}
	publish_waiting(queue);
}

void run_queue_unlink(struct run_queue *queue, struct sched_entity *entity)
{
	if (entity_is_fair(entity)) {
		rbtree_remove(&queue->fair, &entity->node);
		return;
	}
	if (entity->policy == SCHED_DEADLINE) {
		deadline_unlink(queue, entity);
	} else {
		rbtree_remove(&queue->realtime, &entity->node);
	}
	publish_waiting(queue);
}

struct sched_entity *run_queue_first(struct run_queue *queue)
{
	struct rbtree_node *node = rbtree_first(&queue->deadline);
	struct rbtree_node *fair = rbtree_first(&queue->fair);

	if (!node) {
		node = rbtree_first(&queue->realtime);
	}
	if (!node) {
		node = fair;
	} else if (fair && queue->fair_server.serving &&
		   is_more_urgent(queue, rbtree_entry(fair, struct sched_entity, node),
				  rbtree_entry(node, struct sched_entity, node))) {
		node = fair;
	}
	return node ? rbtree_entry(node, struct sched_entity, node) : NULL;
}

bool run_queue_is_before_all(struct run_queue *queue, const struct sched_entity *entity)
{
	const struct sched_entity *first = run_queue_first(queue);

	if (!first || entity->throttled) {
		return !entity->throttled;
	}
	if (!entity_is_fair(first) || !entity_is_fair(entity)) {
		return is_more_urgent(queue, entity, first);
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
static bool comes_before(const struct run_queue *queue, const struct sched_entity *entity,
			 const struct sched_entity *current)
{
	if (!entity_is_fair(entity) || !entity_is_fair(current)) {
		return is_more_urgent(queue, entity, current);
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

	if (entity->parked) {
		return;
	}
	if (current == queue->idle || comes_before(queue, entity, current)) {
		run_queue_request(queue);
		return;
	}
	if (entity_is_fair(entity) && !entity_is_fair(current)) {
		fair_server_wait(queue, current->started);
	}
	if (!queue->slice_armed ||
	    current->server.asked.reclaim) { // now it may leave less
		if (queue->cpu == arch_cpu_number()) {
			run_queue_arm_slice(queue, current->started); /* just accounted */
		} else {
			arch_ipi_send(queue->cpu, IPI_RESCHEDULE);
		}
	}
}

/* An idle CPU is sent for: others take over what waits there if it does not come soon. */
static void run_queue_call(struct run_queue *queue)
{
	if (!atomic_load_explicit(&queue->called, memory_order_relaxed)) {
		atomic_store_explicit(&queue->called, clock_monotonic(),
				      memory_order_relaxed);
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
	if (queue->current == queue->idle && queue->cpu != arch_cpu_number()) {
		run_queue_call(queue);
	}
	run_queue_check_preempt(queue, entity);
}

/*
 * Somebody waits behind the current thread: its slice ends. A pending timer that is
 * early enough is left alone. A thread that was alone for long may go on for a
 * quarter.
 */
static nsec_t slice_end(const struct run_queue *queue, nsec_t now)
{
	const struct sched_entity *current = queue->current;
	nsec_t slice = (nsec_t)current->slice_ns;
	nsec_t end = MAX(current->picked + slice, now + slice / 4);

	if (current->policy == SCHED_DEADLINE) {
		s64 budget = current->inherited ? current->inherited_budget_ns
						: current->server.budget_ns;

		if (!current->inherited && current->server.asked.reclaim) {
			budget = reclaim_lasts(queue, current);
		}
		return now + MAX(budget, 0LL);
	}
	if (queue->fair_server.serving && entity_is_fair(current)) {
		end = MIN(end, now + queue->fair_server.budget_ns);
	}
	return end;
}

void run_queue_arm_slice(struct run_queue *queue, nsec_t now)
{
	nsec_t deadline = slice_end(queue, now);

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
	struct sched_entity *first = run_queue_first(queue);

	if (current->throttled) {
		return true;
	}
	if (!first || is_more_urgent(queue, current, first)) {
		return false;
	}
	if (!entity_is_fair(first) && is_more_urgent(queue, first, current)) {
		return true;
	}
	if (entity_is_fair(current)) {
		return fair_slice_over(queue, current, now);
	}
	return current->policy == SCHED_RR &&
	       now - current->picked >= (nsec_t)current->slice_ns;
}

static void slice_expired(struct timer *timer)
{
	struct run_queue *queue = container_of(timer, struct run_queue, slice_timer);
	bool waiting;

	spin_lock(&queue->lock);
	queue->slice_armed = false;
	waiting = queue->current != queue->idle && run_queue_first(queue);
	if (waiting || queue->current->policy == SCHED_DEADLINE) {
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
	deadline_queue_init(queue);
	fair_server_init(queue);
}

/* An interrupt from another CPU that wants this one to react, or from this one: the log has news. */
void entry_reschedule_interrupt(void)
{
	struct run_queue *queue = run_queue_this();

	WRITE_ONCE(queue->interrupts, queue->interrupts + 1);
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

u64 sched_interrupt_count(unsigned cpu)
{
	return READ_ONCE(run_queue_of(cpu)->interrupts);
}
