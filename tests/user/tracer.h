// SPDX-License-Identifier: MIT
/* A tracer that only lets its tracee go on. */
#pragma once

#include "test.h"
#include <linux/ptrace.h>

/* Until that has ended; one byte to `ready` once it is traced. */
static inline void trace_to_the_end(pid_t tracee, int ready)
{
	int status;

	CHECK_EQ(syscall(SYS_ptrace, PTRACE_SEIZE, tracee, 0, 0), 0);
	CHECK_EQ(write(ready, "x", 1), 1);
	while (waitpid(tracee, &status, __WALL) == tracee && WIFSTOPPED(status)) {
		syscall(SYS_ptrace, PTRACE_CONT, tracee, 0, 0);
	}
	_exit(0);
}
