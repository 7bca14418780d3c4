// SPDX-License-Identifier: MIT
/*
 * Where data of a read or write goes to or comes from: a list of ranges of user memory, or kernel memory.
 * Rooms below process/ move data through this and never see which it is. Copies may sleep (user memory may fault).
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

struct io_range {
	u64 base;
	u64 size;
};

struct io_buffer {
	struct io_range *ranges; /* or &single */
	size_t range_count;
	size_t range_index;
	u64 range_offset;
	u64 remaining; /* bytes left in all */
	bool user;
	struct io_range single;
};

void io_buffer_init_user(struct io_buffer *io, vaddr_t address, u64 size);
void io_buffer_init_kernel(struct io_buffer *io, void *address, u64 size);
/* Ranges already copied in and checked (iovec); the array stays the caller's. */
void io_buffer_init_user_vector(struct io_buffer *io, struct io_range *ranges,
				size_t count);
/* Move up to `size` bytes and advance. Returns how many were moved: less than MIN(size, remaining) means EFAULT there. */
size_t io_copy_to(struct io_buffer *io, const void *from, size_t size) must_check;
size_t io_copy_from(struct io_buffer *io, void *to, size_t size) must_check;
size_t io_fill_zero(struct io_buffer *io, size_t size) must_check;
void io_advance(struct io_buffer *io, size_t size);
void io_rewind(struct io_buffer *io, size_t size); /* undo the last `size` moved */
