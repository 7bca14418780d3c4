// SPDX-License-Identifier: MIT
#pragma once

#include "lib/types.h"

/* Where clone(2) has its last two arguments: the order differs between architectures. */
enum { ARCH_CLONE_CHILD_TID = 4, ARCH_CLONE_TLS = 3 };

/* Names of the registers, by number. */
enum {
	REGISTER_RA = 1,
	REGISTER_SP = 2,
	REGISTER_TP = 4,
	REGISTER_A0 = 10,
	REGISTER_A1,
	REGISTER_A2,
	REGISTER_A7 = 17
};

/* Built by entry.S; TRAP_FRAME_* in arch/riscv64/asm_offsets.h mirror it. A multiple of 16 bytes. */
struct trap_frame {
	u64 regs[32]; /* the first is the program counter: struct user_regs_struct */
	u64 status;   /* sstatus */
	u64 cause;    /* scause */
	u64 address;  /* stval */
	u64 first_argument; /* a0 at the system call: the register becomes the result */
	s64 number;         /* system call number, -1: not in one */
	u64 reserved;
	u64 record
		[2]; /* of a trap from the kernel: a link in the chain of frame pointers */
};

static inline bool trap_from_user(const struct trap_frame *frame)
{
	return (frame->status & 0x100) == 0; /* SPP */
}

static inline u64 trap_ip(const struct trap_frame *frame)
{
	return frame->regs[0];
}

static inline u64 trap_sp(const struct trap_frame *frame)
{
	return frame->regs[REGISTER_SP];
}

static inline void trap_set_ip(struct trap_frame *frame, u64 ip)
{
	frame->regs[0] = ip;
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
	return index == 0 ? frame->first_argument : frame->regs[REGISTER_A0 + index];
}

static inline u64 trap_syscall_result(const struct trap_frame *frame)
{
	return frame->regs[REGISTER_A0];
}

static inline void trap_set_syscall_result(struct trap_frame *frame, u64 result)
{
	frame->regs[REGISTER_A0] = result;
}

static inline void trap_restart_syscall(struct trap_frame *frame, s64 number)
{
	frame->regs[REGISTER_A0] = frame->first_argument;
	frame->regs[REGISTER_A7] = (u64)number;
	frame->regs[0] -= 4; /* the length of the ecall instruction */
}

static inline void trap_show_syscall(struct trap_frame *frame)
{
	frame->regs[REGISTER_A0] =
		(u64)-38; /* -ENOSYS, the result of a call that is not made */
}

static inline void trap_take_syscall(struct trap_frame *frame)
{
	frame->number = (s64)frame->regs[REGISTER_A7];
}
