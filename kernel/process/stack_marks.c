// SPDX-License-Identifier: MIT
/*
 * Kernel stacks as threads have used them (S3).
 *
 * Owns      the deepest mark of threads that have ended.
 * Locks     thread.resource_lock: the stack stays while somebody looks at it (M1).  deepest.lock: the mark and its name.
 *
 * Invariants
 *   M1  sched.stack_top of a thread that was published is cleared under resource_lock, before the stack is given back.
 */
#include "process/stack_marks.h"

#include "lib/string.h"
#include "mm/kernel_stack.h"
#include "process/pid.h"

static struct {
	struct spinlock lock;
	_Atomic size_t bytes; /* written under lock */
	char name[THREAD_NAME_SIZE] GUARDED_BY(lock);
} deepest = {.lock = SPINLOCK_INIT(RANK_RESOURCES, "stack_marks.deepest")};

size_t thread_stack_mark(struct thread *thread)
{
	size_t bytes = 0;

	spin_lock(&thread->resource_lock);
	if (thread->sched.stack_top) {
		bytes = kernel_stack_high_water(thread->sched.stack_top);
	}
	spin_unlock(&thread->resource_lock);
	return bytes;
}

static void note(struct thread *thread, size_t bytes)
{
	char name[THREAD_NAME_SIZE];

	if (likely(bytes <= atomic_load_explicit(&deepest.bytes, memory_order_relaxed))) {
		return;
	}
	thread_get_name(thread, name);
	spin_lock(&deepest.lock);
	if (bytes > atomic_load_explicit(&deepest.bytes, memory_order_relaxed)) {
		atomic_store_explicit(&deepest.bytes, bytes, memory_order_relaxed);
		memcpy(deepest.name, name, sizeof(name));
	}
	spin_unlock(&deepest.lock);
}

void thread_give_stack(struct thread *thread)
{
	vaddr_t top;

	spin_lock(&thread->resource_lock);
	top = thread->sched.stack_top;
	thread->sched.stack_top = 0;
	spin_unlock(&thread->resource_lock);
	if (top) {
		note(thread, kernel_stack_free(top));
	}
}

void stack_mark_deepest(struct pid_namespace *namespace, struct stack_mark *out)
{
	struct pid *pid = pid_next_in(namespace, 1);

	while (pid) {
		pid_nr number = pid_number_in(pid, namespace);
		struct thread *thread = pid_get_thread(pid);

		pid_put(pid);
		if (thread) {
			note(thread, thread_stack_mark(thread));
		}
		thread_put(thread);
		pid = number < PID_LIMIT ? pid_next_in(namespace, number + 1) : NULL;
	}
	spin_lock(&deepest.lock);
	out->bytes = atomic_load_explicit(&deepest.bytes, memory_order_relaxed);
	memcpy(out->name, deepest.name, sizeof(out->name));
	spin_unlock(&deepest.lock);
}
