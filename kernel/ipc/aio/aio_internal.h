// SPDX-License-Identifier: MIT
/* What the files of aio/ know of each other. */
#pragma once

#include "core/refcount.h"
#include "ipc/aio/aio.h"
#include "lib/list.h"
#include "sched/wait.h"
#include "sync/mutex.h"

struct frame;

/* The head of the ring, as libraries know it; results follow. The program may write all of it. */
struct aio_ring {
	u32 id; /* the kernel's own */
	u32 count;
	_Atomic u32 head; /* the next result to be taken */
	_Atomic u32 tail; /* the next to be written */
	u32 magic;
	u32 compatible_features;
	u32 incompatible_features;
	u32 header_size;
};
STATIC_ASSERT(sizeof(struct aio_ring) == sizeof(struct aio_result));

/*
 * One count is the space's while the context is in its list; one the object's, which areas keep; one each poll's, and each call's that
 * works with it. The last put may come from anybody.
 *
 *   I  immutable after creation    l  lock    c  contexts_lock    a  atomic
 */
struct aio_context {
	struct refcount references;
	struct vm_space *vm;   /* I; no reference: the space outlives its list */
	struct list link;      /* c: vm_space.aio_contexts */
	_Atomic bool dead;     /* a, written under c */
	u32 asked;             /* I: what it counts for */
	u32 count;             /* I: results the ring has room for, and one */
	u32 page_count;        /* I */
	struct frame **frames; /* I: a reference on each */

	struct mutex lock;
	u32 tail GUARDED_BY(lock);     /* the ring's, where the program cannot write */
	u32 reserved GUARDED_BY(lock); /* places taken, not yet in the ring */
	struct list polls GUARDED_BY(lock);

	_Atomic u32 active;        /* a: requests whose files are still held */
	struct wait_queue idle;    /* until there are none */
	struct wait_queue waiters; /* for results */
};

/* --- ring.c --- */
void ring_prepare(struct aio_context *context);
/* Nobody works on a request any more: its files are given back. */
void ring_request_ended(struct aio_context *context);
/* A place that was taken becomes a result. */
void ring_finish(struct aio_context *context, const struct aio_end *end)
	MUST_HOLD(&context->lock);

/* --- poll.c --- */
void polls_init(void);
/* End all of them, with no events. */
void polls_end(struct aio_context *context);
