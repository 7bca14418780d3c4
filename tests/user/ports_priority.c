// SPDX-License-Identifier: MIT
/*
 * B6: a server has its caller's priority while it serves, and that of who waits for it: a thread of less, that would keep the CPU for
 * itself, does not run before the answer is there. Linux has no ports: skipped there.
 * deadline: 60
 */
#include "ports.h"

enum { URGENT = 50, BETWEEN = 30, URGENT_CALLER = 20 };

struct shared {
	_Atomic bool stop, go, serving;
	_Atomic long hog_turns, after_answer;
};
static struct shared *shared;

static void become(int policy, int priority)
{
	struct sched_param parameter = {.sched_priority = priority};

	CHECK_EQ(sched_setscheduler(0, policy, &parameter), 0);
}

/* Keeps the CPU from all that are less urgent; not for ever, should the test be wrong. */
static pid_t start_hog(void)
{
	pid_t child = fork();

	if (child == 0) {
		long long start = now_ns();

		become(SCHED_FIFO, BETWEEN);
		while (!shared->stop && now_ns() - start < 3000000000ll) {
			shared->hog_turns++;
		}
		_exit(0);
	}
	CHECK(child > 0);
	return child;
}

static void end_hog(pid_t hog)
{
	int status = -1;

	shared->stop = true;
	CHECK_EQ(waitpid(hog, &status, 0), hog);
	CHECK_EQ(status, 0);
}

/* A server of nobody's priority, that waits for calls now. */
static pid_t start_server(const int ends[2], void (*serve)(int end))
{
	pid_t child = fork();

	if (child == 0) {
		close(ends[1]);
		become(SCHED_OTHER, 0);
		serve(ends[0]);
		_exit(0);
	}
	while (RECEIVING(ends[1]) == 0) {
		usleep(1000);
	}
	return child;
}

static void reset(void)
{
	shared->stop = shared->go = shared->serving = false;
	shared->hog_turns = shared->after_answer = 0;
}

static void serve_and_go_on(int end)
{
	CHECK_EQ(heddle_port_receive(end, 0), 0);
	CHECK_EQ(shared->hog_turns, 0);
	CHECK_EQ(sched_getscheduler(0), SCHED_OTHER); // what it is lent is not its own
	CHECK_EQ(heddle_port_reply(1, 0), 0);
	shared->after_answer++;
}

static void the_callers_priority(void)
{
	int ends[2];
	pid_t server, hog;

	reset();
	make_port(ends);
	server = start_server(ends, serve_and_go_on);
	hog = start_hog(); // ready, and less urgent than we are
	CHECK_EQ(heddle_port_call(ends[1], 0, 0, 0), 1);
	CHECK_EQ(shared->hog_turns, 0);
	usleep(20000); // the hog has it now, not the server, which has answered
	CHECK(shared->hog_turns > 0);
	CHECK_EQ(shared->after_answer, 0);
	end_hog(hog);
	reap(server, 0);
	close(ends[0]);
	close(ends[1]);
	ok("the_callers_priority");
}

static void serve_two(int end)
{
	CHECK_EQ(heddle_port_receive(end, 0), 1);
	shared->serving = true;
	while (!shared->go) {
	}
	CHECK_EQ(heddle_port_reply_receive(end, 1, 0, 0), 2);
	CHECK_EQ(shared->hog_turns, 0);
	CHECK_EQ(heddle_port_reply(2, 0), 0);
}

/* The server is busy with a call of less: that one is served with our priority too, and we are next. */
static void the_priority_of_who_waits(void)
{
	int ends[2];
	pid_t server, hog, lesser;

	reset();
	make_port(ends);
	server = start_server(ends, serve_two);
	lesser = fork();
	if (lesser == 0) {
		become(SCHED_OTHER, 0);
		_exit(heddle_port_call(ends[1], 1, 0, 0) != 1);
	}
	while (!shared->serving) {
		usleep(1000);
	}
	hog = start_hog();
	shared->go = true;
	CHECK_EQ(heddle_port_call(ends[1], 2, 0, 0), 2);
	CHECK_EQ(shared->hog_turns, 0);
	end_hog(hog);
	reap(lesser, 0);
	reap(server, 0);
	close(ends[0]);
	close(ends[1]);
	ok("the_priority_of_who_waits");
}

/* Queued behind it, and taken before it. */
static void the_urgent_first(void)
{
	pid_t callers[3];
	int ends[2];

	make_port(ends);
	for (int i = 0; i < 3; i++) {
		callers[i] = fork();
		if (callers[i] == 0) {
			become(i == 1 ? SCHED_FIFO : SCHED_OTHER,
			       i == 1 ? URGENT_CALLER : 0);
			_exit(heddle_port_call(ends[1], (unsigned long)i, 0, 0) != 9);
		}
		while (QUEUED(ends[0]) != i + 1) {
			usleep(1000);
		}
	}
	CHECK_EQ(heddle_port_receive(ends[0], 0), 1);
	CHECK_EQ(heddle_port_reply_receive(ends[0], 9, 0, 0), 0);
	CHECK_EQ(heddle_port_reply_receive(ends[0], 9, 0, 0), 2);
	CHECK_EQ(heddle_port_reply(9, 0), 0);
	for (int i = 0; i < 3; i++) {
		reap(callers[i], 0);
	}
	close(ends[0]);
	close(ends[1]);
	ok("the_urgent_first");
}

static void stay_on(int first, int last)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int cpu = first; cpu <= last; cpu++) {
		CPU_SET(cpu, &set);
	}
	CHECK_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
}

/* Spins until it is stopped: 0; 1: that took three seconds. */
static pid_t start_spinning(int cpu, int policy, int priority)
{
	pid_t child = fork();

	if (child == 0) {
		long long start = now_ns();

		stay_on(cpu, cpu);
		become(policy, priority);
		while (!shared->stop && now_ns() - start < 3000000000ll) {
			shared->hog_turns++;
		}
		_exit(!shared->stop);
	}
	CHECK(child > 0);
	return child;
}

static void serve_elsewhere(int end)
{
	stay_on(0, 1);
	CHECK_EQ(heddle_port_receive(end, 0), 0);
	shared->stop = true;
	CHECK_EQ(heddle_port_reply(1, 0), 0);
}

/* The caller's CPU goes to one as urgent as it is: the server runs on the other, before a fair thread. */
static void where_it_runs_at_once(void)
{
	int ends[2];
	pid_t server, fair, equal;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		return;
	}
	reset();
	make_port(ends);
	server = start_server(ends, serve_elsewhere);
	fair = start_spinning(1, SCHED_OTHER, 0);
	while (shared->hog_turns == 0) {
		usleep(1000);
	}
	equal = start_spinning(0, SCHED_FIFO, URGENT);
	CHECK_EQ(heddle_port_call(ends[1], 0, 0, 0), 1);
	reap(equal, 0);
	reap(fair, 0);
	reap(server, 0);
	close(ends[0]);
	close(ends[1]);
	ok("where_it_runs_at_once");
}

int main(void)
{
	ports_required();
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	CHECK(shared != MAP_FAILED);
	stay_on(0, 0);
	become(SCHED_FIFO, URGENT);
	the_callers_priority();
	the_priority_of_who_waits();
	the_urgent_first();
	where_it_runs_at_once();
	return 0;
}
