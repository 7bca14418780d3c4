// SPDX-License-Identifier: MIT
#pragma once

#include "lib/types.h"

struct trap_frame {
	s64 number;
	u64 arguments[6];
	u64 result;
	u64 ip, sp;
	bool from_user;
};

static inline bool trap_from_user(const struct trap_frame *frame)
{
	return frame->from_user;
}

static inline u64 trap_ip(const struct trap_frame *frame)
{
	return frame->ip;
}

static inline u64 trap_sp(const struct trap_frame *frame)
{
	return frame->sp;
}

static inline void trap_set_ip(struct trap_frame *frame, u64 ip)
{
	frame->ip = ip;
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
	return frame->arguments[index];
}

static inline u64 trap_syscall_result(const struct trap_frame *frame)
{
	return frame->result;
}

static inline void trap_set_syscall_result(struct trap_frame *frame, u64 result)
{
	frame->result = result;
}

static inline void trap_restart_syscall(struct trap_frame *frame, s64 number)
{
	frame->number = number;
}

static inline void trap_show_syscall(struct trap_frame *frame)
{
}

static inline void trap_take_syscall(struct trap_frame *frame)
{
}
