// SPDX-License-Identifier: MIT
/*
 * T6: the thread pointer is a thread's own, whatever its value: as CLONE_SETTLS gives it, also 0 and what leads nowhere, and as the thread
 * writes it itself; over switches between threads on one CPU, and over system calls.
 */
#include "cpus.h"
#include "machine_tls.h"
#include "raw.h"

enum { VALUES = sizeof(tls_values) / sizeof(tls_values[0]), ROUNDS = 300 };

static char stacks[VALUES][65536] __attribute__((aligned(16)));

/* No library function from here on: those find their own things by the thread pointer. */
static bool keeps(unsigned long value)
{
	for (int i = 0; i < ROUNDS; i++) {
		if (thread_pointer() != value) {
			return false;
		}
		(void)raw_call(SYS_sched_yield, 0, 0);
	}
	return thread_pointer() == value;
}

static int run_child(void *argument)
{
	unsigned long number = (unsigned long)argument;

	if (!keeps(tls_values[number])) {
		return 1;
	}
	for (unsigned long i = 1; i <= VALUES; i++) {
		set_thread_pointer(tls_values[(number + i) % VALUES]);
		if (!keeps(tls_values[(number + i) % VALUES])) {
			return 2;
		}
	}
	return 0;
}

static long start_child(unsigned long number)
{
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_SETTLS,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stacks[number],
		.stack_size = sizeof(stacks[number]),
		.tls = tls_values[number],
	};

	return clone3_call(&args, sizeof(args), run_child, (void *)number);
}

int main(void)
{
	unsigned long own;
	long children[VALUES];

	if (!tls_by_instruction()) {
		skip("programs may not write the register here");
	}
	own = thread_pointer();
	pin(0, (unsigned)sched_getcpu());
	for (unsigned long i = 0; i < VALUES; i++) {
		children[i] = start_child(i);
		CHECK(children[i] > 0);
	}
	for (int i = 0; i < VALUES; i++) {
		int status = -1;

		CHECK_EQ(waitpid((pid_t)children[i], &status, 0), children[i]);
		CHECK_EQ(status, 0);
	}
	CHECK_EQ(thread_pointer(), own);
	ok("values");
	return 0;
}
