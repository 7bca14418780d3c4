// SPDX-License-Identifier: MIT
/*
 * A line in the log (process/call_log.h) for each system call of a traced thread:
 *
 *	TID NAME(ARGUMENT, …) = RESULT
 *
 * Arguments are numbers, but for the strings a call takes as paths; a result that is an error has its name behind it. A call that does not
 * return has `?`.
 */
#pragma once

#include "syscall/syscall.h"

/* How a call looks: its arguments, and which of them are strings (a bit each). */
struct call_form {
	bool known;
	u8 count;
	u8 strings;
};
extern const struct call_form call_forms[];
extern const unsigned call_forms_size;

/* In place of the body alone: `body` is called with `arguments`, and a line is made of it. Its result is returned. */
long trace_call(s64 number, const struct syscall_arguments *arguments,
		long (*body)(s64 number, const struct syscall_arguments *arguments));
