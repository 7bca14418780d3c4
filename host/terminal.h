// SPDX-License-Identifier: MIT
/*
 * The host's terminal: which of the three streams are one, raw mode, and its way back.
 */
#pragma once

#include <stdbool.h>

struct terminal_use {
	bool stream[3]; // this stream is a terminal
	bool joined;    // stdout and stderr are one file or pipe, and no terminal
	bool raw;       // stdin and stdout both are: keys go to the guest as they are
	int shown_on;   // descriptor for what the guest's terminal shows, or -1
	unsigned rows, columns;
};

void terminal_look(struct terminal_use *use);
void terminal_read_size(struct terminal_use *use);

/* Raw mode is undone by terminal_restore, at exit, and on a crash of heddle. */
void terminal_set_raw(void);
void terminal_restore(void);
bool terminal_is_raw(void);
