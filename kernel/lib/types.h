// SPDX-License-Identifier: MIT
/* The integer types everybody uses, and the handful of macros without which no C is written. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

typedef u64 vaddr_t;     /* a virtual address, user or kernel */
typedef u64 paddr_t;     /* a physical address */
typedef s64 nsec_t;      /* nanoseconds: a point of a clock, or a length */
typedef s32 pid_nr;      /* a thread or process number as user space sees it */
typedef s64 file_offset; /* a position in a file, in bytes */

/* Memory of a user program: only arch/usercopy.h and mm/io_buffer.h may look through it. */
#ifdef __CHECKER__
#	define __user __attribute__((noderef, address_space(1)))
#else
#	define __user
#endif

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096UL
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define NSEC_PER_USEC 1000LL
#define NSEC_PER_MSEC 1000000LL
#define NSEC_PER_SEC  1000000000LL
#define NSEC_NEVER    INT64_MAX /* a deadline that does not come */

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)                              \
	({                                     \
		__typeof__(a) min_a = (a);     \
		__typeof__(b) min_b = (b);     \
		min_a < min_b ? min_a : min_b; \
	})
#define MAX(a, b)                              \
	({                                     \
		__typeof__(a) max_a = (a);     \
		__typeof__(b) max_b = (b);     \
		max_a > max_b ? max_a : max_b; \
	})
#define ALIGN_UP(x, a)   (((x) + ((__typeof__(x))(a) - 1)) & ~((__typeof__(x))(a) - 1))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a) - 1))
#define IS_ALIGNED(x, a) (((x) & ((__typeof__(x))(a) - 1)) == 0)

#define container_of(pointer, type, member) \
	((type *)((char *)(pointer) - offsetof(type, member)))
