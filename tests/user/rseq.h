// SPDX-License-Identifier: MIT
/* rseq(2) without the C library: a structure of one's own for each thread, and critical sections in assembly. */
#pragma once

#include "cpus.h"
#include "raw.h"
#include <sys/auxv.h>

#if defined(__GLIBC__) && \
	!defined(__riscv) /* its C library of that time registers none there */
#	include <sys/rseq.h>
#	define FROM_LIBRARY 1
#else
#	define FROM_LIBRARY 0
#endif

#define UNREGISTER      1
#define AREA_SIZE       32
#define CPU_UNKNOWN     ((uint32_t)-1)
#define AUXV_RSEQ_SIZE  27
#define AUXV_RSEQ_ALIGN 28

struct area {
	volatile uint32_t cpu_id_start, cpu_id;
	volatile uint64_t section;
	volatile uint32_t flags, node_id, mm_cid;
	uint32_t rest[9];
} __attribute__((aligned(64)));

struct section {
	uint32_t version, flags;
	uint64_t start, length, abort;
} __attribute__((aligned(32)));

static inline long rseq_call(volatile void *area, uint32_t length, int flags,
			     uint32_t signature)
{
	return syscall(SYS_rseq, area, length, flags, signature);
}

/* The calling thread is left without a registration. */
static inline void drop_library_registration(void)
{
#if FROM_LIBRARY
	void *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	CHECK(rseq_call(area, AREA_SIZE, UNREGISTER, SIGNATURE) == 0 || errno == EINVAL);
#endif
}

static inline void use_own_area(struct area *area)
{
	drop_library_registration();
	memset((void *)area, 0, sizeof(*area));
	CHECK_EQ(rseq_call(area, AREA_SIZE, 0, SIGNATURE), 0);
}

static inline uint32_t asked_cpu(void)
{
	unsigned cpu = CPU_UNKNOWN, node;

	CHECK_EQ(syscall(SYS_getcpu, &cpu, &node, NULL), 0);
	return cpu;
}

#include "machine_rseq.h"
