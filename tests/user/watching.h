// SPDX-License-Identifier: MIT
/* inotify(7) for tests: what is queued must be exactly what is expected. */
#pragma once

#include "test.h"
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

enum { WATCH_TEXT = 1 << 16 };

struct happened {
	int watch;
	uint32_t mask;
	const char *name; /* NULL: without */
	bool moved;       /* has the cookie of the one before, or begins one */
};

static inline int watching(unsigned flags)
{
	int fd = inotify_init1(flags);

	CHECK(fd >= 0);
	return fd;
}

static inline int watch(int fd, const char *path, uint32_t mask)
{
	int number = inotify_add_watch(fd, path, mask);

	CHECK(number > 0);
	return number;
}

static inline void say_events(const char *text, ssize_t length)
{
	for (ssize_t at = 0; at < length;) {
		const struct inotify_event *event = (const void *)(text + at);

		say("# wd %d mask %#x cookie %u name '%s'\n", event->wd, event->mask,
		    event->cookie, event->len ? event->name : "");
		at += (ssize_t)(sizeof(*event) + event->len);
	}
}

/* Nothing more and nothing less is queued; `fd` does not block. */
static inline void expect_events(int line, int fd, const struct happened *wanted,
				 int count)
{
	static char text[WATCH_TEXT] __attribute__((aligned(8)));
	ssize_t length = read(fd, text, sizeof(text)), at = 0;
	uint32_t cookie = 0;
	int found = 0;

	if (length < 0 && errno == EAGAIN) {
		length = 0;
	}
	for (; at < length; found++) {
		const struct inotify_event *event = (const void *)(text + at);
		const struct happened *want = &wanted[found];

		if (found == count || event->wd != want->watch ||
		    event->mask != want->mask ||
		    (event->len != 0) != (want->name != NULL) ||
		    (want->name && strcmp(want->name, event->name)) ||
		    (event->cookie != 0) != want->moved) {
			break;
		}
		CHECK(event->len % sizeof(*event) == 0);
		if (want->moved) {
			CHECK(!(want->mask & IN_MOVED_TO) || !cookie ||
			      cookie == event->cookie);
			cookie = want->mask & IN_MOVED_FROM ? event->cookie : 0;
		}
		at += (ssize_t)(sizeof(*event) + event->len);
	}
	if (found != count || at != length) {
		say("line %d: event %d of %d is not as expected, of:\n", line, found,
		    count);
		say_events(text, length);
		CHECK(!"these events");
	}
}

#define EXPECT(fd, ...)                                            \
	do {                                                       \
		const struct happened wanted_[] = {__VA_ARGS__};   \
		expect_events(__LINE__, fd, wanted_,               \
			      sizeof(wanted_) / sizeof(*wanted_)); \
	} while (0)
#define EXPECT_NOTHING(fd) expect_events(__LINE__, fd, NULL, 0)
