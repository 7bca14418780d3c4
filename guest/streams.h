// SPDX-License-Identifier: MIT
/*
 * Carrying bytes between the ports and the program's pipes or terminal.
 */
#pragma once

#include "program.h"
#include "protocol.h"

#include <poll.h>
#include <stdint.h>

#define STREAM_COUNT 5
#define STREAM_WAITS (STREAM_COUNT + 1)

/* Connect the program's streams to the open ports (indexed by enum port). */
void streams_open(struct program *program, const int *ports);

/* Fill in what to wait for, STREAM_WAITS entries; returns how many. Then streams_move with poll's answer. */
size_t streams_wait_for(struct pollfd *wait);
void streams_move(const struct pollfd *wait);

/* The host has said that it has sent so many bytes to this port, and no more will come. */
void streams_set_end(enum port port, uint64_t bytes);

/* Nobody on the host reads this stream: the program must see a closed pipe. */
void streams_break(enum port port);

/* The program has ended: take what is left in its pipes and bring it to the ports. */
void streams_drain(void);

uint64_t streams_sent(enum port port);
