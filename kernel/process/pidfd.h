// SPDX-License-Identifier: MIT
/* Descriptors for processes (C6): a file that refers to a pid, readable once the process has ended. */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

struct file;
struct pid;

/* flags: O_NONBLOCK, O_EXCL (PIDFD_THREAD). */
int pidfd_create(struct pid *pid, u32 flags, struct file **out) must_check;
/* The pid a file refers to (borrowed for the file's life), or NULL if it is another kind of file. */
struct pid *pidfd_pid(struct file *file);
/* What a file stands for in pidfd_send_signal(2), with a reference: a pidfd's pid, or that of a directory /proc/PID; or NULL. */
struct pid *pidfd_get_signalled(struct file *file);
/* Boot: procfs says how the pid of its directories is found, with a reference; NULL: it is not one of them. */
void pidfd_set_directory_hook(struct pid *(*get)(const struct file *file));
