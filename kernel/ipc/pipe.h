// SPDX-License-Identifier: MIT
/* Pipes and FIFOs: pipe(7). */
#pragma once

#include "fs/file.h"

struct pipe;

/* pipe2(2): two files, [0] to read, [1] to write; flags: O_NONBLOCK (O_CLOEXEC is the descriptor's). -ENOMEM. May sleep. */
int pipe_create(u32 flags, struct file *out[2]) must_check;
/* The pipe behind a file, or NULL: it is none. Borrowed. */
struct pipe *pipe_from_file(struct file *file);
/* F_GETPIPE_SZ and F_SETPIPE_SZ, in bytes: rounded up to a power of two pages. -EBUSY: it holds more; -EINVAL, -ENOMEM. May sleep. */
s64 pipe_capacity(struct pipe *pipe);
s64 pipe_set_capacity(struct pipe *pipe, u64 bytes);
/* Boot: FIFOs in file systems open through this room. */
void pipe_init(void);
