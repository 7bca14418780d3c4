// SPDX-License-Identifier: MIT
/*
 * The end of threads on the simulated machine (T1): each is handed to the exit hook
 * once, by another thread, off its CPU, and can be freed there. The host port ends
 * the run if a stack is freed or switched to while a CPU uses it.
 */
#include "arch/irq.h"
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

static void threads_end(void)
{
	host_set_steps_max(5000000);
	sched_set_exit_hook(reap);
	for (u64 i = 0; i < THREADS; i++) {
		struct test_thread *thread = heap_allocate(sizeof(*thread));
		vaddr_t stack_top;

		EXPECT(thread);
		EXPECT_EQ(kernel_stack_allocate(&stack_top), 0);
		sched_entity_init(&thread->entity, stack_top);
		thread->number = i;
		arch_thread_init_kernel(&thread->entity.arch, stack_top, main_of_thread,
					thread);
		sched_start(&thread->entity);
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
