// SPDX-License-Identifier: MIT
/*
 * Starting the scheduler, starting CPUs, and what a CPU does with nothing to do.
 *
 * The idle thread of a CPU is never linked in a run queue and never sleeps; it runs
 * with preemption off but for the switches it asks for itself, so that "idle" in the
 * idle mask and "current is the idle thread" go together.
 */
#include "arch/entry.h"
#include "arch/irq.h"
#include "arch/smp.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/percpu.h"
#include "core/preempt.h"
#include "mm/kernel_stack.h"
#include "sched/log_news.h"
#include "sched/run_queue.h"
#include "time/clock.h"

#define START_POLL (50 * NSEC_PER_USEC)

DEFINE_PER_CPU(struct sched_entity, idle_threads);

static void preempt_hook(void)
{
	if (arch_irqs_enabled()) {
		sched_reschedule();
	}
}

static void init_idle(unsigned cpu, vaddr_t stack_top)
{
	struct sched_entity *idle = per_cpu(idle_threads, cpu);

	sched_entity_init(idle, stack_top);
	atomic_store(&idle->state, THREAD_RUNNING);
	atomic_store(&idle->cpu, cpu);
	atomic_store(&idle->on_cpu, 1);
	idle->kernel_name = "idle";
	run_queue_init(run_queue_of(cpu), cpu, idle);
}

static void go_online(unsigned cpu)
{
	struct sched_entity *idle = per_cpu(idle_threads, cpu);

	idle->started = idle->picked = clock_monotonic();
	place_cpu_online(cpu);
}

void sched_init(void)
{
	init_idle(0, 0);
	arch_thread_adopt(&per_cpu(idle_threads, 0)->arch, 0);
	preempt_set_hook(preempt_hook);
	go_online(0);
	account_start_load_average();
	log_news_init();
}

/* Interrupts off and preemption off, both ways. */
static void idle_once(struct run_queue *queue)
{
	if (!run_queue_first(queue) && !arch_need_reschedule() && !balance_pull(queue)) {
		place_mark_idle(queue->cpu, true);
		/*
		 * Whoever saw the mark links its thread and interrupts; who did not is
		 * seen here.
		 */
		if (!run_queue_first(queue) && !arch_need_reschedule()) {
			arch_cpu_idle();
		}
		place_mark_idle(queue->cpu, false);
	}
	if (run_queue_first(queue) || arch_need_reschedule()) {
		preempt_enable_no_reschedule();
		switch_away(false);
		preempt_disable();
	}
}

void sched_idle(void)
{
	struct run_queue *queue;

	preempt_disable();
	arch_irq_disable();
	queue = run_queue_this();
	ASSERT(sched_current() == queue->idle);
	for (;;) {
		idle_once(queue);
	}
}

void entry_cpu_started(unsigned cpu)
{
	go_online(cpu);
	sched_idle();
}

static void idle_entry(void *argument)
{
	sched_idle();
}

/* While a CPU comes up others go on with the boot. */
static void pass_time(void)
{
	sched_sleep_until(clock_monotonic() + START_POLL, THREAD_UNINTERRUPTIBLE);
}

void sched_start_cpus(void)
{
	unsigned count = MIN(arch_cpus_present(), (unsigned)MAX_CPUS);

	for (unsigned cpu = 1; cpu < count; cpu++) {
		struct sched_entity *idle = per_cpu(idle_threads, cpu);
		vaddr_t stack_top;

		if (kernel_stack_allocate(&stack_top)) {
			log_warning("cpu %u: no memory for its stack", cpu);
			return;
		}
		init_idle(cpu, stack_top);
		arch_thread_init_kernel(&idle->arch, stack_top, idle_entry, NULL);
		cpu_set_count(cpu + 1);
		if (arch_cpu_start(cpu, &idle->arch, pass_time)) {
			cpu_set_count(cpu);
			log_warning("cpu %u does not start", cpu);
			return;
		}
		/* In order, so that CPU numbers have no holes. */
		while (!cpu_is_online(cpu)) {
			pass_time();
		}
	}
}
