// SPDX-License-Identifier: MIT
/*
 * Moving data between the kernel and a list of ranges.
 *
 * Invariants
 *   V1  remaining is the sum of what is left in the ranges from (range_index, range_offset) on.
 *   V2  range_offset <= the size of range range_index; an empty or used up range is stepped over on the next move.
 */
#include "mm/io_buffer.h"
#include "arch/usercopy.h"
#include "core/panic.h"
#include "lib/string.h"

static void init_single(struct io_buffer *io, u64 base, u64 size, bool user)
{
	*io = (struct io_buffer){.range_count = 1, .remaining = size, .user = user};
	io->single = (struct io_range){base, size};
	io->ranges = &io->single;
}

void io_buffer_init_user(struct io_buffer *io, vaddr_t address, u64 size)
{
	init_single(io, address, size, true);
}

void io_buffer_init_kernel(struct io_buffer *io, void *address, u64 size)
{
	init_single(io, (u64)(uintptr_t)address, size, false);
}

void io_buffer_init_user_vector(struct io_buffer *io, struct io_range *ranges,
				size_t count)
{
	*io = (struct io_buffer){.ranges = ranges, .range_count = count, .user = true};
	for (size_t i = 0; i < count; i++) {
		bool overflow = __builtin_add_overflow(io->remaining, ranges[i].size,
						       &io->remaining);

		ASSERT(!overflow); /* the caller has checked the sum */
	}
}

/* The next piece that lies in one range, at most `size`; 0: the end. */
static u64 next_piece(struct io_buffer *io, u64 size, u64 *address)
{
	size = MIN(size, io->remaining);
	if (size == 0) {
		return 0;
	}
	while (io->range_offset == io->ranges[io->range_index].size) {
		io->range_index++;
		io->range_offset = 0;
	}
	const struct io_range *range = &io->ranges[io->range_index];

	*address = range->base + io->range_offset;
	return MIN(size, range->size - io->range_offset);
}

static void moved(struct io_buffer *io, u64 size)
{
	io->range_offset += size;
	io->remaining -= size;
}

size_t io_copy_to(struct io_buffer *io, const void *from, size_t size)
{
	size_t done = 0;
	u64 at, piece;

	while ((piece = next_piece(io, size - done, &at)) > 0) {
		size_t left = 0;

		if (io->user) {
			left = arch_copy_to_user((void __user *)at,
						 (const u8 *)from + done, piece);
		} else {
			memcpy((void *)at, (const u8 *)from + done, piece);
		}
		moved(io, piece - left);
		done += piece - left;
		if (left > 0) {
			break;
		}
	}
	return done;
}

size_t io_copy_from(struct io_buffer *io, void *to, size_t size)
{
	size_t done = 0;
	u64 at, piece;

	while ((piece = next_piece(io, size - done, &at)) > 0) {
		size_t left = 0;

		if (io->user) {
			left = arch_copy_from_user((u8 *)to + done,
						   (const void __user *)at, piece);
		} else {
			memcpy((u8 *)to + done, (const void *)at, piece);
		}
		moved(io, piece - left);
		done += piece - left;
		if (left > 0) {
			break;
		}
	}
	return done;
}

size_t io_fill_zero(struct io_buffer *io, size_t size)
{
	size_t done = 0;
	u64 at, piece;

	while ((piece = next_piece(io, size - done, &at)) > 0) {
		size_t left = 0;

		if (io->user) {
			left = arch_clear_user((void __user *)at, piece);
		} else {
			memset((void *)at, 0, piece);
		}
		moved(io, piece - left);
		done += piece - left;
		if (left > 0) {
			break;
		}
	}
	return done;
}

void io_advance(struct io_buffer *io, size_t size)
{
	u64 at, piece;

	ASSERT(size <= io->remaining);
	for (; size > 0; size -= piece) {
		piece = next_piece(io, size, &at);
		moved(io, piece);
	}
}

void io_rewind(struct io_buffer *io, size_t size)
{
	io->remaining += size;
	while (size > io->range_offset) {
		ASSERT(io->range_index > 0);
		size -= io->range_offset;
		io->range_index--;
		io->range_offset = io->ranges[io->range_index].size;
	}
	io->range_offset -= size;
}
