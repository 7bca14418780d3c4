// SPDX-License-Identifier: MIT
/* poll(2), ppoll(2). */
#include "syscall/poll_wait.h"

#include "mm/heap.h"
#include "mm/usercopy.h"
#include "process/signal/temporary_mask.h"
#include "syscall/file_support.h"
#include <asm/resource.h>
#include <linux/poll.h>

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

long sys_poll(const struct syscall_arguments *a)
{
	int timeout = (int)a->arg[2];

	return do_poll(a->arg[0], (u32)a->arg[1],
		       timeout < 0 ? NSEC_NEVER : deadline_in(timeout * NSEC_PER_MSEC));
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
