// SPDX-License-Identifier: MIT
/*
 * Bits in 64-bit words. The bits behind `bits` in the last word may hold anything: every search
 * is cut at `bits`, and filling leaves them clear.
 */
#include "lib/bitmap.h"

static u64 tail_mask(size_t bits)
{
	return bits % 64 ? (1ULL << (bits % 64)) - 1 : ~0ULL;
}

bool bitmap_test(const u64 *map, size_t bits, size_t bit)
{
	return bit < bits && (map[bit / 64] >> (bit % 64) & 1);
}

void bitmap_set(u64 *map, size_t bit)
{
	map[bit / 64] |= 1ULL << (bit % 64);
}

void bitmap_clear(u64 *map, size_t bit)
{
	map[bit / 64] &= ~(1ULL << (bit % 64));
}

void bitmap_fill(u64 *map, size_t bits)
{
	size_t words = BITMAP_WORDS(bits);

	for (size_t i = 0; i < words; i++) {
		map[i] = ~0ULL;
	}
	if (words > 0) {
		map[words - 1] = tail_mask(bits);
	}
}

void bitmap_zero(u64 *map, size_t bits)
{
	for (size_t i = 0; i < BITMAP_WORDS(bits); i++) {
		map[i] = 0;
	}
}

/* The first bit at or after `from` that is set in map XOR flip. */
static size_t next(const u64 *map, size_t bits, size_t from, u64 flip)
{
	if (from >= bits) {
		return bits;
	}
	size_t i = from / 64;
	u64 word = (map[i] ^ flip) & (~0ULL << (from % 64));

	while (word == 0) {
		if (++i >= BITMAP_WORDS(bits)) {
			return bits;
		}
		word = map[i] ^ flip;
	}
	size_t found = i * 64 + (size_t)__builtin_ctzll(word);

	return found < bits ? found : bits;
}

size_t bitmap_next_clear(const u64 *map, size_t bits, size_t from)
{
	return next(map, bits, from, ~0ULL);
}

size_t bitmap_next_set(const u64 *map, size_t bits, size_t from)
{
	return next(map, bits, from, 0);
}

/* Without a population count instruction __builtin_popcountll() calls into libgcc. */
static size_t word_weight(u64 word)
{
	word -= word >> 1 & 0x5555555555555555ULL;
	word = (word & 0x3333333333333333ULL) + (word >> 2 & 0x3333333333333333ULL);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return word * 0x0101010101010101ULL >> 56;
}

size_t bitmap_weight(const u64 *map, size_t bits)
{
	size_t words = BITMAP_WORDS(bits), weight = 0;

	for (size_t i = 0; i < words; i++) {
		weight += word_weight(i + 1 == words ? map[i] & tail_mask(bits) : map[i]);
	}
	return weight;
}

bool bitmap_empty(const u64 *map, size_t bits)
{
	return bitmap_next_set(map, bits, 0) == bits;
}
