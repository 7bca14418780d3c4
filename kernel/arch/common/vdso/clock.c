// SPDX-License-Identifier: MIT
/*
 * The vDSO's clock functions, which read the counter in user mode.
 *
 * Built as a shared object of its own; runs in user programs, on their stacks. The data page (arch/vdso.h) lies right before the image.
 * The kernel writes it under a sequence count: an even count that is the same before and after means what was read in between is one state.
 */
#include "arch/common/vdso/vdso.h"
#include "lib/compiler.h"
#include <asm/unistd.h>
#include <linux/time.h>
#include <linux/time_types.h>

int VDSO(clock_gettime)(int clock, struct __kernel_timespec *to);
int VDSO(clock_getres)(int clock, struct __kernel_timespec *to);
int VDSO(gettimeofday)(struct __kernel_old_timeval *to, struct timezone *zone);

static always_inline_ bool read_clock(bool realtime, u64 *out)
{
	u32 before, after;
	u64 ticks, ns;

	do {
		/* order.clock_page: pairs with publish() */
		before = atomic_load_explicit(&vdso_data.sequence, memory_order_acquire);
		if (READ_ONCE(vdso_data.clock_usable) == 0) {
			return false;
		}
		ticks = vdso_read_counter() - READ_ONCE(vdso_data.counter_base);
		ns = (u64)(((unsigned __int128)ticks * READ_ONCE(vdso_data.multiplier)) >>
			   READ_ONCE(vdso_data.shift));
		if (realtime) {
			ns += (u64)READ_ONCE(vdso_data.realtime_offset);
		}
		/* order.clock_page: pairs with publish() */
		atomic_thread_fence(memory_order_acquire);
		after = atomic_load_explicit(&vdso_data.sequence, memory_order_relaxed);
	} while (before != after || (before & 1) != 0);
	*out = ns;
	return true;
}

bool vdso_read_clock(bool realtime, u64 *out)
{
	return read_clock(realtime, out);
}

int VDSO(clock_gettime)(int clock, struct __kernel_timespec *to)
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
	return (int)vdso_system_call(__NR_clock_gettime, clock, (long)to, 0);
}

int VDSO(clock_getres)(int clock, struct __kernel_timespec *to)
{
	return (int)vdso_system_call(__NR_clock_getres, clock, (long)to, 0);
}

int VDSO(gettimeofday)(struct __kernel_old_timeval *to, struct timezone *zone)
{
	u64 ns;

	if (!read_clock(true, &ns)) {
		return (int)vdso_system_call(__NR_gettimeofday, (long)to, (long)zone, 0);
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
