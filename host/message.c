// SPDX-License-Identifier: MIT
/*
 * Lines end in CR LF while the terminal is raw, so that they do not walk to the right.
 */
#include "message.h"

#include "terminal.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static enum loudness loudness = NORMAL;

void message_set_loudness(enum loudness wanted)
{
	loudness = wanted;
}

enum loudness message_loudness(void)
{
	return loudness;
}

static void write_line(const char *prefix, const char *format, va_list arguments)
{
	char line[8192];
	const char *end = terminal_is_raw() ? "\r\n" : "\n";
	int length = snprintf(line, sizeof line, "%s", prefix);

	int more = vsnprintf(line + length, sizeof line - length - 2, format, arguments);
	length += more < (int)sizeof line - length - 3 ? more
						       : (int)sizeof line - length - 3;
	length += snprintf(line + length, sizeof line - length, "%s", end);
	if (write(STDERR_FILENO, line, length) < 0) {
		return; // nowhere left to complain
	}
}

void say_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line("heddle: ", format, arguments);
	va_end(arguments);
}

void say(const char *format, ...)
{
	va_list arguments;

	if (loudness == QUIET) {
		return;
	}
	va_start(arguments, format);
	write_line("heddle: ", format, arguments);
	va_end(arguments);
}

void say_detail(const char *format, ...)
{
	va_list arguments;

	if (loudness < VERBOSE) {
		return;
	}
	va_start(arguments, format);
	write_line("heddle: ", format, arguments);
	va_end(arguments);
}

void say_plain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line("", format, arguments);
	va_end(arguments);
}
