// SPDX-License-Identifier: MIT
/* x86-64: frames on a kernel stack (arch/common/thread.h). */
#pragma once

#include "arch/irq.h"
#include "arch/trap.h"
#include "arch/x86_64/asm_offsets.h"
#include "lib/compiler.h"
#include "lib/types.h"

#define USER_FLAGS (X86_FLAG_INTERRUPTS | 2)

struct switch_frame {
	u64 r15, r14, r13, r12, rbx;
	u64 frame_pointer; /* rbp */
	u64 return_address;
};
STATIC_ASSERT(sizeof(struct switch_frame) == 56); /* switch.S */

#define FRAME_RECORD           0UL
#define FRAME_OF_LEAF_IS_SHORT false

static inline void switch_frame_set_start(struct switch_frame *frame, u64 entry,
					  u64 argument)
{
	frame->rbx = entry;
	frame->r12 = argument;
}

static inline void trap_set_sp(struct trap_frame *frame, u64 sp)
{
	frame->rsp = sp;
}

static inline void trap_begin_user(struct trap_frame *frame, u64 ip, u64 sp)
{
	frame->vector = TRAP_VECTOR_SYSCALL;
	frame->rip = frame->rcx = ip;
	frame->rsp = sp;
	frame->rflags = frame->r11 = USER_FLAGS;
	frame->cs = USER_CS;
	frame->ss = USER_DS;
}
