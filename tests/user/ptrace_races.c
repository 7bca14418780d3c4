// SPDX-License-Identifier: MIT
/*
 * G2: ptrace(2) against everything that comes at the wrong moment: tracees that end, are killed, stopped, continued and execute
 * programs, tracers that end, threads that come and go. Each round ends when every process has been waited for: nothing hangs, nobody is
 * left, and no end is told twice.
 * deadline: 60
 */
#include "ptrace.h"

static unsigned seed = 1;

static unsigned draw(unsigned limit)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % limit;
}

/* A length of time that no two rounds have. */
static void dawdle(void)
{
	for (volatile unsigned i = draw(4000); i; i--) {
	}
	if (draw(4) == 0) {
		sched_yield();
	}
}

static bool has_ended(int status)
{
	return WIFEXITED(status) || WIFSIGNALED(status);
}

/* ---- attach, while it ends ---- */

static void attach_to_ending(void)
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		dawdle();
		_exit(3);
	}
	dawdle();
	if (trace(draw(2) ? PTRACE_SEIZE : PTRACE_ATTACH, child, 0, 0)) {
		CHECK_EQ(errno, EPERM);
	}
	do {
		CHECK_EQ(waitpid(child, &status, __WALL), child);
		if (!has_ended(status)) {
			GO_ON(child, 0);
		}
	} while (!has_ended(status));
	CHECK_EQ(status, 3 << 8);
	CHECK_ERRNO(waitpid(child, &status, __WALL | WNOHANG), ECHILD);
}

/* ---- whatever the tracer does, it is killed ---- */

static void call_for_good(void)
{
	for (;;) {
		getppid();
		raise(SIGURG);
	}
}

static void any_request(pid_t child)
{
	static const int ways[] = {PTRACE_CONT,    PTRACE_SYSCALL, PTRACE_SINGLESTEP,
				   PTRACE_SYSCALL, PTRACE_LISTEN,  PTRACE_INTERRUPT};
	struct user_regs_struct registers;
	struct iovec range = {&registers, sizeof(registers)};
	siginfo_t info;
	sigset_t mask;

	if (draw(2) && trace_to(PTRACE_GETREGSET, child, NT_PRSTATUS, &range) == 0) {
		(void)trace_to(PTRACE_SETREGSET, child, NT_PRSTATUS, &range);
	}
	if (draw(2)) {
		(void)trace_to(PTRACE_GETSIGINFO, child, 0, &info);
		(void)trace_to(PTRACE_GETSIGMASK, child, 8, &mask);
	}
	(void)trace(ways[draw(6)], child, 0, 0);
}

static void kill_later(pid_t victim)
{
	dawdle();
	dawdle();
	kill(victim, SIGKILL);
	_exit(0);
}

static pid_t start_killer(pid_t victim)
{
	pid_t killer = fork();

	CHECK(killer >= 0);
	if (killer == 0) {
		kill_later(victim);
	}
	return killer;
}

static void kill_at_any_moment(void)
{
	pid_t child = start_child(call_for_good), killer;
	int status = STOPPED_BY(SIGTRAP);

	CHECK_EQ(trace(PTRACE_SEIZE, child, 0, draw(2) ? PTRACE_O_TRACEEXIT : 0), 0);
	CHECK_EQ(trace(PTRACE_INTERRUPT, child, 0, 0), 0);
	killer = start_killer(child);
	while (!has_ended(status)) {
		CHECK_EQ(waitpid(child, &status, __WALL), child);
		if (status >> 16 == PTRACE_EVENT_EXIT) {
			(void)trace(PTRACE_CONT, child, 0, 0);
		} else if (!has_ended(status)) {
			any_request(child);
			// Unless it has been let go for good
			(void)trace(PTRACE_INTERRUPT, child, 0, 0);
		}
	}
	CHECK_EQ(status, SIGKILL);
	EXPECT_STATUS(killer, 0);
}

/* ---- a tracer that ends at any moment ---- */

static void trace_until_killed(pid_t child)
{
	int status;

	if (trace(PTRACE_SEIZE, child, 0, PTRACE_O_TRACESYSGOOD)) {
		_exit(1);
	}
	for (;;) {
		(void)trace(PTRACE_INTERRUPT, child, 0, 0);
		if (waitpid(child, &status, __WALL) == child && !has_ended(status)) {
			(void)trace(PTRACE_SYSCALL, child, 0, 0);
		}
	}
}

static atomic_int *beats;

static void beat(void)
{
	for (;;) {
		atomic_fetch_add(beats, 1);
		getppid();
	}
}

static void end_the_tracer(void)
{
	pid_t child = start_child(beat), tracer = fork();
	int seen, status;

	CHECK(tracer >= 0);
	if (tracer == 0) {
		trace_until_killed(child);
	}
	dawdle();
	dawdle();
	kill(tracer, SIGKILL);
	EXPECT_STATUS(tracer, SIGKILL);
	seen = atomic_load(beats);
	WAIT_UNTIL(atomic_load(beats) > seen); // it goes on by itself
	CHECK_EQ(waitpid(child, &status, WNOHANG | WUNTRACED), 0);
	kill(child, SIGKILL);
	EXPECT_STATUS(child, SIGKILL);
}

/* ---- stops and continues of the group meanwhile ---- */

static void stop_and_continue(pid_t victim)
{
	for (unsigned i = 0; i < 20; i++) {
		kill(victim, i % 2 ? SIGCONT : SIGSTOP);
		dawdle();
	}
	kill(victim, SIGKILL);
	_exit(0);
}

static void stop_at_any_moment(void)
{
	pid_t child = start_child(call_for_good), other;
	int status = STOPPED_BY(SIGTRAP);

	CHECK_EQ(trace(draw(2) ? PTRACE_SEIZE : PTRACE_ATTACH, child, 0, 0), 0);
	other = fork();
	CHECK(other >= 0);
	if (other == 0) {
		stop_and_continue(child);
	}
	while (!has_ended(status)) {
		unsigned signal;

		CHECK_EQ(waitpid(child, &status, __WALL), child);
		signal = status >> 16 ? 0 : WSTOPSIG(status);
		if (!has_ended(status) && (status >> 16 != PTRACE_EVENT_STOP || draw(2) ||
					   trace(PTRACE_LISTEN, child, 0, 0))) {
			(void)trace(PTRACE_CONT, child, 0, draw(3) ? signal : 0);
		}
	}
	CHECK_EQ(status, SIGKILL);
	EXPECT_STATUS(other, 0);
}

/* ---- threads that come, go and execute ---- */

static void *come_and_go(void *unused)
{
	char *const arguments[] = {"ptrace_races", "end", NULL};

	(void)unused;
	switch (draw(6)) {
	case 0:
		execv("/proc/self/exe", arguments);
		break;
	case 1:
		_exit(42);
	case 2:
		kill(getpid(), SIGTERM);
		break;
	}
	return NULL;
}

/* clone(2) says EAGAIN while a sibling is in execve, until that has ended this thread. */
static pthread_t start_beside_exec(void)
{
	pthread_t thread;
	int error;

	while ((error = pthread_create(&thread, NULL, come_and_go, NULL)) == EAGAIN) {
	}
	CHECK_EQ(error, 0);
	return thread;
}

static void be_many(void)
{
	pthread_t threads[3];

	seed += (unsigned)getpid();
	CHECK_EQ(trace(PTRACE_TRACEME, 0, 0, 0), 0);
	raise(SIGSTOP);
	for (int i = 0; i < 3; i++) {
		threads[i] = start_beside_exec();
	}
	for (int i = 0; i < 3; i++) {
		join_thread(threads[i]);
	}
	_exit(42);
}

static void trace_threads(void)
{
	pid_t child = start_child(be_many);
	int status, ends = 0;
	pid_t who;

	EXPECT_STATUS(child, STOPPED_BY(SIGSTOP));
	CHECK_EQ(trace(PTRACE_SETOPTIONS, child, 0,
		       PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
			       (draw(2) ? PTRACE_O_TRACEEXIT : 0)),
		 0);
	GO_ON(child, 0);
	while ((who = waitpid(-1, &status, __WALL)) > 0) {
		unsigned signal = status >> 16 ? 0 : WSTOPSIG(status);

		if (has_ended(status)) {
			ends += who == child;
			CHECK(who != child || status == 42 << 8 || status == SIGTERM);
		} else {
			(void)trace(draw(2) ? PTRACE_CONT : PTRACE_SYSCALL, who, 0,
				    signal == SIGTERM ? signal : 0);
		}
	}
	CHECK_EQ(errno, ECHILD);
	CHECK_EQ(ends, 1);
}

int main(int count, char **arguments)
{
	const char *soak = getenv("HEDDLE_SOAK");
	int rounds = 15 * (soak ? atoi(soak) : 1);

	if (count > 1 && strcmp(arguments[1], "end") == 0) {
		return 42;
	}
	if (getenv("HEDDLE_SEED")) {
		seed = (unsigned)atoi(getenv("HEDDLE_SEED"));
	}
	beats = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	CHECK(beats != MAP_FAILED);
	for (int i = 0; i < rounds; i++) {
		attach_to_ending();
		kill_at_any_moment();
		end_the_tracer();
		stop_at_any_moment();
		trace_threads();
	}
	ok("races");
	return 0;
}
