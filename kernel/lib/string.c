// SPDX-License-Identifier: MIT
/*
 * The C library's memory and string functions (the host port has them already and leaves this file out).
 *
 * Plain loops over 8-byte words, four at a time: under an instruction-counting emulator each iteration of a
 * `rep` instruction counts, so those are no gain. Unaligned words are accessed through a packed type: every port
 * allows that on normal memory.
 */
#include "lib/string.h"
#include "lib/compiler.h"

/* The compiler must not turn these loops into calls of the functions they implement. */
#define NO_IDIOM __attribute__((optimize("no-tree-loop-distribute-patterns")))
#if defined(__clang__)
#	undef NO_IDIOM
#	define NO_IDIOM __attribute__((no_builtin))
#endif

struct word {
	u64 value;
} packed_ __attribute__((may_alias));

static always_inline_ u64 load(const u8 *from)
{
	return ((const struct word *)from)->value;
}

struct half_word {
	u32 value;
} packed_ __attribute__((may_alias));

static always_inline_ u32 load_half(const u8 *from)
{
	return ((const struct half_word *)from)->value;
}

static always_inline_ void store(u8 *to, u64 value)
{
	((struct word *)to)->value = value;
}

static always_inline_ void copy_forward(u8 *to, const u8 *from, size_t size)
{
	while (size >= 32) {
		u64 a = load(from), b = load(from + 8);
		u64 c = load(from + 16), d = load(from + 24);

		store(to, a);
		store(to + 8, b);
		store(to + 16, c);
		store(to + 24, d);
		to += 32;
		from += 32;
		size -= 32;
	}
	while (size >= 8) {
		store(to, load(from));
		to += 8;
		from += 8;
		size -= 8;
	}
	while (size > 0) {
		*to++ = *from++;
		size--;
	}
}

static always_inline_ void copy_backward(u8 *to, const u8 *from, size_t size)
{
	while (size >= 8) {
		size -= 8;
		store(to + size, load(from + size));
	}
	while (size > 0) {
		size--;
		to[size] = from[size];
	}
}

/* A port may bring better ones of memcpy and memset. */
weak_ NO_IDIOM void *memcpy(void *to, const void *from, size_t size)
{
	copy_forward(to, from, size);
	return to;
}

NO_IDIOM void *memmove(void *to, const void *from, size_t size)
{
	/* Forward is right when `to` lies below, or at least a whole step above the end. */
	if ((uintptr_t)to - (uintptr_t)from >= size) {
		copy_forward(to, from, size);
	} else {
		copy_backward(to, from, size);
	}
	return to;
}

weak_ NO_IDIOM void *memset(void *to, int byte, size_t size)
{
	u64 word = (u8)byte * 0x0101010101010101ULL;
	u8 *p = to;

	while (size >= 64) {
		store(p, word);
		store(p + 8, word);
		store(p + 16, word);
		store(p + 24, word);
		store(p + 32, word);
		store(p + 40, word);
		store(p + 48, word);
		store(p + 56, word);
		p += 64;
		size -= 64;
	}
	while (size >= 8) {
		store(p, word);
		p += 8;
		size -= 8;
	}
	while (size > 0) {
		*p++ = (u8)byte;
		size--;
	}
	return to;
}

/* The words that differ are looked at by bytes: the first of those decides. */
NO_IDIOM int memcmp(const void *a, const void *b, size_t size)
{
	const u8 *p = a, *q = b;
	size_t at = 0;

	if (size >= 4 && size < 8 && load_half(p) == load_half(q) &&
	    load_half(p + size - 4) == load_half(q + size - 4)) {
		return 0;
	}
	while (at + 8 <= size && load(p + at) == load(q + at)) {
		at += 8;
	}
	if (size >= 8 &&
	    at + 8 > size) { // what is left, with some that were equal before it
		at = size - 8;
		if (load(p + at) == load(q + at)) {
			return 0;
		}
	}
	for (; at < size; at++) {
		if (p[at] != q[at]) {
			return p[at] < q[at] ? -1 : 1;
		}
	}
	return 0;
}

NO_IDIOM void *memchr(const void *in, int byte, size_t size)
{
	const u8 *p = in;

	for (; size > 0; p++, size--) {
		if (*p == (u8)byte) {
			return (void *)p;
		}
	}
	return NULL;
}

NO_IDIOM size_t strlen(const char *s)
{
	const char *end = s;

	while (*end) {
		end++;
	}
	return (size_t)(end - s);
}

NO_IDIOM size_t strnlen(const char *s, size_t max)
{
	size_t length = 0;

	while (length < max && s[length]) {
		length++;
	}
	return length;
}

NO_IDIOM int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (int)(u8)*a - (int)(u8)*b;
}

NO_IDIOM int strncmp(const char *a, const char *b, size_t max)
{
	for (; max > 0; a++, b++, max--) {
		if (*a != *b || !*a) {
			return (int)(u8)*a - (int)(u8)*b;
		}
	}
	return 0;
}

NO_IDIOM char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c) {
			return (char *)s;
		}
		if (!*s) {
			return NULL;
		}
	}
}

NO_IDIOM char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c) {
			last = s;
		}
		if (!*s) {
			return (char *)last;
		}
	}
}

NO_IDIOM char *strstr(const char *s, const char *what)
{
	size_t length = strlen(what);

	for (;; s++) {
		if (strncmp(s, what, length) == 0) {
			return (char *)s;
		}
		if (!*s) {
			return NULL;
		}
	}
}
