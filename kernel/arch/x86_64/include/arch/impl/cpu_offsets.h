// SPDX-License-Identifier: MIT
/* Offsets in struct cpu_local for gs-relative accesses, checked in arch/impl/cpu_local.h. */
#pragma once

#define CPU_LOCAL_SELF          0
#define CPU_LOCAL_NUMBER        8
#define CPU_LOCAL_PREEMPT       12
#define CPU_LOCAL_RESCHEDULE    16
#define CPU_LOCAL_FLUSH_PENDING 20
#define CPU_LOCAL_CURRENT       24
#define CPU_LOCAL_KERNEL_STACK \
	32 /* top of the running thread's kernel stack, for the syscall entry */
#define CPU_LOCAL_USER_STACK \
	40 /* the user's rsp, between syscall entry's first two instructions only */
