// SPDX-License-Identifier: MIT
/*
 * The log of system calls that traced threads make (`heddle run --trace`, /proc/heddle/trace and /proc/heddle/calls).
 *
 * A thread whose `traced` is TRACE_CALLS adds a line at each call, and its children are traced from their start. The log only
 * grows, up to CALL_LOG_MAX; what comes after is counted and dropped. Nothing here is touched while no thread is traced.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

struct io_buffer;

/* thread.traced */
enum trace_state {
	TRACE_OFF,
	TRACE_AT_EXEC, /* from its next execve on that succeeds */
	TRACE_CALLS,
	TRACE_LOG = 3, /* a mask: the log's part */

	/* ptrace(2), set by the thread itself when it leaves a stop */
	TRACE_STOPS = 4, /* it stops before and behind its system calls */
	TRACE_STEP = 8,  /* it stops behind each instruction, so behind its calls */
};

enum { CALL_LOG_MAX = 64 << 20 };

/* One line, with its newline, whole or not at all. Thread context, no lock held. */
void call_log_add(const char *line, size_t size);
/* A line could not be made: no memory. */
void call_log_drop(void);
u64 call_log_dropped(void);
/* Bytes from `position` on, as many as there are and fit: how many, or -EFAULT. May sleep. */
s64 call_log_read(struct io_buffer *io, u64 position) must_check;
