// SPDX-License-Identifier: MIT
/*
 * Signals as a descriptor, so that the session's loop sees them in turn.
 */
#pragma once

#include <stdbool.h>

#define SIGNAL_COUNT 32

struct signals {
	int fd;
	double last[SIGNAL_COUNT];
	unsigned repeats[SIGNAL_COUNT];
};

/* Block the signals of interest for good. Before that call they end heddle as usual. */
int signals_open(struct signals *signals);

/* The next one that has come, or 0. */
int signals_next(struct signals *signals);

/* True if this signal has come for the third time within two seconds: the user means us. */
bool signals_is_insistent(struct signals *signals, int number);
