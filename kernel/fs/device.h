// SPDX-License-Identifier: MIT
/* Device numbers as user space encodes them, and the registry for /proc/devices. */
#pragma once

#include "lib/types.h"

static inline unsigned device_major(u64 device)
{
	return (unsigned)(((device >> 8) & 0xfff) | ((device >> 32) & ~0xfffULL));
}

static inline unsigned device_minor(u64 device)
{
	return (unsigned)((device & 0xff) | ((device >> 12) & ~0xffULL));
}

static inline u64 device_number(unsigned major, unsigned minor)
{
	return ((u64)(major & 0xfff) << 8) | ((u64)(major & ~0xfffu) << 32) |
	       (minor & 0xff) | ((u64)(minor & ~0xffu) << 12);
}

struct device_description {
	u32 type; /* S_IFCHR or S_IFBLK */
	unsigned major;
	const char *name;
};
bool device_nth(unsigned n, struct device_description *out); /* false: no more */
