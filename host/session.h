// SPDX-License-Identifier: MIT
/*
 * A run, from the machine's start to its end: streams, signals, messages, deadlines.
 */
#pragma once

#include "machine.h"
#include "options.h"
#include "outcome.h"
#include "terminal.h"

/* Serve the machine until it is known how the run ended; the outcome is set, the machine gone. */
void session_run(struct machine *machine, const struct options *options,
		 struct terminal_use *terminal, struct outcome *outcome);
