// SPDX-License-Identifier: MIT
/* Between pid.c and pid_numbers.c: which numbers of one namespace are taken. */
#pragma once

#include "core/spinlock.h"
#include "process/namespace/pid_namespace.h"

extern struct spinlock pid_table_lock;

/* Mark a number as taken; wanted 0: the next free one. -EAGAIN, -ENOMEM, -EEXIST */
int pid_number_reserve(struct pid_namespace *namespace, pid_nr wanted,
		       pid_nr *out) must_check;
void pid_number_release_locked(struct pid_namespace *namespace, pid_nr number);
/* The first number at or after `from` that is taken; PID_LIMIT: none. */
pid_nr pid_number_next_locked(const struct pid_namespace *namespace, pid_nr from);
