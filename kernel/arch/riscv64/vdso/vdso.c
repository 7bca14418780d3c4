// SPDX-License-Identifier: MIT
/*
 * The vDSO: clock functions that read the time counter in user mode.
 *
 * Built as a shared object of its own; runs in user programs, on their stacks. The data page (arch/vdso.h) lies right before the image.
 * The kernel writes it under a sequence count: an even count that is the same before and after means what was read in between is one state.
 */
#include "arch/vdso.h"
#include "lib/compiler.h"
#include <asm/unistd.h>
#include <heddle/thread_block.h>
#include <linux/time.h>
#include <linux/time_types.h>

extern const struct vdso_data vdso_data __attribute__((visibility("hidden")));

int __vdso_clock_gettime(int clock, struct __kernel_timespec *to);
int __vdso_clock_getres(int clock, struct __kernel_timespec *to);
int __vdso_gettimeofday(struct __kernel_old_timeval *to, struct timezone *zone);
int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);
long __vdso_flush_icache(void *start, void *end, unsigned long flags);
struct heddle_thread_block *__heddle_thread_block(void);

static long system_call(long number, long a, long b, long c)
{
	register long a7 __asm__("a7") = number;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;

	__asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
	return a0;
}

static u64 read_counter(void)
{
	u64 value;

	/* Not before what was read earlier. */
	__asm__ volatile("fence r, i; rdtime %0" : "=r"(value)::"memory");
	return value;
}

/* false: only the kernel can tell. */
static bool read_clock(bool realtime, u64 *out)
{
	u32 before, after;
	u64 ticks;

	do {
		before = atomic_load_explicit(&vdso_data.sequence, memory_order_acquire);
		if (READ_ONCE(vdso_data.clock_usable) == 0) {
			return false;
		}
		ticks = read_counter() - READ_ONCE(vdso_data.counter_base);
		*out = (u64)(((unsigned __int128)ticks *
			      READ_ONCE(vdso_data.multiplier)) >>
			     READ_ONCE(vdso_data.shift));
		if (realtime) {
			*out += (u64)READ_ONCE(vdso_data.realtime_offset);
		}
		atomic_thread_fence(memory_order_acquire);
		after = atomic_load_explicit(&vdso_data.sequence, memory_order_relaxed);
	} while (before != after || (before & 1) != 0);
	return true;
}

int __vdso_clock_gettime(int clock, struct __kernel_timespec *to)
{
	bool realtime = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
	u64 ns;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		if (!read_clock(realtime, &ns)) {
			break;
		}
		to->tv_sec = (s64)(ns / (u64)NSEC_PER_SEC);
		to->tv_nsec = (s64)(ns % (u64)NSEC_PER_SEC);
		return 0;
	}
	return (int)system_call(__NR_clock_gettime, clock, (long)to, 0);
}

int __vdso_clock_getres(int clock, struct __kernel_timespec *to)
{
	return (int)system_call(__NR_clock_getres, clock, (long)to, 0);
}

int __vdso_gettimeofday(struct __kernel_old_timeval *to, struct timezone *zone)
{
	u64 ns;

	if (!read_clock(true, &ns)) {
		return (int)system_call(__NR_gettimeofday, (long)to, (long)zone, 0);
	}
	if (to != NULL) {
		to->tv_sec = (long)(ns / (u64)NSEC_PER_SEC);
		to->tv_usec = (long)(ns % (u64)NSEC_PER_SEC / (u64)NSEC_PER_USEC);
	}
	if (zone != NULL) {
		zone->tz_minuteswest = 0;
		zone->tz_dsttime = 0;
	}
	return 0;
}

int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
	return (int)system_call(__NR_getcpu, (long)cpu, (long)node, 0);
}

long __vdso_flush_icache(void *start, void *end, unsigned long flags)
{
	return system_call(__NR_riscv_flush_icache, (long)start, (long)end, (long)flags);
}

/* User mode has no register that only the kernel writes: only the kernel knows. */
struct heddle_thread_block *__heddle_thread_block(void)
{
	return (struct heddle_thread_block *)system_call(__NR_prctl,
							 PR_HEDDLE_THREAD_BLOCK, 0, 0);
}
