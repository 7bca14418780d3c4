// SPDX-License-Identifier: MIT
/*
 * Five one-way streams with a buffer each. A stream reads only when its buffer is empty and
 * waits to write only when it is not, so a reader that is slow on either side holds up the
 * writer on the other, and nobody else.
 *
 * Invariants
 *   P1  from and to are nonblocking, or -1 when that side has ended.
 *   P2  limit is the number of bytes the sender has announced, or UINT64_MAX while unknown.
 */
#include "streams.h"

#include "control.h"

#include <errno.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum stream_kind { INPUT, OUTPUT, ERRORS, TYPED, SHOWN };

struct stream {
	int from, to;
	enum port port;
	uint64_t taken, given, limit;
	size_t start, end;
	char data[32768];
};

static struct stream streams[STREAM_COUNT];
static struct program *program;

static bool holds_data(const struct stream *stream)
{
	return stream->start < stream->end;
}

static void close_source(struct stream *stream)
{
	if (stream->from >= 0 &&
	    (stream == &streams[OUTPUT] || stream == &streams[ERRORS])) {
		close(stream->from); // the pipe is ours; ports and the terminal stay open
	}
	stream->from = -1;
}

static void close_target(struct stream *stream)
{
	if (stream->to >= 0 && stream == &streams[INPUT]) {
		close(stream->to);
	}
	stream->to = -1;
	stream->start = stream->end = 0;
}

static void set_stream(enum stream_kind kind, enum port port, int from, int to)
{
	struct stream *stream = &streams[kind];

	stream->port = port;
	stream->limit = UINT64_MAX;
	stream->from = from < 0 || to < 0 ? -1 : from;
	stream->to = from < 0 ? -1 : to;
}

void streams_open(struct program *started, const int *ports)
{
	program = started;
	set_stream(INPUT, PORT_STDIN, ports[PORT_STDIN], started->input);
	set_stream(OUTPUT, PORT_STDOUT, started->output, ports[PORT_STDOUT]);
	set_stream(ERRORS, PORT_STDERR, started->errors, ports[PORT_STDERR]);
	set_stream(TYPED, PORT_TERMINAL, ports[PORT_TERMINAL], started->master);
	set_stream(SHOWN, PORT_TERMINAL, started->master, ports[PORT_TERMINAL]);
}

/* End of what the user types: what Control-D does on a terminal in line mode. */
static void end_typing(void)
{
	struct termios modes;
	char end = 4;

	if (program->slave >= 0 && tcgetattr(program->slave, &modes) == 0) {
		end = modes.c_cc[VEOF];
	}
	if (write(program->master, &end, 1) < 0) {
		control_say(CONTROL_NOTICE, "end of input: %s", strerror(errno));
	}
}

static void end_if_all_came(struct stream *stream)
{
	if (stream->taken < stream->limit || holds_data(stream) || stream->to < 0) {
		return;
	}
	if (stream == &streams[TYPED]) {
		end_typing();
	}
	close_source(stream);
	close_target(stream);
}

static void take(struct stream *stream)
{
	ssize_t got = read(stream->from, stream->data, sizeof stream->data);

	if (got > 0) {
		stream->start = 0;
		stream->end = got;
		stream->taken += got;
	} else if (got == 0 || !control_is_passing(errno)) {
		close_source(stream);
	}
}

static void stop_input(void)
{
	if (streams[INPUT].to >= 0) {
		close_target(&streams[INPUT]);
		control_send(CONTROL_STDIN_CLOSED, NULL, 0, NULL);
	}
}

static void give(struct stream *stream)
{
	ssize_t done = write(stream->to, stream->data + stream->start,
			     stream->end - stream->start);

	if (done > 0) {
		stream->start += done;
		stream->given += done;
	} else if (done < 0 && !control_is_passing(errno)) {
		if (stream == &streams[INPUT]) {
			stop_input();
		} else {
			close_target(stream);
		}
	}
	end_if_all_came(stream);
}

size_t streams_wait_for(struct pollfd *wait)
{
	for (int i = 0; i < STREAM_COUNT; i++) {
		struct stream *stream = &streams[i];
		wait[i] = (struct pollfd){.fd = -1};
		if (holds_data(stream)) {
			wait[i].fd = stream->to;
			wait[i].events = POLLOUT;
		} else if (stream->from >= 0) {
			wait[i].fd = stream->from;
			wait[i].events = POLLIN;
		}
	}
	// a pipe that nobody reads any more shows itself even while nothing is written to it
	wait[STREAM_COUNT] = (struct pollfd){.fd = -1};
	if (!holds_data(&streams[INPUT])) {
		wait[STREAM_COUNT].fd = streams[INPUT].to;
	}
	return STREAM_WAITS;
}

void streams_move(const struct pollfd *wait)
{
	if (wait[STREAM_COUNT].revents & POLLERR) {
		stop_input();
	}
	for (int i = 0; i < STREAM_COUNT; i++) {
		struct stream *stream = &streams[i];
		if (!wait[i].revents) {
			continue;
		}
		if (!holds_data(stream) && stream->from >= 0) {
			take(stream);
		}
		if (holds_data(stream)) {
			if (stream->to >= 0) {
				give(stream);
			} else {
				stream->start = stream->end =
					0; // nobody reads it any more
			}
		}
	}
}

void streams_set_end(enum port port, uint64_t bytes)
{
	struct stream *stream = &streams[port == PORT_STDIN ? INPUT : TYPED];

	stream->limit = bytes;
	end_if_all_came(stream);
}

void streams_break(enum port port)
{
	struct stream *stream = &streams[port == PORT_STDOUT ? OUTPUT : ERRORS];

	close_source(stream);
	stream->start = stream->end = 0;
}

static void flush(struct stream *stream)
{
	while (holds_data(stream) && stream->to >= 0) {
		struct pollfd wait = {.fd = stream->to, .events = POLLOUT};
		poll(&wait, 1, 1000);
		give(stream);
	}
}

/* The terminal hands over what was written to it with a delay; its hang-up ends it. */
static bool more_to_show(void)
{
	struct pollfd wait = {.fd = streams[SHOWN].from, .events = POLLIN};

	return poll(&wait, 1, 50) > 0 && (wait.revents & POLLIN);
}

void streams_drain(void)
{
	if (program->slave >= 0) {
		close(program->slave);
		program->slave = -1;
	}
	for (int i = OUTPUT; i < STREAM_COUNT; i++) {
		struct stream *stream = &streams[i];
		if (i == TYPED) {
			continue;
		}
		do {
			flush(stream);
			if (stream->from < 0 || (i == SHOWN && !more_to_show())) {
				break;
			}
			take(stream);
		} while (holds_data(stream));
	}
}

uint64_t streams_sent(enum port port)
{
	uint64_t sent = 0;

	for (int i = OUTPUT; i < STREAM_COUNT; i++) {
		if (i != TYPED && streams[i].port == port) {
			sent += streams[i].given;
		}
	}
	return sent;
}
