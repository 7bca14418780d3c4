// SPDX-License-Identifier: MIT
/*
 * Whole lines, without CR and terminal control bytes. The ring holds the last LINES of them.
 *
 * A panic is a line that begins, after a time stamp in brackets, with "panic" or "Kernel
 * panic", in any case.
 */
#include "console_log.h"

#include "message.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LINES       256
#define LINE_LENGTH 240

static char lines[LINES][LINE_LENGTH];
static unsigned long next; // the line being written
static size_t length;
static unsigned long panic_line;
static bool panicked;
static unsigned killed;
static char first_killed[LINE_LENGTH];

/* Behind the time stamp. */
static const char *message_of(const char *line)
{
	line += strspn(line, " ");
	while (*line == '[' || *line == '<') {
		const char *end = strpbrk(line, "]>");
		if (!end) {
			return "";
		}
		line = end + 1 + strspn(end + 1, " ");
	}
	return line;
}

static void note_killed(const char *line)
{
	if (strncmp(line, "out of memory: killed ", 22) != 0) {
		return;
	}
	if (!killed++) {
		snprintf(first_killed, sizeof first_killed, "%s", line);
	}
}

unsigned console_log_out_of_memory(const char **first)
{
	*first = killed ? first_killed : NULL;
	return killed;
}

static bool announces_panic(const char *line)
{
	return !strncasecmp(line, "panic", 5) || !strncasecmp(line, "kernel panic", 12) ||
	       !strncasecmp(line, "heddle: panic", 13);
}

static void end_line(void)
{
	char *line = lines[next % LINES];

	line[length] = 0;
	length = 0;
	note_killed(message_of(line));
	if (!panicked && announces_panic(message_of(line))) {
		panicked = true;
		panic_line = next;
	}
	if (message_loudness() == VERBOSE) {
		say_plain("kernel: %s", line);
	}
	next++;
}

void console_log_add(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char byte = text[i];
		if (byte == '\n' || length == LINE_LENGTH - 1) {
			end_line();
		}
		if (byte != '\n' && (byte >= ' ' || byte == '\t')) {
			lines[next % LINES][length++] = byte;
		}
	}
}

bool console_log_panicked(void)
{
	return panicked;
}

bool console_log_is_empty(void)
{
	return !next && !length;
}

void console_log_print(unsigned count)
{
	if (message_loudness() == VERBOSE) {
		return; // they were shown as they came
	}
	if (length) {
		end_line();
	}
	unsigned long first = next > count ? next - count : 0;
	if (panicked && panic_line < first) {
		first = panic_line;
	}
	if (next > LINES && first < next - LINES) {
		first = next - LINES;
	}
	for (unsigned long i = first; i < next; i++) {
		say_plain("kernel: %s", lines[i % LINES]);
	}
}
