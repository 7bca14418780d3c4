// SPDX-License-Identifier: MIT
/*
 * R6, R10: fanotify(7): marks of every kind that come and go while files are opened, written, renamed and unlinked, file systems mounted and
 * unmounted, and instances closed with events unread. Every event that is read has a descriptor; in the end nothing is left.
 * HEDDLE_SOAK=n: n times as many rounds; HEDDLE_SEED: others.
 */
#include "ledger.h"
#include <sys/fanotify.h>
#include <sys/mount.h>
#include <sys/stat.h>

enum { FILES = 5, ROUNDS = 250 };

static atomic_int instances[2];
static unsigned long seed;

static unsigned pick(uint64_t *state, unsigned count)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(*state >> 33) % count;
}

static const char *choose(uint64_t *state)
{
	static const char *const names[FILES] = {"m/0", "m/1", "m/2", "n/0", "n/1"};

	return names[pick(state, FILES)];
}

static int make(void)
{
	int fd = fanotify_init(FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static void *change_marks(void *argument)
{
	static const unsigned kinds[] = {0, FAN_MARK_MOUNT, FAN_MARK_FILESYSTEM, 0};
	static const unsigned ways[] = {0, 0, FAN_MARK_IGNORED_MASK,
					FAN_MARK_IGNORED_MASK |
						FAN_MARK_IGNORED_SURV_MODIFY};
	uint64_t state = seed + (uintptr_t)argument;

	for (int i = 0; i < ROUNDS; i++) {
		int fd = atomic_load(&instances[pick(&state, 2)]);
		unsigned flags = kinds[pick(&state, 4)];
		uint64_t mask = pick(&state, 0x40) | (pick(&state, 2) ? FAN_ONDIR : 0) |
				FAN_EVENT_ON_CHILD;

		if (pick(&state, 20) == 0) {
			(void)fanotify_mark(fd, FAN_MARK_FLUSH | flags, 0, AT_FDCWD,
					    NULL);
			continue;
		}
		flags |= ways[pick(&state, 4)];
		mask &= ~(uint64_t)FAN_ATTRIB;
		(void)fanotify_mark(
			fd, flags | (pick(&state, 3) ? FAN_MARK_ADD : FAN_MARK_REMOVE),
			mask, AT_FDCWD, pick(&state, 4) ? choose(&state) : "m");
	}
	return NULL;
}

static void *use_files(void *argument)
{
	uint64_t state = seed + 100 + (uintptr_t)argument;

	for (int i = 0; i < ROUNDS * 2; i++) {
		const char *name = choose(&state);
		int fd;

		switch (pick(&state, 6)) {
		case 0:
			(void)!unlink(name);
			break;
		case 1:
			(void)!rename(name, choose(&state));
			break;
		default:
			fd = open(name, O_RDWR | O_CREAT, 0600);
			if (fd >= 0) {
				CHECK_EQ(write(fd, "x", 1), 1);
				close(fd);
			}
		}
	}
	return NULL;
}

static void *come_and_go(void *argument)
{
	uint64_t state = seed + 7;

	for (int i = 0; i < ROUNDS / 4; i++) {
		int at = (int)pick(&state, 2), fresh = make();

		close(atomic_exchange(&instances[at], fresh));
		CHECK_EQ(mount("none", "k", "tmpfs", 0, NULL), 0); // marked, and gone
		CHECK_EQ(fanotify_mark(fresh,
				       FAN_MARK_ADD | (i % 2 ? FAN_MARK_MOUNT
							     : FAN_MARK_FILESYSTEM),
				       FAN_OPEN | FAN_ONDIR, AT_FDCWD, "k"),
			 0);
		close(open("k", O_RDONLY));
		CHECK_EQ(umount2("k", MNT_DETACH), 0);
	}
	return NULL;
}

static void *read_events(void *argument)
{
	struct fanotify_event_metadata event;

	for (int i = 0; i < ROUNDS * 4; i++) {
		int fd = atomic_load(&instances[i % 2]);

		if (read(fd, &event, sizeof(event)) == sizeof(event) &&
		    event.vers == FANOTIFY_METADATA_VERSION && event.fd >= 0) {
			CHECK(!(event.mask & FAN_Q_OVERFLOW));
			close(event.fd);
		} else {
			sched_yield();
		}
	}
	return NULL;
}

static void churn(void)
{
	pthread_t threads[6];

	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	CHECK_EQ(mount("none", "m", "tmpfs", 0, NULL), 0);
	CHECK_EQ(mount("none", "n", "tmpfs", 0, NULL), 0);
	atomic_store(&instances[0], make());
	atomic_store(&instances[1], make());
	threads[0] = start_thread(change_marks, (void *)1);
	threads[1] = start_thread(change_marks, (void *)2);
	threads[2] = start_thread(use_files, (void *)1);
	threads[3] = start_thread(use_files, (void *)2);
	threads[4] = start_thread(come_and_go, NULL);
	threads[5] = start_thread(read_events, NULL);
	for (int i = 0; i < 6; i++) {
		join_thread(threads[i]);
	}
}

int main(void)
{
	const char *soak = getenv("HEDDLE_SOAK"), *given = getenv("HEDDLE_SEED");
	bool counted = access("/proc/heddle/ledger", R_OK) == 0;
	int repeat = soak ? atoi(soak) : 1;
	struct ledger before;

	if (geteuid()) {
		skip("root may");
	}
	seed = given ? strtoul(given, NULL, 0) : 1;
	CHECK(mkdir("m", 0755) == 0 && mkdir("n", 0755) == 0 && mkdir("k", 0755) == 0);
	must_pass_in_child(churn); // what is made once only is made now
	for (int i = 0; i < repeat; i++, seed++) {
		if (counted) {
			ledger_begin(&before);
		}
		must_pass_in_child(churn);
		if (counted) {
			ledger_expect(&before);
		}
	}
	CHECK(rmdir("m") == 0 && rmdir("n") == 0 && rmdir("k") == 0);
	ok("churn");
	return 0;
}
