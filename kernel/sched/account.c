// SPDX-License-Identifier: MIT
/*
 * CPU time and load: per thread, per CPU, and the averages of /proc/loadavg.
 *
 * A running thread's time since its `mark` is the user's or the system's, by
 * `in_user`; the two marks and the switch (which is always in the kernel) settle it.
 * Writers have interrupts off on the thread's CPU; readers may see a stretch one mark
 * late.
 */
#include "arch/irq.h"
#include "sched/run_queue.h"
#include "time/clock.h"

enum { LOAD_SHIFT = 11 };
#define LOAD_ONE         (1ull << LOAD_SHIFT)
#define LOAD_INTERVAL_NS (5 * NSEC_PER_SEC)

/* LOAD_ONE / e^(5/60), / e^(5/300), / e^(5/900) */
static const u64 load_decay[3] = {1884, 2014, 2037};
static _Atomic u64 load_average[3];
static struct timer load_timer;

static always_inline_ void settle(struct run_queue *queue, struct sched_entity *entity,
				  nsec_t now)
{
	nsec_t ran = now - entity->mark;

	if (ran <= 0) {
		return;
	}
	entity->mark = now;
	if (entity == queue->idle) {
		return; /* its runtime_ns is the CPU's idle time */
	}
	if (entity->in_user) {
		WRITE_ONCE(entity->user_ns, entity->user_ns + (u64)ran);
		WRITE_ONCE(queue->user_ns, queue->user_ns + (u64)ran);
	} else {
		WRITE_ONCE(entity->system_ns, entity->system_ns + (u64)ran);
		WRITE_ONCE(queue->system_ns, queue->system_ns + (u64)ran);
	}
}

void account_switched_out(struct run_queue *queue, struct sched_entity *entity,
			  nsec_t now)
{
	settle(queue, entity, now);
}

/* The running thread goes over to `in_user`; interrupts are off. */
static always_inline_ void account_mark(bool in_user)
{
	struct sched_entity *self = sched_current();

	settle(run_queue_this(), self, clock_monotonic());
	self->in_user = in_user;
}

void sched_account_user(void)
{
	account_mark(true);
}

void sched_account_system(void)
{
	u64 flags = arch_irq_save();

	account_mark(false);
	arch_irq_restore(flags);
}

void sched_cpu_time(struct sched_entity *entity, u64 *user_ns, u64 *system_ns)
{
	u64 flags;
	struct run_queue *queue = run_queue_lock_of(entity, &flags);
	nsec_t running = 0;

	*user_ns = READ_ONCE(entity->user_ns);
	*system_ns = READ_ONCE(entity->system_ns);
	if (queue->current == entity) {
		running = MAX(clock_monotonic() - READ_ONCE(entity->mark), (nsec_t)0);
	}
	*(READ_ONCE(entity->in_user) ? user_ns : system_ns) += (u64)running;
	run_queue_unlock(queue, flags);
}

s64 sched_realtime_since_sleep(struct sched_entity *entity)
{
	u64 flags;
	struct run_queue *queue = run_queue_lock_of(entity, &flags);
	s64 used = -1;

	if (queue->current == entity) {
		run_queue_account(queue, clock_monotonic());
	}
	if (entity->realtime_priority) {
		used = (s64)(entity->runtime_ns - entity->realtime_from_ns);
	}
	run_queue_unlock(queue, flags);
	return used;
}

void sched_cpu_statistics(unsigned cpu, u64 *user_ns, u64 *system_ns, u64 *idle_ns)
{
	struct run_queue *queue = run_queue_of(cpu);
	u64 flags = spin_lock_irq(&queue->lock);

	run_queue_account(queue, clock_monotonic());
	*user_ns = READ_ONCE(queue->user_ns);
	*system_ns = READ_ONCE(queue->system_ns);
	*idle_ns = queue->idle->runtime_ns;
	spin_unlock_irq(&queue->lock, flags);
}

unsigned sched_running_count(void)
{
	unsigned count = 0;

	for (unsigned cpu = 0; cpu_is_online(cpu); cpu++) {
		count += atomic_load_explicit(&run_queue_of(cpu)->attached,
					      memory_order_relaxed);
	}
	return count;
}

/*
 * Running, ready and uninterruptibly waiting threads. A thread may begin its wait on
 * one CPU's count and end it on another's.
 */
static u64 active_threads(void)
{
	s64 count = sched_running_count();

	for (unsigned cpu = 0; cpu_is_online(cpu); cpu++) {
		count += READ_ONCE(run_queue_of(cpu)->uninterruptible);
	}
	return count > 0 ? (u64)count : 0;
}

static void load_timer_expired(struct timer *timer)
{
	u64 active = active_threads() << LOAD_SHIFT;

	for (unsigned i = 0; i < ARRAY_SIZE(load_average); i++) {
		u64 sum = atomic_load(&load_average[i]) * load_decay[i] +
			  active * (LOAD_ONE - load_decay[i]);

		atomic_store(&load_average[i], (sum + LOAD_ONE / 2) >> LOAD_SHIFT);
	}
	timer_start(timer, nsec_add(timer->deadline, LOAD_INTERVAL_NS));
}

void account_start_load_average(void)
{
	timer_init(&load_timer, load_timer_expired);
	timer_start(&load_timer, nsec_add(clock_monotonic(), LOAD_INTERVAL_NS));
}

void sched_load_average(u64 out[3])
{
	for (unsigned i = 0; i < 3; i++) {
		out[i] = atomic_load(&load_average[i]);
	}
}
