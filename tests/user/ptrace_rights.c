// SPDX-License-Identifier: MIT
/*
 * G2: what a tracer must not get: rights by a tracee that asked to be traced, more queued signals than RLIMIT_SIGPENDING, or a thread that never
 * comes back from its call.
 * deadline: 40
 */
#include "ptrace.h"
#include <sys/resource.h>
#include <sys/stat.h>

enum { NOBODY = 65534, GIVEN = 40, MOST = 8 };

static char program[64];

static void become_nobody(void)
{
	CHECK_EQ(syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY), 0);
	CHECK_EQ(syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY), 0);
}

/* Of this program, set-user-id root. */
static void make_program(void)
{
	int from = open("/proc/self/exe", O_RDONLY), to;
	char buffer[4096];
	ssize_t size;

	snprintf(program, sizeof(program), "/tmp/ptrace_rights.%d", getpid());
	to = open(program, O_WRONLY | O_CREAT | O_EXCL, 0755);
	CHECK(from >= 0 && to >= 0);
	while ((size = read(from, buffer, sizeof(buffer))) > 0) {
		CHECK_EQ(write(to, buffer, (size_t)size), size);
	}
	CHECK_EQ(close(from) | close(to), 0);
	CHECK_EQ(chmod(program, 04755), 0);
}

static void show_id(void)
{
	execl(program, program, "id", (char *)NULL);
	_exit(100);
}

static void alone(void)
{
	become_nobody();
	show_id();
}

static void traced_by_root(void)
{
	become_nobody();
	CHECK_EQ(trace(PTRACE_TRACEME, 0, 0, 0), 0);
	show_id();
}

/* Our parent's rights are not what we may show. */
static void check_set_id(void)
{
	pid_t child = start_child(alone);

	EXPECT_STATUS(child, 0);
	child = start_child(traced_by_root);
	EXPECT_STATUS(child, STOPPED_BY(SIGTRAP));
	GO_ON(child, 0);
	EXPECT_STATUS(child, 1 << 8);
	ok("set-user-id");
}

static int dropped[2];

static void ask_with_power(void)
{
	char byte;

	CHECK_EQ(read(dropped[0], &byte, 1), 1);
	CHECK_EQ(trace(PTRACE_TRACEME, 0, 0, 0), -1);
	CHECK_EQ(errno, EPERM);
}

static void drop_power(void)
{
	pid_t child = start_child(ask_with_power);

	become_nobody();
	CHECK_EQ(write(dropped[1], "", 1), 1);
	EXPECT_STATUS(child, 0);
}

static void check_power(void)
{
	CHECK_EQ(pipe(dropped), 0);
	EXPECT_STATUS(start_child(drop_power), 0);
	ok("more power than the parent");
}

static void blocks_one(void)
{
	const struct rlimit limit = {MOST, MOST};
	sigset_t set;

	become_nobody();
	CHECK_EQ(setrlimit(RLIMIT_SIGPENDING, &limit), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	traced_first();
	for (;;) {
		syscall(SYS_getppid);
	}
}

static void check_queue(void)
{
	pid_t child = start_child(blocks_one);
	char line[64];

	EXPECT_STATUS(child, STOPPED_BY(SIGSTOP));
	CHECK_EQ(trace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD), 0);
	for (int i = 0; i < GIVEN; i++) {
		CHECK_EQ(trace(PTRACE_SYSCALL, child, 0, i ? SIGRTMIN : 0), 0);
		EXPECT_STATUS(child, CALL_STOP);
	}
	status_line(child, "SigQ:", line, sizeof(line));
	CHECK(atoi(line) > 0 && atoi(line) <= MOST);
	end_child(child);
	ok("queued signals");
}

#ifdef __x86_64__
static void two_calls(void)
{
	traced_first();
	_exit(syscall(SYS_getppid) == -1 && errno == 515 ? 7 : 8);
}

/* 515 lies among the kernel's own words for a call that begins again, and is none. */
static void check_odd_result(void)
{
	struct user_regs_struct registers;
	pid_t child = start_child(two_calls);

	EXPECT_STATUS(child, STOPPED_BY(SIGSTOP));
	CHECK_EQ(trace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD), 0);
	do {
		CHECK_EQ(trace(PTRACE_SYSCALL, child, 0, 0), 0);
		EXPECT_STATUS(child, CALL_STOP);
		CHECK_EQ(trace_to(PTRACE_GETREGS, child, 0, &registers), 0);
	} while (registers.orig_rax != SYS_getppid);
	CHECK_EQ(trace(PTRACE_SYSCALL, child, 0, 0), 0);
	EXPECT_STATUS(child, CALL_STOP);
	CHECK_EQ(trace_to(PTRACE_GETREGS, child, 0, &registers), 0);
	registers.rax = (unsigned long)-515;
	CHECK_EQ(trace_to(PTRACE_SETREGS, child, 0, &registers), 0);
	GO_ON(child, 0);
	EXPECT_STATUS(child, 7 << 8);
	ok("a result that is none");
}
#endif

int main(int count, char **arguments)
{
	if (count > 1 && strcmp(arguments[1], "id") == 0) {
		return geteuid() == 0 ? 0 : 1;
	}
	make_program();
	check_set_id();
	CHECK_EQ(unlink(program), 0);
	check_power();
	check_queue();
#ifdef __x86_64__
	check_odd_result();
#endif
	return 0;
}
