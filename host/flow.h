// SPDX-License-Identifier: MIT
/*
 * One-way streams between the user's descriptors and the machine's ports.
 *
 * The user's descriptors may be shared with other processes, so their modes are left alone:
 * they are read and written only when poll says so, in pieces that do not block.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow {
	int from, to;   // -1 once that side has ended
	bool to_socket; // `to` is ours and nonblocking
	size_t piece;   // most bytes for one write
	uint64_t taken; // bytes read from `from`
	uint64_t limit; // bytes the sender has announced, UINT64_MAX while unknown
	bool ended;     // `from` has come to its end
	int error;      // errno of the write that closed `to`
	size_t start, end;
	char data[65536];
};

void flow_init_in(struct flow *flow, int from, int socket);
void flow_init_out(struct flow *flow, int socket, int to);

/* What to wait for: an entry for reading or writing, and one that sees `to` break. */
#define FLOW_WAITS 2
void flow_wait_for(const struct flow *flow, struct pollfd *wait);
void flow_move(struct flow *flow, const struct pollfd *wait);

bool flow_holds_data(const struct flow *flow);

/* All announced bytes have been taken and passed on, or nobody wants them. */
bool flow_is_done(const struct flow *flow);
