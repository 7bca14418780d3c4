// SPDX-License-Identifier: MIT
/*
 * The ring of a context: places taken and given back, results written by the kernel, taken by calls or by the program itself.
 *
 * Locks     aio_context.lock: who writes a result, who takes some in the kernel. The program takes some with no lock, by moving `head`.
 *
 * Invariants
 *   G1  What a result overwrites is never decided by what the program wrote: the tail is the context's own, and the head only tells how
 *	 many places are free.
 *   G2  A result is written before the tail that shows it, and what the head gives back is overwritten after it was read.
 *   G3  reserved + results in the ring < count: a request that has its place can always finish.
 */
#include "ipc/aio/aio_internal.h"
#include "ipc/eventfd.h"
#include "mm/frame.h"
#include "mm/usercopy.h"
#include <linux/eventpoll.h>

enum { RING_MAGIC = 0xa10a10a1, RESULTS_A_PAGE = PAGE_SIZE / sizeof(struct aio_result) };

static struct aio_ring *ring_of(const struct aio_context *context)
{
	return frame_address(context->frames[0]);
}

static struct aio_result *place_at(const struct aio_context *context, u32 index)
{
	u32 place = index + 1; // the ring's head is as large as one
	struct aio_result *page = frame_address(context->frames[place / RESULTS_A_PAGE]);

	return page + place % RESULTS_A_PAGE;
}

NO_THREAD_SAFETY void ring_prepare(struct aio_context *context)
{
	struct aio_ring *ring = ring_of(context);

	context->count = context->page_count * RESULTS_A_PAGE - 1;
	mutex_init(&context->lock, RANK_AIO, "aio_context.lock");
	list_init(&context->polls);
	wait_queue_init(&context->idle);
	wait_queue_init(&context->waiters);
	ring->count = context->count;
	ring->magic = (u32)RING_MAGIC;
	ring->compatible_features = 1;
	ring->header_size = sizeof(*ring);
}

u32 aio_capacity(const struct aio_context *context)
{
	return context->count;
}

/* Results nobody has taken; *head is where they begin. */
static u32 results(const struct aio_context *context, u32 *head) MUST_HOLD(&context->lock)
{
	*head = atomic_load_explicit(&ring_of(context)->head, memory_order_acquire) %
		context->count;
	return (context->tail + context->count - *head) % context->count;
}

int aio_begin(struct aio_context *context)
{
	u32 head;
	int error = 0;

	mutex_lock(&context->lock);
	if (atomic_load(&context->dead)) {
		error = -EINVAL;
	} else if (context->reserved + results(context, &head) >= context->count - 1) {
		error = -EAGAIN;
	} else {
		context->reserved++;
		atomic_fetch_add(&context->active, 1);
	}
	mutex_unlock(&context->lock);
	return error;
}

void ring_request_ended(struct aio_context *context)
{
	if (atomic_fetch_sub(&context->active, 1) == 1) {
		wake_all(&context->idle, 0);
	}
}

void aio_abandon(struct aio_context *context)
{
	mutex_lock(&context->lock);
	context->reserved--;
	mutex_unlock(&context->lock);
	ring_request_ended(context);
}

void ring_finish(struct aio_context *context, const struct aio_end *end)
{
	*place_at(context, context->tail) = end->event;
	context->tail = (context->tail + 1) % context->count;
	context->reserved--;
	/* order.aio_tail: pairs with who reads the tail in user mode */
	atomic_store_explicit(&ring_of(context)->tail, context->tail,
			      memory_order_release);
	if (end->notified) {
		eventfd_signal(end->notified);
	}
	wake_all(&context->waiters, EPOLLIN);
}

void aio_finish(struct aio_context *context, const struct aio_end *end)
{
	mutex_lock(&context->lock);
	ring_finish(context, end);
	mutex_unlock(&context->lock);
	ring_request_ended(context);
}

/* --- results to the program --- */

/* Results that follow each other in memory, at most `most`: how many went to `to`, 0: there are none; -EFAULT. */
static s64 take_run(struct aio_context *context, s64 most, vaddr_t to)
	MUST_HOLD(&context->lock)
{
	u32 head, there = results(context, &head), first = head + 1;
	u32 run = MIN(MIN(there, context->count - head),
		      RESULTS_A_PAGE - first % RESULTS_A_PAGE);

	run = (u32)MIN((s64)run, most);
	if (!run) {
		return 0;
	}
	if (user_write(to, place_at(context, head), run * sizeof(struct aio_result))) {
		return -EFAULT;
	}
	atomic_store_explicit(&ring_of(context)->head, (head + run) % context->count,
			      memory_order_release);
	return run;
}

/* Adds to *taken; -EFAULT. No more than the ring holds: a program that moves the head back meanwhile could have us here for ever. */
static int take_some(struct aio_context *context, s64 most, vaddr_t to, s64 *taken)
	MUST_HOLD(&context->lock)
{
	const s64 enough = *taken + MIN(most - *taken, (s64)context->count);
	s64 run;

	do {
		run = take_run(context, enough - *taken,
			       to + (u64)*taken * sizeof(struct aio_result));
		*taken += run > 0 ? run : 0;
	} while (run > 0);
	return (int)run;
}

s64 aio_collect(struct aio_context *context, s64 least, s64 most, vaddr_t to,
		nsec_t deadline)
{
	s64 taken = 0;
	int error;

	mutex_lock(&context->lock);
	for (;;) {
		error = take_some(context, most, to, &taken);
		if (!error && atomic_load(&context->dead)) {
			error = -EINVAL;
		}
		if (error || taken >= least || deadline == 0) {
			break;
		}
		error = mutex_sleep(&context->lock, &context->waiters, deadline);
		if (error) {
			error = error == -ETIMEDOUT ? 0 : -EINTR;
			break;
		}
	}
	mutex_unlock(&context->lock);
	return taken ? taken : error;
}
