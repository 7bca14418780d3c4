// SPDX-License-Identifier: MIT
/* RISC-V: memory and devices are only ordered with each other by a fence. */
#pragma once

static inline void arch_device_barrier(void)
{
	__asm__ volatile("fence iorw, iorw" ::: "memory");
}
