// SPDX-License-Identifier: MIT
/*
 * The kernel's log.
 *
 * Owns      the ring of records: a struct log_record each, and its text.
 * Locks     log.lock (the ring), console.lock (the sink); never both.
 * Context   any. In a panic no lock is waited for.
 *
 * Invariants
 *   L1  Places count bytes since boot; the ring holds [oldest, newest) and newest - oldest <= LOG_RING_SIZE.
 *   L2  oldest, and every reader's place that is not below it, is the beginning of a record, or newest.
 *
 * No news is lost: log_expect() sets `expected` before it looks, log_append() looks at `expected` after it has added.
 * Whichever takes log.lock second sees what the other did. Whoever clears `expected` calls the hook, which wakes all
 * (sched/log_news.c; tests/model/log_news_model.c).
 */
#include "core/log.h"
#include "arch/irq.h"
#include "arch/timer.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"

enum { LINE_MAX = 256 };

static struct {
	struct spinlock lock;
	u64 oldest GUARDED_BY(lock), newest GUARDED_BY(lock);
	u64 next_sequence GUARDED_BY(lock);
} log = {.lock = SPINLOCK_INIT(RANK_LOG, "log.lock")};
static char log_ring[LOG_RING_SIZE] GUARDED_BY(
	log.lock); // apart: zeros have no place in the image

static _Atomic bool expected;
static void (*_Atomic news_hook)(void);

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

/* ---- the ring ---- */

static void ring_copy_in(u64 place, const void *from, size_t size) MUST_HOLD(&log.lock)
{
	size_t at = place % LOG_RING_SIZE, first = MIN(size, LOG_RING_SIZE - at);

	memcpy(log_ring + at, from, first);
	memcpy(log_ring, (const char *)from + first, size - first);
}

static void ring_copy_out(u64 place, void *to, size_t size) MUST_HOLD(&log.lock)
{
	size_t at = place % LOG_RING_SIZE, first = MIN(size, LOG_RING_SIZE - at);

	memcpy(to, log_ring + at, first);
	memcpy((char *)to + first, log_ring, size - first);
}

static void add(struct log_record *record, const char *text) MUST_HOLD(&log.lock)
{
	size_t whole = sizeof(*record) + record->size;

	while (log.newest + whole - log.oldest > LOG_RING_SIZE) {
		struct log_record old;

		ring_copy_out(log.oldest, &old, sizeof(old));
		log.oldest += sizeof(old) + old.size;
	}
	record->sequence = log.next_sequence++;
	ring_copy_in(log.newest, record, sizeof(*record));
	ring_copy_in(log.newest + sizeof(*record), text, record->size);
	log.newest += whole;
}

int log_read(u64 *place, struct log_record *record, char *text, size_t capacity)
{
	u64 flags = spin_lock_irq(&log.lock);
	int result = 0;

	if (*place < log.oldest) {
		*place = log.oldest;
		result = -EPIPE;
	} else if (*place >= log.newest) {
		result = -EAGAIN;
	} else {
		ring_copy_out(*place, record, sizeof(*record));
		ring_copy_out(*place + sizeof(*record), text,
			      MIN(capacity, (size_t)record->size));
		*place += sizeof(*record) + record->size;
	}
	spin_unlock_irq(&log.lock, flags);
	return result;
}

u64 log_oldest(void)
{
	u64 flags = spin_lock_irq(&log.lock);
	u64 place = log.oldest;

	spin_unlock_irq(&log.lock, flags);
	return place;
}

u64 log_newest(void)
{
	u64 flags = spin_lock_irq(&log.lock);
	u64 place = log.newest;

	spin_unlock_irq(&log.lock, flags);
	return place;
}

/* ---- news ---- */

bool log_expect(u64 place)
{
	/* order.log: pairs with tell_news() */
	atomic_store(&expected, true);
	return place < log_newest();
}

void log_set_news_hook(void (*news)(void))
{
	atomic_store(&news_hook, news);
}

static void tell_news(void)
{
	void (*hook)(void) = atomic_load(&news_hook);

	/* order.log: pairs with log_expect() */
	if (hook && !panic_in_progress() && atomic_load(&expected) &&
	    atomic_exchange(&expected, false)) {
		hook();
	}
}

/* ---- the sink ---- */

/* Each line of a record with its time, none of another CPU's between them. */
static void print(const struct log_record *record, const char *text, size_t size)
{
	char head[32];
	size_t head_size = log_format_time(record->time_us, head, sizeof(head)),
	       begin = 0;
	u64 flags = spin_lock_irq(&console.lock);

	while (console.write && begin <= size) {
		const char *end = memchr(text + begin, '\n', size - begin);
		size_t line_size = (end ? (size_t)(end - text) : size) - begin;

		console.write(head, head_size);
		console.write(text + begin, line_size);
		console.write("\n", 1);
		begin += line_size + 1;
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

void log_append(u16 priority, const char *text, size_t size)
{
	struct log_record record = {.time_us = (u64)arch_clock_read() / NSEC_PER_USEC,
				    .priority = priority,
				    .size = (u16)MIN(size, (size_t)LOG_TEXT_MAX)};
	u64 flags = spin_lock_irq(&log.lock);

	add(&record, text);
	spin_unlock_irq(&log.lock, flags);
	tell_news();
	if (priority % 8 < log_console_level()) {
		print(&record, text, record.size);
	}
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[LINE_MAX];
	size_t size;
	va_list args;

	va_start(args, format);
	size = (size_t)format_string_v(line, sizeof(line), format, args);
	va_end(args);
	size = MIN(size, sizeof(line) - 1);
	for (size_t i = 0; i < size; i++) {
		line[i] = line[i] == '\n' ? ' ' : line[i];
	}
	log_append((u16)level, line, size);
}

/* What was logged before there was a sink: lines of the kernel's own. */
static void print_early_lines(void)
{
	struct log_record record;
	char text[LINE_MAX];
	u64 place = 0;
	int result;

	while ((result = log_read(&place, &record, text, sizeof(text))) != -EAGAIN) {
		if (result == 0 && record.priority % 8 < log_console_level()) {
			print(&record, text, MIN(record.size, sizeof(text)));
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
