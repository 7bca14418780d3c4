// SPDX-License-Identifier: MIT
#pragma once

#include "lib/types.h"

#define FPU_AREA_ALIGNMENT 64UL

#define ARCH_SETTING NULL

struct arch_thread {
	u64 stack_pointer; /* while it does not run: its saved registers lie there */
	vaddr_t stack_top; /* highest address of the kernel stack, 16-byte aligned */
	u64 fs_base; /* user TLS; true in memory only while the thread does not run */
	u64 gs_base; /* the user's gs base, likewise */
	u64 block; /* what gs_base is as long as the program has not set it: the thread block; 0: none */
	void *fpu; /* XSAVE area, fpu_area_size() bytes; NULL: never a user thread */
	u32 fpu_detached; /* the area is being written by rt_sigreturn: switches leave it alone */

	bool step; /* the trap flag in its frame is ptrace(2)'s */

	/* of the last exception of the user program, for signal frames */
	u32 trap_number;
	u64 trap_error;
	u64 trap_address;
};
