// SPDX-License-Identifier: MIT
/* Of the tests of pid namespaces: children with flags, what init does, who sent a signal. */
#pragma once

#include "raw.h"

/* fork with flags, as fork(2) returns. */
static inline pid_t fork_with(uint64_t flags)
{
	struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static inline int wait_for(pid_t child)
{
	int status = -1;

	CHECK_EQ(waitpid(child, &status, 0), child);
	return status;
}

/* Run `body` as init of a new pid namespace: its wait status. */
static inline int as_init(void (*body)(void))
{
	pid_t child = fork_with(CLONE_NEWPID);

	CHECK(child > 0 || child == 0);
	if (child == 0) {
		body();
		_exit(0);
	}
	return wait_for(child);
}

static volatile int seen_pid = -1, seen_code;

static inline void note_sender(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	seen_code = info->si_code;
	seen_pid = info->si_pid;
}

static inline void catch_with_sender(int signal)
{
	struct sigaction action = {.sa_sigaction = note_sender,
				   .sa_flags = SA_SIGINFO | SA_RESTART};

	seen_pid = -1;
	CHECK_EQ(sigaction(signal, &action, NULL), 0);
}

static int ready[2];

static inline void say_ready(void)
{
	CHECK_EQ(write(ready[1], "r", 1), 1);
}

static inline void await_ready(void)
{
	char byte;

	CHECK_EQ(read(ready[0], &byte, 1), 1);
}

static inline void require_pid_namespaces(void)
{
	pid_t probe = fork_with(CLONE_NEWPID);

	if (probe == 0) {
		_exit(0);
	}
	if (probe < 0) {
		skip("no pid namespaces for us here");
	}
	CHECK_EQ(wait_for(probe), 0);
}
