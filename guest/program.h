// SPDX-License-Identifier: MIT
/*
 * Starting the user's program: its descriptors, its identity, and why it would not start.
 */
#pragma once

#include "config.h"

/* The program while it runs, and our ends of its three streams; -1 where there is none. */
struct program {
	pid_t pid;
	int input;  // pipe to its stdin
	int output; // pipe from its stdout
	int errors; // pipe from its stderr
	int master; // the terminal, if any of the three is one
	int slave;  // kept open so that the terminal lives between two programs
};

/*
 * Start it and wait until execve has succeeded or failed. Tells the host which (STARTED or
 * NOT_STARTED). Returns 0, or a negative errno if it does not run.
 */
int program_start(const struct config *config, struct program *program);
