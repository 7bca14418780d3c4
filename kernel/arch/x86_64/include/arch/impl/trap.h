// SPDX-License-Identifier: MIT
#pragma once

#include "lib/types.h"

/* Where clone(2) has its last two arguments: the order differs between architectures. */
enum { ARCH_CLONE_CHILD_TID = 3, ARCH_CLONE_TLS = 4 };

/* Built by entry.S; TRAP_FRAME_* in arch/x86_64/asm_offsets.h mirror it. A multiple of 16 bytes. */
struct trap_frame {
	s64 number; /* system call number, -1: not in one */
	u64 reserved;
	u64 r15, r14, r13, r12, rbp, rbx;
	u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 vector; /* exception or interrupt; TRAP_VECTOR_SYSCALL */
	u64 error;
	u64 rip, cs, rflags, rsp, ss;
};

static inline bool trap_from_user(const struct trap_frame *frame)
{
	return (frame->cs & 3) != 0;
}

static inline u64 trap_ip(const struct trap_frame *frame)
{
	return frame->rip;
}

static inline u64 trap_sp(const struct trap_frame *frame)
{
	return frame->rsp;
}

static inline void trap_set_ip(struct trap_frame *frame, u64 ip)
{
	frame->rip = ip;
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
	switch (index) {
	case 0:
		return frame->rdi;
	case 1:
		return frame->rsi;
	case 2:
		return frame->rdx;
	case 3:
		return frame->r10;
	case 4:
		return frame->r8;
	default:
		return frame->r9;
	}
}

static inline u64 trap_syscall_result(const struct trap_frame *frame)
{
	return frame->rax;
}

static inline void trap_set_syscall_result(struct trap_frame *frame, u64 result)
{
	frame->rax = result;
}

static inline void trap_restart_syscall(struct trap_frame *frame, s64 number)
{
	frame->rax = (u64)number;
	frame->rip -= 2; /* the length of the syscall instruction */
}

static inline void trap_show_syscall(struct trap_frame *frame)
{
}

static inline void trap_take_syscall(struct trap_frame *frame)
{
}
