// SPDX-License-Identifier: MIT
/*
 * The log of system calls: a list of chunks that only grows.
 *
 * Owns      struct call_chunk, the list.
 * Locks     call_log_lock, a leaf: who adds. Readers take none: a chunk stays where it is, and `size` is published after the
 *           bytes it counts (release in call_log_add, acquire in call_log_read), `next` after the chunk it names.
 */
#include "process/call_log.h"

#include "core/spinlock.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/io_buffer.h"
#include <stdatomic.h>

enum { CHUNK_SIZE = 64 << 10 };

struct call_chunk {
	_Atomic(struct call_chunk *) next;
	_Atomic u32 size; /* of data */
	char data[];
};

static struct spinlock call_log_lock = SPINLOCK_INIT(RANK_LOG, "call_log_lock");
static _Atomic(struct call_chunk *) first;
static struct call_chunk *last GUARDED_BY(call_log_lock);
static u64 total GUARDED_BY(call_log_lock);
static _Atomic u64 dropped;

enum { DATA_SIZE = CHUNK_SIZE - sizeof(struct call_chunk) };

static bool has_room_locked(size_t size) MUST_HOLD(&call_log_lock)
{
	return last && atomic_load_explicit(&last->size, memory_order_relaxed) + size <=
			       (size_t)DATA_SIZE;
}

static void add_chunk_locked(struct call_chunk *chunk) MUST_HOLD(&call_log_lock)
{
	/* order.call_log: pairs with call_log_read() */
	if (last) {
		atomic_store_explicit(&last->next, chunk, memory_order_release);
	} else {
		atomic_store_explicit(&first, chunk, memory_order_release);
	}
	last = chunk;
}

static void add_line_locked(const char *line, size_t size) MUST_HOLD(&call_log_lock)
{
	u32 used = atomic_load_explicit(&last->size, memory_order_relaxed);

	memcpy(last->data + used, line, size);
	/* order.call_log: pairs with call_log_read() */
	atomic_store_explicit(&last->size, used + (u32)size, memory_order_release);
	total += size;
}

void call_log_add(const char *line, size_t size)
{
	struct call_chunk *chunk = NULL;
	bool done, full;

	spin_lock(&call_log_lock);
	full = total + size > CALL_LOG_MAX;
	done = !full && has_room_locked(size);
	if (done) {
		add_line_locked(line, size);
	}
	spin_unlock(&call_log_lock);
	if (done) {
		return;
	}
	if (!full) {
		chunk = heap_allocate(CHUNK_SIZE);
	}
	if (!chunk) {
		call_log_drop();
		return;
	}
	spin_lock(&call_log_lock);
	if (!has_room_locked(size)) {
		add_chunk_locked(chunk);
		chunk = NULL;
	}
	add_line_locked(line, size);
	spin_unlock(&call_log_lock);
	heap_free(chunk); // another thread was faster
}

void call_log_drop(void)
{
	atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
}

u64 call_log_dropped(void)
{
	return atomic_load_explicit(&dropped, memory_order_relaxed);
}

s64 call_log_read(struct io_buffer *io, u64 position)
{
	struct call_chunk *chunk = atomic_load_explicit(&first, memory_order_acquire);
	s64 done = 0;

	while (chunk && io->remaining) {
		/*
		 * First whether it is the last, then how much it has: one that is not is full. order.call_log: pairs with
		 * add_chunk_locked() and add_line_locked()
		 */
		struct call_chunk *next =
			atomic_load_explicit(&chunk->next, memory_order_acquire);
		u32 size = atomic_load_explicit(&chunk->size, memory_order_acquire);

		if (position < size) {
			size_t part = MIN(size - position, io->remaining);
			size_t moved = io_copy_to(io, chunk->data + position, part);

			done += (s64)moved;
			if (moved < part) {
				return done ? done : -EFAULT;
			}
			position = 0;
		} else {
			position -= size;
		}
		chunk = next;
	}
	return done;
}
