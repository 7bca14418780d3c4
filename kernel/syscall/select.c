// SPDX-License-Identifier: MIT
/* select(2), pselect6(2). */
#include "syscall/poll_wait.h"

#include "mm/heap.h"
#include "mm/usercopy.h"
#include "process/signal/temporary_mask.h"
#include "syscall/file_support.h"
#include <linux/eventpoll.h>
#include <linux/time.h>

/* Three bitmaps in, three out. */
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
