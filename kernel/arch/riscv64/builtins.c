// SPDX-License-Identifier: MIT
/* What the compiler calls where RV64IMAC has no instruction: its own library is built for floating point registers. */
#include "lib/types.h"

int __ctzdi2(u64 value);
u8 exchange_byte(volatile void *at, u8 value, int order) __asm__("__atomic_exchange_1");

/* The place of the lowest 1; value is not 0. */
int __ctzdi2(u64 value)
{
	int count = 0;

	for (int width = 32; width != 0; width /= 2) {
		if ((value & ((1UL << width) - 1)) == 0) {
			value >>= width;
			count += width;
		}
	}
	return count;
}

/* By the word it lies in; sequentially consistent, whatever order is asked for. */
u8 exchange_byte(volatile void *at, u8 value, int order)
{
	unsigned shift = (unsigned)((uintptr_t)at & 3) * 8;
	volatile u32 *word = (volatile u32 *)((uintptr_t)at & ~3UL);
	u32 old, changed, mask = 0xffu << shift, desired = (u32)value << shift;

	__asm__ volatile("1:\tlr.w.aqrl %0, %2\n\t"
			 "and %1, %0, %3\n\t"
			 "or %1, %1, %4\n\t"
			 "sc.w.rl %1, %1, %2\n\t"
			 "bnez %1, 1b"
			 : "=&r"(old), "=&r"(changed), "+A"(*word)
			 : "r"(~mask), "r"(desired)
			 : "memory");
	return (u8)(old >> shift);
}
