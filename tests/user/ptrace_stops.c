// SPDX-License-Identifier: MIT
/*
 * G2: ptrace(2): how tracing begins and ends, each kind of stop and what wait says of it, signals that the tracer
 * sees, changes, adds and drops, stops of the group, and a tracer that is not the parent.
 * deadline: 40
 */
#include "ptrace.h"

static void check_refused(void)
{
	pid_t child = start_child(pause_for_good);
	siginfo_t info;

	CHECK_ERRNO(trace(PTRACE_CONT, child, 0, 0), ESRCH);
	CHECK_ERRNO(trace(PTRACE_ATTACH, getpid(), 0, 0), EPERM);
	CHECK_ERRNO(trace(PTRACE_ATTACH, 0x3fffff, 0, 0), ESRCH);
	CHECK_ERRNO(trace(PTRACE_SEIZE, child, 1, 0), EIO);
	CHECK_ERRNO(trace(PTRACE_SEIZE, child, 0, 1u << 9), EIO);
	CHECK_ERRNO(trace(0x12345, child, 0, 0), ESRCH);
	CHECK_EQ(trace(PTRACE_SEIZE, child, 0, PTRACE_O_EXITKILL), 0);
	CHECK_ERRNO(trace(PTRACE_SEIZE, child, 0, 0), EPERM);
	CHECK_ERRNO(trace(PTRACE_ATTACH, child, 0, 0), EPERM);
	CHECK_ERRNO(trace(PTRACE_CONT, child, 0, 0), ESRCH);
	CHECK_ERRNO(trace_to(PTRACE_GETSIGINFO, child, 0, &info), ESRCH);
	CHECK_EQ(trace(PTRACE_INTERRUPT, child, 0, 0), 0);
	EXPECT_STATUS(child, STOPPED_BY(SIGTRAP | EVENT_STOP));
	CHECK_ERRNO(trace(PTRACE_SETOPTIONS, child, 0, 1u << 9), EINVAL);
	CHECK_ERRNO(trace(PTRACE_CONT, child, 0, 65), EIO);
	CHECK_ERRNO(trace(PTRACE_DETACH, child, 0, 65), EIO);
	CHECK_ERRNO(trace(0x12345, child, 0, 0), EIO);
	CHECK_ERRNO(trace_to(PTRACE_GETSIGINFO, child, 0, KERNEL_ADDRESS), EFAULT);
	end_child(child);
	ok("refused");
}

static void raise_and_end(void)
{
	traced_first();
	raise(SIGUSR1);
	raise(SIGWINCH); // ignored by default: the tracer sees it all the same
	_exit(7);
}

static void check_signals(void)
{
	pid_t child = start_child(raise_and_end);
	siginfo_t info;
	char line[64];

	EXPECT_STATUS(child, STOPPED_BY(SIGSTOP));
	CHECK_EQ(state_of(child), 't');
	status_line(child, "TracerPid:\t", line, sizeof(line));
	CHECK_EQ(atoi(line), getpid());
	CHECK_EQ(waitpid(child, NULL, WNOHANG), 0); // it has been told
	GO_ON(child, 0);
	EXPECT_STATUS(child, STOPPED_BY(SIGUSR1));
	info = information(child);
	CHECK_EQ(info.si_signo, SIGUSR1);
	CHECK_EQ(info.si_code, SI_TKILL);
	CHECK_EQ(info.si_pid, child);
	GO_ON(child, 0); // dropped
	EXPECT_STATUS(child, STOPPED_BY(SIGWINCH));
	GO_ON(child, SIGWINCH);
	EXPECT_STATUS(child, 7 << 8);
	CHECK_ERRNO(waitpid(child, NULL, 0), ECHILD);
	ok("signals are seen and dropped");
}

static volatile siginfo_t handled;
static volatile int handled_count;

static void note(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	handled.si_signo = info->si_signo;
	handled.si_code = info->si_code;
	handled.si_pid = info->si_pid;
	handled.si_int = info->si_int;
	handled_count++;
}

static void take_injected(void)
{
	struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};

	sigaction(SIGUSR2, &action, NULL);
	traced_first();
	CHECK_EQ(handled_count, 1);
	CHECK_EQ(handled.si_signo, SIGUSR2);
	CHECK_EQ(handled.si_code, SI_USER);
	CHECK_EQ(handled.si_pid, getppid());
	raise(SIGUSR2);
	CHECK_EQ(handled_count, 2);
	CHECK_EQ(handled.si_code, -77);
	CHECK_EQ(handled.si_int, 99);
	raise(SIGUSR1);
	CHECK_EQ(handled_count, 2); // changed to one that is blocked
}

static void check_injection(void)
{
	pid_t child = start_child(take_injected);
	siginfo_t info;
	sigset_t mask;

	EXPECT_STATUS(child, STOPPED_BY(SIGSTOP));
	GO_ON(child, SIGUSR2);
	EXPECT_STATUS(child, STOPPED_BY(SIGUSR2));
	info = information(child);
	info.si_code = -77;
	info.si_int = 99;
	CHECK_EQ(trace_to(PTRACE_SETSIGINFO, child, 0, &info), 0);
	GO_ON(child, SIGUSR2);
	EXPECT_STATUS(child, STOPPED_BY(SIGUSR1));
	CHECK_ERRNO(trace_to(PTRACE_GETSIGMASK, child, 4, &mask), EINVAL);
	CHECK_EQ(trace_to(PTRACE_GETSIGMASK, child, 8, &mask), 0);
	CHECK_EQ(sigismember(&mask, SIGUSR2), 0);
	sigaddset(&mask, SIGUSR2);
	sigaddset(&mask, SIGKILL);
	CHECK_EQ(trace_to(PTRACE_SETSIGMASK, child, 8, &mask), 0);
	CHECK_EQ(trace_to(PTRACE_GETSIGMASK, child, 8, &mask), 0);
	CHECK_EQ(sigismember(&mask, SIGUSR2), 1);
	CHECK_EQ(sigismember(&mask, SIGKILL), 0);
	GO_ON(child, SIGUSR2);
	EXPECT_STATUS(child, 0);
	ok("signals are added and changed");
}

static void check_waitid(void)
{
	pid_t child = start_child(raise_and_end);
	siginfo_t info = {0};

	CHECK_EQ(waitid(P_PID, (id_t)child, &info, WSTOPPED | WNOWAIT), 0);
	CHECK_EQ(info.si_code, CLD_TRAPPED);
	CHECK_EQ(info.si_status, SIGSTOP);
	CHECK_EQ(info.si_pid, child);
	CHECK_EQ(info.si_uid, getuid());
	info.si_pid = 0;
	CHECK_EQ(waitid(P_PID, (id_t)child, &info, WEXITED),
		 0); // stops of tracees come in any case
	CHECK_EQ(info.si_pid, child);
	CHECK_EQ(info.si_code, CLD_TRAPPED);
	info.si_pid = 0;
	CHECK_EQ(waitid(P_PID, (id_t)child, &info, WSTOPPED | WNOHANG), 0);
	CHECK_EQ(info.si_pid, 0);
	end_child(child);
	ok("waitid");
}

static void check_attach(void)
{
	pid_t child = start_child(pause_for_good);
	char line[64];

	CHECK_EQ(trace(PTRACE_ATTACH, child, 0, 0), 0);
	EXPECT_STATUS(child, STOPPED_BY(SIGSTOP));
	CHECK_EQ(information(child).si_code, SI_KERNEL);
	CHECK_ERRNO(trace(PTRACE_INTERRUPT, child, 0, 0), EIO); // not seized
	CHECK_ERRNO(trace(PTRACE_LISTEN, child, 0, 0), EIO);
	CHECK_EQ(trace(PTRACE_DETACH, child, 0, 0), 0);
	status_line(child, "TracerPid:\t", line, sizeof(line));
	CHECK_EQ(atoi(line), 0);
	CHECK_ERRNO(trace(PTRACE_CONT, child, 0, 0), ESRCH);
	CHECK_EQ(trace(PTRACE_ATTACH, child, 0, 0), 0);
	EXPECT_STATUS(child, STOPPED_BY(SIGSTOP));
	CHECK_EQ(trace(PTRACE_DETACH, child, 0, SIGTERM), 0);
	EXPECT_STATUS(child, SIGTERM);
	ok("attach and detach");
}

/* ---- the group ---- */

static void check_group_stop(void)
{
	pid_t child = start_child(traced_first);
	siginfo_t info;

	EXPECT_STATUS(child, STOPPED_BY(SIGSTOP));
	GO_ON(child, SIGSTOP); // now the stop itself
	EXPECT_STATUS(child, STOPPED_BY(SIGSTOP));
	CHECK_ERRNO(trace_to(PTRACE_GETSIGINFO, child, 0, &info), EINVAL);
	CHECK_EQ(waitpid(child, NULL, WNOHANG | WUNTRACED), 0);
	CHECK_EQ(kill(child, SIGCONT), 0);
	CHECK_EQ(state_of(child), 't');
	GO_ON(child, 0);
	EXPECT_STATUS(child, STOPPED_BY(SIGCONT));
	GO_ON(child, SIGCONT);
	EXPECT_STATUS(child, 0);
	ok("group stop");
}

static void check_attach_stopped(void)
{
	pid_t child = start_child(pause_for_good);
	int status;

	CHECK_EQ(kill(child, SIGSTOP), 0);
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK_EQ(status, STOPPED_BY(SIGSTOP));
	CHECK_EQ(trace(PTRACE_ATTACH, child, 0, 0), 0);
	CHECK_EQ(waitpid(child, &status, __WALL | WNOHANG), child); // it is there at once
	CHECK_EQ(status, STOPPED_BY(SIGSTOP));
	CHECK_EQ(trace(PTRACE_DETACH, child, 0, 0), 0);
	WAIT_UNTIL(state_of(child) == 'T');
	CHECK_EQ(kill(child, SIGCONT), 0);
	WAIT_UNTIL(state_of(child) == 'S');
	end_child(child);
	ok("attach to a stopped one");
}

static void check_seized(void)
{
	pid_t child = start_child(pause_for_good);
	siginfo_t info;

	CHECK_EQ(trace(PTRACE_SEIZE, child, 0, 0), 0);
	CHECK_EQ(waitpid(child, NULL, WNOHANG | __WALL), 0);
	CHECK_EQ(trace(PTRACE_INTERRUPT, child, 0, 0), 0);
	EXPECT_STATUS(child, STOPPED_BY(SIGTRAP | EVENT_STOP));
	info = information(child);
	CHECK_EQ(info.si_signo, SIGTRAP);
	CHECK_EQ(info.si_code, SIGTRAP | EVENT_STOP);
	CHECK_EQ(info.si_pid, child);
	GO_ON(child, 0);
	CHECK_EQ(kill(child, SIGSTOP), 0);
	EXPECT_STATUS(child, STOPPED_BY(SIGSTOP));
	GO_ON(child, SIGSTOP);
	EXPECT_STATUS(child, STOPPED_BY(SIGSTOP | EVENT_STOP));
	CHECK_EQ(trace(PTRACE_LISTEN, child, 0, 0), 0);
	CHECK_EQ(state_of(child), 't');
	CHECK_ERRNO(trace(PTRACE_CONT, child, 0, 0), ESRCH);
	CHECK_EQ(waitpid(child, NULL, WNOHANG | __WALL), 0);
	CHECK_EQ(kill(child, SIGCONT), 0);
	EXPECT_STATUS(child, STOPPED_BY(SIGTRAP | EVENT_STOP));
	GO_ON(child, 0);
	EXPECT_STATUS(child, STOPPED_BY(SIGCONT));
	GO_ON(child, SIGCONT);
	CHECK_EQ(trace(PTRACE_INTERRUPT, child, 0, 0), 0);
	EXPECT_STATUS(child, STOPPED_BY(SIGTRAP | EVENT_STOP));
	CHECK_EQ(trace(PTRACE_LISTEN, child, 0, 0), 0);
	CHECK_EQ(trace(PTRACE_INTERRUPT, child, 0, 0), 0);
	EXPECT_STATUS(child, STOPPED_BY(SIGTRAP | EVENT_STOP));
	end_child(child);
	ok("seized");
}

/* ---- a tracer that is not the parent ---- */

static int to_tracer[2], from_tracer[2];

static void tell(int fd)
{
	CHECK_EQ(write(fd, "x", 1), 1);
}

static void hear(int fd)
{
	char byte;

	CHECK_EQ(read(fd, &byte, 1), 1);
}

static pid_t foreign;

static void trace_foreign(void)
{
	CHECK_EQ(trace(PTRACE_SEIZE, foreign, 0, 0), 0);
	tell(from_tracer[1]);
	EXPECT_STATUS(foreign, STOPPED_BY(SIGUSR1));
	hear(to_tracer[0]);
	GO_ON(foreign, SIGUSR1);
	EXPECT_STATUS(foreign, SIGUSR1);
	CHECK_ERRNO(waitpid(foreign, NULL, __WALL), ECHILD);
	tell(from_tracer[1]);
	hear(to_tracer[0]);
}

static void check_foreign_tracer(void)
{
	siginfo_t info = {0};
	pid_t tracer;

	CHECK_EQ(pipe(to_tracer), 0);
	CHECK_EQ(pipe(from_tracer), 0);
	foreign = start_child(pause_for_good);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	tracer = start_child(trace_foreign);
	hear(from_tracer[0]);
	CHECK_EQ(kill(foreign, SIGUSR1), 0);
	WAIT_UNTIL(state_of(foreign) == 't');
	CHECK_EQ(waitpid(foreign, NULL, WNOHANG | WUNTRACED), 0);
	tell(to_tracer[1]);
	hear(from_tracer[0]); // the tracer has taken the end: only now it is ours
	CHECK_EQ(waitid(P_PID, (id_t)foreign, &info, WEXITED), 0);
	CHECK_EQ(info.si_code, CLD_KILLED);
	CHECK_EQ(info.si_status, SIGUSR1);
	tell(to_tracer[1]);
	EXPECT_STATUS(tracer, 0);
	ok("a tracer that is not the parent");
}

static void seize_and_end(void)
{
	CHECK_EQ(trace(PTRACE_SEIZE, foreign, 0, 0), 0);
	CHECK_EQ(trace(PTRACE_INTERRUPT, foreign, 0, 0), 0);
	EXPECT_STATUS(foreign, STOPPED_BY(SIGTRAP | EVENT_STOP));
}

static void seize_kill_and_end(void)
{
	CHECK_EQ(trace(PTRACE_SEIZE, foreign, 0, PTRACE_O_EXITKILL), 0);
	CHECK_EQ(trace(PTRACE_INTERRUPT, foreign, 0, 0), 0);
	EXPECT_STATUS(foreign, STOPPED_BY(SIGTRAP | EVENT_STOP));
}

static void check_tracer_ends(void)
{
	foreign = start_child(pause_for_good);
	EXPECT_STATUS(start_child(seize_and_end), 0);
	WAIT_UNTIL(state_of(foreign) == 'S');
	CHECK_EQ(waitpid(foreign, NULL, WNOHANG | WUNTRACED), 0);
	EXPECT_STATUS(start_child(seize_kill_and_end), 0);
	EXPECT_STATUS(foreign, SIGKILL);
	ok("the tracer ends");
}

/* ---- death in every stop ---- */

static void check_killed(void)
{
	pid_t child = start_child(raise_and_end);

	EXPECT_STATUS(child, STOPPED_BY(SIGSTOP));
	CHECK_EQ(trace(PTRACE_KILL, child, 0, 0), 0);
	EXPECT_STATUS(child, SIGKILL);
	child = start_child(traced_first);
	EXPECT_STATUS(child, STOPPED_BY(SIGSTOP));
	GO_ON(child, SIGSTOP);
	EXPECT_STATUS(child, STOPPED_BY(SIGSTOP));
	end_child(child);
	child = start_child(pause_for_good);
	CHECK_EQ(trace(PTRACE_SEIZE, child, 0, 0), 0);
	CHECK_EQ(trace(PTRACE_INTERRUPT, child, 0, 0), 0);
	EXPECT_STATUS(child, STOPPED_BY(SIGTRAP | EVENT_STOP));
	CHECK_EQ(trace(PTRACE_LISTEN, child, 0, 0), 0);
	end_child(child);
	child = start_child(traced_first);
	EXPECT_STATUS(child, STOPPED_BY(SIGSTOP));
	GO_ON(child, SIGKILL);
	EXPECT_STATUS(child, SIGKILL);
	ok("killed");
}

/* ---- threads ---- */

static void *thread_pauses(void *out)
{
	atomic_store((_Atomic pid_t *)out, thread_id());
	pause_for_good();
	return NULL;
}

static void two_threads(void)
{
	static _Atomic pid_t number;

	start_thread(thread_pauses, &number);
	WAIT_UNTIL(atomic_load(&number));
	CHECK_EQ(write(from_tracer[1], (pid_t *)&number, sizeof(pid_t)), sizeof(pid_t));
	pause_for_good();
}

/* A thread's end is seen before its process's. */
static void check_threads(void)
{
	pid_t child, thread;
	int status;

	CHECK_EQ(pipe(from_tracer), 0);
	child = start_child(two_threads);
	CHECK_EQ(read(from_tracer[0], &thread, sizeof(thread)), sizeof(thread));
	CHECK_EQ(trace(PTRACE_SEIZE, thread, 0, 0), 0);
	CHECK_EQ(trace(PTRACE_INTERRUPT, thread, 0, 0), 0);
	CHECK_EQ(waitpid(thread, &status, __WALL), thread);
	CHECK_EQ(status, STOPPED_BY(SIGTRAP | EVENT_STOP));
	WAIT_UNTIL(state_of(child) == 'S'); // the other one goes on
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(thread, &status, __WALL), thread);
	CHECK_EQ(status, SIGKILL);
	EXPECT_STATUS(child, SIGKILL);
	ok("threads");
}

static void check_memory(void)
{
	static const long shown = 0x1122334455667788;
	static long changed = 5;
	pid_t child = start_child(traced_first);
	unsigned long value = 0;

	EXPECT_STATUS(child, STOPPED_BY(SIGSTOP));
	CHECK_EQ(trace_to(PTRACE_PEEKDATA, child, (unsigned long)&shown, &value), 0);
	CHECK_EQ(value, (unsigned long)shown);
	CHECK_EQ(trace(PTRACE_POKETEXT, child, (unsigned long)&shown, 3), 0); // read-only
	CHECK_EQ(trace_to(PTRACE_PEEKTEXT, child, (unsigned long)&shown, &value), 0);
	CHECK_EQ(value, 3);
	CHECK_EQ(*(volatile const long *)&shown, 0x1122334455667788); // its own copy
	CHECK_EQ(trace(PTRACE_POKEDATA, child, (unsigned long)&changed, 6), 0);
	CHECK_EQ(changed, 5);
	CHECK_ERRNO(trace_to(PTRACE_PEEKDATA, child, 8, &value), EIO);
	CHECK_ERRNO(trace(PTRACE_POKEDATA, child, 8, 0), EIO);
	CHECK_ERRNO(
		trace_to(PTRACE_PEEKDATA, child, (unsigned long)KERNEL_ADDRESS, &value),
		EIO);
	CHECK_ERRNO(
		trace_to(PTRACE_PEEKDATA, child, (unsigned long)&shown, KERNEL_ADDRESS),
		EFAULT);
	end_child(child);
	ok("memory");
}

int main(void)
{
	check_refused();
	check_signals();
	check_injection();
	check_waitid();
	check_attach();
	check_group_stop();
	check_attach_stopped();
	check_seized();
	check_foreign_tracer();
	check_tracer_ends();
	check_killed();
	check_threads();
	check_memory();
	return 0;
}
