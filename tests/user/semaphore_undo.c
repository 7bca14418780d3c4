// SPDX-License-Identifier: MIT
/*
 * R8, R1, F4: SEM_UNDO: applied on exit, before wait returns and before files are closed; shared by CLONE_SYSVSEM and applied by
 * the last sharer; ended by unshare(CLONE_SYSVSEM) and by another IPC namespace; kept over execve.
 */
#include "raw.h"
#include "sysv.h"

static int set;

static void give_back(void)
{
	CHECK_EQ(one_op(set, 0, -2, SEM_UNDO), 0);
	CHECK_EQ(one_op(set, 0, 1, SEM_UNDO), 0);
	CHECK_EQ(one_op(set, 1, 5, SEM_UNDO), 0);
	CHECK_EQ(value_of(set, 0), 2);
}

static void be_killed(void)
{
	give_back();
	raise(SIGKILL);
}

static void exit_applies(void)
{
	set_value(set, 0, 3);
	set_value(set, 1, 0);
	must_pass_in_child(give_back);
	CHECK_EQ(value_of(set, 0), 3); // wait has returned: it is done
	CHECK_EQ(value_of(set, 1), 0);
	CHECK(WIFSIGNALED(in_child(be_killed)));
	CHECK_EQ(value_of(set, 0), 3);
	CHECK_EQ(value_of(set, 1), 0);
	ok("exit and death apply it");
}

static void do_nothing(void)
{
}

static void fork_and_exit(void)
{
	CHECK_EQ(one_op(set, 0, -1, SEM_UNDO), 0);
	must_pass_in_child(do_nothing);
	CHECK_EQ(value_of(set, 0), 2); // a forked child has a list of its own
}

static void fork_does_not_share(void)
{
	set_value(set, 0, 3);
	must_pass_in_child(fork_and_exit);
	CHECK_EQ(value_of(set, 0), 3);
	ok("fork does not share it");
}

static void adjust_up_and_leave(void)
{
	CHECK_EQ(one_op(set, 0, 4, SEM_UNDO), 0);
	CHECK_EQ(one_op(set, 0, -3, 0), 0);
}

static void adjust_too_far(void)
{
	set_value(set, 0, 0);
	CHECK_EQ(one_op(set, 0, 32767, SEM_UNDO), 0);
	CHECK_EQ(one_op(set, 0, -32767, 0), 0);
	CHECK_EQ(one_op(set, 0, 1, SEM_UNDO), 0); // -32768 is the last there is room for
	CHECK_ERRNO(one_op(set, 0, 1, SEM_UNDO), ERANGE);
	CHECK_EQ(value_of(set, 0), 1);
}

static void borders(void)
{
	set_value(set, 0, 0);
	must_pass_in_child(adjust_up_and_leave);
	CHECK_EQ(value_of(set, 0), 0); // 1 - 4: not below 0
	must_pass_in_child(adjust_too_far);
	CHECK_EQ(value_of(set, 0), 0);
	ok("borders");
}

static void adjust_then_set(void)
{
	CHECK_EQ(one_op(set, 0, 1, SEM_UNDO), 0);
	CHECK_EQ(one_op(set, 1, 1, SEM_UNDO), 0);
	set_value(set, 0, 9);
	CHECK_EQ(one_op(set, 0, 1, 0), 0);
}

static void adjust_then_set_all(void)
{
	unsigned short values[2] = {7, 7};
	union semctl_argument argument = {.array = values};

	CHECK_EQ(one_op(set, 0, 1, SEM_UNDO), 0);
	CHECK_EQ(one_op(set, 1, 1, SEM_UNDO), 0);
	CHECK_EQ(semctl(set, 0, SETALL, argument), 0);
}

static void setting_forgets(void)
{
	set_value(set, 0, 0);
	set_value(set, 1, 4);
	must_pass_in_child(adjust_then_set);
	CHECK_EQ(value_of(set, 0), 10);
	CHECK_EQ(value_of(set, 1), 4);
	must_pass_in_child(adjust_then_set_all);
	CHECK_EQ(value_of(set, 0), 7);
	CHECK_EQ(value_of(set, 1), 7);
	ok("SETVAL and SETALL forget adjustments");
}

/* --- who shares --- */

static void *take_one(void *unused)
{
	CHECK_EQ(one_op(set, 0, -1, SEM_UNDO), 0);
	return unused;
}

static void *leave_list(void *unused)
{
	CHECK_EQ(one_op(set, 0, -1, SEM_UNDO), 0);
	CHECK_EQ(unshare(CLONE_SYSVSEM), 0);
	CHECK_EQ(value_of(set, 0), 1); // others share what was left: nothing is applied
	CHECK_EQ(one_op(set, 0, -1, SEM_UNDO), 0);
	CHECK_EQ(value_of(set, 0), 0);
	return unused;
}

static void share_among_threads(void)
{
	join_thread(start_thread(take_one, NULL));
	CHECK_EQ(value_of(set, 0), 2); // the thread has ended, the list has not
	join_thread(start_thread(leave_list, NULL));
	// The kernel tells of the end of a thread before it has given everything back.
	WAIT_UNTIL(value_of(set, 0) == 1);
}

static void threads_share(void)
{
	set_value(set, 0, 3);
	must_pass_in_child(share_among_threads);
	CHECK_EQ(value_of(set, 0), 3);
	ok("threads share it, unshare leaves it");
}

static void unshare_alone(void)
{
	CHECK_EQ(one_op(set, 0, -1, SEM_UNDO), 0);
	CHECK_EQ(value_of(set, 0), 2);
	CHECK_EQ(unshare(CLONE_SYSVSEM), 0);
	CHECK_EQ(value_of(set, 0), 3); // the last one: applied now
	CHECK_EQ(semctl(set, 0, GETPID), getpid());
	CHECK_EQ(one_op(set, 0, -2, SEM_UNDO), 0);
	CHECK_EQ(unshare(CLONE_SYSVSEM), 0);
	CHECK_EQ(unshare(CLONE_SYSVSEM), 0);
}

static void unshare_applies(void)
{
	set_value(set, 0, 3);
	must_pass_in_child(unshare_alone);
	CHECK_EQ(value_of(set, 0), 3);
	ok("unshare by the last one applies it");
}

static int take_in_process(void *unused)
{
	(void)unused;
	return one_op(set, 0, -1, SEM_UNDO) ? 1 : 0;
}

/* Two processes with one list: applied when the second is gone. */
static void share_among_processes(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	struct clone_args args = {
		.flags = CLONE_SYSVSEM | CLONE_VM,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
	};
	int status;
	pid_t child = (pid_t)clone3_call(&args, sizeof(args), take_in_process, NULL);

	CHECK(child > 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_EQ(value_of(set, 0), 2);
}

static void processes_share(void)
{
	set_value(set, 0, 3);
	must_pass_in_child(share_among_processes);
	CHECK_EQ(value_of(set, 0), 3);
	ok("processes share it");
}

/* --- namespaces --- */

static void change_namespace(void)
{
	CHECK_EQ(one_op(set, 0, -1, SEM_UNDO), 0);
	CHECK_EQ(unshare(CLONE_NEWIPC), 0);
	CHECK_ERRNO(value_of(set, 0), EINVAL);
	_exit(0);
}

static int hold_pipe[2];

/* Asked from outside while the child is still alive, in its new namespace. */
static void new_namespace_applies(void)
{
	char byte;
	pid_t child;

	set_value(set, 0, 3);
	must_pass_in_child(change_namespace);
	CHECK_EQ(value_of(set, 0), 3);
	CHECK_EQ(pipe(hold_pipe), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(hold_pipe[0]);
		CHECK_EQ(one_op(set, 0, -1, SEM_UNDO), 0);
		CHECK_EQ(unshare(CLONE_NEWIPC), 0);
		CHECK_EQ(write(hold_pipe[1], "x", 1), 1);
		pause();
	}
	close(hold_pipe[1]);
	CHECK_EQ(read(hold_pipe[0], &byte, 1), 1);
	CHECK_EQ(value_of(set, 0), 3);
	kill(child, SIGKILL);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	close(hold_pipe[0]);
	CHECK_ERRNO(
		syscall(SYS_clone, CLONE_NEWIPC | CLONE_SYSVSEM | SIGCHLD, 0, 0, 0, 0),
		EINVAL);
	ok("a new IPC namespace applies it");
}

/* Who waits in the namespace that is left gets what the one who leaves held, while he lives on. */
static void go_back(void)
{
	int home = open("/proc/self/ns/ipc", O_RDONLY), inner, status;
	pid_t waiter;

	CHECK(home >= 0);
	CHECK_EQ(unshare(CLONE_NEWIPC), 0);
	inner = new_set(1);
	set_value(inner, 0, 1);
	CHECK_EQ(one_op(inner, 0, -1, SEM_UNDO), 0);
	waiter = fork();
	CHECK(waiter >= 0);
	if (waiter == 0) {
		_exit(one_op(inner, 0, -1, 0) ? 1 : 0);
	}
	WAIT_UNTIL(semctl(inner, 0, GETNCNT) == 1);
	CHECK_EQ(setns(home, CLONE_NEWIPC), 0);
	CHECK_EQ(waitpid(waiter, &status, 0), waiter);
	CHECK_EQ(status, 0);
	CHECK_EQ(value_of(set, 0), 3);
	CHECK_EQ(one_op(set, 0, -1, SEM_UNDO), 0); // and the list works here
}

static void setns_applies(void)
{
	set_value(set, 0, 3);
	must_pass_in_child(go_back);
	CHECK_EQ(value_of(set, 0), 3);
	ok("setns applies it");
}

/* --- order, and execve --- */

/* R8: whoever sees the pipe closed finds the semaphore given back. Many files above the pipe, so that closing them takes a while. */
static void before_files(void)
{
	enum { FILES = 500 };
	char byte;
	int pipe_ends[2], status;
	pid_t child;

	for (int round = 0; round < 30; round++) {
		set_value(set, 0, 1);
		CHECK_EQ(pipe2(pipe_ends, O_NONBLOCK), 0);
		child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			CHECK_EQ(one_op(set, 0, -1, SEM_UNDO), 0);
			for (int i = 0; i < FILES; i++) {
				CHECK(open("/proc/self/stat", O_RDONLY) > pipe_ends[1]);
			}
			_exit(0);
		}
		close(pipe_ends[1]);
		WAIT_UNTIL(read(pipe_ends[0], &byte, 1) == 0); // not asleep: at once
		CHECK_EQ(value_of(set, 0), 1);
		close(pipe_ends[0]);
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(status, 0);
	}
	ok("before the files");
}

static void exec_self(void)
{
	char number[16];

	CHECK_EQ(one_op(set, 0, -1, SEM_UNDO), 0);
	snprintf(number, sizeof(number), "%d", set);
	execl("/proc/self/exe", "semaphore_undo", number, (char *)NULL);
	CHECK(!"exec");
}

static void exec_keeps(void)
{
	set_value(set, 0, 3);
	must_pass_in_child(exec_self);
	CHECK_EQ(value_of(set, 0), 3);
	ok("execve keeps it");
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		return value_of(atoi(argv[1]), 0) == 2 ? 0 : 1;
	}
	own_ipc_namespace();
	set = new_set(2);
	exit_applies();
	fork_does_not_share();
	borders();
	setting_forgets();
	threads_share();
	unshare_applies();
	processes_share();
	new_namespace_applies();
	setns_applies();
	before_files();
	exec_keeps();
	remove_set(set);
	return 0;
}
