// SPDX-License-Identifier: MIT
/* What the tests of ports share. Linux has none: they are skipped there. */
#pragma once

#include "test.h"
#include <heddle/port.h>

/* On another kernel the numbers are nobody's, and the header says so cleanly. */
static inline void ports_required(void)
{
	int ends[2] = {-1, -1};
	long result = heddle_port_create(ends, 0);

	if (result == -ENOSYS) {
		CHECK(!heddle_thread_block());
		CHECK_EQ(heddle_port_call(0, 0, 0, 0), -ENOSYS);
		CHECK_EQ(heddle_port_receive(0, 0), -ENOSYS);
		CHECK_EQ(heddle_port_reply_receive(0, 0, 0, 0), -ENOSYS);
		CHECK_EQ(heddle_port_reply(0, 0), -ENOSYS);
		skip("Linux has no ports");
	}
	CHECK_EQ(result, 0);
	close(ends[0]);
	close(ends[1]);
}

static inline void make_port(int ends[2])
{
	CHECK_EQ(heddle_port_create(ends, 0), 0);
}

/* Send `text` and its NUL. */
static inline long call_text(int end, const char *text)
{
	strcpy((char *)heddle_thread_block()->message, text);
	return heddle_port_call(end, strlen(text) + 1, 0, 0);
}

static inline bool message_is(const char *text)
{
	struct heddle_thread_block *block = heddle_thread_block();

	return block->message_size == strlen(text) + 1 &&
	       strcmp((const char *)block->message, text) == 0;
}

/* How many threads wait in calls to the port behind `end`, or to receive from it: a line of its fdinfo. */
static inline long port_waiting(int end, const char *what)
{
	char path[64], text[512], *line;
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", end);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	CHECK(length > 0);
	text[length] = 0;
	line = strstr(text, what);
	CHECK(line);
	return atol(line + strlen(what));
}
#define QUEUED(end)    port_waiting(end, "port-calls:\t")
#define RECEIVING(end) port_waiting(end, "port-receivers:\t")
#define SERVERS(end)   port_waiting(end, "port-servers:\t")

/* ---- servers and callers ---- */

/* Answers each call with its message back, its first byte one more, until the other end is closed. */
static inline void echo(int end)
{
	struct heddle_thread_block *block = heddle_thread_block();
	long size = heddle_port_receive(end, 0);

	while (size >= 0) {
		CHECK_EQ(block->message_size, size);
		block->message[0]++;
		size = heddle_port_reply_receive(end, (unsigned long)size, 0, 0);
	}
	CHECK_EQ(size, -EPIPE);
}

static inline pid_t fork_server(const int ends[2], void (*serve)(int end))
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		close(ends[1]);
		serve(ends[0]);
		_exit(0);
	}
	close(ends[0]);
	return child;
}

static inline void reap(pid_t child, int wanted)
{
	int status = -1;

	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, wanted);
}

/* A thread that calls, and what came of it. */
struct caller {
	pthread_t thread;
	int end;
	const char *text;
	_Atomic pid_t tid;
	long result;
	char reply[HEDDLE_PORT_MESSAGE_MAX];
};

static inline void *run_caller(void *argument)
{
	struct caller *caller = argument;
	struct heddle_thread_block *block = heddle_thread_block();

	caller->tid = thread_id();
	caller->result = call_text(caller->end, caller->text);
	memcpy(caller->reply, block->message, sizeof(caller->reply));
	return NULL;
}

static inline void start_caller(struct caller *caller, int end, const char *text)
{
	*caller = (struct caller){.end = end, .text = text};
	CHECK_EQ(pthread_create(&caller->thread, NULL, run_caller, caller), 0);
}

static inline long end_caller(struct caller *caller)
{
	CHECK_EQ(pthread_join(caller->thread, NULL), 0);
	return caller->result;
}

static inline long answer_text(const char *text)
{
	strcpy((char *)heddle_thread_block()->message, text);
	return heddle_port_reply(strlen(text) + 1, 0);
}
