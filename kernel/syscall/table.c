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
#include "sched/sched.h"
#include "syscall/trace.h"
#include <asm/unistd.h>

const struct syscall_entry syscall_table[] = {
#include "syscall_table.inc"
};
const unsigned syscall_table_size = ARRAY_SIZE(syscall_table);

static long call_body(s64 number, const struct syscall_arguments *arguments)
{
	if (number < 0 || number >= (s64)syscall_table_size) {
		return -ENOSYS;
	}
	if (!syscall_table[number].body) {
		const char *name = syscall_table[number].name;

		missing_record(MISSING_CALL, name ? name : "a number without a name");
		return -ENOSYS;
	}
	return syscall_table[number].body(arguments);
}

void entry_syscall(struct trap_frame *frame)
{
	struct syscall_arguments arguments = {.frame = frame};
	long result;

	sched_account_system();
	for (unsigned i = 0; i < 6; i++) {
		arguments.arg[i] = trap_syscall_argument(frame, i);
	}
	if (unlikely(current_thread()->traced)) {
		result = trace_call(trap_syscall_number(frame), &arguments, call_body);
	} else {
		result = call_body(trap_syscall_number(frame), &arguments);
	}
	trap_set_syscall_result(frame, (u64)result);
}
