// SPDX-License-Identifier: MIT
/*
 * B6: ports: what becomes of who waits when the other one dies, closes its end or is interrupted. Linux has none: skipped there.
 * libc: musl
 * deadline: 60
 */
#include "ports.h"

/* ---- ends ---- */

static void die_serving(int end)
{
	CHECK(heddle_port_receive(end, 0) >= 0);
	raise(SIGKILL);
}

static void exit_serving(int end)
{
	CHECK(heddle_port_receive(end, 0) >= 0);
}

static void execute_serving(int end)
{
	char *const nothing[] = {NULL};

	CHECK(heddle_port_receive(end, 0) >= 0);
	execve("/proc/self/exe", (char *[]){"ports_end", "sleep", NULL}, nothing);
	_exit(9);
}

static void *serve_one(void *argument)
{
	CHECK(heddle_port_receive(*(int *)argument, 0) >= 0);
	return NULL;
}

static void servers_that_end(void)
{
	int ends[2];
	pthread_t thread;
	pid_t server;

	make_port(ends);
	server = fork_server(ends, die_serving);
	CHECK_EQ(heddle_port_call(ends[1], 0, 0, 0), -EOWNERDEAD);
	CHECK_EQ(heddle_port_call(ends[1], 0, 0, 0), -EPIPE);
	reap(server, SIGKILL);
	close(ends[1]);

	make_port(ends);
	server = fork_server(ends, exit_serving);
	CHECK_EQ(heddle_port_call(ends[1], 0, 0, 0), -EOWNERDEAD);
	reap(server, 0);
	close(ends[1]);

	make_port(ends);
	server = fork_server(ends, execute_serving);
	CHECK_EQ(heddle_port_call(ends[1], 0, 0, 0), -EOWNERDEAD);
	CHECK_EQ(kill(server, SIGKILL), 0);
	reap(server, SIGKILL);
	close(ends[1]);

	make_port(ends);
	CHECK_EQ(pthread_create(&thread, NULL, serve_one, &ends[0]), 0);
	CHECK_EQ(heddle_port_call(ends[1], 0, 0, 0), -EOWNERDEAD);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	close(ends[0]);
	close(ends[1]);
	ok("servers_that_end");
}

static void callers_that_end(void)
{
	struct heddle_thread_block *block = heddle_thread_block();
	int ends[2], pipes[2];
	pid_t child;
	char byte;

	make_port(ends);
	CHECK_EQ(pipe(pipes), 0);
	for (int taken = 0; taken < 2; taken++) {
		child = fork();
		if (child == 0) {
			block = heddle_thread_block();
			block->descriptors[0] = pipes[1];
			heddle_port_call(ends[1], 0, 1, 0);
			_exit(9);
		}
		if (taken) {
			CHECK_EQ(heddle_port_receive(ends[0], 0), 0);
			close(block->descriptors[0]);
		} else {
			WAIT_UNTIL(QUEUED(ends[0]) == 1);
		}
		CHECK_EQ(kill(child, SIGKILL), 0);
		reap(child, SIGKILL);
		CHECK_EQ(QUEUED(ends[0]), 0);
		block->descriptors[0] = pipes[0];
		CHECK_EQ(heddle_port_reply_receive(ends[0], 0, 1, HEDDLE_PORT_NONBLOCK),
			 taken ? -ESRCH : -EAGAIN);
	}
	CHECK_EQ(heddle_port_receive(ends[0], HEDDLE_PORT_NONBLOCK), -EAGAIN);
	close(pipes[1]);
	CHECK_EQ(read(pipes[0], &byte, 1), 0);
	close(pipes[0]);
	close(ends[0]);
	close(ends[1]);
	ok("callers_that_end");
}

static void *close_it(void *argument)
{
	WAIT_UNTIL(QUEUED(((int *)argument)[1]) == 1);
	close(((int *)argument)[0]);
	return NULL;
}

static void *close_callers_end(void *argument)
{
	WAIT_UNTIL(RECEIVING(((int *)argument)[0]) == 1);
	close(((int *)argument)[1]);
	return NULL;
}

static void ends_closed_under_waiters(void)
{
	pthread_t thread;
	int ends[2];

	make_port(ends);
	CHECK_EQ(pthread_create(&thread, NULL, close_it, ends), 0);
	CHECK_EQ(heddle_port_call(ends[1], 0, 0, 0), -EPIPE);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(heddle_port_call(ends[1], 0, 0, 0), -EPIPE);
	close(ends[1]);

	make_port(ends);
	CHECK_EQ(pthread_create(&thread, NULL, close_callers_end, ends), 0);
	CHECK_EQ(heddle_port_receive(ends[0], 0), -EPIPE);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(heddle_port_receive(ends[0], 0), -EPIPE);
	close(ends[0]);
	ok("ends_closed_under_waiters");
}

/* The server has the call, and closes its end: it may answer all the same. */
static void answered_after_close(void)
{
	struct caller caller;
	int ends[2];

	make_port(ends);
	start_caller(&caller, ends[1], "q");
	CHECK_EQ(heddle_port_receive(ends[0], 0), 2);
	close(ends[0]);
	CHECK_EQ(heddle_port_call(ends[1], 0, 0, 0), -EPIPE);
	CHECK_EQ(heddle_port_reply(5, 0), 0);
	CHECK_EQ(end_caller(&caller), 5);
	close(ends[1]);
	ok("answered_after_close");
}

/* ---- signals ---- */

static _Atomic int handled;

static void handler(int number)
{
	(void)number;
	handled++;
}

static void handle(int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	handled = 0;
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
}

static void interrupted_callers(void)
{
	struct caller caller;
	int ends[2];

	make_port(ends);
	handle(0);
	start_caller(&caller, ends[1], "q");
	WAIT_UNTIL(QUEUED(ends[0]) == 1);
	CHECK_EQ(pthread_kill(caller.thread, SIGUSR1), 0);
	CHECK_EQ(end_caller(&caller), -EINTR);
	CHECK_EQ(QUEUED(ends[0]), 0);

	handle(SA_RESTART);
	start_caller(&caller, ends[1], "q");
	WAIT_UNTIL(QUEUED(ends[0]) == 1);
	CHECK_EQ(pthread_kill(caller.thread, SIGUSR1), 0);
	WAIT_UNTIL(handled == 1 && QUEUED(ends[0]) == 1);
	CHECK_EQ(heddle_port_receive(ends[0], 0), 2);

	handle(0); // taken: the answer comes first
	CHECK_EQ(pthread_kill(caller.thread, SIGUSR1), 0);
	for (int i = 0; i < 20; i++) {
		sched_yield();
	}
	CHECK_EQ(handled, 0);
	CHECK_EQ(heddle_port_reply(5, 0), 0);
	CHECK_EQ(end_caller(&caller), 5);
	CHECK_EQ(handled, 1);
	close(ends[0]);
	close(ends[1]);
	ok("interrupted_callers");
}

/* Answers, and is interrupted while it waits for the next: it is not answered twice. */
struct interrupted {
	int end;
	long result;
};

static void *serve_interrupted(void *argument)
{
	struct interrupted *server = argument;

	CHECK_EQ(heddle_port_receive(server->end, 0), 2);
	server->result = heddle_port_reply_receive(server->end, 1, 0, 0);
	return NULL;
}

static void interrupted_servers(void)
{
	for (int restart = 0; restart < 2; restart++) {
		struct interrupted server;
		struct caller caller;
		pthread_t thread;
		int ends[2];

		make_port(ends);
		handle(restart ? SA_RESTART : 0);
		server.end = ends[0];
		CHECK_EQ(pthread_create(&thread, NULL, serve_interrupted, &server), 0);
		CHECK_EQ(call_text(ends[1], "q"), 1);
		WAIT_UNTIL(RECEIVING(ends[0]) == 1);
		CHECK_EQ(pthread_kill(thread, SIGUSR1), 0);
		WAIT_UNTIL(handled == 1);
		if (restart) {
			WAIT_UNTIL(RECEIVING(ends[0]) == 1);
			start_caller(&caller, ends[1], "four");
			CHECK_EQ(pthread_join(thread, NULL), 0);
			CHECK_EQ(server.result, 5);
			CHECK_EQ(end_caller(&caller), -EOWNERDEAD);
		} else {
			CHECK_EQ(pthread_join(thread, NULL), 0);
			CHECK_EQ(server.result, -EINTR);
		}
		close(ends[0]);
		close(ends[1]);
	}
	ok("interrupted_servers");
}

int main(int count, char **arguments)
{
	if (count > 1 && strcmp(arguments[1], "sleep") == 0) {
		pause();
	}
	signal(SIGPIPE, SIG_IGN);
	ports_required();
	servers_that_end();
	callers_that_end();
	ends_closed_under_waiters();
	answered_after_close();
	interrupted_callers();
	interrupted_servers();
	return 0;
}
