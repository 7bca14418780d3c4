// SPDX-License-Identifier: MIT
/*
 * poll(2), ppoll(2), select(2), pselect6(2).
 *
 * The wait: every file's queues get an entry whose function sets `triggered` and wakes the thread.
 * The files are asked with the thread running (their poll operations may sleep); it goes to sleep
 * only if nothing was triggered since the last round began, so no event is missed.
 */
#include "syscall/file_support.h"

#include "fs/poll.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/usercopy.h"
#include "process/signal/temporary_mask.h"
#include "time/clock.h"
#include <asm/resource.h>
#include <linux/eventpoll.h>
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

/* So many descriptors are asked without memory from the heap. */
enum { FEW = 16 };

struct poll_item {
	struct fd_reference reference; /* file NULL: not open, or not asked for */
	u32 wanted;
	u32 got;
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

/* How many items are ready; 0: the deadline came; -ERESTART_NO_HANDLER, -ENOMEM. deadline 0: do not wait. */
static long wait_for_any(struct poll_item *items, size_t count, nsec_t deadline)
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

/* `few`: the caller's own, of which FEW are at hand. NULL: no memory. */
static struct poll_item *items_begin(struct poll_item *few, size_t count)
{
	if (count > FEW) {
		return heap_allocate_array(count, sizeof(*few));
	}
	memset(few, 0, count * sizeof(*few));
	return few;
}

static void items_end(struct poll_item *items, const struct poll_item *few, size_t count)
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

/* Reads the descriptors into items; those not open get POLLNVAL. */
static int items_from_poll(struct pollfd *fds, size_t count, struct poll_item *items)
{
	struct file_table *files = current_files();

	for (size_t i = 0; i < count; i++) {
		if (fds[i].fd < 0) {
			continue;
		}
		items[i].wanted = (u16)fds[i].events;
		if (fd_begin(files, fds[i].fd, &items[i].reference) < 0) {
			items[i].reference.file = NULL;
			items[i].got = POLLNVAL;
		}
	}
	return 0;
}

static long poll_copied(struct pollfd *fds, size_t count, vaddr_t user, nsec_t deadline)
{
	struct poll_item few[FEW] uninitialized_, *items = items_begin(few, count);
	long result;

	if (!items) {
		return -ENOMEM;
	}
	result = items_from_poll(fds, count, items);
	if (result == 0) {
		result = wait_for_any(items, count, deadline);
	}
	if (!user_range_ok(user, count * sizeof(*fds))) { // were it of none
		result = -EFAULT;
	}
	for (size_t i = 0; i < count; i++) { // when interrupted, too
		short events = (short)items[i].got;

		if (user_write(user + i * sizeof(*fds) + offsetof(struct pollfd, revents),
			       &events, sizeof(events))) {
			result = -EFAULT;
		}
	}
	items_end(items, few, count);
	return result;
}

static long do_poll(vaddr_t user, u64 count, nsec_t deadline)
{
	struct pollfd few[FEW] uninitialized_, *fds = few;
	long result;

	if ((u32)count != count || count > current_limit(RLIMIT_NOFILE)) {
		return -EINVAL;
	}
	if (count > ARRAY_SIZE(few)) {
		fds = heap_allocate_array(count, sizeof(*fds));
		if (!fds) {
			return -ENOMEM;
		}
	}
	result = user_read(fds, user, count * sizeof(*fds));
	if (result == 0) {
		result = poll_copied(fds, count, user, deadline);
	}
	if (fds != few) {
		heap_free(fds);
	}
	return result;
}

static nsec_t deadline_in(nsec_t length)
{
	return length > 0 ? nsec_add(clock_monotonic(), length) : 0;
}

long sys_poll(const struct syscall_arguments *a)
{
	int timeout = (int)a->arg[2];

	return do_poll(a->arg[0], (u32)a->arg[1],
		       timeout < 0 ? NSEC_NEVER : deadline_in(timeout * NSEC_PER_MSEC));
}

static int deadline_from_user(vaddr_t user, nsec_t *deadline)
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

/* What is left of the time goes back to the caller, as Linux does; a failure to write it is not told. */
static void write_time_left(vaddr_t user, nsec_t deadline)
{
	struct __kernel_timespec left;
	nsec_t now = clock_monotonic();

	if (user && deadline != NSEC_NEVER) {
		left = nsec_to_timespec(deadline > now ? deadline - now : 0);
		(void)!user_write(user, &left, sizeof(left));
	}
}

long sys_ppoll(const struct syscall_arguments *a)
{
	nsec_t deadline;
	long result = deadline_from_user(a->arg[2], &deadline);

	if (result == 0) {
		result = signal_set_temporary_mask(a->arg[3], a->arg[4]);
	}
	if (result < 0) {
		return result;
	}
	result = do_poll(a->arg[0], (u32)a->arg[1], deadline);
	write_time_left(a->arg[2], deadline);
	return signal_end_temporary_mask(result);
}

/* select: three bitmaps in, three out. */
enum {
	SELECT_READ = EPOLLRDNORM | EPOLLRDBAND | EPOLLIN | EPOLLHUP | EPOLLERR,
	SELECT_WRITE = EPOLLWRBAND | EPOLLWRNORM | EPOLLOUT | EPOLLERR,
	SELECT_EXCEPTION = EPOLLPRI
};

struct selection {
	size_t bits;
	u64 *sets[3];
	vaddr_t user[3];
};

static const u32 select_events[3] = {SELECT_READ, SELECT_WRITE, SELECT_EXCEPTION};

static int selection_read(struct selection *selection)
{
	for (unsigned set = 0; set < 3; set++) {
		size_t size = BITMAP_WORDS(selection->bits) * sizeof(u64);

		if (!selection->user[set] || size == 0) {
			continue;
		}
		selection->sets[set] = heap_allocate(size);
		if (!selection->sets[set]) {
			return -ENOMEM;
		}
		if (user_read(selection->sets[set], selection->user[set], size)) {
			return -EFAULT;
		}
		if (selection->bits %
		    64) { // those behind are not asked for, and come back clear
			selection->sets[set][size / sizeof(u64) - 1] &=
				(1UL << selection->bits % 64) - 1;
		}
	}
	return 0;
}

static int items_from_selection(const struct selection *selection,
				struct poll_item *items)
{
	for (size_t fd = 0; fd < selection->bits; fd++) {
		for (unsigned set = 0; set < 3; set++) {
			if (selection->sets[set] &&
			    bitmap_test(selection->sets[set], selection->bits, fd)) {
				items[fd].wanted |= select_events[set];
			}
		}
		if (items[fd].wanted &&
		    fd_begin(current_files(), (int)fd, &items[fd].reference) < 0) {
			items[fd].reference.file = NULL;
			return -EBADF;
		}
	}
	return 0;
}

/* The number of bits set in all three results. */
static long selection_write(struct selection *selection, const struct poll_item *items)
{
	long total = 0;

	for (unsigned set = 0; set < 3; set++) {
		u64 *map = selection->sets[set];

		if (!map) {
			continue;
		}
		for (size_t fd = 0; fd < selection->bits; fd++) {
			if (!bitmap_test(map, selection->bits, fd)) {
				continue;
			}
			if (items[fd].got & select_events[set]) {
				total++;
			} else {
				bitmap_clear(map, fd);
			}
		}
		if (user_write(selection->user[set], map,
			       BITMAP_WORDS(selection->bits) * sizeof(u64))) {
			return -EFAULT;
		}
	}
	return total;
}

static long select_copied(struct selection *selection, nsec_t deadline)
{
	struct poll_item few[FEW] uninitialized_;
	struct poll_item *items = items_begin(few, selection->bits);
	long result;

	if (!items) {
		return -ENOMEM;
	}
	result = items_from_selection(selection, items);
	if (result == 0) {
		result = wait_for_any(items, selection->bits, deadline);
	}
	if (result >= 0) {
		result = selection_write(selection, items);
	}
	items_end(items, few, selection->bits);
	return result;
}

static long do_select(const struct syscall_arguments *a, nsec_t deadline)
{
	struct selection selection = {.user = {a->arg[1], a->arg[2], a->arg[3]}};
	int count = (int)a->arg[0];
	long result;

	if (count < 0) {
		return -EINVAL;
	}
	selection.bits = MIN((u32)count, file_table_capacity(current_files()));
	result = selection_read(&selection);
	if (result == 0) {
		result = select_copied(&selection, deadline);
	}
	for (unsigned set = 0; set < 3; set++) {
		heap_free(selection.sets[set]);
	}
	return result;
}

long sys_select(const struct syscall_arguments *a)
{
	struct __kernel_old_timeval tv;
	nsec_t deadline = NSEC_NEVER, left;
	long result;

	if (a->arg[4]) {
		if (user_read(&tv, a->arg[4], sizeof(tv))) {
			return -EFAULT;
		}
		if (tv.tv_sec < 0 || tv.tv_usec < 0) {
			return -EINVAL;
		}
		struct __kernel_timespec ts = {.tv_sec = tv.tv_sec + tv.tv_usec / 1000000,
					       .tv_nsec = tv.tv_usec % 1000000 *
							  NSEC_PER_USEC};
		nsec_t length;

		result = timespec_to_nsec(&ts, &length);
		if (result < 0) {
			return result;
		}
		deadline = deadline_in(length);
	}
	result = do_select(a, deadline);
	if (a->arg[4] && deadline != NSEC_NEVER) {
		left = MAX(deadline - clock_monotonic(), (nsec_t)0);
		tv.tv_sec = left / NSEC_PER_SEC;
		tv.tv_usec = left % NSEC_PER_SEC / NSEC_PER_USEC;
		(void)!user_write(a->arg[4], &tv, sizeof(tv));
	}
	return result;
}

long sys_pselect6(const struct syscall_arguments *a)
{
	struct {
		u64 mask, size;
	} sigmask = {0, 0};
	nsec_t deadline;
	long result;

	if (a->arg[5] && user_read(&sigmask, a->arg[5], sizeof(sigmask))) {
		return -EFAULT;
	}
	result = deadline_from_user(a->arg[4], &deadline);
	if (result == 0) {
		result = signal_set_temporary_mask(sigmask.mask, sigmask.size);
	}
	if (result < 0) {
		return result;
	}
	result = do_select(a, deadline);
	write_time_left(a->arg[4], deadline);
	return signal_end_temporary_mask(result);
}
