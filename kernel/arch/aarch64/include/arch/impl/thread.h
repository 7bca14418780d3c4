// SPDX-License-Identifier: MIT
#pragma once

#include "lib/types.h"

struct cpu_local;

#define FPU_AREA_ALIGNMENT 16UL

#define ARCH_SETTING "sve_default_vector_length"

struct arch_thread {
	/* thread_offsets.h knows the place of these, for the assembly files */
	struct cpu_local
		*cpu;      /* the CPU it runs on; of one that does not run: the last */
	u32 preempt;       /* changed by itself and by interrupts above it alone */
	u32 cpu_number;    /* of `cpu` */
	vaddr_t stack_top; /* highest address of the kernel stack, 16-byte aligned */
	u32 sve_live;      /* its state of SVE is: sve.c */

	u64 stack_pointer; /* while it does not run: its saved registers lie there */
	u64 tls;   /* TPIDR_EL0; true in memory only while the thread does not run */
	u64 block; /* TPIDRRO_EL0: the thread block; 0: none */
	void *fpu; /* struct fpu_area; NULL: never a user thread */
	u32 fpu_detached; /* the area is being written by rt_sigreturn: switches leave it alone */

	/* sve.c: bytes of a vector: now, after the next exec (0: the default), and those the area has room for */
	u16 sve_length, sve_next, sve_room;
	u16 sve_saved;    /* for a signal frame: of the vectors in the area; 0: none */
	bool step;        /* ptrace(2): MDSCR_EL1.SS while it runs */
	bool sve_inherit; /* sve_next stays over exec */

	/* of the last exception of the user program, for signal frames */
	u64 trap_syndrome; /* ESR_EL1; 0: none */
	u64 trap_address;
};
