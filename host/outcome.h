// SPDX-License-Identifier: MIT
/*
 * How a run ended, and all that --status-file and --summary tell about it.
 */
#pragma once

#include "options.h"

#include <stdint.h>
#include <stdio.h>

#define STATUS_TIMEOUT        124
#define STATUS_FAILED         125
#define STATUS_NOT_EXECUTABLE 126
#define STATUS_NOT_FOUND      127
#define STATUS_PANIC          255

enum outcome_kind {
	OUTCOME_NONE, // not known yet
	OUTCOME_EXITED,
	OUTCOME_SIGNALED,
	OUTCOME_INTERRUPTED, // heddle itself was told to end
	OUTCOME_TIMEOUT,
	OUTCOME_FAILED,
	OUTCOME_NOT_EXECUTABLE,
	OUTCOME_NOT_FOUND,
	OUTCOME_PANIC,
};

struct outcome {
	enum outcome_kind kind;
	int status; // what heddle exits with
	int signal; // OUTCOME_SIGNALED and OUTCOME_INTERRUPTED
	char message[4096 + 256];

	const char *accel; // "tcg" or "kvm"
	char accel_reason[200];

	double start_seconds, boot_seconds, run_seconds, total_seconds;
	uint64_t user_ns, system_ns, peak_kib;
	size_t packed_files, packed_bytes;
	unsigned long stack_bytes,
		stack_size; // the deepest use of a kernel stack; 0: not known
	char stack_thread[16];

	FILE *trace;    // --trace, once something has come
	char **missing; // what the guest lacked and its root on the host has
	size_t missing_count;
};

/* The first call decides; later ones are ignored. A NULL format leaves the message empty. */
__attribute__((format(printf, 4, 5))) void outcome_set(struct outcome *outcome,
						       enum outcome_kind kind, int status,
						       const char *format, ...);

/* The guest looked in vain for `path`, or a line that names a system call. A path that its root on the host lacks too is not kept. */
void outcome_add_missing(struct outcome *outcome, const struct options *options,
			 const char *path);
/* `line` is that of CONTROL_KERNEL_STACK; another one is ignored. */
void outcome_set_kernel_stack(struct outcome *outcome, const char *line);

/* A piece of the log of system calls, for --trace. */
void outcome_add_trace(struct outcome *outcome, const struct options *options,
		       const char *text, size_t size);

/* Can the status file be written? If not, the outcome is set; outcome_report() says why. */
bool outcome_can_report(struct outcome *outcome, const struct options *options);

/* Say on stderr what the user has to know; write the summary and the status file. */
void outcome_report(struct outcome *outcome, const struct options *options);

double now_seconds(void);
