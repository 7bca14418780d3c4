// SPDX-License-Identifier: MIT
/*
 * What tells once is gone for who was told: an IN_ONESHOT watch (inotify(7)), whose place in max_user_watches is free then too, and
 * dnotify without DN_MULTISHOT. Asked for again at once, while the file is written to all the time, it tells again. (On Linux an
 * inotify watch that was asked for beside the end of the last may go with it.) HEDDLE_SOAK=n: n times as many rounds.
 */
#include "settings.h"
#include "watching.h"
#include <poll.h>

enum { ROUNDS = 300, BOUND_MS = 5000, BOUND_S = 5, USER = 54322 };

static atomic_bool over;
static int in, file, rounds = ROUNDS;
static bool strict; // on Heddle

static void *keep_writing(void *argument)
{
	while (!atomic_load(&over)) {
		CHECK_EQ(pwrite(file, "x", 1, 0), 1);
	}
	return NULL;
}

/* Until the watch has told or, what is wrong, has ended without: did it? Each watch's event comes before its IN_IGNORED. */
static bool tells(int number)
{
	static int last; // that told
	static char text[WATCH_TEXT] __attribute__((aligned(8)));
	struct pollfd readable = {.fd = in, .events = POLLIN};
	bool told = false, ended = false;

	while (!told && !ended) {
		CHECK_EQ(poll(&readable, 1, BOUND_MS), 1);
		ssize_t length = read(in, text, sizeof(text));

		CHECK(length > 0);
		for (ssize_t at = 0; at < length;
		     at += (ssize_t)sizeof(struct inotify_event)) {
			const struct inotify_event *event = (const void *)(text + at);

			CHECK(event->mask == IN_MODIFY || event->mask == IN_IGNORED);
			CHECK(event->wd == number || event->wd == last || !strict);
			told |= event->wd == number && event->mask == IN_MODIFY;
			ended |= event->wd == number && event->mask == IN_IGNORED;
			CHECK(!ended || told || !strict);
		}
	}
	last = number;
	return told;
}

static void watch_again(void)
{
	int last = 0, lost = 0;

	if (strict) {
		CHECK_EQ(setresuid(USER, USER, USER), 0);
	}
	in = watching(IN_NONBLOCK);
	pthread_t writer = start_thread(keep_writing, NULL);

	for (int i = 0; i < rounds; i++) {
		int number = watch(in, "d/watched", IN_MODIFY | IN_ONESHOT);

		CHECK(number == last + 1 || !strict);
		last = number;
		lost += !tells(number);
	}
	CHECK(lost < rounds / 2);
	atomic_store(&over, true);
	join_thread(writer);
}

/* On Heddle by a user who may have one watch. */
static void check_inotify(void)
{
	struct setting watches = {.path = "/proc/sys/fs/inotify/max_user_watches"};
	int status;

	if (strict) {
		change_setting(&watches, "1");
	}
	status = in_child(watch_again);
	if (strict) {
		restore_setting(&watches);
	}
	CHECK_EQ(status, 0);
	ok("inotify");
}

/* A file's first F_NOTIFY makes the caller its owner, before there is anything to be told of. */
static void ask_twice(const sigset_t *set)
{
	const struct timespec bound = {.tv_sec = BOUND_S};
	int directory = open("d", O_RDONLY | O_DIRECTORY);

	CHECK(directory >= 0);
	CHECK_EQ(fcntl(directory, F_SETSIG, SIGRTMIN), 0);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(fcntl(directory, F_NOTIFY, DN_MODIFY), 0);
		CHECK_EQ(sigtimedwait(set, NULL, &bound), SIGRTMIN);
	}
	close(directory);
}

static void check_dnotify(void)
{
	const struct timespec none = {0};
	pthread_t writer;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	writer = start_thread(keep_writing, NULL);
	for (int i = 0; i < rounds / 3; i++) {
		ask_twice(&set);
	}
	CHECK_ERRNO(sigtimedwait(&set, NULL, &none), EAGAIN);
	atomic_store(&over, true);
	join_thread(writer);
	ok("dnotify");
}

int main(void)
{
	const char *soak = getenv("HEDDLE_SOAK");

	strict = access("/proc/heddle/ledger", R_OK) == 0;
	rounds *= soak ? atoi(soak) : 1;
	CHECK_EQ(chmod(".", 0755), 0);
	CHECK_EQ(mkdir("d", 0755), 0);
	file = open("d/watched", O_RDWR | O_CREAT | O_TRUNC, 0644);
	CHECK(file >= 0);
	check_inotify();
	check_dnotify();
	CHECK_EQ(unlink("d/watched"), 0);
	CHECK_EQ(rmdir("d"), 0);
	return 0;
}
