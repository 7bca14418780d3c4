// SPDX-License-Identifier: MIT
/*
 * What the kernel prints on its serial console: kept in a ring, searched for a panic.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

void console_log_add(const char *text, size_t size);

/* True once a line has announced a kernel panic. */
bool console_log_panicked(void);

/* How many processes the kernel said it ended for want of memory; *first: what it said of the first, or NULL. */
unsigned console_log_out_of_memory(const char **first);

/* Print the last lines on stderr; after a panic, those from the panic on. */
void console_log_print(unsigned lines);
bool console_log_is_empty(void);
