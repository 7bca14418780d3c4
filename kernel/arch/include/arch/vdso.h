// SPDX-License-Identifier: MIT
/*
 * Contract: the vDSO: an ELF image of whole pages, mapped read-execute, preceded by one data page mapped read-only.
 * The data page's layout is struct vdso_data; time/ publishes into it with a sequence count.
 */
#pragma once

#include "lib/types.h"
#include <stdatomic.h>

struct vdso_data {
	_Atomic u32 sequence; /* odd while being written */
	u32 clock_usable; /* the user may read the counter; else the vDSO makes the system call */
	u64 counter_base; /* counter value that is nanosecond 0 of CLOCK_MONOTONIC */
	u64 multiplier; /* ns = (counter - base) * multiplier >> shift, 128-bit product */
	u32 shift;
	u32 reserved;
	s64 realtime_offset; /* CLOCK_REALTIME - CLOCK_MONOTONIC, ns */
	u64 machine
		[16]; /* the port's own for its own functions; the same in every state */
};

/* The image (page aligned, in the kernel's own memory) and its size in bytes (whole pages). */
const void *arch_vdso_image(size_t *size);
/* Offset of the signal return trampoline in the image (0: the port needs none). */
u64 arch_vdso_sigreturn_offset(void);
/* Fill counter_base, multiplier, shift, clock_usable of the port's counter, and `machine`. */
void arch_vdso_fill(struct vdso_data *data);
/* AT_HWCAP, AT_HWCAP2 */
u64 arch_hwcap(void);
u64 arch_hwcap2(void);
