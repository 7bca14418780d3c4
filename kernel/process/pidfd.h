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
