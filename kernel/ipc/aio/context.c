// SPDX-License-Identifier: MIT
/*
 * Contexts of asynchronous I/O: made, found, ended.
 *
 * Owns      struct aio_context, vm_space.aio_contexts.
 * Locks     contexts_lock: the lists, who is dead, how many are in use. Not held with a context's own lock.
 *
 * Invariants
 *   X1  A context is found through an area that begins with its ring, so its name moves with mremap(2); the space that made it alone
 *	 works with it, though a fork has the ring in its memory, too.
 *   X2  Who takes it out of its space's list, by io_destroy(2) or with the space, ends its polls and awaits the rest: then nothing writes to
 *	 the program's memory any more, and every file is given back. Who comes later, with the context's lock, sees it dead.
 */
#include "core/percpu.h"
#include "ipc/aio/aio_internal.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "vm/vm_space.h"
#include <linux/mman.h>

enum {
	RING_BYTES_MOST = 0x10000000, /* Linux's limit */
	DEFAULT_MAXIMUM = 0x10000,
	EVENTS_EACH_CPU = 4
};

OBJECT_CACHE(contexts, aio_context);
static struct mutex contexts_lock;
static u64 in_use GUARDED_BY(contexts_lock);
static _Atomic u64 maximum = DEFAULT_MAXIMUM;

u64 aio_in_use(void) NO_THREAD_SAFETY
{
	return READ_ONCE(in_use);
}

u64 aio_maximum(void)
{
	return atomic_load(&maximum);
}

void aio_set_maximum(u64 events)
{
	atomic_store(&maximum, events);
}

/* --- the end --- */

static void context_free(struct aio_context *context)
{
	for (u32 i = 0; i < context->page_count && context->frames[i]; i++) {
		frame_put(context->frames[i]);
	}
	heap_free(context->frames);
	object_free(&contexts, context);
}

void aio_put(struct aio_context *context)
{
	if (refcount_put(&context->references)) {
		context_free(context);
	}
}

static u64 object_size(struct vm_object *object)
{
	const struct aio_context *context = object->owner;

	return (u64)context->page_count << PAGE_SHIFT;
}

static void object_destroy(struct vm_object *object)
{
	aio_put(object->owner);
}

static const struct vm_object_operations ring_operations = {
	.kernel_pages = true,
	.size = object_size,
	.destroy = object_destroy,
};

/* Out of the list: the caller ends it. false: somebody else did. */
static bool take_out(struct aio_context *context)
{
	bool mine;

	mutex_lock(&contexts_lock);
	mine = !atomic_exchange(&context->dead, true);
	if (mine) {
		list_remove(&context->link);
		in_use -= context->asked;
	}
	mutex_unlock(&contexts_lock);
	return mine;
}

/* X2. It is out of the list. */
static void end(struct aio_context *context)
{
	polls_end(context);
	wake_all(&context->waiters, 0);
	(void)wait_until(&context->idle, !atomic_load(&context->active),
			 THREAD_UNINTERRUPTIBLE, NSEC_NEVER);
	aio_put(context);
}

int aio_destroy(struct vm_space *vm, vaddr_t id)
{
	struct aio_context *context;
	int error = aio_find(vm, id, &context);

	if (error) {
		return error;
	}
	if (take_out(context)) {
		(void)vm_unmap_object(vm, id, &ring_operations);
		end(context);
	} else {
		error = -EINVAL;
	}
	aio_put(context);
	return error;
}

/* The space's last user leaves: nobody is in its calls. */
static void leave_space(struct vm_space *vm)
{
	while (!list_empty(&vm->aio_contexts)) {
		struct aio_context *context =
			list_first(&vm->aio_contexts, struct aio_context, link);

		if (take_out(context)) {
			end(context);
		}
	}
}

/* --- the beginning --- */

/* Twice what is asked for, as programs may see that they get; the arithmetic wraps as Linux's does. */
static int count_pages(u32 events, u32 *pages)
{
	u32 wanted = MAX(events, cpu_count() * EVENTS_EACH_CPU) * 2;
	u64 bytes = sizeof(struct aio_ring) + (wanted + 2UL) * sizeof(struct aio_result);

	if (wanted > RING_BYTES_MOST / sizeof(struct aio_result)) {
		return -EINVAL;
	}
	if (!wanted || events > aio_maximum()) {
		return -EAGAIN;
	}
	*pages = (u32)(ALIGN_UP(bytes, PAGE_SIZE) >> PAGE_SHIFT);
	return 0;
}

static int allocate_frames(struct aio_context *context)
{
	int error = 0;

	context->frames =
		heap_allocate_array(context->page_count, sizeof(*context->frames));
	if (!context->frames) {
		context->page_count = 0;
		return -ENOMEM;
	}
	for (u32 i = 0; i < context->page_count && !error; i++) {
		error = frame_allocate(FRAME_ZERO | FRAME_USER, &context->frames[i]);
	}
	return error;
}

static int context_create(u32 events, struct aio_context **out)
{
	struct aio_context *context;
	u32 pages;
	int error = count_pages(events, &pages);

	if (error) {
		return error;
	}
	context = object_allocate(&contexts);
	if (!context) {
		return -ENOMEM;
	}
	context->asked = events;
	context->page_count = pages;
	error = allocate_frames(context);
	if (error) {
		context_free(context);
		return error;
	}
	refcount_init(&context->references, 1);
	list_init(&context->link);
	ring_prepare(context);
	*out = context;
	return 0;
}

static int make_object(struct aio_context *context, struct vm_object **out)
{
	int error = vm_object_create(&ring_operations, context, out);

	if (error) {
		return error;
	}
	refcount_get(&context->references);
	for (u32 i = 0; i < context->page_count && !error; i++) {
		error = vm_object_insert(*out, i, context->frames[i]);
	}
	if (error) {
		vm_object_put(*out);
	}
	return error;
}

static int map_ring(struct aio_context *context, vaddr_t *id)
{
	struct vm_map_request request = {
		.size = (u64)context->page_count << PAGE_SHIFT,
		.protect = PROTECT_READ | PROTECT_WRITE,
		.map_flags = MAP_SHARED,
		.area_flags = AREA_FIXED_SIZE,
		.name = "/[aio] (deleted)",
	};
	int error = make_object(context, &request.object);

	if (error) {
		return error;
	}
	error = vm_map(context->vm, &request, id);
	vm_object_put(request.object);
	return error ? -ENOMEM : 0;
}

/* Into the list, which takes over a reference; -EAGAIN: too many. */
static int enter(struct aio_context *context)
{
	int error = 0;

	mutex_lock(&contexts_lock);
	if (in_use + context->asked > aio_maximum()) {
		error = -EAGAIN;
	} else {
		in_use += context->asked;
		list_push_back(&context->vm->aio_contexts, &context->link);
	}
	mutex_unlock(&contexts_lock);
	return error;
}

int aio_create(struct vm_space *vm, u32 events, vaddr_t *id)
{
	struct aio_context *context;
	int error = context_create(events, &context);

	if (error) {
		return error;
	}
	context->vm = vm;
	error = enter(context);
	if (error) {
		aio_put(context);
		return error;
	}
	// Once it is mapped, whoever guesses its name may destroy it.
	error = map_ring(context, id);
	if (error && take_out(context)) {
		aio_put(context);
	}
	return error;
}

/* --- by name --- */

/* X1 */
static struct aio_context *context_at(struct vm_space *vm, vaddr_t id)
{
	const struct vm_area *area = vm_next_area(vm, id);
	struct aio_context *context;

	if (!area || area->start != id || area->offset || !area->object ||
	    area->object->operations != &ring_operations) {
		return NULL;
	}
	context = area->object->owner;
	return context->vm == vm && !atomic_load(&context->dead) ? context : NULL;
}

int aio_find(struct vm_space *vm, vaddr_t id, struct aio_context **out)
{
	int error = vm_lock_shared(vm);

	if (error) {
		return -EINVAL;
	}
	*out = context_at(vm, id);
	if (*out) {
		refcount_get(&(*out)->references);
	}
	vm_unlock_shared(vm);
	return *out ? 0 : -EINVAL;
}

void aio_init(void)
{
	mutex_init(&contexts_lock, RANK_AIO, "aio contexts_lock");
	polls_init();
	vm_set_aio_hook(leave_space);
}
