// SPDX-License-Identifier: MIT
/*
 * IOCB_CMD_POLL: requests that wait for files.
 *
 * Owns      struct poll_request.
 * Locks     aio_context.lock > what poll operations take. work_lock is taken by notifications, under the file's wait_queue.lock; its rank and that
 *	     of the queue below it are not checked, since the file may be an epoll (docs/decisions/0005).
 *
 * Invariants
 *   P1  A request is in its context's list until it is done; who sets `done`, under the context's lock, has taken its hooks out: no
 *	 notification comes after that.
 *   P2  A notification only puts the request on `work`. One kernel thread looks at the file and finishes it: ring, eventfd and the file's last
 *	 reference want a thread that may sleep.
 *   P3  Who finished a request drops its files, then ring_request_ended(): the context's end awaits that.
 */
#include "fs/poll.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "fs/file.h"
#include "ipc/aio/aio_internal.h"
#include "mm/heap.h"
#include "sched/sched.h"
#include <linux/eventpoll.h>

/* One wait queue a request listens on. */
struct poll_hook {
	struct wait_entry entry;
	struct wait_queue *queue;
	struct poll_request *request;
	struct poll_hook *next;
};

/* Made by aio_poll(), one count the context's list has, one who is about to look at the file. */
struct poll_request {
	struct refcount references;
	struct aio_context *context; /* I; a reference */
	struct file *file;           /* I; a reference until it is done */
	struct aio_end end;          /* `notified` likewise */
	u32 events;                  /* I */

	struct list link; /* context->polls, or with the done ones of who finishes */
	struct poll_hook *hooks; /* changed under the context's lock */
	bool done;               /* context's lock */

	struct list work_link; /* work_lock */
	bool queued;
};

/* What the first look at the file collects. */
struct poll_collection {
	struct poll_table table;
	struct poll_request *request;
	bool failed;
};

OBJECT_CACHE(requests, poll_request);
static struct spinlock work_lock = SPINLOCK_INIT(RANK_NONE, "aio work_lock");
static struct list work GUARDED_BY(work_lock) = LIST_INIT(work);
static struct wait_queue work_queue;

static void request_put(struct poll_request *request)
{
	if (refcount_put(&request->references)) {
		aio_put(request->context);
		object_free(&requests, request);
	}
}

/* --- notifications --- */

static void notified(struct wait_entry *entry, u32 events)
{
	struct poll_request *request =
		container_of(entry, struct poll_hook, entry)->request;
	u64 flags;

	if (events && !(events & request->events)) {
		return;
	}
	flags = spin_lock_irq(&work_lock);
	if (!request->queued) {
		request->queued = true;
		list_push_back(&work, &request->work_link);
	}
	spin_unlock_irq(&work_lock, flags);
	wake_all(&work_queue, 0);
}

static void add_hook(struct poll_table *table, struct wait_queue *queue)
{
	struct poll_collection *collection =
		container_of(table, struct poll_collection, table);
	struct poll_request *request = collection->request;
	struct poll_hook *hook = heap_allocate(sizeof(*hook));

	if (!hook) {
		collection->failed = true;
		return;
	}
	hook->queue = queue;
	hook->request = request;
	hook->entry.notify = notified;
	hook->next = request->hooks;
	request->hooks = hook;
	wait_add(queue, &hook->entry);
}

/* No notification from here on, and what came before is forgotten. */
static void remove_hooks(struct poll_request *request)
{
	u64 flags;

	while (request->hooks) {
		struct poll_hook *hook = request->hooks;

		request->hooks = hook->next;
		wait_remove(hook->queue, &hook->entry);
		heap_free(hook);
	}
	flags = spin_lock_irq(&work_lock);
	if (request->queued) {
		request->queued = false;
		list_remove(&request->work_link);
	}
	spin_unlock_irq(&work_lock, flags);
}

/* --- the end of a request --- */

/* P1. It goes from the context's list to `done`. */
static void finish(struct poll_request *request, u32 events, struct list *done)
	MUST_HOLD(&request->context->lock)
{
	remove_hooks(request);
	request->done = true;
	request->end.event.result = events;
	ring_finish(request->context, &request->end);
	list_remove(&request->link);
	list_push_back(done, &request->link);
}

/* P3. The context's lock is not held. */
static void drop_done(struct list *done)
{
	struct poll_request *request, *following;

	list_for_each_safe(request, following, done, link) {
		list_remove(&request->link);
		file_put(request->file);
		if (request->end.notified) {
			file_put(request->end.notified);
		}
		ring_request_ended(request->context);
		request_put(request);
	}
}

void polls_end(struct aio_context *context) NO_THREAD_SAFETY
{
	struct list done = LIST_INIT(done);

	mutex_lock(&context->lock);
	while (!list_empty(&context->polls)) {
		finish(list_first(&context->polls, struct poll_request, link), 0, &done);
	}
	mutex_unlock(&context->lock);
	drop_done(&done);
}

int aio_cancel(struct aio_context *context, u64 object) NO_THREAD_SAFETY
{
	struct list done = LIST_INIT(done);
	struct poll_request *request;
	int error = -EINVAL;

	mutex_lock(&context->lock);
	list_for_each(request, &context->polls, link) {
		if (request->end.event.object == object) {
			finish(request, 0, &done);
			error = -EINPROGRESS;
			break;
		}
	}
	mutex_unlock(&context->lock);
	drop_done(&done);
	return error;
}

/* --- the beginning --- */

/* Finished, waiting, or an errno: then nothing is left of it but what it was given. */
static int listen(struct poll_request *request, struct list *done)
	MUST_HOLD(&request->context->lock)
{
	struct poll_collection collection = {.table = {.add = add_hook},
					     .request = request};
	u32 events = file_poll(request->file, &collection.table) & request->events;

	if (events) {
		finish(request, events, done);
		return 0;
	}
	if (request->hooks && !collection.failed) {
		return 0;
	}
	remove_hooks(request);
	list_remove(&request->link);
	request->done =
		true; // a notification may have come: the thread has taken it, and waits for the lock
	return collection.failed ? -EAGAIN : -EINVAL;
}

int aio_poll(struct aio_context *context, struct file *file, u32 events,
	     const struct aio_end *end) NO_THREAD_SAFETY
{
	struct poll_request *request = object_allocate(&requests);
	struct list done = LIST_INIT(done);
	int error;

	if (!request) {
		return -EAGAIN;
	}
	refcount_init(&request->references, 1);
	refcount_get(&context->references);
	request->context = context;
	request->file = file;
	request->end = *end;
	request->events = events | EPOLLERR | EPOLLHUP;
	list_init(&request->work_link);
	file_get(file);
	if (end->notified) {
		file_get(end->notified);
	}
	mutex_lock(&context->lock);
	list_push_back(&context->polls, &request->link);
	error = listen(request, &done);
	if (!error && atomic_load(&context->dead) && !request->done) {
		finish(request, 0, &done); // polls_end() has been here
	}
	mutex_unlock(&context->lock);
	drop_done(&done);
	if (error) {
		file_put(file);
		if (end->notified) {
			file_put(end->notified);
		}
		request_put(request);
	}
	return error;
}

/* --- the thread that finishes --- */

static struct poll_request *take_work(void)
{
	struct poll_request *request = NULL;
	u64 flags = spin_lock_irq(&work_lock);

	if (!list_empty(&work)) {
		request = list_first(&work, struct poll_request, work_link);
		list_remove(&request->work_link);
		request->queued = false; // what is said from now on is looked at again
		refcount_get(&request->references);
	}
	spin_unlock_irq(&work_lock, flags);
	return request;
}

static void look_again(struct poll_request *request) NO_THREAD_SAFETY
{
	struct aio_context *context = request->context;
	struct list done = LIST_INIT(done);

	mutex_lock(&context->lock);
	if (!request->done) {
		u32 events = file_poll(request->file, NULL) & request->events;

		if (events) {
			finish(request, events, &done);
		}
	}
	mutex_unlock(&context->lock);
	drop_done(&done);
	request_put(request);
}

static bool has_work(void) NO_THREAD_SAFETY
{
	return READ_ONCE(work.next) != &work;
}

static void worker(void *unused)
{
	struct poll_request *request;

	for (;;) {
		(void)wait_until(&work_queue, has_work(), THREAD_UNINTERRUPTIBLE,
				 NSEC_NEVER);
		while ((request = take_work())) {
			look_again(request);
		}
	}
}

void polls_init(void)
{
	wait_queue_init(&work_queue);
	spin_init(&work_queue.lock, RANK_NONE, "aio work_queue.lock");
	if (sched_kernel_thread("aio", worker, NULL, NULL)) {
		panic("aio: no memory for its thread");
	}
}
