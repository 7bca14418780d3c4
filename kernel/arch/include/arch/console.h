// SPDX-License-Identifier: MIT
/* Contract: the machine's first serial port: polled output from the first instruction on, input by interrupt. */
#pragma once

#include "lib/types.h"

/* Bytes as they are; waits for room. Any context; calls must not overlap (the console's lock, or panic). */
void arch_console_write(const char *text, size_t size);
/* Start receiving: *line is the interrupt line that announces input. -ENODEV: there is no port. Thread context. */
int arch_console_start_input(unsigned *line);
/* The next byte received, or -1. Interrupt context. */
int arch_console_read(void);
