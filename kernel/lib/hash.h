// SPDX-License-Identifier: MIT
/* Mixing functions for hash tables. */
#pragma once

#include "lib/types.h"

static inline u64 hash_u64(u64 x)
{
	x ^= x >> 32;
	x *= 0x9e3779b97f4a7c15ULL;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9ULL;
	return x ^ (x >> 32);
}

/* The first and the last of up to 8 bytes, which may overlap: all of them, in a word. */
static inline u64 hash_tail(const u8 *p, size_t size)
{
	u32 first = 0, last = 0;

	if (size >= 4) {
		__builtin_memcpy(&first, p, 4);
		__builtin_memcpy(&last, p + size - 4, 4);
	} else if (size > 0) {
		first = p[0] | (u32)p[size / 2] << 8 | (u32)p[size - 1] << 16;
	}
	return first | (u64)last << 32;
}

/* Over bytes, by words; names differ in length as well. */
static inline u64 hash_bytes(const void *data, size_t size)
{
	const u8 *p = data;
	u64 h = size, word;

	for (; size > 8; p += 8, size -= 8) {
		__builtin_memcpy(&word, p, 8);
		h = (h ^ word) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 32;
	}
	return hash_u64(h ^ hash_tail(p, size) * 0xff51afd7ed558ccdULL);
}
