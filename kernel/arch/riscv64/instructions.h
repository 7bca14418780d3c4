// SPDX-License-Identifier: MIT
/* Single instructions C has no words for, and the firmware's calls (SBI). */
#pragma once

#include "lib/types.h"

#define CSR_READ(name)                                                           \
	({                                                                       \
		u64 csr_value_;                                                  \
		__asm__ volatile("csrr %0, " name : "=r"(csr_value_)::"memory"); \
		csr_value_;                                                      \
	})
#define CSR_WRITE(name, value) \
	__asm__ volatile("csrw " name ", %0" ::"r"((u64)(value)) : "memory")
#define CSR_SET(name, bits) \
	__asm__ volatile("csrs " name ", %0" ::"r"((u64)(bits)) : "memory")
#define CSR_CLEAR(name, bits) \
	__asm__ volatile("csrc " name ", %0" ::"r"((u64)(bits)) : "memory")

/* sie, sip */
#define INTERRUPT_SOFTWARE (1UL << 1)
#define INTERRUPT_TIMER    (1UL << 5)
#define INTERRUPT_EXTERNAL (1UL << 9)

static inline u64 read_counter(void)
{
	u64 value;

	__asm__ volatile("rdtime %0" : "=r"(value)::"memory");
	return value;
}

static inline void instruction_barrier(void)
{
	__asm__ volatile("fence.i" ::: "memory");
}

static inline void flush_tlb(void)
{
	__asm__ volatile("sfence.vma" ::: "memory");
}

static inline void flush_page(vaddr_t address)
{
	__asm__ volatile("sfence.vma %0" ::"r"(address) : "memory");
}

static inline void flush_asid(u64 asid)
{
	__asm__ volatile("sfence.vma x0, %0" ::"r"(asid) : "memory");
}

static inline void flush_page_of(vaddr_t address, u64 asid)
{
	__asm__ volatile("sfence.vma %0, %1" ::"r"(address), "r"(asid) : "memory");
}

enum {
	SBI_OLD_PUT = 0x01, /* one byte to the console */
	SBI_BASE = 0x10,
	SBI_TIME = 0x54494d45,
	SBI_IPI = 0x735049,
	SBI_HSM = 0x48534d,
	SBI_RESET = 0x53525354,
};
enum { BASE_PROBE = 3, BASE_MVENDORID = 4, BASE_MARCHID = 5, BASE_MIMPID = 6 };
enum { HSM_START = 0 };
enum { RESET_POWER_OFF = 0, RESET_COLD = 1 };

struct sbi_result {
	s64 error;
	u64 value;
};

static inline struct sbi_result sbi_call(u64 extension, u64 function, u64 a, u64 b, u64 c,
					 u64 d, u64 e)
{
	register u64 a0 __asm__("a0") = a;
	register u64 a1 __asm__("a1") = b;
	register u64 a2 __asm__("a2") = c;
	register u64 a3 __asm__("a3") = d;
	register u64 a4 __asm__("a4") = e;
	register u64 a6 __asm__("a6") = function;
	register u64 a7 __asm__("a7") = extension;

	__asm__ volatile("ecall"
			 : "+r"(a0), "+r"(a1)
			 : "r"(a2), "r"(a3), "r"(a4), "r"(a6), "r"(a7)
			 : "memory");
	return (struct sbi_result){(s64)a0, a1};
}
