// SPDX-License-Identifier: MIT
/*
 * inotify(7): an IN_ONESHOT watch tells of one event, however many happen at once, and ends. (On Linux one that was under way beside it
 * may be told too.) HEDDLE_SOAK=n: n times as many rounds.
 */
#include "watching.h"

enum { ROUNDS = 2000, CHANGERS = 3 };

static atomic_bool over;
static int in, file, rounds = ROUNDS;
static unsigned char *told, *ended; // by number

static void *change(void *how)
{
	char byte = 'x';

	while (!atomic_load(&over)) {
		if (how) {
			CHECK_EQ(pwrite(file, &byte, 1, 0), 1);
		} else {
			CHECK_EQ(fchmod(file, 0600), 0);
		}
	}
	return NULL;
}

/* What is queued; on Heddle nothing comes twice. */
static void take_events(bool strict)
{
	static char text[WATCH_TEXT] __attribute__((aligned(8)));
	ssize_t length = read(in, text, sizeof(text));

	CHECK(length > 0);
	for (ssize_t at = 0; at < length;) {
		const struct inotify_event *event = (const void *)(text + at);
		unsigned char *of = event->mask == IN_IGNORED ? ended : told;

		CHECK(event->wd > 0 && event->wd <= rounds);
		CHECK(event->mask == IN_IGNORED || event->mask == IN_MODIFY ||
		      event->mask == IN_ATTRIB);
		CHECK(!of[event->wd] || (!strict && of == told));
		of[event->wd] = 1;
		at += (ssize_t)(sizeof(*event) + event->len);
	}
}

int main(void)
{
	const char *soak = getenv("HEDDLE_SOAK");
	bool strict = access("/proc/heddle/ledger", R_OK) == 0;
	pthread_t threads[CHANGERS];

	rounds *= soak ? atoi(soak) : 1;
	told = calloc(2, (size_t)rounds + 1);
	CHECK(told);
	ended = told + rounds + 1;
	in = watching(0);
	file = open("watched", O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(file >= 0);
	for (uintptr_t i = 0; i < CHANGERS; i++) {
		threads[i] = start_thread(change, (void *)i);
	}
	for (int last = 0; last < rounds;) {
		last = watch(in, "watched", IN_MODIFY | IN_ATTRIB | IN_ONESHOT);
		while (!ended[last]) {
			take_events(strict);
		}
		CHECK(told[last]);
	}
	atomic_store(&over, true);
	for (int i = 0; i < CHANGERS; i++) {
		join_thread(threads[i]);
	}
	CHECK_EQ(unlink("watched"), 0);
	ok("once");
	return 0;
}
