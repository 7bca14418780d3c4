// SPDX-License-Identifier: MIT
/*
 * R6, R10: watches that are added and removed while their files are written, renamed, exchanged and unlinked, and while instances come
 * and go. Each watch ends once, with IN_IGNORED, behind which nothing of it comes (on Linux what was under way may), and none outlives
 * its file; in the end nothing is left.
 * HEDDLE_SOAK=n: n times as many rounds; HEDDLE_SEED: others.
 */
#include "ledger.h"
#include "watching.h"

enum {
	FILES = 6,
	ADDERS = 2,
	CHANGERS = 2,
	ROUNDS = 500,
	NUMBERS = 1 << 14,
	QUEUE_HIGH = 100000
};

static int in, rounds = ROUNDS;
static atomic_bool added[NUMBERS], ended[NUMBERS];
static atomic_bool lost, over;
static bool counted; // on Heddle, which has a ledger
static unsigned long seed = 1;

static unsigned pick(uint64_t *state, unsigned count)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(*state >> 33) % count;
}

static void name_of(char *to, size_t size, unsigned number)
{
	snprintf(to, size, "%u", number);
}

/* Not faster than they are read: what is lost proves nothing. */
static void wait_for_reader(void)
{
	int ready;

	do {
		CHECK_EQ(ioctl(in, FIONREAD, &ready), 0);
	} while (ready > QUEUE_HIGH && sched_yield() == 0);
}

static void *add_and_remove(void *argument)
{
	uint64_t state = seed + (uintptr_t)argument * 77;
	int last = 0;

	for (int i = 0; i < rounds; i++) {
		uint32_t mask = IN_ALL_EVENTS | (pick(&state, 3) ? 0 : IN_ONESHOT) |
				(pick(&state, 3) ? 0 : IN_EXCL_UNLINK);
		char name[16];
		int number;

		name_of(name, sizeof(name), pick(&state, FILES));
		number = inotify_add_watch(in, pick(&state, 8) ? name : ".", mask);
		if (number < 0) {
			CHECK_EQ(errno, ENOENT);
		} else {
			CHECK(number < NUMBERS);
			atomic_store(&added[number], true);
			last = number;
		}
		if (pick(&state, 2) && inotify_rm_watch(in, last)) {
			CHECK_EQ(errno, EINVAL);
		}
		wait_for_reader();
	}
	return NULL;
}

static void change(uint64_t *state)
{
	char name[16], other[16];
	int fd;

	name_of(name, sizeof(name), pick(state, FILES));
	name_of(other, sizeof(other), pick(state, FILES));
	switch (pick(state, 6)) {
	case 0:
		(void)!unlink(name);
		break;
	case 1:
		(void)!rename(name, other);
		break;
	case 2:
		(void)!syscall(SYS_renameat2, AT_FDCWD, name, AT_FDCWD, other,
			       2 /* EXCHANGE */);
		break;
	case 3:
		(void)!link(name, other);
		break;
	default:
		fd = open(name, O_RDWR | O_CREAT, 0600);
		CHECK(fd >= 0);
		CHECK_EQ(write(fd, "x", 1), 1);
		close(fd);
	}
}

static void *change_files(void *argument)
{
	uint64_t state = seed + (uintptr_t)argument * 1001;

	for (int i = 0; i < rounds * 2; i++) {
		change(&state);
		wait_for_reader();
	}
	return NULL;
}

/* Instances of its own, which go with their watches. */
static void *come_and_go(void *argument)
{
	uint64_t state = seed + 5;

	for (int i = 0; i < rounds / 2; i++) {
		int own = watching(IN_NONBLOCK);
		char name[16], text[512];

		for (int j = 0; j < 4; j++) {
			name_of(name, sizeof(name), pick(&state, FILES));
			(void)!inotify_add_watch(own, name, IN_ALL_EVENTS);
		}
		(void)!read(own, text, sizeof(text));
		close(own);
	}
	return NULL;
}

static void take(const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW) {
		atomic_store(&lost, true);
		return;
	}
	CHECK(event->wd > 0 && event->wd < NUMBERS);
	CHECK(!counted || !atomic_load(&ended[event->wd]));
	if (event->mask & IN_IGNORED) {
		CHECK_EQ(event->mask, IN_IGNORED);
		CHECK(!atomic_load(&ended[event->wd]));
		atomic_store(&ended[event->wd], true);
	}
}

static void *read_events(void *argument)
{
	static char text[WATCH_TEXT] __attribute__((aligned(8)));

	while (!atomic_load(&over)) {
		ssize_t length = read(in, text, sizeof(text));

		CHECK(length > 0);
		for (ssize_t at = 0; at < length;) {
			const struct inotify_event *event = (const void *)(text + at);

			take(event);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	}
	return NULL;
}

static bool all_ended(void)
{
	for (int i = 0; i < NUMBERS; i++) {
		if (atomic_load(&added[i]) && !atomic_load(&ended[i])) {
			return false;
		}
	}
	return true;
}

static void churn(void)
{
	pthread_t reader, threads[ADDERS + CHANGERS + 1];
	int count = 0, last;
	char name[16];

	in = watching(0);
	reader = start_thread(read_events, NULL);
	for (uintptr_t i = 0; i < ADDERS; i++) {
		threads[count++] = start_thread(add_and_remove, (void *)(i + 1));
	}
	for (uintptr_t i = 0; i < CHANGERS; i++) {
		threads[count++] = start_thread(change_files, (void *)(i + 1));
	}
	threads[count++] = start_thread(come_and_go, NULL);
	while (count > 0) {
		join_thread(threads[--count]);
	}
	for (unsigned i = 0; i < FILES; i++) {
		name_of(name, sizeof(name), i);
		CHECK(unlink(name) == 0 || errno == ENOENT);
	}
	last = inotify_add_watch(in, ".", IN_OPEN);
	atomic_store(&added[last], true);
	CHECK_EQ(inotify_rm_watch(in, last), 0);
	WAIT_UNTIL(atomic_load(&lost) || all_ended());
	atomic_store(&over, true);
	CHECK(inotify_add_watch(in, ".", IN_ATTRIB) >
	      0); // one more, for the reader to see it
	CHECK_EQ(chmod(".", 0700), 0);
	join_thread(reader);
	close(in);
}

int main(void)
{
	const char *soak = getenv("HEDDLE_SOAK"), *given = getenv("HEDDLE_SEED");
	int repeat = soak ? atoi(soak) : 1;
	struct ledger before;

	counted = access("/proc/heddle/ledger", R_OK) == 0;
	seed = given ? strtoul(given, NULL, 0) : 1;
	CHECK_EQ(mkdir("churned", 0700), 0);
	CHECK_EQ(chdir("churned"), 0);
	for (int i = 0; i < repeat; i++, seed++) {
		memset(added, 0, sizeof(added));
		memset(ended, 0, sizeof(ended));
		atomic_store(&lost, false);
		atomic_store(&over, false);
		if (counted) {
			ledger_begin(&before);
		}
		must_pass_in_child(churn);
		if (counted) {
			ledger_expect(&before);
		}
	}
	CHECK_EQ(chdir(".."), 0);
	CHECK_EQ(rmdir("churned"), 0);
	ok("churn");
	return 0;
}
