// SPDX-License-Identifier: MIT
/*
 * signalfd(2): blocked signals read from a descriptor. What a read takes, and what poll tells, are the signals of whoever
 * reads and polls, which need not be who made it.
 */
#pragma once

#include "process/thread.h"

struct file;

/* A file for the signals in `mask`; flags: O_NONBLOCK. -ENOMEM, -ENFILE */
int signalfd_create(signal_mask mask, u32 flags, struct file **out) must_check;
/* Another mask from now on. -EINVAL: not a signalfd. */
int signalfd_set_mask(struct file *file, signal_mask mask) must_check;
