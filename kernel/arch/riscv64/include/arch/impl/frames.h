// SPDX-License-Identifier: MIT
/* RISC-V: frames on a kernel stack (arch/common/thread.h). */
#pragma once

#include "arch/riscv64/asm_offsets.h"
#include "arch/trap.h"
#include "lib/compiler.h"
#include "lib/types.h"

struct switch_frame {
	u64 s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11;
	u64 unused;
	u64 frame_pointer, return_address;
};
STATIC_ASSERT(sizeof(struct switch_frame) == 112); /* switch.S */

#define FRAME_RECORD           (-16UL)
#define FRAME_OF_LEAF_IS_SHORT true

/* Of user mode: interrupts on, 64-bit, floating point on. */
#define STATUS_OF_USER (STATUS_SPIE | STATUS_FS | 2UL << 32)

static inline void switch_frame_set_start(struct switch_frame *frame, u64 entry,
					  u64 argument)
{
	frame->s1 = entry;
	frame->s2 = argument;
}

static inline void trap_set_sp(struct trap_frame *frame, u64 sp)
{
	frame->regs[REGISTER_SP] = sp;
}

static inline void trap_begin_user(struct trap_frame *frame, u64 ip, u64 sp)
{
	frame->regs[0] = ip;
	frame->regs[REGISTER_SP] = sp;
	frame->status = STATUS_OF_USER;
}
