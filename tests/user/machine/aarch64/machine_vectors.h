// SPDX-License-Identifier: MIT
/* Floating point, vector and integer registers of this machine, for fpu_state.c. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

struct vectors {
	uint64_t words[5]
		      [2]; /* v0, v1, v7, v16, v31: those that functions need not keep */
	uint64_t control, status;
};

static inline void load(const struct vectors *from)
{
	__asm__ volatile("ldr q0, [%0]\n\tldr q1, [%0, #16]\n\t"
			 "ldr q7, [%0, #32]\n\tldr q16, [%0, #48]\n\t"
			 "ldr q31, [%0, #64]\n\t"
			 "msr fpcr, %1\n\tmsr fpsr, %2"
			 :
			 : "r"(from), "r"(from->control), "r"(from->status)
			 : "memory", "v0", "v1", "v7", "v16", "v31");
}

static inline void store(struct vectors *to)
{
	uint64_t control, status;

	__asm__ volatile("str q0, [%2]\n\tstr q1, [%2, #16]\n\t"
			 "str q7, [%2, #32]\n\tstr q16, [%2, #48]\n\t"
			 "str q31, [%2, #64]\n\t"
			 "mrs %0, fpcr\n\tmrs %1, fpsr"
			 : "=&r"(control), "=&r"(status)
			 : "r"(to)
			 : "memory");
	to->control = control;
	to->status = status;
}

/* The control word rounds another way, the status word has seen something. */
static inline void make(struct vectors *v, uint64_t seed)
{
	for (unsigned i = 0; i < 5; i++) {
		v->words[i][0] = seed * 0x9e3779b97f4a7c15u + i;
		v->words[i][1] = ~v->words[i][0];
	}
	v->control = (seed & 3) << 22;
	v->status = (seed & 1) << 27 | 1;
}

static inline bool same(const struct vectors *a, const struct vectors *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* As a program begins; the status word may have seen what its start did. */
static inline bool is_fresh(const struct vectors *v)
{
	return v->control == 0;
}

/* The records of a signal's context; the first is that of the vectors. */
static inline struct fpsimd_context *saved_vectors(void *context)
{
	return (struct fpsimd_context *)((ucontext_t *)context)->uc_mcontext.__reserved;
}

/* In what a signal's handler was given. */
static inline void change_first_word(void *context, uint32_t value)
{
	memcpy(saved_vectors(context)->vregs, &value, sizeof(value));
}

/* No record is so long. */
static inline void break_state(void *context)
{
	saved_vectors(context)->head.size = 0xfffffff0;
}

enum { REGISTERS_SEEN = 29 };

/*
 * long fork_and_look(uint64_t seen[REGISTERS_SEEN]): clone(SIGCHLD) with a pattern in every register; what parent and child find in them
 * behind the call goes to their copy of `seen`. x0 is the result, x1 and x8 are the call's own.
 */
long fork_and_look(uint64_t *seen);
__asm__(".text\n"
	"fork_and_look:\n\t"
	"stp x19, x20, [sp, #-16]!\n\t"
	"stp x21, x22, [sp, #-16]!\n\t"
	"stp x23, x24, [sp, #-16]!\n\t"
	"stp x25, x26, [sp, #-16]!\n\t"
	"stp x27, x28, [sp, #-16]!\n\t"
	"stp x29, x30, [sp, #-16]!\n\t"
	"str x0, [sp, #-16]!\n\t"
	"mov x2, #0x102\n\t"
	"mov x3, #0x103\n\t"
	"mov x4, #0x104\n\t"
	"mov x5, #0x105\n\t"
	"mov x6, #0x106\n\t"
	"mov x7, #0x107\n\t"
	"mov x9, #0x109\n\t"
	"mov x10, #0x10a\n\t"
	"mov x11, #0x10b\n\t"
	"mov x12, #0x10c\n\t"
	"mov x13, #0x10d\n\t"
	"mov x14, #0x10e\n\t"
	"mov x15, #0x10f\n\t"
	"mov x16, #0x110\n\t"
	"mov x17, #0x111\n\t"
	"mov x18, #0x112\n\t"
	"mov x19, #0x113\n\t"
	"mov x20, #0x114\n\t"
	"mov x21, #0x115\n\t"
	"mov x22, #0x116\n\t"
	"mov x23, #0x117\n\t"
	"mov x24, #0x118\n\t"
	"mov x25, #0x119\n\t"
	"mov x26, #0x11a\n\t"
	"mov x27, #0x11b\n\t"
	"mov x28, #0x11c\n\t"
	"mov x29, #0x11d\n\t"
	"mov x30, #0x11e\n\t"
	"mov x0, #17\n\t"
	"mov x1, #0\n\t"
	"mov x8, #220\n\t"
	"svc #0\n\t"
	"str x0, [sp, #8]\n\t"
	"ldr x0, [sp]\n\t"
	"str x2, [x0, #0]\n\t"
	"str x3, [x0, #8]\n\t"
	"str x4, [x0, #16]\n\t"
	"str x5, [x0, #24]\n\t"
	"str x6, [x0, #32]\n\t"
	"str x7, [x0, #40]\n\t"
	"str x9, [x0, #48]\n\t"
	"str x10, [x0, #56]\n\t"
	"str x11, [x0, #64]\n\t"
	"str x12, [x0, #72]\n\t"
	"str x13, [x0, #80]\n\t"
	"str x14, [x0, #88]\n\t"
	"str x15, [x0, #96]\n\t"
	"str x16, [x0, #104]\n\t"
	"str x17, [x0, #112]\n\t"
	"str x18, [x0, #120]\n\t"
	"str x19, [x0, #128]\n\t"
	"str x20, [x0, #136]\n\t"
	"str x21, [x0, #144]\n\t"
	"str x22, [x0, #152]\n\t"
	"str x23, [x0, #160]\n\t"
	"str x24, [x0, #168]\n\t"
	"str x25, [x0, #176]\n\t"
	"str x26, [x0, #184]\n\t"
	"str x27, [x0, #192]\n\t"
	"str x28, [x0, #200]\n\t"
	"str x29, [x0, #208]\n\t"
	"str x30, [x0, #216]\n\t"
	"mov x1, sp\n\t"
	"str x1, [x0, #224]\n\t"
	"ldr x0, [sp, #8]\n\t"
	"add sp, sp, #16\n\t"
	"ldp x29, x30, [sp], #16\n\t"
	"ldp x27, x28, [sp], #16\n\t"
	"ldp x25, x26, [sp], #16\n\t"
	"ldp x23, x24, [sp], #16\n\t"
	"ldp x21, x22, [sp], #16\n\t"
	"ldp x19, x20, [sp], #16\n\t"
	"ret\n");

static inline bool registers_kept(const uint64_t *seen)
{
	for (unsigned i = 0; i < REGISTERS_SEEN - 1; i++) {
		if (seen[i] != 0x102 + i + (i >= 6)) {
			return false;
		}
	}
	return true;
}
