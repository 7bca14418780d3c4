// SPDX-License-Identifier: MIT
/*
 * Contexts of asynchronous I/O (io_setup(2)): a ring of results in memory that the kernel and the program share, and what is still to
 * come of it. What reads and writes is the caller's business: it takes a place, does the work, and says how it went.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

struct aio_context;
struct file;
struct vm_space;

void aio_init(void); /* boot */

/*
 * A context of at least `events` results, mapped into `vm`, whose address is its name. -EINVAL: far too many; -EAGAIN: more than
 * aio_maximum() in all; -ENOMEM. May sleep; so do all below.
 */
int aio_create(struct vm_space *vm, u32 events, vaddr_t *id) must_check;
/* The context of that name, with a reference; -EINVAL: `vm` has none. */
int aio_find(struct vm_space *vm, vaddr_t id, struct aio_context **out) must_check;
void aio_put(struct aio_context *context);
/* No more of it: its ring is unmapped, who waits gets -EINVAL, polls end, and what else runs is awaited. -EINVAL: there is none. */
int aio_destroy(struct vm_space *vm, vaddr_t id) must_check;

/* A result as programs see it, struct io_event of <linux/aio_abi.h>. */
struct aio_result {
	u64 data, object; /* aio_data, and where the iocb is */
	s64 result, unused;
};
STATIC_ASSERT(sizeof(struct aio_result) == 32);

/* How a request ends. `notified`: an eventfd that counts it, or NULL; the caller keeps its reference. */
struct aio_end {
	struct aio_result event;
	struct file *notified;
};

u32 aio_capacity(const struct aio_context *context);
/* Take a place in the ring; -EAGAIN: none is free; -EINVAL: it was destroyed. Then aio_abandon(), aio_finish(), or a poll that began. */
int aio_begin(struct aio_context *context) must_check;
void aio_abandon(struct aio_context *context);
void aio_finish(struct aio_context *context, const struct aio_end *end);
/*
 * Finish when `file` has one of `events` (EPOLL…), at once if it has now. The references on `file` and end->notified are taken. -EINVAL: it has
 * none and will never say so; -EAGAIN: no memory. The place is still the caller's then.
 */
int aio_poll(struct aio_context *context, struct file *file, u32 events,
	     const struct aio_end *end) must_check;
/* End the poll whose iocb is at `object`: -EINPROGRESS, its result is in the ring; -EINVAL: none is pending. */
int aio_cancel(struct aio_context *context, u64 object) must_check;
/*
 * Up to `most` results to user memory, once there are `least` or the deadline (CLOCK_MONOTONIC, 0: now) comes: how many; -EFAULT; -EINVAL: it
 * was destroyed; -EINTR: a signal came before the first.
 */
s64 aio_collect(struct aio_context *context, s64 least, s64 most, vaddr_t to,
		nsec_t deadline);

/* /proc/sys/fs/aio-nr and aio-max-nr: results asked for in all contexts, and at most. Any context. */
u64 aio_in_use(void);
u64 aio_maximum(void);
void aio_set_maximum(u64 events);
