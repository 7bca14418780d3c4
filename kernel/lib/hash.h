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

/* FNV-1a over bytes. */
static inline u64 hash_bytes(const void *data, size_t size)
{
	const u8 *p = data;
	u64 h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < size; i++) {
		h = (h ^ p[i]) * 0x100000001b3ULL;
	}
	return hash_u64(h);
}
