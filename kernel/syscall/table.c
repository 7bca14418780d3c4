// SPDX-License-Identifier: MIT
/*
 * The system call table, and entry_syscall(): the way from a port's trap to a body.
 *
 * Owns      syscall_table.
 * Context   the calling thread, interrupts on.
 */
#define SYSCALL_REFERENCE __attribute__((weak))
#include "syscall/syscall.h"

#include "arch/entry.h"
#include "core/missing.h"
#include "lib/compiler.h"
#include "process/call_log.h"
#include "process/ptrace/ptrace.h"
#include "sched/sched.h"
#include "syscall/trace.h"
#include <asm/unistd.h>
#include <heddle/port.h>

const struct syscall_entry syscall_table[] = {
#include "syscall_table.inc"
};
const unsigned syscall_table_size = ARRAY_SIZE(syscall_table);

/* Heddle's own, from HEDDLE_CALL_FIRST on: far behind all of Linux's. */
static const struct syscall_entry own_table[] = {
	[HEDDLE_PORT_CREATE - HEDDLE_CALL_FIRST] = {sys_port_create, "port_create"},
	[HEDDLE_PORT_CALL - HEDDLE_CALL_FIRST] = {sys_port_call, "port_call"},
	[HEDDLE_PORT_RECEIVE - HEDDLE_CALL_FIRST] = {sys_port_receive, "port_receive"},
	[HEDDLE_PORT_REPLY_RECEIVE - HEDDLE_CALL_FIRST] = {sys_port_reply_receive,
							   "port_reply_receive"},
};
STATIC_ASSERT(ARRAY_SIZE(syscall_table) < HEDDLE_CALL_FIRST);

const struct syscall_entry *syscall_find(s64 number)
{
	if (number >= 0 && number < (s64)syscall_table_size) {
		return &syscall_table[number];
	}
	number -= HEDDLE_CALL_FIRST;
	return number >= 0 && number < (s64)ARRAY_SIZE(own_table) ? &own_table[number]
								  : NULL;
}

static long call_body(s64 number, const struct syscall_arguments *arguments)
{
	const struct syscall_entry *entry = syscall_find(number);

	if (!entry) {
		return -ENOSYS;
	}
	if (!entry->body) {
		missing_record(MISSING_CALL,
			       entry->name ? entry->name : "a number without a name");
		return -ENOSYS;
	}
	return entry->body(arguments);
}

static void read_arguments(struct syscall_arguments *arguments,
			   const struct trap_frame *frame)
{
	for (unsigned i = 0; i < ARRAY_SIZE(arguments->arg); i++) {
		arguments->arg[i] = trap_syscall_argument(frame, i);
	}
}

/* A call of a thread that somebody watches: ptrace(2), or the log of calls. */
static noinline_ void call_watched(struct trap_frame *frame,
				   struct syscall_arguments *arguments)
{
	struct thread *thread = current_thread();
	long result = -ENOSYS;

	if (!trace_syscall_enter(frame)) {
		result = (long)trap_syscall_result(frame); // as the tracer has left it
	} else {
		s64 number = trap_syscall_number(frame);

		read_arguments(arguments, frame);
		result = thread->traced & TRACE_LOG
				 ? trace_call(number, arguments, call_body)
				 : call_body(number, arguments);
	}
	trap_set_syscall_result(frame, (u64)result);
	if (thread->traced & (TRACE_STOPS | TRACE_STEP)) {
		trace_syscall_exit(frame);
	}
}

void entry_syscall(struct trap_frame *frame)
{
	/* One by one: a port's trap_syscall_argument() is nothing with a constant, and a choice without. */
	struct syscall_arguments arguments = {
		.frame = frame,
		.arg = {trap_syscall_argument(frame, 0), trap_syscall_argument(frame, 1),
			trap_syscall_argument(frame, 2), trap_syscall_argument(frame, 3),
			trap_syscall_argument(frame, 4), trap_syscall_argument(frame, 5)},
	};
	long result;

	sched_account_system();
	if (unlikely(current_thread()->traced)) {
		call_watched(frame, &arguments);
		return;
	}
	result = call_body(trap_syscall_number(frame), &arguments);
	trap_set_syscall_result(frame, (u64)result);
}
