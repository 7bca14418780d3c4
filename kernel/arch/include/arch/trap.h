// SPDX-License-Identifier: MIT
/* Contract: the registers a trap saved. struct trap_frame is defined in arch/impl/trap.h; others use these. */
#pragma once

#include "lib/types.h"

struct trap_frame;

static inline bool trap_from_user(const struct trap_frame *frame);
static inline u64 trap_ip(const struct trap_frame *frame);
static inline u64 trap_sp(const struct trap_frame *frame);
static inline void trap_set_ip(struct trap_frame *frame, u64 ip);
/* System calls. The number is kept apart from the result, so that a call can be restarted; -1: not in a system call. */
static inline s64 trap_syscall_number(const struct trap_frame *frame);
static inline void trap_set_syscall_number(struct trap_frame *frame, s64 number);
static inline u64 trap_syscall_argument(const struct trap_frame *frame, unsigned index);
static inline u64 trap_syscall_result(const struct trap_frame *frame);
static inline void trap_set_syscall_result(struct trap_frame *frame, u64 result);
/* Make the return to user mode execute the system call instruction again, with number `number`. */
static inline void trap_restart_syscall(struct trap_frame *frame, s64 number);
/* Before a tracer looks at a system call that begins, and what it has changed taken over after: number and arguments. */
static inline void trap_show_syscall(struct trap_frame *frame);
static inline void trap_take_syscall(struct trap_frame *frame);

#include "arch/impl/trap.h"
