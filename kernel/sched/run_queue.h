// SPDX-License-Identifier: MIT
/*
 * Private to sched/: one run queue a CPU.
 *
 * Locks  run_queue.lock (irq-safe); two of them: by address (spin_lock_pair).
 *
 *   Q1  A READY thread is linked in exactly one tree of the queue of its `cpu` (`throttled` is one);
 *       except between leaving a CPU it may no longer run on and being placed on
 *       another (run_queue.pushed), when the CPU it leaves owns it.
 *   Q2  queue.current is the thread whose registers are live there; it changes only
 *       around arch_switch(), under the lock, and the next thread releases the lock.
 *       So whoever holds the lock and sees entity != current knows that its registers
 *       are saved.
 *   Q3  `load`, `offset` and `attached` count the fair threads (all threads) that are
 *       linked, but not in `throttled`, or current and not asleep.
 *   Q4  `waiting_rank` is the rank of the first deadline or real-time thread that is linked. Who
 *       links one looks for a CPU with less to do; a CPU that comes to have less looks for one (balance.c).
 */
#pragma once

#include "core/percpu.h"
#include "core/spinlock.h"
#include "sched/concurrency.h"
#include "sched/sched.h"
#include <linux/sched.h>

#define SLICE_FAIR_NS        (2 * NSEC_PER_MSEC)
#define SLICE_ROUND_ROBIN_NS (100 * NSEC_PER_MSEC)
#define WEIGHT_NICE_0        1024u
#define WEIGHT_IDLE          3u

/* fair_server.c: a share of the CPU for fair threads, whatever is more urgent. */
struct fair_server {
	struct timer timer;
	bool armed, serving;
	nsec_t ends; /* of the period, and the deadline fair threads have while it serves */
	s64 budget_ns; /* what is left of the share in it */
};

struct run_queue {
	struct spinlock lock;
	unsigned cpu;

	struct sched_entity *current, *idle;
	struct rbtree deadline, realtime, fair;
	struct rbtree throttled; /* deadline threads, by when they may go on */
	struct timer throttled_timer;
	struct rbtree
		lingering; /* deadline threads that sleep, by when they have no lag (reclaim.c) */
	u64 inactive_bandwidth;
	struct fair_server fair_server;
	struct sched_entity
		*pushed;      /* left this CPU for good; the next thread places it (Q1) */
	_Atomic u32 attached; /* threads but for the idle one; a hint */
	_Atomic u64 current_rank; /* entity_rank(), 0: idle; a hint */
	_Atomic u64 waiting_rank; /* Q4; a hint */
	_Atomic nsec_t
		called; /* idle, and since then a thread is linked and the CPU sent for; 0: not. A hint */
	bool unbalanced; /* somebody urgent waits, or might come from elsewhere */

	/*
	 * The fair clock is zero + offset / load: the threads' average virtual runtime,
	 * by weight.
	 */
	u64 zero;
	s64 offset; /* sum of weight * (virtual_runtime - zero) */
	u64 load;   /* sum of weight */

	s64 order_front, order_back; /* next realtime_order at either end */

	struct timer slice_timer;
	bool slice_armed;
	bool reschedule_wanted; /* by who sent the interrupt */

	s64 uninterruptible; /* this queue's share of the sum for the load average */
	u64 switches;
	u64 interrupts; /* of entry_reschedule_interrupt(): its own CPU, interrupts off; read by anyone */
	u64 user_ns, system_ns;
};

/* run_queue.c */
DECLARE_PER_CPU(struct run_queue, run_queues);
static inline struct run_queue *run_queue_of(unsigned cpu)
{
	return per_cpu(run_queues, cpu);
}
/* Preemption or interrupts off. */
static inline struct run_queue *run_queue_this(void)
{
	return this_cpu(run_queues);
}
void run_queue_init(struct run_queue *queue, unsigned cpu, struct sched_entity *idle);
/* The queue `entity` belongs to, locked. */
struct run_queue *run_queue_lock_of(struct sched_entity *entity, u64 *flags);
void run_queue_unlock(struct run_queue *queue, u64 flags);
/* Charge the current thread for the time since it was last charged. */
void run_queue_account(struct run_queue *queue, nsec_t now);
/* Count `entity` in (it gets its place in this queue's clock), out again. */
enum attach_kind { ATTACH_NEW, ATTACH_WOKEN, ATTACH_MOVED };
void run_queue_attach(struct run_queue *queue, struct sched_entity *entity,
		      enum attach_kind kind);
void run_queue_detach(struct run_queue *queue, struct sched_entity *entity);
void run_queue_link(struct run_queue *queue, struct sched_entity *entity, bool front);
void run_queue_unlink(struct run_queue *queue, struct sched_entity *entity);
struct sched_entity *run_queue_first(struct run_queue *queue); /* NULL: nothing linked */
/* Attached and not linked: would it be the first if it were? */
bool run_queue_is_before_all(struct run_queue *queue, const struct sched_entity *entity);
/* Attach, link and have the CPU react if it must. */
void run_queue_enqueue(struct run_queue *queue, struct sched_entity *entity,
		       enum attach_kind kind);
/*
 * Its current thread is accounted: make the queue's CPU look again if `entity`, linked
 * here, should run before its current thread.
 */
void run_queue_check_preempt(struct run_queue *queue, struct sched_entity *entity);
void run_queue_request(struct run_queue *queue); /* have the CPU reschedule */
void run_queue_arm_slice(struct run_queue *queue, nsec_t now);
/* More urgent is more: 1 fair, then real-time by priority, then by deadline. */
u64 entity_rank(const struct sched_entity *entity);
static inline bool entity_is_fair(const struct sched_entity *entity)
{
	return !entity->realtime_priority && entity->policy != SCHED_DEADLINE;
}
/* The rank of an urgent thread that is linked here; 0: none. Any context. */
static inline u64 run_queue_waiting(const struct run_queue *queue)
{
	return atomic_load_explicit(&queue->waiting_rank, memory_order_relaxed);
}
/* The current thread is another, or acts otherwise: say so. */
void run_queue_publish_rank(struct run_queue *queue);

/* policy.c */
bool standing_is_before(const struct sched_standing *a, const struct sched_standing *b);
/* The one place that says what a thread acts by: locked. */
const struct sched_standing *standing_of(const struct sched_entity *entity);
/* own, lent, owed, or whether it is throttled have changed: what the queues look at, anew. Locked, not linked nor attached, or as it was. */
void standing_settle(struct sched_entity *entity);
/* What its debts are lent, for debt.c. true: it acts by another standing now. */
bool sched_set_owed(struct sched_entity *entity, const struct sched_standing *owed);
void sched_get_standing(struct sched_entity *entity,
			struct sched_standing *out); /* what it acts by */

/* fair.c */
u32 fair_weight(unsigned policy, int nice);
u64 fair_clock(struct run_queue *queue);
void fair_charge(struct run_queue *queue, struct sched_entity *entity, u64 ran_ns);
void fair_attach(struct run_queue *queue, struct sched_entity *entity,
		 enum attach_kind kind);
void fair_detach(struct run_queue *queue, struct sched_entity *entity);
void fair_yield(struct run_queue *queue, struct sched_entity *entity);
bool fair_before(const struct rbtree_node *a, const struct rbtree_node *b);
bool fair_slice_over(struct run_queue *queue, struct sched_entity *entity, nsec_t now);

/* deadline.c: all with the run queue locked. */
void deadline_begin(struct sched_entity *entity, const struct sched_deadline *asked,
		    nsec_t now);
void deadline_wake(struct sched_entity *entity, nsec_t now);
void deadline_charge(struct run_queue *queue, struct sched_entity *entity, u64 ran_ns,
		     nsec_t now);
void deadline_charge_inherited(struct run_queue *queue, struct sched_entity *entity,
			       u64 ran_ns);
void deadline_yield(struct run_queue *queue, struct sched_entity *entity, nsec_t now);
void deadline_link(struct run_queue *queue, struct sched_entity *entity);
void deadline_unlink(struct run_queue *queue, struct sched_entity *entity);
void deadline_queue_init(struct run_queue *queue);

/* reclaim.c: all with the run queue locked. A deadline thread that belongs here sleeps from now on. */
void reclaim_rest(struct run_queue *queue, struct sched_entity *entity, nsec_t now);
/* It is about to come back, or to change its policy; nothing to do for who does not rest. */
void reclaim_active(struct run_queue *queue, struct sched_entity *entity);
/* What the running thread, which reclaims, pays for the last `ran_ns` up to now; and how long its budget lasts from now. */
u64 reclaim_charge(struct run_queue *queue, struct sched_entity *entity, u64 ran_ns,
		   nsec_t now);
s64 reclaim_lasts(const struct run_queue *queue, const struct sched_entity *entity);

/* bandwidth.c: of a CPU: what may be promised, and its part of what is not promised to anybody. A moment ago. Any context. */
struct bandwidth_shares {
	u64 most, free;
};
void bandwidth_get_shares(struct bandwidth_shares *out);
/* Run queue locked. The errors of sched_set_deadline(). */
int deadline_reserve(struct sched_entity *entity, const struct sched_deadline *asked);
void deadline_release(struct sched_entity *entity);
bool bandwidth_binds(void); /* is there a limit at all? */

/* fair_server.c: the same. */
void fair_server_init(struct run_queue *queue);
/* Fair threads wait behind the current one. */
void fair_server_wait(struct run_queue *queue, nsec_t now);
void fair_server_charge(struct run_queue *queue, u64 ran_ns);

/* state.c */
bool state_try_change(struct sched_entity *entity, enum thread_state from,
		      enum thread_state to);
void state_change(struct sched_entity *entity, enum thread_state from,
		  enum thread_state to);
bool state_is_wait(u32 state);
static inline enum thread_state state_of(const struct sched_entity *entity)
{
	return atomic_load_explicit(&entity->state, memory_order_relaxed);
}

/*
 * switch.c: interrupts off, preempt count 0. preempted: not by its own will, so a
 * prepared wait is not entered.
 */
void switch_away(bool preempted);
/*
 * The same for a thread whose wait is prepared, to a READY one that belongs here and is not attached; or to who comes before
 * it. The queue is locked; at return it is not.
 */
void switch_to_sleeper(struct run_queue *queue, struct sched_entity *next);

/* wake.c */
void sched_sleep_expired(struct timer *timer);

/* place.c */
bool cpu_is_online(unsigned cpu);
void place_cpu_online(unsigned cpu);
u64 place_online(void); /* a bit a CPU */
u64 place_allowed(
	const struct sched_entity *entity); /* affinity and online, a bit a CPU */
/* It goes on there: move_work, if that is another CPU. Its queues are locked, the thread does not run. */
void place_set_cpu(struct sched_entity *entity, unsigned cpu);
unsigned place_choose(struct sched_entity *entity, unsigned previous_cpu);
/* The same for a thread whose starter is about to sleep: this CPU, if nobody else waits for it. */
unsigned place_in_my_stead(struct sched_entity *entity, unsigned previous_cpu);
void place_release(unsigned cpu); /* what place_choose() said was not used */
void place_mark_idle(unsigned cpu, bool idle);
/* A READY thread that no queue holds: give it to a CPU it may run on. */
void place_pushed(struct sched_entity *entity);
/* An idle CPU may want something of this queue: wake it. */
void place_nudge_idle(struct run_queue *queue);

/* balance.c */
bool balance_pull(struct run_queue *idle); /* true: something came */
/* Urgent threads that wait here: to CPUs with less urgent work. And from there to here. No lock held, interrupts off. */
void balance_push_urgent(struct run_queue *queue);
void balance_pull_urgent(struct run_queue *queue);
void balance_push(
	struct run_queue *busy); /* from the slice timer: no lock held, interrupts off */

/*
 * concurrency.c: `next` takes over the CPU from `previous`. The queue is locked; either
 * is in a set.
 */
void concurrency_switch(struct sched_entity *previous, struct sched_entity *next);

/* account.c */
void account_start_load_average(void);
void account_switched_out(struct run_queue *queue, struct sched_entity *entity,
			  nsec_t now);
void account_switched_in(struct sched_entity *entity, nsec_t now);

/* kernel_thread.c */
void kernel_thread_free(struct sched_entity *entity);
