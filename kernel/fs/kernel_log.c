// SPDX-License-Identifier: MIT
/*
 * The log as syslog(2) and /proc/kmsg read it.
 *
 * Owns      the shared reader's place.
 * Locks     reader.lock (RANK_PIPE) > user copies (vm). Never held while waiting for news.
 */
#include "fs/kernel_log.h"

#include "core/log.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "sched/log_news.h"
#include "sync/mutex.h"

static struct {
	struct mutex lock;
	u64 place GUARDED_BY(lock);
	size_t partial
		GUARDED_BY(lock); /* bytes of the record there that were given already */
} reader;

static _Atomic u64 cleared;
static _Atomic bool restricted;

struct lines {
	struct log_record record;
	char text[LOG_TEXT_MAX];
	char shown[LOG_LINES_TEXT_MAX];
};

void kernel_log_init(void)
{
	mutex_init(&reader.lock, RANK_PIPE, "kernel_log.lock");
}

/* The lines of the record at *place, or of the oldest if that was overwritten; bytes, 0: there is none. */
static size_t next_lines(u64 *place, struct lines *lines)
{
	int result;

	do {
		result =
			log_read(place, &lines->record, lines->text, sizeof(lines->text));
	} while (result == -EPIPE);
	return result ? 0 : log_format_lines(&lines->record, lines->text, lines->shown);
}

static void skip_overwritten(void) MUST_HOLD(&reader.lock)
{
	u64 oldest = log_oldest();

	if (reader.place < oldest) {
		reader.place = oldest;
		reader.partial = 0;
	}
}

/* Give records as long as they fit; bytes, or -EFAULT. What cannot be copied is not taken. */
static s64 give_records(struct io_buffer *io, struct lines *lines) MUST_HOLD(&reader.lock)
{
	s64 done = 0;

	while (io->remaining > 0) {
		size_t whole, count;
		u64 next;

		skip_overwritten();
		next = reader.place;
		whole = next_lines(&next, lines);
		if (whole <= reader.partial) {
			break;
		}
		count = MIN(whole - reader.partial, io->remaining);
		if (count < whole - reader.partial && done > 0) {
			break;
		}
		if (io_copy_to(io, lines->shown + reader.partial, count) < count) {
			return done > 0 ? done : -EFAULT;
		}
		done += (s64)count;
		if (reader.partial + count < whole) {
			reader.partial += count;
			break;
		}
		reader.place = next;
		reader.partial = 0;
	}
	return done;
}

s64 kernel_log_read(struct io_buffer *io)
{
	struct lines *lines = heap_allocate(sizeof(*lines));
	s64 done = lines ? 0 : -ENOMEM;

	while (done == 0) {
		u64 place;

		mutex_lock(&reader.lock);
		done = give_records(io, lines);
		place = reader.place;
		mutex_unlock(&reader.lock);
		if (done == 0) {
			done = wait_until(log_news_queue(), log_expect(place),
					  THREAD_INTERRUPTIBLE, NSEC_NEVER);
		}
	}
	heap_free(lines);
	return done;
}

bool kernel_log_expect(void)
{
	u64 place;

	mutex_lock(&reader.lock);
	place = reader.place;
	mutex_unlock(&reader.lock);
	return log_expect(place);
}

static u64 size_from(u64 place, struct lines *lines)
{
	u64 total = 0;
	size_t size;

	while ((size = next_lines(&place, lines)) > 0) {
		total += size;
	}
	return total;
}

s64 kernel_log_read_all(struct io_buffer *io, enum kernel_log_after after)
{
	struct lines *lines = heap_allocate(sizeof(*lines));
	u64 place = kernel_log_cleared(), next, total;
	size_t size;
	s64 done = 0;

	if (!lines) {
		return -ENOMEM;
	}
	total = size_from(place, lines);
	while (total > io->remaining && (size = next_lines(&place, lines)) > 0) {
		total -= MIN(total, size);
	}
	for (next = place; (size = next_lines(&next, lines)) > 0; place = next) {
		if (size > io->remaining) {
			break;
		}
		if (io_copy_to(io, lines->shown, size) < size) {
			done = -EFAULT;
			break;
		}
		done += (s64)size;
	}
	heap_free(lines);
	if (after == KERNEL_LOG_CLEAR && done >= 0) {
		atomic_store(&cleared, place);
	}
	return done;
}

void kernel_log_clear(void)
{
	atomic_store(&cleared, log_newest());
}

u64 kernel_log_cleared(void)
{
	return MAX(atomic_load(&cleared), log_oldest());
}

s64 kernel_log_unread(void)
{
	struct lines *lines = heap_allocate(sizeof(*lines));
	s64 unread;

	if (!lines) {
		return -ENOMEM;
	}
	mutex_lock(&reader.lock);
	skip_overwritten();
	unread = (s64)(size_from(reader.place, lines) - reader.partial);
	mutex_unlock(&reader.lock);
	heap_free(lines);
	return unread;
}

bool kernel_log_restricted(void)
{
	return atomic_load(&restricted);
}

void kernel_log_restrict(bool wanted)
{
	atomic_store(&restricted, wanted);
}
