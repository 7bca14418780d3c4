// SPDX-License-Identifier: MIT
/*
 * What heddle says on stderr: one line each, "heddle: ..." in front.
 */
#pragma once

#include <stdbool.h>

#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

enum loudness { QUIET, NORMAL, VERBOSE };

void message_set_loudness(enum loudness loudness);
enum loudness message_loudness(void);

/* An error: always shown. */
void say_error(const char *format, ...) PRINTF_LIKE(1, 2);

/* Shown unless -q. */
void say(const char *format, ...) PRINTF_LIKE(1, 2);

/* Shown with -V. */
void say_detail(const char *format, ...) PRINTF_LIKE(1, 2);

/* A line as it is, without the name in front. */
void say_plain(const char *format, ...) PRINTF_LIKE(1, 2);
