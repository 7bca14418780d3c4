// SPDX-License-Identifier: MIT
/* Between pipe.c, whose comment has the invariants, and pipe_splice.c. */
#pragma once

#include "ipc/pipe.h"
#include "sched/wait.h"
#include "sync/mutex.h"

struct pipe {
	struct mutex lock;
	struct wait_queue readable, writable, opened;
	u32 readers, writers; /* lock */
	u32 files; /* lock: open files of both sides, and openers on their way */
	u64 readers_ever, writers_ever; /* lock: opens so far, for FIFOs */
	u64 head, tail;                 /* lock */
	u64 reserved;                   /* lock: P4 */
	u64 filling;                    /* lock: P5; that part of `reserved` */
	u32 page_count;                 /* lock: capacity, a power of two */
	void **pages;                   /* lock */
	struct inode *inode; /* whose inode->pipe we are (borrowed: the file holds it) */
	bool anonymous; /* pipe(2)'s: opened again through /proc, nobody waits for a peer */
};

static inline u64 pipe_used(const struct pipe *pipe)
{
	return pipe->head - pipe->tail;
}

static inline u64 pipe_room(const struct pipe *pipe)
{
	return (u64)pipe->page_count * PAGE_SIZE - pipe_used(pipe) - pipe->reserved;
}

/* Move up to `wanted` bytes out of the ring into io; fewer only on a fault. pipe.lock held. */
u64 pipe_take_bytes(struct pipe *pipe, struct io_buffer *io, u64 wanted);
/* Have pages for the `size` bytes of room at `position`: for how many of them there are some. pipe.lock held. May sleep. */
u64 pipe_have_pages(struct pipe *pipe, u64 position, u64 size) must_check;
/* Move up to `wanted` bytes from io into the ring, which has room; *error says why fewer. pipe.lock held. */
u64 pipe_give_bytes(struct pipe *pipe, struct io_buffer *io, u64 wanted, int *error);
