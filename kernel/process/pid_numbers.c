// SPDX-License-Identifier: MIT
/*
 * Which numbers a pid namespace has given out: bitmaps in chunks, made when a number in them is first needed.
 *
 * Locks     pid_table_lock. Chunks are allocated outside it and live as long as the namespace.
 */
#include "process/pid_internal.h"

#include "lib/bitmap.h"
#include "lib/errno.h"
#include "mm/heap.h"

static pid_nr maximum =
	PID_MAX_DEFAULT; /* pid_table_lock for writing: numbers are below it */

pid_nr pid_maximum(void)
{
	return READ_ONCE(maximum);
}

int pid_set_maximum(pid_nr number)
{
	if (number <= PID_RESERVED || number > PID_LIMIT) {
		return -EINVAL;
	}
	spin_lock(&pid_table_lock);
	maximum = number;
	spin_unlock(&pid_table_lock);
	return 0;
}

/* The first number in [from, to) that is free and whose chunk exists, or `to`. *missing: a chunk that would be needed first. */
static pid_nr find_free(struct pid_namespace *namespace, pid_nr from, pid_nr to,
			int *missing)
{
	while (from < to) {
		int index = from / PID_CHUNK_BITS;
		size_t bit = (size_t)from % PID_CHUNK_BITS;

		if (!namespace->taken[index]) {
			*missing = index;
			return to;
		}
		bit = bitmap_next_clear(namespace->taken[index], PID_CHUNK_BITS, bit);
		from = (pid_nr)((size_t)index * PID_CHUNK_BITS + bit);
		if (bit < PID_CHUNK_BITS) {
			return MIN(from, to);
		}
	}
	return to;
}

static int take_wanted(struct pid_namespace *namespace, pid_nr wanted, int *missing)
{
	u64 *chunk = namespace->taken[wanted / PID_CHUNK_BITS];
	size_t bit = (size_t)wanted % PID_CHUNK_BITS;

	if (!chunk) {
		*missing = wanted / PID_CHUNK_BITS;
		return -ENOMEM;
	}
	if (bitmap_test(chunk, PID_CHUNK_BITS, bit)) {
		return -EEXIST;
	}
	bitmap_set(chunk, bit);
	return 0;
}

/* Mark a number as taken. -EAGAIN: all are; -ENOMEM with *missing >= 0: allocate that chunk and try again. */
static int reserve_locked(struct pid_namespace *namespace, pid_nr wanted, pid_nr *out,
			  int *missing)
{
	pid_nr number;

	*missing = -1;
	if (wanted) {
		*out = wanted;
		return take_wanted(namespace, wanted, missing);
	}
	number = find_free(namespace, namespace->last + 1, maximum, missing);
	if (number >= maximum && *missing < 0) {
		number = find_free(namespace, MIN(PID_RESERVED, maximum), maximum,
				   missing);
	}
	if (number >= maximum) {
		return *missing < 0 ? -EAGAIN : -ENOMEM;
	}
	namespace->last = number;
	bitmap_set(namespace->taken[number / PID_CHUNK_BITS],
		   (size_t)number % PID_CHUNK_BITS);
	*out = number;
	return 0;
}

/* `chunk`, unless somebody else has put one there meanwhile. Number 0 is nobody's. */
static u64 *install_chunk(struct pid_namespace *namespace, int index, u64 *chunk)
{
	if (!chunk || namespace->taken[index]) {
		return chunk;
	}
	if (index == 0) {
		bitmap_set(chunk, 0);
	}
	namespace->taken[index] = chunk;
	return NULL;
}

int pid_number_reserve(struct pid_namespace *namespace, pid_nr wanted, pid_nr *out)
{
	u64 *chunk = NULL;
	int missing, err;

	for (;;) {
		spin_lock(&pid_table_lock);
		err = reserve_locked(namespace, wanted, out, &missing);
		if (err == -ENOMEM) {
			chunk = install_chunk(namespace, missing, chunk);
			if (!chunk) {
				err = reserve_locked(namespace, wanted, out, &missing);
			}
		}
		spin_unlock(&pid_table_lock);
		if (err != -ENOMEM) {
			break;
		}
		if (!chunk) {
			chunk = heap_allocate(PID_CHUNK_BITS / 8);
		}
		if (!chunk) {
			break;
		}
	}
	heap_free(chunk);
	return err;
}

void pid_number_release_locked(struct pid_namespace *namespace, pid_nr number)
{
	bitmap_clear(namespace->taken[number / PID_CHUNK_BITS],
		     (size_t)number % PID_CHUNK_BITS);
	if (!namespace->init && namespace->last == number) {
		namespace->last =
			number - 1; // init was not to be: the next try is number 1 again
	}
}

pid_nr pid_number_next_locked(const struct pid_namespace *namespace, pid_nr from)
{
	while (from < PID_LIMIT) {
		const u64 *chunk = namespace->taken[from / PID_CHUNK_BITS];
		size_t bit = PID_CHUNK_BITS;

		if (chunk) {
			bit = bitmap_next_set(chunk, PID_CHUNK_BITS,
					      (size_t)from % PID_CHUNK_BITS);
		}
		from = (pid_nr)((size_t)(from / PID_CHUNK_BITS) * PID_CHUNK_BITS + bit);
		if (bit < PID_CHUNK_BITS) {
			break;
		}
	}
	return from;
}
