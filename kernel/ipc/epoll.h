// SPDX-License-Identifier: MIT
/* epoll(7). All may sleep. */
#pragma once

#include "fs/file.h"
#include <linux/eventpoll.h>

int epoll_create_file(struct file **out) must_check;
/* epoll_ctl(2): `epoll` must be an epoll file (EINVAL). `fd` is the number the item is known by, together with `target`. */
int epoll_control(struct file *epoll, int operation, int fd, struct file *target,
		  const struct epoll_event *event);
/* epoll_wait(2): up to `maximum` events are written to user memory. deadline: CLOCK_MONOTONIC; 0: do not wait. */
s64 epoll_wait_events(struct file *epoll, vaddr_t events, int maximum, nsec_t deadline);
/* The target behind an item, for /proc/PID/fdinfo: lines "tfd: …". */
void epoll_init(void);
