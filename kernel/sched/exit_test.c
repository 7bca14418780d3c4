// SPDX-License-Identifier: MIT
/*
 * The end of threads on the simulated machine (T1): each is handed to the exit hook
 * once, by another thread, off its CPU, and can be freed there. The host port ends
 * the run if a stack is freed or switched to while a CPU uses it.
 */
#include "arch/irq.h"
#include "core/percpu.h"
#include "core/preempt.h"
#include "lib/string.h"
#include "machine.h"
#include "mm/heap.h"
#include "mm/kernel_stack.h"

enum { THREADS = 24 };

struct test_thread {
	struct sched_entity entity; /* must be first */
	u64 number;
};

static _Atomic unsigned reaped[THREADS];

static void reap(struct sched_entity *dead)
{
	struct test_thread *thread = (struct test_thread *)dead;

	EXPECT(!preempt_enabled());
	EXPECT(arch_irqs_enabled());
	EXPECT(sched_current() != dead);
	EXPECT_EQ(atomic_load(&dead->on_cpu), 0);
	atomic_fetch_add(&reaped[thread->number], 1);
	kernel_stack_free(dead->stack_top);
	arch_thread_fini(&dead->arch);
	memset(thread, 0xdd, sizeof(*thread));
	heap_free(thread);
	machine_finish();
}

static void main_of_thread(void *argument)
{
	arch_irq_enable();
	for (u64 i = host_random() % 3; i > 0; i--) {
		machine_sleep((nsec_t)(host_random() % 4000));
	}
	sched_exit(host_random() % 2 ? THREAD_ZOMBIE : THREAD_DEAD);
}

static struct test_thread *build(u64 number, void (*run)(void *argument))
{
	struct test_thread *thread = heap_allocate(sizeof(*thread));
	vaddr_t stack_top;

	EXPECT(thread);
	EXPECT_EQ(kernel_stack_allocate(&stack_top), 0);
	sched_entity_init(&thread->entity, stack_top);
	thread->number = number;
	arch_thread_init_kernel(&thread->entity.arch, stack_top, run, thread);
	return thread;
}

static void threads_end(void)
{
	host_set_steps_max(5000000);
	sched_set_exit_hook(reap);
	for (u64 i = 0; i < THREADS; i++) {
		sched_start(&build(i, main_of_thread)->entity);
	}
	machine_wait_finished(THREADS);
	for (u64 i = 0; i < THREADS; i++) {
		EXPECT_EQ(atomic_load(&reaped[i]), 1);
	}
}

TEST(the_next_thread_reaps)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(300), threads_end), 0);
}

static _Atomic unsigned began_on;

static void note_cpu(void *argument)
{
	atomic_store(&began_on, arch_cpu_number());
	arch_irq_enable();
	sched_exit(THREAD_DEAD);
}

/* The others are idle, and would be sent a thread of sched_start(). */
static void starter_sleeps(void)
{
	unsigned last = cpu_count() - 1, here = 0;
	struct cpumask mask = {0};

	cpumask_set(&mask, last);
	EXPECT_EQ(sched_set_affinity(sched_current(), &mask), 0);
	sched_set_exit_hook(reap);
	for (u64 i = 0; i < THREADS; i++) {
		struct test_thread *thread = build(i, note_cpu);

		sched_start_and_sleep(&thread->entity);
		machine_wait_finished(i + 1);
		here += atomic_load(&began_on) == last;
	}
	EXPECT(here > THREADS / 2); /* an idle CPU may still fetch one */
}

TEST(a_thread_takes_the_place_of_a_starter_that_sleeps)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(100), starter_sleeps), 0);
}
