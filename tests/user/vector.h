// SPDX-License-Identifier: MIT
/* RISC-V's vector registers, for the tests of one architecture that are about them: vector_state.c, vector_frames.c, vector_control.c. */
#pragma once

#include "raw.h"
#include <sys/auxv.h>

#define HWCAP_VECTORS (1ul << ('V' - 'A'))
#define TYPE_ILLEGAL  (1ul << 63) /* vtype: there is none */

#define VECTOR_ASM(text) ".option push\n\t.option arch, +v\n\t" text "\n\t.option pop"
#define REGISTERS(operation)                                  \
	operation " v0, (%0)\n\tadd %0, %0, %1\n\t" operation \
		  " v8, (%0)\n\tadd %0, %0, %1\n\t" operation \
		  " v16, (%0)\n\tadd %0, %0, %1\n\t" operation " v24, (%0)\n\t"

/* Of the four, and of all registers one behind the other: vector_bytes() of them. */
struct vectors {
	unsigned long length, type, control;
	unsigned char *bytes;
};

static inline bool has_vectors(void)
{
	return (getauxval(AT_HWCAP) & HWCAP_VECTORS) != 0;
}

/* vlenb, in bytes. */
static inline unsigned long vector_width(void)
{
	unsigned long width;

	__asm__ volatile("csrr %0, 0xc22" : "=r"(width));
	return width;
}

static inline size_t vector_bytes(void)
{
	return 32 * vector_width();
}

static inline struct vectors vectors_new(void)
{
	struct vectors v = {.bytes = aligned_alloc(64, vector_bytes())};

	CHECK(v.bytes != NULL);
	memset(v.bytes, 0, vector_bytes());
	return v;
}

/* Different for each seed, in every byte of note. */
static inline void vectors_make(struct vectors *v, unsigned seed)
{
	static const unsigned long types[] = {0x00, 0x09, 0x1a, 0xc8};

	for (size_t i = 0; i < vector_bytes(); i++) {
		v->bytes[i] = (unsigned char)(seed * 37 + i * 11 + i / 256 * 5 + 1);
	}
	v->length = 1 + seed % 5;
	v->type = types[seed % 4];
	v->control = seed % 8;
}

static inline void vectors_put(const struct vectors *v)
{
	const unsigned char *at = v->bytes;

	__asm__ volatile(VECTOR_ASM(REGISTERS("vl8re8.v") "vsetvl zero, %2, %3\n\t"
							  "csrw vcsr, %4")
			 : "+&r"(at)
			 : "r"(8 * vector_width()), "r"(v->length), "r"(v->type),
			   "r"(v->control)
			 : "memory");
}

static inline void vectors_get(struct vectors *v)
{
	unsigned char *at = v->bytes;

	__asm__ volatile(VECTOR_ASM("csrr %0, vl\n\tcsrr %1, vtype\n\tcsrr %2, vcsr")
			 : "=r"(v->length), "=r"(v->type), "=r"(v->control));
	__asm__ volatile(VECTOR_ASM(REGISTERS("vs8r.v"))
			 : "+&r"(at)
			 : "r"(8 * vector_width())
			 : "memory");
}

static inline bool vectors_same(const struct vectors *a, const struct vectors *b)
{
	return a->length == b->length && a->type == b->type && a->control == b->control &&
	       memcmp(a->bytes, b->bytes, vector_bytes()) == 0;
}

/* Every byte is `value`. */
static inline bool vectors_all(const struct vectors *v, unsigned char value)
{
	for (size_t i = 0; i < vector_bytes(); i++) {
		if (v->bytes[i] != value) {
			return false;
		}
	}
	return true;
}

/* As the first vector instruction of a thread finds them. */
static inline bool vectors_fresh(const struct vectors *v)
{
	return vectors_all(v, 0) && v->length == 0 && v->control == 0;
}

/* Any vector instruction, that touches no memory. */
static inline void vector_instruction(void)
{
	unsigned long unused;

	__asm__ volatile(VECTOR_ASM("vsetvli %0, zero, e8, m1, ta, ma") : "=r"(unused));
}

/* The machine's counter: 10 million a second. */
static inline unsigned long ticks(void)
{
	unsigned long now;

	__asm__ volatile("rdtime %0" : "=r"(now)::"memory");
	return now;
}

/* No system call, no library. */
static inline void spin_milliseconds(unsigned long length)
{
	for (unsigned long start = ticks(); ticks() - start < length * 10000;) {
	}
}
