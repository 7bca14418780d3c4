// SPDX-License-Identifier: MIT
/*
 * Host: a thread's context is a fibre with a stack of its own (sanitizers need more
 * than a kernel stack holds).
 */
#pragma once

#include "lib/types.h"

struct host_fibre;
struct trap_frame;

struct arch_thread {
	struct host_fibre *fibre;
	vaddr_t stack_top;
	u64 tls;
	struct trap_frame *frame; /* user threads (user.c) */
};
