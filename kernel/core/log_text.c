// SPDX-License-Identifier: MIT
/* The log's records as text: the forms of /dev/kmsg and of syslog(2). No state. */
#include "core/log.h"

#include "lib/format.h"
#include "lib/string.h"

static bool escaped(char c)
{
	return c < ' ' || c > '~' || c == '\\';
}

size_t log_format_record(const struct log_record *record, const char *text,
			 char to[LOG_RECORD_TEXT_MAX])
{
	size_t done = (size_t)format_string(to, LOG_RECORD_TEXT_MAX, "%u,%lu,%lu,-;",
					    (unsigned)record->priority, record->sequence,
					    record->time_us);

	for (size_t i = 0; i < record->size; i++) {
		if (escaped(text[i])) {
			done += (size_t)format_string(to + done,
						      LOG_RECORD_TEXT_MAX - done,
						      "\\x%02x", (unsigned)(u8)text[i]);
		} else {
			to[done++] = text[i];
		}
	}
	to[done++] = '\n';
	return done;
}

size_t log_format_time(u64 time_us, char *to, size_t size)
{
	return (size_t)format_string(to, size, "[%5lu.%06lu] ", time_us / 1000000,
				     time_us % 1000000);
}

size_t log_format_lines(const struct log_record *record, const char *text,
			char to[LOG_LINES_TEXT_MAX])
{
	char head[48];
	size_t head_size = (size_t)format_string(head, sizeof(head), "<%u>",
						 (unsigned)record->priority);
	size_t done = 0, begin = 0;

	head_size += log_format_time(record->time_us, head + head_size,
				     sizeof(head) - head_size);
	do {
		const char *end = memchr(text + begin, '\n', record->size - begin);
		size_t size = (end ? (size_t)(end - text) : record->size) - begin;

		if (done + head_size + size + 1 > LOG_LINES_TEXT_MAX) {
			break;
		}
		memcpy(to + done, head, head_size);
		memcpy(to + done + head_size, text + begin, size);
		done += head_size + size + 1;
		to[done - 1] = '\n';
		begin += size + 1;
	} while (begin <= record->size);
	return done;
}
