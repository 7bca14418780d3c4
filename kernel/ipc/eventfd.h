// SPDX-License-Identifier: MIT
/* eventfd(2) and timerfd_create(2) as files. */
#pragma once

#include "fs/file.h"
#include <linux/time_types.h>

/* flags: EFD_SEMAPHORE, O_NONBLOCK. -ENOMEM, -EINVAL. May sleep. */
int eventfd_create(u32 count, u32 flags, struct file **out) must_check;
bool file_is_eventfd(const struct file *file);
/* Count one more, as the kernel does: it never waits, and stops where poll(2) says POLLERR. `file` is an eventfd. No wait_queue.lock is held. */
void eventfd_signal(struct file *file);

/* clock: CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME (and their _ALARM forms); flags: O_NONBLOCK. */
void timerfd_init(void); /* boot */
int timerfd_create(int clock, u32 flags, struct file **out) must_check;
int timerfd_clock(const struct file *file); /* CLOCK_*; -EINVAL: not a timerfd */
/* `file` is a timerfd, or -EINVAL. An absolute value is kernel time (process/namespace/time_namespace.h). TFD_TIMER_ABSTIME. `old` may be NULL. */
int timerfd_set(struct file *file, int flags, const struct __kernel_itimerspec *value,
		struct __kernel_itimerspec *old) must_check;
int timerfd_get(struct file *file, struct __kernel_itimerspec *value) must_check;
