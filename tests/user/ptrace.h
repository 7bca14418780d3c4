// SPDX-License-Identifier: MIT
/* ptrace(2) as the kernel has it, and tracees to try it on. */
#pragma once

#include "test.h"
#include <elf.h>
#include <linux/ptrace.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/user.h>

#define STOPPED_BY(code) ((code) << 8 | 0x7f)
#define EVENT(event)     STOPPED_BY(SIGTRAP | (event) << 8)
#define EVENT_STOP       (PTRACE_EVENT_STOP << 8)
#define CALL_STOP        STOPPED_BY(SIGTRAP | 0x80)

static inline long trace(long request, pid_t pid, unsigned long address,
			 unsigned long data)
{
	return syscall(SYS_ptrace, request, pid, address, data);
}

static inline long trace_to(long request, pid_t pid, unsigned long address, void *data)
{
	return trace(request, pid, address, (unsigned long)data);
}

/* The next news of `pid`, which must be this. */
#define EXPECT_STATUS(pid, wanted)                                                    \
	do {                                                                          \
		int expect_status_ = -1;                                              \
		pid_t expect_pid_ = (pid);                                            \
		CHECK_EQ(waitpid(expect_pid_, &expect_status_, __WALL), expect_pid_); \
		if (expect_status_ != (wanted)) {                                     \
			say("%s:%d: status %#x, not %#x\n", __FILE__, __LINE__,       \
			    (unsigned)expect_status_, (unsigned)(wanted));            \
			_exit(1);                                                     \
		}                                                                     \
	} while (0)

#define GO_ON(pid, signal) CHECK_EQ(trace(PTRACE_CONT, (pid), 0, (signal)), 0)

static inline siginfo_t information(pid_t pid)
{
	siginfo_t info;

	memset(&info, 0xff, sizeof(info));
	CHECK_EQ(trace_to(PTRACE_GETSIGINFO, pid, 0, &info), 0);
	return info;
}

static inline unsigned long message(pid_t pid)
{
	unsigned long value = ~0ul;

	CHECK_EQ(trace_to(PTRACE_GETEVENTMSG, pid, 0, &value), 0);
	return value;
}

/* A child that runs `body`, and dies with us. */
static inline pid_t start_child(void (*body)(void))
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		body();
		_exit(0);
	}
	return child;
}

static inline void pause_for_good(void)
{
	for (;;) {
		pause();
	}
}

/* A child that asked to be traced, in its first stop. */
static inline void traced_first(void)
{
	CHECK_EQ(trace(PTRACE_TRACEME, 0, 0, 0), 0);
	raise(SIGSTOP);
}

static inline void end_child(pid_t child)
{
	int status;

	kill(child, SIGKILL);
	do {
		CHECK_EQ(waitpid(child, &status, __WALL), child);
	} while (!WIFEXITED(status) && !WIFSIGNALED(status));
	CHECK_EQ(status, SIGKILL);
}

/* What /proc/PID/status says behind `name`. */
static inline void status_line(pid_t pid, const char *name, char *line, size_t size)
{
	char path[64], text[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	CHECK(file);
	line[0] = 0;
	while (fgets(text, sizeof(text), file)) {
		if (strncmp(text, name, strlen(name)) == 0) {
			snprintf(line, size, "%.60s", text + strlen(name));
		}
	}
	fclose(file);
}

static inline char state_of(pid_t pid)
{
	char line[64];

	status_line(pid, "State:\t", line, sizeof(line));
	return line[0];
}
