// SPDX-License-Identifier: MIT
/*
 * Threads of the kernel's own: no address space, no process. The object is freed by
 * the thread that runs after its end (T1).
 */
#include "arch/irq.h"
#include "core/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/kernel_stack.h"
#include "sched/run_queue.h"

struct kernel_thread {
	struct sched_entity entity; /* must be first */
	void (*entry)(void *argument);
	void *argument;
	char name[32];
};

OBJECT_CACHE(kernel_threads, kernel_thread);

static void kernel_thread_main(void *argument)
{
	struct kernel_thread *thread = argument;

	arch_irq_enable();
	thread->entry(thread->argument);
	sched_exit(THREAD_DEAD);
}

int sched_kernel_thread(const char *name, void (*entry)(void *), void *argument,
			struct sched_entity **out)
{
	struct kernel_thread *thread = object_allocate(&kernel_threads);
	vaddr_t stack_top;

	if (!thread) {
		return -ENOMEM;
	}
	if (kernel_stack_allocate(&stack_top)) {
		object_free(&kernel_threads, thread);
		return -ENOMEM;
	}
	sched_entity_init(&thread->entity, stack_top);
	string_copy(thread->name, name, sizeof(thread->name));
	thread->entity.kernel_name = thread->name;
	thread->entity.kernel_owned = true;
	thread->entry = entry;
	thread->argument = argument;
	arch_thread_init_kernel(&thread->entity.arch, stack_top, kernel_thread_main,
				thread);
	if (out) {
		*out = &thread->entity;
	}
	sched_start(&thread->entity);
	return 0;
}

void kernel_thread_free(struct sched_entity *entity)
{
	struct kernel_thread *thread = container_of(entity, struct kernel_thread, entity);

	kernel_stack_free(entity->stack_top);
	arch_thread_fini(&entity->arch);
	object_free(&kernel_threads, thread);
}
