// SPDX-License-Identifier: MIT
/*
 * R1, R2, R4, R6, R8, R10, T9: clone with random flags, fork, vfork, execve, unshare, setns, and killing at a random moment, mixed,
 * from 8 threads, while a reader goes through /proc. On Heddle the ledger is exactly where it was: objects, heap bytes, frames.
 * HEDDLE_SOAK=n: n times as many rounds; HEDDLE_SEED: others.
 * deadline: 40
 */
#include "churn.h"
#include "ledger.h"
#include <dirent.h>

enum { THREADS = 8, ROUNDS = 15 };

static long rounds;
static uint64_t seed = 1;

/* Every way comes equally often, in an order of chance. */
static void *worker(void *number)
{
	struct churn churn;

	churn_init(&churn, seed * 1000 + (uintptr_t)number);
	for (long i = 0; i < rounds * CHURN_WAYS; i++) {
		churn_ways[churn_draw(&churn, CHURN_WAYS)].once(&churn);
	}
	munmap(churn.stack, CHURN_STACK);
	return NULL;
}

static void all_threads(void)
{
	pthread_t threads[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++) {
		threads[i] = start_thread(worker, (void *)i);
	}
	for (int i = 0; i < THREADS; i++) {
		join_thread(threads[i]);
	}
}

static void read_links(const char *path)
{
	char target[256];
	struct dirent *entry;
	DIR *folder = opendir(path);

	while (folder && (entry = readdir(folder))) {
		if (readlinkat(dirfd(folder), entry->d_name, target, sizeof(target)) <
		    0) {
			continue;
		}
	}
	if (folder) {
		closedir(folder);
	}
}

/* Looks at all that others use; none of it may change what they do (R4). */
static void look_at(const char *process)
{
	static const char *const files[] = {"maps", "status", "stat", "fdinfo/0",
					    "mounts"};
	char path[300], text[512];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int fd;

		snprintf(path, sizeof(path), "/proc/%s/%s", process, files[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		while (fd >= 0 && read(fd, text, sizeof(text)) > 0) {
		}
		close(fd);
	}
	snprintf(path, sizeof(path), "/proc/%s/fd", process);
	read_links(path);
	snprintf(path, sizeof(path), "/proc/%s/task", process);
	read_links(path);
	snprintf(path, sizeof(path), "/proc/%s/cwd", process);
	if (readlink(path, text, sizeof(text)) < 0) {
		return;
	}
}

static void look_around(void)
{
	for (;;) {
		struct dirent *entry;
		DIR *folder = opendir("/proc");

		CHECK(folder);
		while ((entry = readdir(folder))) {
			if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') {
				look_at(entry->d_name);
			}
		}
		closedir(folder);
	}
}

static void round_with_reader(void)
{
	int status;
	pid_t reader = fork();

	CHECK(reader >= 0);
	if (reader == 0) {
		look_around();
	}
	status = in_child(all_threads);
	CHECK_EQ(kill(reader, SIGKILL), 0);
	CHECK_EQ(waitpid(reader, NULL, 0), reader);
	CHECK_EQ(status, 0);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) { // orphans are ours
	}
}

int main(int argc, char **argv)
{
	const char *soak = getenv("HEDDLE_SOAK"), *given = getenv("HEDDLE_SEED");
	bool counts = access("/proc/heddle/ledger", W_OK) == 0;
	struct ledger before;

	churn_main(argc, argv);
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	seed = given ? strtoull(given, NULL, 0) : 1;
	rounds = 4;
	round_with_reader(); // what is made once only is made now
	ok("warm");
	if (counts) {
		ledger_begin(&before);
	}
	rounds = ROUNDS * (soak ? atol(soak) : 1);
	round_with_reader();
	ok("all ways");
	if (counts) {
		ledger_expect(&before);
		ok("ledger");
	}
	return 0;
}
