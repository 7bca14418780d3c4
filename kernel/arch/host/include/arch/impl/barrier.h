// SPDX-License-Identifier: MIT
/* Host: there are no devices. */
#pragma once

static inline void arch_device_barrier(void)
{
	__asm__ volatile("" ::: "memory");
}
