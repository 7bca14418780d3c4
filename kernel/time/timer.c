// SPDX-License-Identifier: MIT
/*
 * Timers.
 *
 * Owns      each CPU's queue: a tree of pending timers, the one whose callback runs, the interrupt's deadline.
 * Locks     timer_queue.lock (irq-safe), one at a time.
 *
 * Invariants
 *   Q1  A pending timer is linked in the tree of queue timer.cpu; both change under that queue's lock.
 *   Q2  timer.cpu leaves the value n only under queue n's lock, through TIMER_MOVING; whoever reads TIMER_MOVING waits
 *       a moment: the mover holds no lock others could wait for.
 *   Q3  A timer whose callback runs stays with the queue that runs it, so that a canceller finds `running` there.
 *   Q4  programmed <= the earliest deadline of the queue and its tick; an interrupt that comes early finds nothing and
 *       programs the next. A timer with slack is as late as it may be in the tree: with the first that may not run
 *       yet the rest can wait too. Only the queue's own CPU programs: timers start in the queue of the CPU that starts them,
 *       or (Q3) in one whose CPU programs when the callback is over.
 *
 * Model: tests/model/timer_model.c.
 */
#include "time/timer.h"
#include "arch/cpu.h"
#include "arch/entry.h"
#include "arch/irq.h"
#include "arch/timer.h"
#include "core/panic.h"
#include "core/percpu.h"
#include "core/spinlock.h"
#include "lib/errno.h"
#include "time/clock.h"

enum { TIMER_NOWHERE = -1, TIMER_MOVING = -2 };

struct timer_queue {
	struct spinlock lock;
	struct rbtree tree GUARDED_BY(lock);
	struct timer *running GUARDED_BY(lock);
	nsec_t programmed; /* this CPU, interrupts off */
	nsec_t tick;       /* this CPU, interrupts off */
	u64 interrupts;    /* this CPU, interrupts off; read by anyone */
};

DEFINE_PER_CPU(struct timer_queue, queues);

static void (*tick_hook)(void);

void timer_init_system(void)
{
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
		struct timer_queue *queue = per_cpu(queues, cpu);

		spin_init(&queue->lock, RANK_TIMER_QUEUE, "timer_queue.lock");
		queue->programmed = queue->tick = NSEC_NEVER;
	}
}

void timer_init(struct timer *timer, void (*expired)(struct timer *timer))
{
	rbtree_node_init(&timer->node);
	timer->deadline = timer->soonest = NSEC_NEVER;
	timer->expired = expired;
	atomic_init(&timer->cpu, TIMER_NOWHERE);
}

bool timer_pending(const struct timer *timer)
{
	return READ_ONCE(timer->node.parent) != &timer->node;
}

static bool earlier(const struct rbtree_node *a, const struct rbtree_node *b)
{
	return rbtree_entry(a, struct timer, node)->deadline <
	       rbtree_entry(b, struct timer, node)->deadline;
}

/* Interrupts off. */
static void program(struct timer_queue *queue, nsec_t deadline)
{
	queue->programmed = deadline;
	arch_timer_set(deadline);
}

static nsec_t first_deadline(struct timer_queue *queue) MUST_HOLD(&queue->lock)
{
	struct rbtree_node *first = rbtree_first(&queue->tree);

	return first ? rbtree_entry(first, struct timer, node)->deadline : NSEC_NEVER;
}

/*
 * Lock the queue that the timer is in or was last in; NULL: it was never in one. Interrupts off.
 * The load of timer.cpu acquires. order.timer: pairs with move_here(), the store that ends a move
 */
static struct timer_queue *lock_queue_of(struct timer *timer) NO_THREAD_SAFETY
{
	for (;;) {
		s32 cpu = atomic_load_explicit(&timer->cpu, memory_order_acquire);

		if (cpu == TIMER_NOWHERE) {
			return NULL;
		}
		if (cpu >= 0) {
			struct timer_queue *queue = per_cpu(queues, cpu);

			spin_lock(&queue->lock);
			if (atomic_load_explicit(&timer->cpu, memory_order_relaxed) ==
			    cpu) {
				return queue;
			}
			spin_unlock(&queue->lock);
		}
		arch_cpu_relax();
	}
}

/* Claim a timer that was never in a queue. */
static bool claim_new(struct timer *timer)
{
	s32 nowhere = TIMER_NOWHERE;

	return atomic_compare_exchange_strong_explicit(&timer->cpu, &nowhere,
						       TIMER_MOVING, memory_order_acquire,
						       memory_order_relaxed);
}

/*
 * Interrupts off. Take the timer out of its queue, and lock the queue it shall be in: this CPU's, unless its
 * callback runs in another (Q3).
 */
static struct timer_queue *move_here(struct timer *timer, s32 self) NO_THREAD_SAFETY
{
	struct timer_queue *queue;

	do {
		queue = lock_queue_of(timer);
	} while (!queue && !claim_new(timer));
	if (queue) {
		if (rbtree_linked(&timer->node)) {
			rbtree_remove(&queue->tree, &timer->node);
		}
		if (queue == per_cpu(queues, self) || queue->running == timer) {
			return queue;
		}
		atomic_store_explicit(&timer->cpu, TIMER_MOVING, memory_order_relaxed);
		spin_unlock(&queue->lock);
	}
	queue = per_cpu(queues, self);
	spin_lock(&queue->lock);
	/* order.timer: pairs with lock_queue_of() */
	atomic_store_explicit(&timer->cpu, self, memory_order_release);
	return queue;
}

void timer_start(struct timer *timer, nsec_t deadline)
{
	timer_start_with_slack(timer, deadline, 0);
}

NO_THREAD_SAFETY void timer_start_with_slack(struct timer *timer, nsec_t soonest,
					     u64 slack_ns)
{
	nsec_t deadline = nsec_add(soonest, (nsec_t)MIN(slack_ns, (u64)NSEC_NEVER));
	u64 flags = arch_irq_save();
	s32 self = (s32)arch_cpu_number();
	struct timer_queue *queue = move_here(timer, self);

	timer->soonest = soonest;
	timer->deadline = deadline;
	rbtree_add(&queue->tree, &timer->node, earlier);
	if (queue == per_cpu(queues, self) && !queue->running &&
	    deadline < queue->programmed) {
		program(queue, deadline);
	}
	spin_unlock(&queue->lock);
	arch_irq_restore(flags);
}

/* Take it out of its queue. *running: its callback runs now. */
static NO_THREAD_SAFETY bool remove_timer(struct timer *timer, bool *running)
{
	u64 flags = arch_irq_save();
	struct timer_queue *queue = lock_queue_of(timer);
	bool was_pending = false;

	*running = false;
	if (queue) {
		was_pending = rbtree_linked(&timer->node);
		if (was_pending) {
			rbtree_remove(&queue->tree, &timer->node);
		}
		*running = queue->running == timer;
		spin_unlock(&queue->lock);
	}
	arch_irq_restore(flags);
	return was_pending;
}

int timer_try_cancel(struct timer *timer)
{
	bool running;
	bool was_pending = remove_timer(timer, &running);

	return running ? -EBUSY : was_pending;
}

bool timer_cancel(struct timer *timer)
{
	bool running, was_pending = false;

	do {
		was_pending |= remove_timer(timer, &running);
		if (running) {
			arch_cpu_relax();
		}
	} while (running);
	return was_pending;
}

/*
 * Unlink the first timer if it may run by now, and note that it runs; NULL: it may not, and so none must. Who has slack behind one
 * that may not run yet keeps it.
 */
static struct timer *take_due(struct timer_queue *queue, nsec_t now)
{
	struct rbtree_node *first;
	struct timer *timer = NULL;

	spin_lock(&queue->lock);
	queue->running =
		NULL; /* the timer before may be freed already: nothing of it is looked at */
	first = rbtree_first(&queue->tree);
	if (first && rbtree_entry(first, struct timer, node)->soonest <= now) {
		timer = rbtree_entry(first, struct timer, node);
		rbtree_remove(&queue->tree, &timer->node);
		queue->running = timer;
	}
	spin_unlock(&queue->lock);
	return timer;
}

void timer_program(void)
{
	struct timer_queue *queue = this_cpu(queues);

	spin_lock(&queue->lock);
	program(queue, MIN(first_deadline(queue), queue->tick));
	spin_unlock(&queue->lock);
}

void entry_timer_interrupt(void)
{
	struct timer_queue *queue = this_cpu(queues);
	nsec_t now = arch_clock_read();
	struct timer *timer;

	WRITE_ONCE(queue->interrupts, queue->interrupts + 1);
	/* `now` stays what it was: a timer that starts itself for the past runs in the next interrupt. */
	while ((timer = take_due(queue, now)) != NULL) {
		timer->expired(timer);
	}
	if (queue->tick <= now) {
		queue->tick = NSEC_NEVER;
		if (tick_hook) {
			tick_hook();
		}
	}
	timer_program();
}

u64 timer_interrupt_count(unsigned cpu)
{
	return READ_ONCE(per_cpu(queues, cpu)->interrupts);
}

void timer_set_tick(nsec_t deadline)
{
	struct timer_queue *queue = this_cpu(queues);

	queue->tick = deadline;
	if (deadline < queue->programmed) {
		program(queue, deadline);
	}
}

void timer_set_tick_hook(void (*tick)(void))
{
	tick_hook = tick;
}
