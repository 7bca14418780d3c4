// SPDX-License-Identifier: MIT
/*
 * C3, C8, G2: init of a pid namespace ends while somebody traces in it: who traces from outside can always wait and be killed, and
 * init is there until what has ended inside has been taken. HEDDLE_SOAK=n: n times as many rounds.
 * deadline: 60
 */
#include "pid_namespace.h"
#include "ptrace.h"

enum { ROUNDS = 20 };

static int go_on[2], program;

static void await_go(void)
{
	char byte;

	CHECK_EQ(read(go_on[0], &byte, 1), 1);
}

static void give_go(void)
{
	CHECK_EQ(write(go_on[1], "g", 1), 1);
}

/* In a child: what waits in the kernel for good stays behind, and we say so. */
static void guarded(const char *name, void (*body)(void), int rounds)
{
	while (rounds-- > 0) {
		int status;
		pid_t child = fork();

		CHECK(child >= 0);
		if (child == 0) {
			CHECK_EQ(pipe(go_on), 0);
			body();
			_exit(0);
		}
		WAIT_UNTIL_BY(waitpid(child, &status, WNOHANG) == child, usleep(200));
		CHECK_EQ(status, 0);
	}
	ok(name);
}

/* Init of a new namespace, and with it what it makes, is ours to trace before `body` begins. */
static pid_t start_traced(void (*body)(void))
{
	pid_t init = fork_with(CLONE_NEWPID);

	CHECK(init >= 0);
	if (init == 0) {
		await_go();
		body();
		_exit(5);
	}
	CHECK_EQ(trace(PTRACE_SEIZE, init, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE),
		 0);
	give_go();
	return init;
}

/* The one that `tracee` makes next; both go on. */
static pid_t next_made(pid_t tracee, int event)
{
	pid_t made;

	EXPECT_STATUS(tracee, EVENT(event));
	made = (pid_t)message(tracee);
	EXPECT_STATUS(made, STOPPED_BY(SIGTRAP | EVENT_STOP));
	GO_ON(made, 0);
	GO_ON(tracee, 0);
	return made;
}

static void make_member(void)
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		pause_for_good();
	}
}

static void expect_next(pid_t pid, int wanted)
{
	int status;

	CHECK_EQ(waitpid(-1, &status, __WALL), pid);
	CHECK_EQ(status, wanted);
}

static void await_zombie(pid_t pid)
{
	siginfo_t info;

	CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | __WALL), 0);
	CHECK_EQ(info.si_pid, pid);
}

static void expect_no_end(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, WNOHANG | __WALL), 0);
}

/* ---- the last thread of init is traced, and so is a member: both are one's to take ---- */

static void *leave_when_told(void *unused)
{
	(void)unused;
	await_go();
	syscall(SYS_exit, 3);
	return NULL;
}

static void leave_before_thread(void)
{
	make_member();
	start_thread(leave_when_told, NULL);
	syscall(SYS_exit, 4);
}

static void thread_ends_last(void)
{
	pid_t init = start_traced(leave_before_thread);
	pid_t member = next_made(init, PTRACE_EVENT_FORK);
	pid_t thread = next_made(init, PTRACE_EVENT_CLONE);

	WAIT_UNTIL(state_of(init) == 'Z');
	give_go();
	expect_next(member, SIGKILL);
	expect_next(thread, 3 << 8);
	expect_next(init, 3 << 8);
	CHECK_ERRNO(waitpid(-1, NULL, __WALL), ECHILD);
}

/* The same with everybody killed at once; a tracee's tracer is not its parent. */
static void all_are_killed(void)
{
	pid_t init = start_traced(leave_before_thread);
	pid_t member = next_made(init, PTRACE_EVENT_FORK);
	int status;

	(void)next_made(init, PTRACE_EVENT_CLONE);
	CHECK_EQ(kill(init, SIGKILL), 0);
	await_zombie(member);
	for (int i = 0; i < 3; i++) {
		CHECK(waitpid(-1, &status, __WALL) > 0);
		CHECK_EQ(status, SIGKILL);
	}
	CHECK_ERRNO(waitpid(-1, NULL, __WALL), ECHILD);
}

/* ---- a member is traced from outside ---- */

static void leave_member(void)
{
	make_member();
}

static pid_t leave_with_zombie(pid_t *member)
{
	pid_t init = start_traced(leave_member);

	*member = next_made(init, PTRACE_EVENT_FORK);
	await_zombie(*member);
	expect_no_end(init);
	CHECK_EQ(kill(init, SIGKILL), 0); // it ends already
	expect_no_end(init);
	return init;
}

static void tracer_takes_member(void)
{
	pid_t member, init = leave_with_zombie(&member);

	expect_next(member, SIGKILL);
	expect_next(init, 5 << 8);
}

static void be_tracer(void)
{
	pid_t member, init = leave_with_zombie(&member);

	CHECK_EQ(write(ready[1], &init, sizeof(init)), sizeof(init));
	pause_for_good();
}

static void tracer_is_killed(void)
{
	pid_t tracer, init;

	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	CHECK_EQ(pipe(ready), 0);
	tracer = fork();
	CHECK(tracer >= 0);
	if (tracer == 0) {
		be_tracer();
	}
	CHECK_EQ(read(ready[0], &init, sizeof(init)), sizeof(init));
	CHECK_EQ(kill(tracer, SIGKILL), 0);
	CHECK_EQ(wait_for(tracer), SIGKILL);
	CHECK_EQ(wait_for(init), 5 << 8);
	CHECK_ERRNO(waitpid(-1, NULL, __WALL), ECHILD);
}

static void leave_zombie_child(void)
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		_exit(7);
	}
	await_go();
}

/* Init has no memory any more: it is ending. */
static bool has_left_memory(pid_t pid)
{
	char path[64], target[256];

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return readlink(path, target, sizeof(target)) < 0;
}

/* One that was a zombie before is its tracer's all the same. */
static void zombie_stays_tracers(void)
{
	pid_t init = start_traced(leave_zombie_child);
	pid_t member = next_made(init, PTRACE_EVENT_FORK);

	await_zombie(member);
	give_go();
	WAIT_UNTIL(has_left_memory(init));
	expect_no_end(init);
	expect_next(member, 7 << 8);
	expect_next(init, 5 << 8);
}

/* ---- init traces ---- */

static pid_t grandchild(void)
{
	pid_t child, made;
	int ends[2];

	CHECK_EQ(pipe(ends), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		made = fork();
		CHECK(made >= 0);
		if (made > 0) {
			CHECK_EQ(write(ends[1], &made, sizeof(made)), sizeof(made));
		}
		pause_for_good();
	}
	CHECK_EQ(read(ends[0], &made, sizeof(made)), sizeof(made));
	return made;
}

/* A tracee that has stopped, one that is a zombie and another's child, one that runs. */
static void trace_members(void)
{
	pid_t zombie = grandchild(), stopped = start_child(traced_first);

	EXPECT_STATUS(stopped, STOPPED_BY(SIGSTOP));
	CHECK_EQ(trace(PTRACE_SEIZE, grandchild(), 0, 0), 0);
	CHECK_EQ(trace(PTRACE_SEIZE, zombie, 0, 0), 0);
	CHECK_EQ(kill(zombie, SIGKILL), 0);
	await_zombie(zombie);
}

static void *trace_in_thread(void *unused)
{
	(void)unused;
	trace_members();
	give_go();
	pause_for_good();
	return NULL;
}

static void trace_in_two(void)
{
	start_thread(trace_in_thread, NULL);
	await_go();
	trace_members();
}

/* Its tracee's end is what the other init waits for, which it waits for itself. */
static void trace_into_nested(void)
{
	pid_t inner = fork_with(CLONE_NEWPID);

	CHECK(inner >= 0);
	if (inner == 0) {
		await_go();
		make_member();
		pause_for_good();
	}
	CHECK_EQ(trace(PTRACE_SEIZE, inner, 0, PTRACE_O_TRACEFORK), 0);
	give_go();
	(void)next_made(inner, PTRACE_EVENT_FORK);
}

static void init_traces(void)
{
	CHECK_EQ(as_init(trace_into_nested), 0);
	CHECK_EQ(as_init(trace_members), 0);
	CHECK_EQ(as_init(trace_in_two), 0);
	CHECK_ERRNO(waitpid(-1, NULL, __WALL), ECHILD);
}

/* ---- a child that was forked into it from outside ---- */

static void guest_is_ours(void)
{
	pid_t init, guest;

	CHECK_EQ(unshare(CLONE_NEWPID), 0);
	init = fork();
	CHECK(init >= 0);
	if (init == 0) {
		pause_for_good();
	}
	guest = start_child(pause_for_good);
	CHECK_EQ(kill(init, SIGKILL), 0);
	await_zombie(guest);
	expect_no_end(init);
	expect_next(guest, SIGKILL);
	expect_next(init, SIGKILL);
}

/* ---- a namespace in it; another program ---- */

static void leave_nested(void)
{
	pid_t inner = fork_with(CLONE_NEWPID);

	CHECK(inner >= 0);
	if (inner == 0) {
		make_member();
		pause_for_good();
	}
	await_go();
}

/* Inner init waits for its member, which waits for us; outer init waits for both. */
static void nested_ends(void)
{
	pid_t init = start_traced(leave_nested);
	pid_t inner = next_made(init, PTRACE_EVENT_FORK);
	pid_t member = next_made(inner, PTRACE_EVENT_FORK);

	give_go();
	await_zombie(member);
	expect_no_end(inner);
	expect_no_end(init);
	expect_next(member, SIGKILL);
	expect_next(inner, SIGKILL);
	expect_next(init, 5 << 8);
}

static void *execute_again(void *unused)
{
	char *arguments[] = {"pid_namespace_traced", "leave", NULL};

	fexecve(program, arguments, environ);
	CHECK(false);
	return unused;
}

static void execute_in_thread(void)
{
	make_member();
	start_thread(execute_again, NULL);
	pause_for_good();
}

static void execute_without_leader(void)
{
	make_member();
	start_thread(execute_again, NULL);
	syscall(SYS_exit, 4);
}

static void another_program_ends(void)
{
	CHECK_EQ(as_init(execute_in_thread), 6 << 8);
	CHECK_EQ(as_init(execute_without_leader), 6 << 8);
}

int main(int count, char **arguments)
{
	const char *soak = getenv("HEDDLE_SOAK");
	int rounds = ROUNDS * (soak ? atoi(soak) : 1);

	if (count > 1 && strcmp(arguments[1], "leave") == 0) {
		_exit(6);
	}
	program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	CHECK(program >= 0);
	require_pid_namespaces();
	guarded("thread_ends_last", thread_ends_last, rounds);
	guarded("all_are_killed", all_are_killed, rounds);
	guarded("tracer_takes_member", tracer_takes_member, rounds);
	guarded("tracer_is_killed", tracer_is_killed, rounds);
	guarded("zombie_stays_tracers", zombie_stays_tracers, rounds);
	guarded("init_traces", init_traces, rounds);
	guarded("guest_is_ours", guest_is_ours, rounds);
	guarded("nested_ends", nested_ends, rounds);
	guarded("another_program_ends", another_program_ends, rounds);
	return 0;
}
