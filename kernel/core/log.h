// SPDX-License-Identifier: MIT
/*
 * The kernel's log: a ring of lines (syslog(2) and /dev/kmsg read it) and a sink that prints them.
 * Context: any, also interrupts and panic. Lines of up to 256 bytes; longer ones are cut.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

enum log_level {
	LOG_EMERGENCY,
	LOG_ALERT,
	LOG_CRITICAL,
	LOG_ERROR,
	LOG_WARNING,
	LOG_NOTICE,
	LOG_INFO,
	LOG_DEBUG
};

void log_line(enum log_level level, const char *format, ...) printf_like(2, 3);
#define log_error(...)   log_line(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_DEBUG, __VA_ARGS__)

/* Lines of a level below this number go to the sink (loglevel=, quiet). Default 7. */
void log_set_console_level(int level);
int log_console_level(void);
/* The sink: called with one text, one call at a time, interrupts off. The first is the early console. */
void log_set_sink(void (*write)(const char *text, size_t size));
/* Copy one line of the ring, `<level>[seconds] text` and a newline, from position *seq on (0: the oldest); returns its size and
 * advances *seq; 0: no more, or it does not fit (256 bytes always do). */
size_t log_read(u64 *seq, char *to, size_t size);
