// SPDX-License-Identifier: MIT
/*
 * CPU time and load: per thread, per CPU, and the averages of /proc/loadavg.
 *
 * What a running thread has used since its `mark` is split when it leaves the CPU, or when somebody asks. The two marks, at each entry
 * into the kernel and each way back, only add up counter units, by the thread itself; the rest of the split changes under run_queue.lock.
 * Who asks from another CPU may see a stretch one mark late.
 */
#include "arch/timer.h"
#include "sched/run_queue.h"
#include "time/clock.h"

enum { LOAD_SHIFT = 11 };
#define LOAD_ONE         (1ull << LOAD_SHIFT)
#define LOAD_INTERVAL_NS (5 * NSEC_PER_SEC)

/* LOAD_ONE / e^(5/60), / e^(5/300), / e^(5/900) */
static const u64 load_decay[3] = {1884, 2014, 2037};
static _Atomic u64 load_average[3];
static struct timer load_timer;

/* Add what it has run since the mark. */
static void split(const struct sched_entity *entity, nsec_t now, u64 *user_ns,
		  u64 *system_ns)
{
	nsec_t ran = MAX(now - entity->mark, (nsec_t)0), in_kernel;
	u64 units = READ_ONCE(entity->kernel_units);

	if (!READ_ONCE(entity->in_user)) {
		u64 entered = READ_ONCE(entity->entered);

		units += (u64)MAX((s64)(arch_counter_read() - entered), (s64)0);
	}
	in_kernel = MIN(arch_counter_time(units), ran);
	*system_ns += (u64)in_kernel;
	*user_ns += (u64)(ran - in_kernel);
}

void account_switched_out(struct run_queue *queue, struct sched_entity *entity,
			  nsec_t now)
{
	u64 user_ns = 0, system_ns = 0;

	if (entity == queue->idle) {
		return; /* its runtime_ns is the CPU's idle time */
	}
	split(entity, now, &user_ns, &system_ns);
	entity->user_ns += user_ns;
	entity->system_ns += system_ns;
	queue->user_ns += user_ns;
	queue->system_ns += system_ns;
}

void account_switched_in(struct sched_entity *entity, nsec_t now)
{
	entity->mark = now;
	entity->kernel_units = 0;
	entity->entered = arch_counter_read();
}

void sched_account_user(void)
{
	struct sched_entity *self = sched_current();

	if (!self->in_user) { // an interrupt is the user's time
		WRITE_ONCE(self->kernel_units,
			   self->kernel_units + arch_counter_read() - self->entered);
		WRITE_ONCE(self->in_user, true);
	}
}

/* Where a preemption comes in between, `entered` is from before it: split() knows that no stretch is longer than the whole. */
void sched_account_system(void)
{
	struct sched_entity *self = sched_current();

	WRITE_ONCE(self->entered, arch_counter_read());
	WRITE_ONCE(self->in_user, false);
}

void sched_cpu_time(struct sched_entity *entity, u64 *user_ns, u64 *system_ns)
{
	u64 flags;
	struct run_queue *queue = run_queue_lock_of(entity, &flags);

	*user_ns = entity->user_ns;
	*system_ns = entity->system_ns;
	if (queue->current == entity) {
		split(entity, clock_monotonic(), user_ns, system_ns);
	}
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
	*user_ns = queue->user_ns;
	*system_ns = queue->system_ns;
	if (queue->current != queue->idle) {
		split(queue->current, clock_monotonic(), user_ns, system_ns);
	}
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
