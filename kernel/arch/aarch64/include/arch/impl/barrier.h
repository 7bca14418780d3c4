// SPDX-License-Identifier: MIT
/* AArch64: normal memory and device memory are only ordered with each other by a barrier. */
#pragma once

static inline void arch_device_barrier(void)
{
	__asm__ volatile("dsb sy" ::: "memory");
}
