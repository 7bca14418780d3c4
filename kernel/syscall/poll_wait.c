// SPDX-License-Identifier: MIT
/*
 * The wait of poll(2) and select(2): every file's queues get an entry whose function sets `triggered` and wakes the thread.
 * The files are asked with the thread running (their poll operations may sleep); it goes to sleep
 * only if nothing was triggered since the last round began, so no event is missed.
 */
#include "syscall/poll_wait.h"

#include "fs/poll.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/usercopy.h"
#include <linux/poll.h>
#include <linux/time.h>

struct waiter;

struct waiter_entry {
	struct wait_entry wait;
	struct wait_queue *queue;
	struct waiter *waiter;
};

enum { ENTRIES_A_BLOCK = 60 };

struct waiter_block {
	struct waiter_block *next;
	unsigned used;
	struct waiter_entry entries[ENTRIES_A_BLOCK];
};

struct waiter {
	struct poll_table table;
	struct sched_entity *thread;
	_Atomic bool triggered;
	int error; /* -ENOMEM */
	struct waiter_block *blocks;
};

static void notify(struct wait_entry *entry, u32 events)
{
	struct waiter *waiter = container_of(entry, struct waiter_entry, wait)->waiter;

	atomic_store(&waiter->triggered, true);
	(void)sched_wake(waiter->thread);
}

static void add_queue(struct poll_table *table, struct wait_queue *queue)
{
	struct waiter *waiter = container_of(table, struct waiter, table);
	struct waiter_block *block = waiter->blocks;
	struct waiter_entry *entry;

	if (!block || block->used == ENTRIES_A_BLOCK) {
		block = heap_allocate(sizeof(*block));
		if (!block) {
			waiter->error = -ENOMEM;
			return;
		}
		block->next = waiter->blocks;
		waiter->blocks = block;
	}
	entry = &block->entries[block->used++];
	entry->queue = queue;
	entry->waiter = waiter;
	entry->wait.notify = notify;
	wait_add(queue, &entry->wait);
}

static void waiter_end(struct waiter *waiter)
{
	while (waiter->blocks) {
		struct waiter_block *block = waiter->blocks;

		for (unsigned i = 0; i < block->used; i++) {
			wait_remove(block->entries[i].queue, &block->entries[i].wait);
		}
		waiter->blocks = block->next;
		heap_free(block);
	}
}

static unsigned ask_all(struct poll_item *items, size_t count, struct waiter *waiter)
{
	unsigned found = 0;

	for (size_t i = 0; i < count; i++) {
		struct poll_item *item = &items[i];

		if (!item->reference.file) {
			found += item->got != 0; // POLLNVAL
			continue;
		}
		item->got = file_poll(item->reference.file,
				      waiter && !found ? &waiter->table : NULL) &
			    (item->wanted | POLLERR | POLLHUP);
		found += item->got != 0;
	}
	return found;
}

long wait_for_any(struct poll_item *items, size_t count, nsec_t deadline)
{
	struct waiter waiter = {.table.add = add_queue, .thread = sched_current()};
	unsigned found = ask_all(items, count, deadline ? &waiter : NULL);
	long result = waiter.error;

	while (!found && !result && deadline) {
		sched_prepare_wait(THREAD_INTERRUPTIBLE);
		if (!atomic_load(&waiter.triggered)) {
			if (sched_break_pending(THREAD_INTERRUPTIBLE)) {
				result = -ERESTART_NO_HANDLER;
			} else if (deadline == NSEC_NEVER ||
				   clock_monotonic() < deadline) {
				sched_block(deadline);
			}
		}
		sched_finish_wait();
		atomic_store_explicit(&waiter.triggered, false, memory_order_relaxed);
		/* order.poll: pairs with wake_some() */
		atomic_thread_fence(memory_order_seq_cst);
		found = ask_all(items, count, NULL);
		if (!found && deadline != NSEC_NEVER && clock_monotonic() >= deadline) {
			break;
		}
	}
	waiter_end(&waiter);
	return found ? (long)found : result;
}

struct poll_item *items_begin(struct poll_item *few, size_t count)
{
	if (count > FEW) {
		return heap_allocate_array(count, sizeof(*few));
	}
	memset(few, 0, count * sizeof(*few));
	return few;
}

void items_end(struct poll_item *items, const struct poll_item *few, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (items[i].reference.file) {
			fd_end(&items[i].reference);
		}
	}
	if (items != few) {
		heap_free(items);
	}
}

nsec_t deadline_in(nsec_t length)
{
	return length > 0 ? nsec_add(clock_monotonic(), length) : 0;
}

int deadline_from_user(vaddr_t user, nsec_t *deadline)
{
	struct __kernel_timespec ts;
	nsec_t length;

	*deadline = NSEC_NEVER;
	if (!user) {
		return 0;
	}
	if (user_read(&ts, user, sizeof(ts))) {
		return -EFAULT;
	}
	if (timespec_to_nsec(&ts, &length)) {
		return -EINVAL;
	}
	*deadline = deadline_in(length);
	return 0;
}

void write_time_left(vaddr_t user, nsec_t deadline)
{
	struct __kernel_timespec left;
	nsec_t now = clock_monotonic();

	if (user && deadline != NSEC_NEVER) {
		left = nsec_to_timespec(deadline > now ? deadline - now : 0);
		(void)!user_write(user, &left, sizeof(left));
	}
}
