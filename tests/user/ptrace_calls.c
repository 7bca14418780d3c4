// SPDX-License-Identifier: MIT
/*
 * G2: ptrace(2): stops at system calls, what they say and what can be changed there; events of fork, vfork, clone, exec and
 * exit, and children that are traced from their start; steps.
 * deadline: 40
 */
#include "ptrace.h"
#include <sys/ioctl.h>

#define GO_TO_CALL(pid) CHECK_EQ(trace(PTRACE_SYSCALL, (pid), 0, 0), 0)

static struct ptrace_syscall_info call_of(pid_t pid)
{
	struct ptrace_syscall_info info;
	long size;

	memset(&info, 0xee, sizeof(info));
	size = trace_to(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		CHECK_EQ(size, 80);
	} else {
		CHECK_EQ(size, info.op == PTRACE_SYSCALL_INFO_EXIT ? 33 : 24);
	}
	return info;
}

/* Until `number` is about to be called. */
static struct ptrace_syscall_info reach(pid_t child, unsigned long number)
{
	for (;;) {
		struct ptrace_syscall_info info;

		GO_TO_CALL(child);
		EXPECT_STATUS(child, CALL_STOP);
		info = call_of(child);
		CHECK_EQ(info.op, PTRACE_SYSCALL_INFO_ENTRY);
		if (info.entry.nr == number) {
			return info;
		}
		GO_TO_CALL(child);
		EXPECT_STATUS(child, CALL_STOP);
		CHECK_EQ(call_of(child).op, PTRACE_SYSCALL_INFO_EXIT);
	}
}

static pid_t start_stopped(void (*body)(void), unsigned options)
{
	pid_t child = start_child(body);

	EXPECT_STATUS(child, STOPPED_BY(SIGSTOP));
	CHECK_EQ(trace(PTRACE_SETOPTIONS, child, 0, options), 0);
	return child;
}

static void some_calls(void)
{
	traced_first();
	CHECK_EQ(syscall(SYS_lseek, -5, 0x123456789abl, 3, 0, 0, 0), -1);
	CHECK_EQ(errno, EBADF);
	_exit((int)syscall(SYS_getpid) == getpid() ? 3 : 4);
}

static void check_calls(void)
{
	pid_t child = start_stopped(some_calls, PTRACE_O_TRACESYSGOOD);
	struct ptrace_syscall_info info = call_of(child);

	CHECK_EQ(info.op, PTRACE_SYSCALL_INFO_NONE);
	info = reach(child, SYS_lseek);
	CHECK_EQ((int)info.entry.args[0], -5);
	CHECK_EQ(info.entry.args[1], 0x123456789abl);
	CHECK_EQ(info.entry.args[2], 3);
	CHECK(info.instruction_pointer && info.stack_pointer);
	CHECK_EQ(message(child), PTRACE_EVENTMSG_SYSCALL_ENTRY);
	CHECK_EQ(information(child).si_code, SIGTRAP | 0x80);
	GO_TO_CALL(child);
	EXPECT_STATUS(child, CALL_STOP);
	info = call_of(child);
	CHECK_EQ(info.op, PTRACE_SYSCALL_INFO_EXIT);
	CHECK_EQ(info.exit.rval, -EBADF);
	CHECK_EQ(info.exit.is_error, 1);
	CHECK_EQ(message(child), PTRACE_EVENTMSG_SYSCALL_EXIT);
	reach(child, SYS_exit_group);
	GO_TO_CALL(child);
	EXPECT_STATUS(child, 3 << 8);
	ok("system calls");
}

/* ---- changing ---- */

static void get_registers(pid_t child, struct user_regs_struct *registers)
{
	struct iovec range = {registers, sizeof(*registers)};

	CHECK_EQ(trace_to(PTRACE_GETREGSET, child, NT_PRSTATUS, &range), 0);
	CHECK_EQ(range.iov_len, sizeof(*registers));
}

static void set_registers(pid_t child, struct user_regs_struct *registers)
{
	struct iovec range = {registers, sizeof(*registers)};

	CHECK_EQ(trace_to(PTRACE_SETREGSET, child, NT_PRSTATUS, &range), 0);
}

#if defined(__x86_64__)
#	define RESULT(registers)   ((registers).rax)
#	define ARGUMENT(registers) ((registers).rdi)
#	define PLACE(registers)    ((registers).rip)
#elif defined(__aarch64__)
#	define RESULT(registers)   ((registers).regs[0])
#	define ARGUMENT(registers) ((registers).regs[0])
#	define PLACE(registers)    ((registers).pc)
#else
#	define RESULT(registers) ((registers).a0)
#	define PLACE(registers)  ((registers).pc)
#endif

static void set_number(pid_t child, int number)
{
#if defined(__aarch64__)
	struct iovec range = {&number, sizeof(number)};

	CHECK_EQ(trace_to(PTRACE_SETREGSET, child, NT_ARM_SYSTEM_CALL, &range), 0);
#else
	struct user_regs_struct registers;

	get_registers(child, &registers);
#	if defined(__x86_64__)
	registers.orig_rax = (unsigned long)number;
#	else
	registers.a7 = (unsigned long)number;
#	endif
	set_registers(child, &registers);
#endif
}

static void changed_calls(void)
{
	traced_first();
	CHECK_EQ(syscall(SYS_getpid), getppid()); // another call
	CHECK_EQ(syscall(SYS_getpid), 4711);      // another result
	CHECK_EQ(syscall(SYS_getpid), 815);       // none, and a result
#ifdef ARGUMENT
	CHECK_ERRNO(syscall(SYS_lseek, 0, 0, 99), EBADF); // another argument
#endif
}

static void set_result(pid_t child, unsigned long value)
{
	struct user_regs_struct registers;

	get_registers(child, &registers);
	RESULT(registers) = value;
	set_registers(child, &registers);
}

static void finish_call(pid_t child)
{
	GO_TO_CALL(child);
	EXPECT_STATUS(child, CALL_STOP);
	CHECK_EQ(call_of(child).op, PTRACE_SYSCALL_INFO_EXIT);
}

static void check_changes(void)
{
	pid_t child = start_stopped(changed_calls, PTRACE_O_TRACESYSGOOD);

	reach(child, SYS_getpid);
	set_number(child, SYS_getppid);
	finish_call(child);
	reach(child, SYS_getpid);
	finish_call(child);
	set_result(child, 4711);
	reach(child, SYS_getpid);
	set_number(child, -1);
	finish_call(child);
	set_result(child, 815);
#ifdef ARGUMENT
	reach(child, SYS_lseek);
	struct user_regs_struct registers;

	get_registers(child, &registers);
	ARGUMENT(registers) = (unsigned long)-1;
	set_registers(child, &registers);
	finish_call(child);
#endif
	GO_ON(child, 0);
	EXPECT_STATUS(child, 0);
	ok("changed calls");
}

/* ---- a call that a stop breaks goes on ---- */

static int held[2];

static void read_held(void)
{
	char byte = 0;

	CHECK_EQ(trace(PTRACE_TRACEME, 0, 0, 0), 0);
	raise(SIGSTOP);
	CHECK_EQ(read(held[0], &byte, 1), 1);
	CHECK_EQ(byte, 'y');
}

static void check_restart(void)
{
	pid_t child;

	CHECK_EQ(pipe(held), 0);
	child = start_stopped(read_held, PTRACE_O_TRACESYSGOOD);
	reach(child, SYS_read);
	GO_ON(child, 0);
	WAIT_UNTIL(state_of(child) == 'S');
	CHECK_EQ(kill(child, SIGUSR1), 0);
	EXPECT_STATUS(child, STOPPED_BY(SIGUSR1));
#ifdef __x86_64__
	struct user_regs_struct registers;

	get_registers(child, &registers);
	CHECK_EQ((long)registers.rax, -512);
	CHECK_EQ(registers.orig_rax, SYS_read);
#endif
	GO_TO_CALL(child); // the call begins anew
	EXPECT_STATUS(child, CALL_STOP);
	CHECK_EQ(call_of(child).op, PTRACE_SYSCALL_INFO_ENTRY);
	CHECK_EQ(call_of(child).entry.nr, SYS_read);
	CHECK_EQ((int)call_of(child).entry.args[0], held[0]);
	CHECK_EQ(write(held[1], "y", 1), 1);
	finish_call(child);
	CHECK_EQ(call_of(child).exit.rval, 1);
	GO_ON(child, 0);
	EXPECT_STATUS(child, 0);
	ok("restarted calls");
}

/* ---- events ---- */

#define FAMILY                                                            \
	(PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
	 PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT)

static void make_family(void)
{
	pid_t child;
	int status;

	traced_first();
	child = fork();
	if (child == 0) {
		_exit(1);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	child = vfork();
	if (child == 0) {
		_exit(2);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	_exit(9);
}

static pid_t meet_child(pid_t parent, int event, int end)
{
	pid_t child;

	GO_ON(parent, 0);
	EXPECT_STATUS(parent, EVENT(event));
	CHECK_EQ(information(parent).si_code, SIGTRAP | event << 8);
	child = (pid_t)message(parent);
	EXPECT_STATUS(child, STOPPED_BY(SIGSTOP));
	GO_ON(child, 0);
	EXPECT_STATUS(child, EVENT(PTRACE_EVENT_EXIT));
	CHECK_EQ(message(child), (unsigned long)end << 8);
	GO_ON(child, 0);
	EXPECT_STATUS(child, end << 8);
	return child;
}

static void check_family(void)
{
	pid_t parent = start_stopped(make_family, FAMILY), child;

	meet_child(parent, PTRACE_EVENT_FORK, 1);
	GO_ON(parent, 0);
	EXPECT_STATUS(parent, STOPPED_BY(SIGCHLD));
	child = meet_child(parent, PTRACE_EVENT_VFORK, 2);
	GO_ON(parent, 0);
	EXPECT_STATUS(parent, EVENT(PTRACE_EVENT_VFORK_DONE));
	CHECK_EQ(message(parent), (unsigned long)child);
	GO_ON(parent, 0);
	EXPECT_STATUS(parent, STOPPED_BY(SIGCHLD));
	GO_ON(parent, 0);
	EXPECT_STATUS(parent, EVENT(PTRACE_EVENT_EXIT));
	CHECK_EQ(message(parent), 9 << 8);
	GO_ON(parent, 0);
	EXPECT_STATUS(parent, 9 << 8);
	ok("fork, vfork and exit");
}

static void *end_thread(void *unused)
{
	return unused;
}

static void make_thread(void)
{
	traced_first();
	join_thread(start_thread(end_thread, NULL));
}

static void check_clone(void)
{
	pid_t parent = start_stopped(make_thread, FAMILY), thread;
	int status, ended = 0;

	GO_ON(parent, 0);
	EXPECT_STATUS(parent, EVENT(PTRACE_EVENT_CLONE));
	thread = (pid_t)message(parent);
	EXPECT_STATUS(thread, STOPPED_BY(SIGSTOP));
	GO_ON(thread, 0);
	GO_ON(parent, 0);
	EXPECT_STATUS(thread, EVENT(PTRACE_EVENT_EXIT));
	GO_ON(thread, 0);
	while (ended != 3) {
		pid_t who = waitpid(-1, &status, __WALL);

		if (WIFEXITED(status)) {
			ended |= who == thread ? 1 : 2;
		} else {
			GO_ON(who, 0);
		}
	}
	ok("threads");
}

static void run_again(void)
{
	char *const arguments[] = {"ptrace_calls", "end", NULL};

	traced_first();
	execv("/proc/self/exe", arguments);
	_exit(99);
}

static void check_exec(void)
{
	pid_t child = start_stopped(run_again, PTRACE_O_TRACEEXEC);

	GO_ON(child, 0);
	EXPECT_STATUS(child, EVENT(PTRACE_EVENT_EXEC));
	CHECK_EQ(message(child), (unsigned long)child);
	GO_ON(child, 0);
	EXPECT_STATUS(child, 42 << 8);
	child = start_stopped(run_again, 0);
	GO_ON(child, 0);
	EXPECT_STATUS(child, STOPPED_BY(SIGTRAP));
	CHECK_EQ(information(child).si_code, SI_USER);
	GO_ON(child, 0);
	EXPECT_STATUS(child, 42 << 8);
	child = start_stopped(run_again, PTRACE_O_TRACESYSGOOD);
	reach(child, SYS_execve);
	finish_call(child);
	CHECK_EQ(call_of(child).exit.rval, 0);
	GO_ON(child, 0);
	EXPECT_STATUS(child, STOPPED_BY(SIGTRAP));
	GO_ON(child, 0);
	EXPECT_STATUS(child, 42 << 8);
	ok("exec");
}

static void *exec_from_thread(void *unused)
{
	char *const arguments[] = {"ptrace_calls", "end", NULL};

	(void)unused;
	execv("/proc/self/exe", arguments);
	_exit(99);
}

static void thread_runs_again(void)
{
	traced_first();
	start_thread(exec_from_thread, NULL);
	pause_for_good();
}

/* The thread takes its leader's number. */
static void check_exec_of_thread(void)
{
	pid_t child = start_stopped(thread_runs_again,
				    PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE);
	pid_t thread;

	GO_ON(child, 0);
	EXPECT_STATUS(child, EVENT(PTRACE_EVENT_CLONE));
	thread = (pid_t)message(child);
	EXPECT_STATUS(thread, STOPPED_BY(SIGSTOP));
	GO_ON(child, 0);
	GO_ON(thread, 0);
	EXPECT_STATUS(child, EVENT(PTRACE_EVENT_EXEC));
	CHECK_EQ(message(child), (unsigned long)thread);
	CHECK_ERRNO(waitpid(thread, NULL, __WALL), ECHILD);
	GO_ON(child, 0);
	EXPECT_STATUS(child, 42 << 8);
	ok("exec of a thread");
}

static void seized_fork(void)
{
	char byte;

	CHECK_EQ(read(held[0], &byte, 1), 1);
	if (fork() == 0) {
		_exit(0);
	}
}

static void check_seized_child(void)
{
	pid_t parent, child;

	CHECK_EQ(pipe(held), 0);
	parent = start_child(seized_fork);
	CHECK_EQ(trace(PTRACE_SEIZE, parent, 0, PTRACE_O_TRACEFORK), 0);
	CHECK_EQ(write(held[1], "x", 1), 1);
	EXPECT_STATUS(parent, EVENT(PTRACE_EVENT_FORK));
	child = (pid_t)message(parent);
	EXPECT_STATUS(child, STOPPED_BY(SIGTRAP | EVENT_STOP));
	end_child(child);
	end_child(parent);
	ok("a seized one's child");
}

/* A process that ends already takes no signals: nothing but its tracer ends PTRACE_EVENT_EXIT. */
static void ends_soon(void)
{
	traced_first();
	_exit(5);
}

static void check_exit_stop(void)
{
	pid_t child = start_stopped(ends_soon, PTRACE_O_TRACEEXIT);

	GO_ON(child, 0);
	EXPECT_STATUS(child, EVENT(PTRACE_EVENT_EXIT));
	CHECK_EQ(kill(child, SIGTERM), 0);
	CHECK_EQ(state_of(child), 't');
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(state_of(child), 't');
	GO_ON(child, 0);
	EXPECT_STATUS(child, 5 << 8);
	ok("the exit stop");
}

/* ---- steps ---- */

#ifdef __x86_64__
#	define CALL_CODE TRAP_BRKPT
#else
#	define CALL_CODE SI_KERNEL
#endif

static volatile int stepped;

static void walk(void)
{
	traced_first();
	syscall(SYS_getppid);
	for (int i = 0; i < 200; i++) {
		stepped++;
	}
	_exit(stepped == 200 ? 6 : 7);
}

static void check_steps(void)
{
	pid_t child = start_stopped(walk, 0);
	struct user_regs_struct before, after;
	int moved = 0, calls = 0, code;

	for (int i = 0; i < 300; i++) {
		get_registers(child, &before);
		if (trace(PTRACE_SINGLESTEP, child, 0, 0) == -1) {
			CHECK_EQ(errno, EIO);
			end_child(child);
			ok("no steps here");
			return;
		}
		EXPECT_STATUS(child, STOPPED_BY(SIGTRAP));
		code = information(child).si_code;
		calls += code == CALL_CODE;
		CHECK(code == TRAP_TRACE || code == CALL_CODE);
		get_registers(child, &after);
		moved += PLACE(before) != PLACE(after);
		CHECK(PLACE(after) - PLACE(before) < 16 || i > 0);
	}
	CHECK(moved > 200);
	CHECK(calls >= 1 && calls < 10);
	GO_ON(child, 0);
	EXPECT_STATUS(child, 6 << 8);
	ok("steps");
}

int main(int count, char **arguments)
{
	if (count > 1 && strcmp(arguments[1], "end") == 0) {
		return 42;
	}
	check_calls();
	check_changes();
	check_restart();
	check_family();
	check_clone();
	check_exec();
	check_exec_of_thread();
	check_seized_child();
	check_exit_stop();
	check_steps();
	return 0;
}
