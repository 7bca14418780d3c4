// SPDX-License-Identifier: MIT
/* SVE's registers, as programs of AArch64 handle them. In memory they lie as in Linux's signal frames: vectors, predicates, FFR, at the thread's length. */
#pragma once

#include "raw.h"
#include <asm/sigcontext.h>
#include <linux/prctl.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

enum { SVE_LONGEST = 256, SVE_UNIT = 16, SVE_LENGTHS = SVE_LONGEST / SVE_UNIT };

#define SVE_CAPABILITY \
	(1ul << 22) /* of AT_HWCAP: not every C library's headers have it */

struct sve {
	unsigned char byte[SVE_LONGEST * 32 + SVE_LONGEST / 8 * 17]
		__attribute__((aligned(16)));
};

static inline bool have_sve(void)
{
	return (getauxval(AT_HWCAP) & SVE_CAPABILITY) != 0;
}

/* Of a vector, in bytes. An instruction of SVE itself. */
static inline unsigned sve_length(void)
{
	unsigned long length;

	__asm__ volatile(".arch_extension sve\n\trdvl %0, #1" : "=r"(length));
	return (unsigned)length;
}

static inline size_t sve_size(unsigned length)
{
	return length * 32 + length / 8 * 17;
}

#define SVE_NUMBERS "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15"
#define SVE_HIGHER  ", 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31"
/* x9: the vectors, x10: the predicates. */
#define SVE_LOAD                                                                \
	"ldr p0, [x10, #16, mul vl]\n\twrffr p0.b\n\t"                          \
	".irp n, " SVE_NUMBERS "\n\tldr p\\n, [x10, #\\n, mul vl]\n\t.endr\n\t" \
	".irp n, " SVE_NUMBERS SVE_HIGHER                                       \
	"\n\tldr z\\n, [x9, #\\n, mul vl]\n\t.endr\n\t"
#define SVE_STORE                                                               \
	".irp n, " SVE_NUMBERS SVE_HIGHER                                       \
	"\n\tstr z\\n, [x9, #\\n, mul vl]\n\t.endr\n\t"                         \
	".irp n, " SVE_NUMBERS "\n\tstr p\\n, [x10, #\\n, mul vl]\n\t.endr\n\t" \
	"rdffr p0.b\n\tstr p0, [x10, #16, mul vl]\n\t"
#define SVE_CLOBBERS                                                                  \
	"x9", "x10", "x11", "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", \
		"v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16",    \
		"v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", \
		"v27", "v28", "v29", "v30", "v31"
/* With `in` in the registers, `middle`; then what is in them goes to `out`. */
#define SVE_AROUND(in, out, middle)                                        \
	".arch_extension sve\n\tmov x9, " in                               \
	"\n\trdvl x11, #1\n\tadd x10, x9, x11, lsl #5\n\t" SVE_LOAD middle \
	"mov x9, " out "\n\trdvl x11, #1\n\tadd x10, x9, x11, lsl #5\n\t" SVE_STORE

/* A system call with `in` in the registers; what is in them afterwards goes to `out`. */
static __attribute__((noinline, unused)) long sve_through_call(const struct sve *in,
							       struct sve *out,
							       long number, long a,
							       long b, long c)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = 0;
	register long x4 __asm__("x4") = 0;

	__asm__ volatile(SVE_AROUND("%[in]", "%[out]", "svc #0\n\t")
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3),
			   "r"(x4), [in] "r"(in), [out] "r"(out)
			 : SVE_CLOBBERS);
	return x0;
}

/* Until *stop is not 0, or the machine's counter has gone `ticks` further. */
static __attribute__((noinline, unused)) void sve_through_time(const struct sve *in,
							       struct sve *out,
							       const atomic_int *stop,
							       uint64_t ticks)
{
	__asm__ volatile(
		SVE_AROUND("%[in]", "%[out]",
			   "mrs x10, cntvct_el0\n"
			   "1:\tldr w9, [%[stop]]\n\tcbnz w9, 2f\n\t"
			   "mrs x9, cntvct_el0\n\tsub x9, x9, x10\n\t"
			   "cmp x9, %[ticks]\n\tb.lo 1b\n"
			   "2:\n\t")
		:
		: [in] "r"(in), [out] "r"(out), [stop] "r"(stop), [ticks] "r"(ticks)
		: SVE_CLOBBERS);
}

/* An instruction that is none: SIGILL, whose handler steps over it. */
static __attribute__((noinline, unused)) void sve_through_trap(const struct sve *in,
							       struct sve *out)
{
	__asm__ volatile(SVE_AROUND("%[in]", "%[out]", "udf #0\n\t")
			 :
			 : [in] "r"(in), [out] "r"(out)
			 : SVE_CLOBBERS);
}

static __attribute__((noinline, unused)) void sve_store(struct sve *out)
{
	__asm__ volatile(".arch_extension sve\n\tmov x9, %0\n\trdvl x11, #1\n\t"
			 "add x10, x9, x11, lsl #5\n\t" SVE_STORE
			 :
			 : "r"(out)
			 : "x9", "x10", "x11", "memory");
}

static inline uint64_t sve_ticks_of_ms(unsigned ms)
{
	uint64_t frequency;

	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
	return frequency / 1000 * ms;
}

/* FFR has ones up to somewhere, then zeros: no other contents are defined. */
static inline void sve_make(struct sve *v, unsigned length, unsigned seed)
{
	size_t size = sve_size(length), first_fault = size - length / 8;

	memset(v, 0, sizeof(*v));
	for (size_t i = 0; i < size; i++) {
		v->byte[i] = i < first_fault
				     ? (unsigned char)(seed * 37 + (unsigned)i * 11 + 1)
				     : 0;
	}
	v->byte[first_fault] = (unsigned char)((1u << (seed % 8 + 1)) - 1);
}

/* As it is after a system call: the low 128 bits of each vector, and zeros. */
static inline void sve_cut(struct sve *v, unsigned length)
{
	size_t vectors = (size_t)length * 32;

	for (size_t i = 0; i < sve_size(length); i++) {
		if (i >= vectors || i % length >= SVE_UNIT) {
			v->byte[i] = 0;
		}
	}
}

static inline bool sve_same(const struct sve *a, const struct sve *b, unsigned length)
{
	return memcmp(a->byte, b->byte, sve_size(length)) == 0;
}

/* The lengths there are, ascending: how many. The thread's own stays. */
static inline int sve_lengths(unsigned *lengths)
{
	int count = 0, own = prctl(PR_SVE_GET_VL);

	for (unsigned asked = SVE_UNIT; asked <= SVE_LONGEST; asked += SVE_UNIT) {
		int set = prctl(PR_SVE_SET_VL, asked) & PR_SVE_VL_LEN_MASK;

		if (set == (int)asked) {
			lengths[count++] = asked;
		}
	}
	CHECK(prctl(PR_SVE_SET_VL, own) == own);
	return count;
}
