// SPDX-License-Identifier: MIT
/*
 * A thread leaves its program, and with it the words it holds (F2, R8).
 *
 *	HOLDS --futex_farewell()--> LEAVING --> GONE	(--futex_begin_anew()--> HOLDS: execve)
 *
 * LEAVING is set before the robust list is walked, and from then on nobody comes to wait for what the thread holds: he sees that
 * it leaves, waits here until it is gone, and then finds in the word what the list has made of it. Who came before is in
 * the thread's debts, and gets the word from futex_pass_on_all(), behind the list. So each waiter is told, whichever was first.
 */
#include "process/futex/futex_internal.h"

#include "lib/errno.h"
#include "lib/hash.h"
#include "process/current.h"
#include "sched/wait.h"

enum { QUEUES = 32 };

static struct wait_queue queues[QUEUES];

static struct wait_queue *queue_of(const struct thread *thread)
{
	return &queues[hash_u64((u64)(uintptr_t)thread) % QUEUES];
}

void futex_farewell_init(void)
{
	for (unsigned i = 0; i < QUEUES; i++) {
		wait_queue_init(&queues[i]);
	}
}

void futex_farewell(void)
{
	struct thread *thread = current_thread();

	atomic_store(&thread->futex_state, FUTEX_LEAVING);
	sched_debts_close();
	futex_walk_robust_list();
	futex_pass_on_all();
	atomic_store(&thread->futex_state, FUTEX_GONE);
	wake_all(queue_of(thread), 0);
}

void futex_begin_anew(void)
{
	sched_debts_open();
	atomic_store(&current_thread()->futex_state, FUTEX_HOLDS);
}

int futex_wait_for_farewell(struct thread *thread)
{
	int err = wait_until(queue_of(thread),
			     atomic_load(&thread->futex_state) != FUTEX_LEAVING,
			     THREAD_KILLABLE, NSEC_NEVER);

	return err ? -ERESTART_ALWAYS : 0;
}
