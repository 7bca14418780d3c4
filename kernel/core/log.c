// SPDX-License-Identifier: MIT
/*
 * The kernel's log.
 *
 * Owns      the ring of text: lines of the form `<level>[seconds] text`, each ended by a newline.
 * Locks     log.lock (the ring), console.lock (the sink); never both.
 * Context   any. In a panic no lock is waited for.
 *
 * Invariants
 *   L1  Positions count bytes since boot; the ring holds [oldest, newest) and newest - oldest <= RING_SIZE.
 *   L2  oldest is the beginning of a line.
 */
#include "core/log.h"
#include "arch/irq.h"
#include "arch/timer.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "lib/format.h"
#include "lib/string.h"

enum { RING_SIZE = 64 * 1024, LINE_MAX = 256 };

static struct {
	struct spinlock lock;
	u64 oldest GUARDED_BY(lock), newest GUARDED_BY(lock);
	char ring[RING_SIZE] GUARDED_BY(lock);
} log = {.lock = SPINLOCK_INIT(RANK_LOG, "log.lock")};

static struct {
	struct spinlock lock;
	void (*write)(const char *text, size_t size) GUARDED_BY(lock);
} console = {.lock = SPINLOCK_INIT(RANK_CONSOLE, "console.lock")};

static int console_level = 7;

void log_set_console_level(int level)
{
	WRITE_ONCE(console_level, level);
}

int log_console_level(void)
{
	return READ_ONCE(console_level);
}

static void append(const char *line, size_t size) MUST_HOLD(&log.lock)
{
	while (log.newest + size - log.oldest > RING_SIZE) {
		while (log.ring[log.oldest++ % RING_SIZE] != '\n') {
		}
	}
	for (size_t i = 0; i < size; i++) {
		log.ring[log.newest++ % RING_SIZE] = line[i];
	}
}

static void print(const char *text, size_t size)
{
	u64 flags = spin_lock_irq(&console.lock);

	if (console.write) {
		console.write(text, size);
	}
	spin_unlock_irq(&console.lock, flags);
}

static u32 console_has_sink(void)
{
	u64 flags = spin_lock_irq(&console.lock);
	bool has = console.write != NULL;

	spin_unlock_irq(&console.lock, flags);
	return has;
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[LINE_MAX];
	u64 now_us = (u64)arch_clock_read() / NSEC_PER_USEC;
	int head = format_string(line, sizeof(line), "<%d>[%5llu.%06llu] ", (int)level,
				 (unsigned long long)(now_us / 1000000),
				 (unsigned long long)(now_us % 1000000));
	va_list args;

	va_start(args, format);
	size_t size = (size_t)head + (size_t)format_string_v(line + head,
							     sizeof(line) - head - 1,
							     format, args);
	va_end(args);
	size = MIN(size, sizeof(line) - 2);
	for (size_t i = (size_t)head; i < size; i++) {
		line[i] = line[i] == '\n' ? ' ' : line[i]; /* L2: one line is one line */
	}
	line[size++] = '\n';
	u64 flags = spin_lock_irq(&log.lock);

	append(line, size);
	spin_unlock_irq(&log.lock, flags);
	if ((int)level < log_console_level()) {
		print(line + 3, size - 3);
	}
}

/* Lines written before there was a sink. */
static void print_early_lines(void)
{
	char line[LINE_MAX];
	u64 position = 0;
	size_t size;

	while ((size = log_read(&position, line, sizeof(line))) > 0) {
		if (line[1] - '0' < log_console_level()) {
			print(line + 3, size - 3);
		}
	}
}

void log_set_sink(void (*write)(const char *text, size_t size))
{
	bool first = !console_has_sink();
	u64 flags = spin_lock_irq(&console.lock);

	console.write = write;
	spin_unlock_irq(&console.lock, flags);
	if (first) {
		print_early_lines();
	}
}

/* The line at `position`, with its newline; 0 if it does not fit. */
static size_t copy_line(u64 position, char *to, size_t size) MUST_HOLD(&log.lock)
{
	for (size_t i = 0; i < size; i++) {
		to[i] = log.ring[(position + i) % RING_SIZE];
		if (to[i] == '\n') {
			return i + 1;
		}
	}
	return 0;
}

size_t log_read(u64 *seq, char *to, size_t size)
{
	u64 flags = spin_lock_irq(&log.lock);
	size_t copied = 0;

	if (*seq < log.oldest) {
		*seq = log.oldest;
	}
	if (*seq < log.newest) {
		copied = copy_line(*seq, to, size);
		*seq += copied;
	}
	spin_unlock_irq(&log.lock, flags);
	return copied;
}
