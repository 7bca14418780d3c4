// SPDX-License-Identifier: MIT
/*
 * The kernel's log: a ring of records (syslog(2) and /dev/kmsg read it) and a sink that prints them.
 * Context: any, also interrupts and panic, where nothing else is said.
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

/* A line of the kernel's own, up to 255 bytes; what is longer is cut. */
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

enum { LOG_RING_SIZE = 64 * 1024, LOG_TEXT_MAX = 1024 };
enum { LOG_FACILITY_USER = 1 }; /* the kernel's own records have 0 */

struct log_record {
	u64 sequence; /* counts all records from 0 */
	u64 time_us;  /* since boot */
	u16 priority; /* facility * 8 + level, as in syslog(3) */
	u16 size;     /* bytes of the text, which may have newlines inside */
};
/* A record of any bytes, cut at LOG_TEXT_MAX. */
void log_append(u16 priority, const char *text, size_t size);

/*
 * Readers keep a place: 0, what these two return, or what log_read() left there.
 * Copy the record at *place, with up to `capacity` bytes of its text, and move on. -EAGAIN: none is there yet;
 * -EPIPE: it was overwritten, *place is that of the oldest now.
 */
int log_read(u64 *place, struct log_record *record, char *text,
	     size_t capacity) must_check;
u64 log_oldest(void);
u64 log_newest(void); /* behind the newest record */
/* Is there a record at `place`, or was it overwritten? If neither, the news hook will be called once after the next record. */
bool log_expect(u64 place);
/* Called in the context of whoever logs, which is any: it may take no lock. Installed by sched/. */
void log_set_news_hook(void (*news)(void));

/*
 * A record as text, with its newline; bytes. As /dev/kmsg has it (`priority,sequence,microseconds,-;text`, what is
 * not printable escaped), and as syslog(2) has it: each line begins `<priority>[seconds] `; lines that do not fit are left out,
 * the first fits always.
 */
enum { LOG_RECORD_TEXT_MAX = 64 + 4 * LOG_TEXT_MAX, LOG_LINES_TEXT_MAX = 2048 };
size_t log_format_record(const struct log_record *record, const char *text,
			 char to[LOG_RECORD_TEXT_MAX]);
size_t log_format_lines(const struct log_record *record, const char *text,
			char to[LOG_LINES_TEXT_MAX]);
/* `[seconds] `; bytes. */
size_t log_format_time(u64 time_us, char *to, size_t size);
