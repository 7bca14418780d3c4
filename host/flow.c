// SPDX-License-Identifier: MIT
/*
 * A flow whose target has broken goes on reading and throws away, so that the guest is never
 * stuck on it; the guest is told, and closes the program's end.
 */
#include "flow.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void init(struct flow *flow, int from, int to)
{
	memset(flow, 0, offsetof(struct flow, data));
	flow->from = from;
	flow->to = to;
	flow->limit = UINT64_MAX;
	flow->piece = sizeof flow->data;
}

void flow_init_in(struct flow *flow, int from, int socket)
{
	init(flow, from, socket);
	flow->to_socket = true;
}

void flow_init_out(struct flow *flow, int socket, int to)
{
	struct stat status;

	init(flow, socket, to);
	if (to >= 0 && fstat(to, &status) == 0 && !S_ISREG(status.st_mode)) {
		flow->piece = PIPE_BUF; // what poll promises for a pipe
	}
}

bool flow_holds_data(const struct flow *flow)
{
	return flow->start < flow->end;
}

bool flow_is_done(const struct flow *flow)
{
	return flow->from < 0 || (flow->taken >= flow->limit && !flow_holds_data(flow));
}

void flow_wait_for(const struct flow *flow, struct pollfd *wait)
{
	wait[0] = wait[1] = (struct pollfd){.fd = -1};
	if (flow_holds_data(flow)) {
		wait[0] = (struct pollfd){.fd = flow->to, .events = POLLOUT};
	} else if (flow->from >= 0 && !flow->ended) {
		wait[0] = (struct pollfd){.fd = flow->from, .events = POLLIN};
		if (!flow->to_socket) {
			wait[1].fd = flow->to; // POLLERR needs no asking
		}
	}
}

static void take(struct flow *flow)
{
	ssize_t got = read(flow->from, flow->data, sizeof flow->data);

	if (got > 0) {
		flow->taken += got;
		flow->start = 0;
		flow->end = got;
	} else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		flow->ended = true;
	}
}

static void break_target(struct flow *flow, int error)
{
	flow->to = -1;
	flow->error = error;
	flow->start = flow->end = 0;
}

static void give(struct flow *flow)
{
	size_t size = flow->end - flow->start;
	ssize_t done;

	if (flow->to < 0) {
		flow->start = flow->end = 0;
		return;
	}
	size = size < flow->piece ? size : flow->piece;
	if (flow->to_socket) {
		done = send(flow->to, flow->data + flow->start, size,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
	} else {
		done = write(flow->to, flow->data + flow->start, size);
	}
	if (done > 0) {
		flow->start += done;
	} else if (done < 0 && errno != EAGAIN && errno != EINTR) {
		break_target(flow, errno);
	}
}

void flow_move(struct flow *flow, const struct pollfd *wait)
{
	if (wait[1].revents & POLLERR && flow->to >= 0) {
		break_target(flow, EPIPE);
	}
	if (!wait[0].revents) {
		return;
	}
	if (!flow_holds_data(flow)) {
		take(flow);
		if (flow_holds_data(flow) && (flow->to < 0 || flow->to_socket)) {
			give(flow);
		}
	} else {
		give(flow);
	}
}
