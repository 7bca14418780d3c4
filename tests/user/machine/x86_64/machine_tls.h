// SPDX-License-Identifier: MIT
/* The thread pointer as a register. The other architectures' folders have a header of the same name. */
#pragma once

#include <stdbool.h>
#include <sys/auxv.h>

/* What the kernel lets a program have: others are EPERM (tls_registers.c). */
static const unsigned long tls_values[] = {0, 1, 0x1000, 0x7fffffffefff};

/* Else only system calls set it. */
static inline bool tls_by_instruction(void)
{
	return getauxval(AT_HWCAP2) & 2;
}

static inline unsigned long thread_pointer(void)
{
	unsigned long value;

	__asm__ volatile("rdfsbase %0" : "=r"(value));
	return value;
}

static inline void set_thread_pointer(unsigned long value)
{
	__asm__ volatile("wrfsbase %0" : : "r"(value));
}
