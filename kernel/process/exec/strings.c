// SPDX-License-Identifier: MIT
/*
 * Arguments and environment on their way from the old program to the new one.
 *
 * Owns      struct exec_strings: a chain of page-sized chunks; a text may lie across two.
 */
#include "process/exec/exec.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/usercopy.h"
#include "vm/vm_space.h"
#include <linux/binfmts.h>
#include <linux/limits.h>

#undef MAX_ARG_STRLEN
#define MAX_ARG_STRLEN (32 * PAGE_SIZE)

struct string_chunk {
	struct list link;
	u32 used;
	char data[PAGE_SIZE - sizeof(struct list) - 8];
};

void exec_strings_init(struct exec_strings *strings)
{
	memset(strings, 0, sizeof(*strings));
	list_init(&strings->chunks);
}

void exec_strings_fini(struct exec_strings *strings)
{
	struct string_chunk *chunk, *next;

	list_for_each_safe(chunk, next, &strings->chunks, link) {
		heap_free(chunk);
	}
	exec_strings_init(strings);
}

/* A chunk with room in it, at the end. */
static struct string_chunk *last_chunk(struct exec_strings *strings)
{
	struct string_chunk *chunk;

	if (!list_empty(&strings->chunks)) {
		chunk = list_last(&strings->chunks, struct string_chunk, link);
		if (chunk->used < sizeof(chunk->data)) {
			return chunk;
		}
	}
	chunk = heap_allocate(sizeof(*chunk));
	if (chunk) {
		list_push_back(&strings->chunks, &chunk->link);
	}
	return chunk;
}

/* One text from user memory; at most *limit bytes with its NUL. */
static int add_from_user(struct exec_strings *strings, vaddr_t text, u64 *limit)
{
	u64 length = 0;

	for (;;) {
		struct string_chunk *chunk = last_chunk(strings);
		u64 room;
		s64 got;

		if (!chunk) {
			return -ENOMEM;
		}
		room = MIN(sizeof(chunk->data) - chunk->used, *limit);
		if (room == 0 || length >= MAX_ARG_STRLEN) {
			return -E2BIG;
		}
		got = arch_copy_string_from_user(chunk->data + chunk->used,
						 (const char __user *)(text + length),
						 room);
		if (got < 0) {
			return (int)got;
		}
		if ((u64)got < room) {
			got++; // its NUL
			chunk->data[chunk->used + (u64)got - 1] = 0;
		}
		room = (u64)got;
		chunk->used += (u32)room;
		strings->size += room;
		*limit -= room;
		length += room;
		if (chunk->data[chunk->used - 1] == 0) {
			break;
		}
	}
	if (length > MAX_ARG_STRLEN) {
		return -E2BIG;
	}
	strings->count++;
	return 0;
}

int exec_strings_from_user(struct exec_strings *strings, vaddr_t pointers, u64 *limit)
{
	while (pointers) {
		u64 text;
		int err = user_read(&text, pointers, sizeof(text));

		if (err) {
			return err;
		}
		if (!text) {
			break;
		}
		if (*limit < sizeof(text)) {
			return -E2BIG;
		}
		*limit -= sizeof(text);
		err = add_from_user(strings, text, limit);
		if (err) {
			return err;
		}
		pointers += sizeof(text);
	}
	return 0;
}

int exec_strings_add(struct exec_strings *strings, const char *text)
{
	u64 left = strlen(text) + 1;

	while (left) {
		struct string_chunk *chunk = last_chunk(strings);
		u64 size;

		if (!chunk) {
			return -ENOMEM;
		}
		size = MIN(left, sizeof(chunk->data) - chunk->used);
		memcpy(chunk->data + chunk->used, text, size);
		chunk->used += (u32)size;
		strings->size += size;
		text += size;
		left -= size;
	}
	strings->count++;
	return 0;
}

u64 exec_strings_prefix_size(const struct exec_strings *strings, u64 count)
{
	const struct string_chunk *chunk;
	u64 size = 0;

	if (count == 0) {
		return 0;
	}
	list_for_each(chunk, &strings->chunks, link) {
		for (u32 i = 0; i < chunk->used; i++) {
			size++;
			if (chunk->data[i] == 0 && --count == 0) {
				return size;
			}
		}
	}
	return size;
}

int exec_strings_write(const struct exec_strings *strings, u64 skip, struct vm_space *vm,
		       vaddr_t address, int (*visit)(void *context, vaddr_t text),
		       void *context)
{
	const struct string_chunk *chunk;
	u64 drop = exec_strings_prefix_size(strings, skip);
	bool begins = true;
	int err = 0;

	list_for_each(chunk, &strings->chunks, link) {
		u64 from = MIN(drop, (u64)chunk->used);
		u64 size = chunk->used - from;

		drop -= from;
		for (u64 i = from; i < chunk->used && !err; i++) {
			if (begins) {
				err = visit(context, address + (i - from));
			}
			begins = chunk->data[i] == 0;
		}
		if (!err && size &&
		    vm_write(vm, address, chunk->data + from, size, true) != (s64)size) {
			err = -ENOMEM;
		}
		if (err) {
			return err;
		}
		address += size;
	}
	return 0;
}
