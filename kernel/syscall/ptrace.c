// SPDX-License-Identifier: MIT
/* ptrace(2). */
#include "syscall/syscall.h"

#include "process/process.h"
#include "process/ptrace/ptrace.h"
#include <linux/ptrace.h>

long sys_ptrace(const struct syscall_arguments *a)
{
	long request = (long)a->arg[0], result;
	struct thread *thread;

	if (request == PTRACE_TRACEME) {
		return trace_me();
	}
	thread = thread_find((pid_nr)a->arg[1]);
	if (!thread) {
		return -ESRCH;
	}
	if (request == PTRACE_ATTACH) {
		result = trace_attach(thread, false, 0);
	} else if (request == PTRACE_SEIZE) {
		result = a->arg[2] ? -EIO : trace_attach(thread, true, a->arg[3]);
	} else {
		result = trace_request(thread, request, a->arg[2], a->arg[3]);
	}
	thread_put(thread);
	return result;
}
