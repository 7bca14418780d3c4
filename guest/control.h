// SPDX-License-Identifier: MIT
/*
 * The control port: frames to the host, whole or not at all, and frames from it.
 */
#pragma once

#include "protocol.h"

#include <stdbool.h>
#include <stddef.h>

/* Does an error of read or write say no more than: later? Waits a little if memory is short. */
bool control_is_passing(int error);

/* Open the port; frames sent before that go to the console as text where they have any. */
void control_open(int fd);
int control_fd(void);

/* Send a frame: a structure and, after it, text without its NUL (or NULL). */
void control_send(enum control_type type, const void *data, size_t size,
		  const char *text);

/* Send a line of text. */
__attribute__((format(printf, 2, 3))) void control_say(enum control_type type,
						       const char *format, ...);

/*
 * Read what has come and call `handle` for each whole frame.
 * Returns 0, or -EPIPE if the host is gone.
 */
int control_receive(void (*handle)(void *context, enum control_type type,
				   const void *data, size_t size),
		    void *context);
