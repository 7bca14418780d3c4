// SPDX-License-Identifier: MIT
/* clone(2) and its relatives (C1). */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"
#include "process/pid.h"

struct trap_frame;

struct clone_request {
	u64 flags; /* CLONE_*, without the signal */
	int exit_signal;
	vaddr_t stack; /* the child's stack pointer; 0: the parent's */
	u64 tls;
	vaddr_t pidfd, child_tid, parent_tid;
	struct wanted_numbers wanted; /* count 0: any */
};

/* The child's number in the parent; a negative errno. Waits for a vfork child. */
long clone_thread(const struct clone_request *request, const struct trap_frame *frame);
/* The flags alone. 0, -EINVAL, -EPERM */
int clone_check_flags(u64 flags) must_check;
