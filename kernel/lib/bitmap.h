// SPDX-License-Identifier: MIT
/* Arrays of bits in 64-bit words. Nothing here is atomic; a bit outside is never looked at. */
#pragma once

#include "lib/types.h"

#define BITMAP_WORDS(bits)         (((bits) + 63) / 64)
#define DECLARE_BITMAP(name, bits) u64 name[BITMAP_WORDS(bits)]

bool bitmap_test(const u64 *map, size_t bits, size_t bit); /* false if bit >= bits */
void bitmap_set(u64 *map, size_t bit);
void bitmap_clear(u64 *map, size_t bit);
void bitmap_fill(u64 *map, size_t bits);
void bitmap_zero(u64 *map, size_t bits);
/* The first clear (set) bit at or after `from`, or `bits` if there is none. */
size_t bitmap_next_clear(const u64 *map, size_t bits, size_t from);
size_t bitmap_next_set(const u64 *map, size_t bits, size_t from);
size_t bitmap_weight(const u64 *map, size_t bits);
bool bitmap_empty(const u64 *map, size_t bits);
