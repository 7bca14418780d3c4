// SPDX-License-Identifier: MIT
/* AArch64: frames on a kernel stack (arch/common/thread.h). */
#pragma once

#include "arch/trap.h"
#include "lib/compiler.h"
#include "lib/types.h"

struct switch_frame {
	u64 x19, x20, x21, x22, x23, x24, x25, x26, x27, x28;
	u64 frame_pointer, return_address;
};
STATIC_ASSERT(sizeof(struct switch_frame) == 96); /* switch.S */

#define FRAME_RECORD           0UL
#define FRAME_OF_LEAF_IS_SHORT false

static inline void switch_frame_set_start(struct switch_frame *frame, u64 entry,
					  u64 argument)
{
	frame->x19 = entry;
	frame->x20 = argument;
}

static inline void trap_set_sp(struct trap_frame *frame, u64 sp)
{
	frame->sp = sp;
}

static inline void trap_begin_user(struct trap_frame *frame, u64 ip, u64 sp)
{
	frame->pc = ip;
	frame->sp = sp;
}
