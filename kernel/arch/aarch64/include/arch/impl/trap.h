// SPDX-License-Identifier: MIT
#pragma once

#include "lib/types.h"

/* Where clone(2) has its last two arguments: the order differs between architectures. */
enum { ARCH_CLONE_CHILD_TID = 4, ARCH_CLONE_TLS = 3 };

/* Built by entry.S; TRAP_FRAME_* in arch/aarch64/asm_offsets.h mirror it. A multiple of 16 bytes. */
struct trap_frame {
	u64 regs[31];
	u64 sp, pc, pstate;
	u64 first_argument; /* x0 at the system call: regs[0] becomes the result */
	s64 number;         /* system call number, -1: not in one */
	u64 syndrome;       /* ESR_EL1 */
	u64 address;        /* FAR_EL1 */
	u64 record
		[2]; /* of a trap from the kernel: a link in the chain of frame pointers */
};

static inline bool trap_from_user(const struct trap_frame *frame)
{
	return (frame->pstate & 0xf) == 0; /* EL0t */
}

static inline u64 trap_ip(const struct trap_frame *frame)
{
	return frame->pc;
}

static inline u64 trap_sp(const struct trap_frame *frame)
{
	return frame->sp;
}

static inline void trap_set_ip(struct trap_frame *frame, u64 ip)
{
	frame->pc = ip;
}

static inline s64 trap_syscall_number(const struct trap_frame *frame)
{
	return frame->number;
}

static inline void trap_set_syscall_number(struct trap_frame *frame, s64 number)
{
	frame->number = number;
}

static inline u64 trap_syscall_argument(const struct trap_frame *frame, unsigned index)
{
	return index == 0 ? frame->first_argument : frame->regs[index];
}

static inline u64 trap_syscall_result(const struct trap_frame *frame)
{
	return frame->regs[0];
}

static inline void trap_set_syscall_result(struct trap_frame *frame, u64 result)
{
	frame->regs[0] = result;
}

static inline void trap_restart_syscall(struct trap_frame *frame, s64 number)
{
	frame->regs[0] = frame->first_argument;
	frame->regs[8] = (u64)number;
	frame->pc -= 4; /* the length of the svc instruction */
}

static inline void trap_show_syscall(struct trap_frame *frame)
{
}

static inline void trap_take_syscall(struct trap_frame *frame)
{
	frame->first_argument = frame->regs[0];
}
