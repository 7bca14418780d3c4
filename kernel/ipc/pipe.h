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

/*
 * The pipe's side of splice(2), tee(2) and vmsplice(2). They wait when `wait` is true: for data (0: there are no writers), or for room
 * (-EPIPE: there are no readers); else -EAGAIN. A signal: -ERESTART. May sleep.
 */
/* Between a pipe and memory, in one go: as much as there is, or as there is room for. -EFAULT, -ENOMEM. */
s64 pipe_splice_out(struct pipe *pipe, struct io_buffer *to, bool wait) must_check;
s64 pipe_splice_in(struct pipe *pipe, struct io_buffer *from, bool wait) must_check;
/* From one pipe to another (-EINVAL: it is the same), up to `length` bytes, which are gone from it if `consume` (splice), or not (tee). */
s64 pipe_splice_pipe(struct pipe *from, struct pipe *to, u64 length, bool consume,
		     bool wait) must_check;
/*
 * Out of a pipe, on the way to somewhere that may not take it all: the room stays reserved until pipe_settle(), which puts what is left,
 * the last `left` of the `taken` bytes, to the front again.
 */
s64 pipe_take(struct pipe *pipe, void *to, u64 size, bool wait) must_check;
void pipe_settle(struct pipe *pipe, const void *rest, u64 left, u64 taken);
/* Room, with its memory, for up to `size` bytes, to be filled with the first `used` of it: how many. -ENOMEM. pipe_fill() takes all of those. */
s64 pipe_reserve(struct pipe *pipe, u64 size, bool wait) must_check;
s64 pipe_fill(struct pipe *pipe, void *from, u64 used, u64 reserved) must_check;

/* Boot: FIFOs in file systems open through this room. */
void pipe_init(void);
