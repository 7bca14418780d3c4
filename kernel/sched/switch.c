// SPDX-License-Identifier: MIT
/*
 * The switch: from one thread to the next on this CPU, and what the next has to do
 * for the one that ran before (T1).
 *
 * Locks  run_queue.lock is taken by the thread that leaves and released by the one
 * that comes (finish_switch).
 *
 *   X1  on_cpu, a hint for tests and reports, is cleared by the next thread, after arch_switch() has left the old
 *       stack and before the lock is released.
 *   X2  An ended thread is handed to the exit hook by the next thread only: until
 *       then its stack and its control block stay.
 *   X3  After the lock is released a thread that has not ended is not touched: it may
 *       run elsewhere, end and be freed.
 */
#include "arch/entry.h"
#include "arch/irq.h"
#include "arch/mmu.h"
#include "core/panic.h"
#include "core/preempt.h"
#include "sched/run_queue.h"
#include "time/clock.h"
#include <linux/sched.h>

static void (*exit_hook)(struct sched_entity *dead);

void sched_set_exit_hook(void (*reap)(struct sched_entity *dead))
{
	exit_hook = reap;
}

/* Interrupts off, preempt count 0; the same at return. */
static void reap(struct sched_entity *dead)
{
	preempt_disable();
	arch_irq_enable();
	if (dead->kernel_owned) {
		kernel_thread_free(dead);
	} else if (exit_hook) {
		exit_hook(dead);
	}
	arch_irq_disable();
	preempt_enable_no_reschedule();
}

/* Interrupts off, no lock held. */
static void balance_urgent(struct run_queue *queue)
{
	balance_push_urgent(queue);
	balance_pull_urgent(queue);
}

NO_THREAD_SAFETY static void finish_switch(struct sched_entity *previous)
{
	struct run_queue *queue = run_queue_this();
	struct sched_entity *pushed = queue->pushed;
	bool unbalanced = queue->unbalanced;
	u32 state = state_of(previous);
	bool ended = state == THREAD_ZOMBIE || state == THREAD_DEAD;

	queue->pushed = NULL;
	queue->unbalanced = false;
	atomic_store_explicit(&previous->on_cpu, 0, memory_order_release);
	spin_unlock(&queue->lock);
	if (unbalanced) {
		balance_urgent(queue);
	}
	if (pushed) {
		place_pushed(pushed);
	}
	if (ended) {
		reap(previous);
	}
}

void entry_thread_started(struct arch_thread *previous)
{
	finish_switch((struct sched_entity *)previous);
}

static bool round_over(const struct sched_entity *entity)
{
	return entity->policy == SCHED_RR &&
	       entity->started - entity->picked >= (nsec_t)entity->slice_ns;
}

/*
 * The thread that leaves goes back into the line, to another CPU, to sleep, or for
 * good.
 */
static void put_previous(struct run_queue *queue, struct sched_entity *previous,
			 bool preempted)
{
	enum thread_state state = state_of(previous);

	if (state != THREAD_RUNNING && !(preempted && state_is_wait(state))) {
		run_queue_detach(queue, previous);
		if (!state_is_wait(state)) {
			if (previous->server.bandwidth) {
				deadline_release(previous);
			}
		} else if (previous->own.policy == SCHED_DEADLINE) {
			reclaim_rest(queue, previous, previous->started);
		}
		queue->uninterruptible += state == THREAD_UNINTERRUPTIBLE;
		previous->switches_voluntary++;
		return;
	}
	state_change(previous, state, THREAD_READY);
	if (!cpumask_test(&previous->affinity, queue->cpu)) {
		run_queue_detach(queue, previous);
		queue->pushed = previous;
		return;
	}
	previous->switches_involuntary += preempted;
	run_queue_link(queue, previous, preempted && !round_over(previous));
}

/* `next` is READY and not linked, or the idle thread. */
static void set_current(struct run_queue *queue, struct sched_entity *next, nsec_t now)
{
	struct fair_server *server = &queue->fair_server;
	bool urgent = run_queue_waiting(queue) != 0, fair = rbtree_first(&queue->fair);

	if (next != queue->idle) {
		state_change(next, THREAD_READY, THREAD_RUNNING);
	}
	next->started = next->picked = now;
	account_switched_in(next, now);
	atomic_store_explicit(&next->on_cpu, 1, memory_order_relaxed);
	queue->current = next;
	if (atomic_load_explicit(&queue->called, memory_order_relaxed)) {
		atomic_store_explicit(&queue->called, 0, memory_order_relaxed);
	}
	server->serving = server->serving && (entity_is_fair(next) || fair);
	run_queue_publish_rank(queue);
	queue->unbalanced |= urgent;
	if (next != queue->idle && (urgent || fair)) {
		run_queue_arm_slice(queue, now);
		place_nudge_idle(queue);
	} else if (next->policy == SCHED_DEADLINE) {
		run_queue_arm_slice(queue, now);
	}
	if (!entity_is_fair(next) && fair) {
		fair_server_wait(queue, now);
	}
}

/* The running thread, charged up to now, goes. The reschedule that may be due is what follows. */
static struct sched_entity *begin_switch(struct run_queue *queue, nsec_t now)
{
	struct sched_entity *previous = queue->current;

	arch_set_need_reschedule(false);
	queue->reschedule_wanted = false;
	account_switched_out(queue, previous, now);
	return previous;
}

static struct sched_entity *take_first(struct run_queue *queue)
{
	struct sched_entity *first = run_queue_first(queue);

	if (!first) {
		return queue->idle;
	}
	run_queue_unlink(queue, first);
	return first;
}

/* From `previous` to the one that is current now. The queue is locked; it is not when `previous` comes back. */
NO_THREAD_SAFETY static void switch_from(struct run_queue *queue,
					 struct sched_entity *previous)
{
	struct sched_entity *next = queue->current;

	if (next == previous) {
		bool unbalanced = queue->unbalanced;

		queue->unbalanced = false;
		spin_unlock(&queue->lock);
		if (unbalanced) {
			balance_urgent(queue);
		}
		return;
	}
	queue->switches++;
	if (previous->concurrency || next->concurrency) {
		concurrency_switch(previous, next);
	}
	if (arch_vm_active() != next->vm) {
		arch_vm_activate(next->vm);
	}
	ASSERT(arch_preempt_count() == 1);
	finish_switch((struct sched_entity *)arch_switch(&previous->arch, &next->arch));
}

/* The queue is locked, and the thread charged; the queue is not when it comes back. */
NO_THREAD_SAFETY static void switch_locked(struct run_queue *queue, nsec_t now,
					   bool preempted)
{
	struct sched_entity *previous = begin_switch(queue, now);

	if (previous != queue->idle) {
		put_previous(queue, previous, preempted);
	}
	set_current(queue, take_first(queue), now);
	switch_from(queue, previous);
}

NO_THREAD_SAFETY void switch_away(bool preempted)
{
	struct run_queue *queue = run_queue_this();
	nsec_t now;

	/* order.break: pairs with sched_nudge() */
	spin_lock(&queue->lock);
	now = clock_monotonic();
	run_queue_account(queue, now);
	switch_locked(queue, now, preempted);
}

NO_THREAD_SAFETY void switch_to_sleeper(struct run_queue *queue,
					struct sched_entity *next)
{
	nsec_t now = clock_monotonic();
	struct sched_entity *previous;

	run_queue_account(queue, now);
	previous = begin_switch(queue, now);
	run_queue_attach(queue, next, ATTACH_WOKEN); // before we leave, as in a wake-up
	put_previous(queue, previous, false);
	if (!run_queue_is_before_all(queue, next)) {
		run_queue_link(queue, next, false);
		next = take_first(queue);
	}
	set_current(queue, next, now);
	switch_from(queue, previous);
}

/* Interrupts off: preempts while it is due and allowed. */
static void preempt_while_due(void)
{
	while (arch_need_reschedule() && arch_preempt_count() == 0) {
		switch_away(true);
	}
}

void sched_reschedule(void)
{
	u64 flags;

	if (!arch_need_reschedule()) {
		return;
	}
	flags = arch_irq_save();
	preempt_while_due();
	arch_irq_restore(flags);
}

void entry_interrupt_exit(void)
{
	preempt_while_due();
}

NO_THREAD_SAFETY void sched_yield_current(void)
{
	struct sched_entity *self = sched_current();
	struct run_queue *queue;
	nsec_t now;
	u64 flags;

	lock_check_may_sleep("sched_yield_current");
	flags = arch_irq_save();
	queue = run_queue_this();
	spin_lock(&queue->lock);
	now = clock_monotonic();
	run_queue_account(queue, now);
	if (entity_is_fair(self)) {
		fair_yield(queue, self);
	} else {
		deadline_yield(queue, self, now);
	}
	switch_locked(queue, now, false);
	arch_irq_restore(flags);
}

void sched_exit(enum thread_state final)
{
	struct sched_entity *self = sched_current();

	lock_check_may_sleep("sched_exit");
	ASSERT(final == THREAD_ZOMBIE || final == THREAD_DEAD);
	arch_irq_disable();
	state_change(self, THREAD_RUNNING, final);
	switch_away(false);
	UNREACHABLE("an ended thread ran");
}

void sched_use_vm(struct arch_vm *vm)
{
	u64 flags = arch_irq_save();
	struct run_queue *queue = run_queue_this();

	spin_lock(&queue->lock); // who looks from outside must not find it while it goes
	sched_current()->vm = vm;
	spin_unlock(&queue->lock);
	if (arch_vm_active() != vm) {
		arch_vm_activate(vm);
	}
	arch_irq_restore(flags);
}

u64 sched_switch_count(void)
{
	u64 count = 0;

	for (unsigned cpu = 0; cpu < MAX_CPUS && cpu_is_online(cpu); cpu++) {
		count += READ_ONCE(run_queue_of(cpu)->switches);
	}
	return count;
}

u64 sched_running_on(u64 among, bool (*wanted)(struct sched_entity *running, void *with),
		     void *with)
{
	u64 cpus = 0;

	for (unsigned cpu = 0; cpu < MAX_CPUS && cpu_is_online(cpu); cpu++) {
		struct run_queue *queue = run_queue_of(cpu);
		u64 flags;

		if (!(among >> cpu & 1)) {
			continue;
		}
		flags = spin_lock_irq(&queue->lock);
		if (queue->current->vm && wanted(queue->current, with)) {
			cpus |= 1UL << cpu;
		}
		spin_unlock_irq(&queue->lock, flags);
	}
	return cpus;
}
