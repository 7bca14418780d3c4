// SPDX-License-Identifier: MIT
#pragma once

#include "lib/types.h"

struct cpu_local;
struct vector_area;

#define FPU_AREA_ALIGNMENT 16UL

#define ARCH_SETTING "riscv_v_default_allow"

struct arch_thread {
	/* thread_offsets.h knows the place of these, for the assembly files */
	struct cpu_local
		*cpu;        /* the CPU it runs on; of one that does not run: the last */
	u32 preempt;         /* changed by itself and by interrupts above it alone */
	u32 cpu_number;      /* of `cpu` */
	vaddr_t stack_top;   /* highest address of the kernel stack, 16-byte aligned */
	vaddr_t stack_limit; /* its lowest */
	u64 user_sp; /* the program's sp, between the door's first instructions only */

	u64 stack_pointer; /* while it does not run: its saved registers lie there */
	u64 block;         /* address of the thread block; 0: none */
	void *fpu;         /* struct fpu_area; NULL: never a user thread */
	struct vector_area *vector; /* vector.c, V1; NULL: it does not use vectors */
	u8 vector_control;          /* the thread's own: PR_RISCV_V_VSTATE_CTRL_… */
};
