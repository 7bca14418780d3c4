// SPDX-License-Identifier: MIT
/*
 * R3, R4, R5, R10: two readers go over fd, fdinfo, maps, cwd, exe, status and task of every process, without a pause, while eight
 * threads fork, exec and exit in 200 rounds: no result changes, no exit waits, and the ledger is where it was.
 * deadline: 120
 */
#include "ledger.h"
#include "readers.h"
#include <dirent.h>

enum { THREADS = 8, ROUNDS = 200, AGAIN = 25 };

static char self[512];
static int rounds = ROUNDS;

/* ---- reading ---- */

static void expect_gone(void)
{
	CHECK(errno == ENOENT || errno == ESRCH || errno == EACCES);
}

static void look_at_text(int directory, const char *name)
{
	char text[4096];
	int fd = openat(directory, name, O_RDONLY);
	ssize_t got;

	if (fd < 0) {
		expect_gone();
		return;
	}
	while ((got = read(fd, text, sizeof(text))) > 0) {
	}
	if (got < 0) {
		expect_gone();
	}
	close(fd);
}

static void look_at_link(int directory, const char *name)
{
	char target[512];

	if (readlinkat(directory, name, target, sizeof(target)) < 0) {
		expect_gone();
	}
}

static void look_at_names(int process, const char *name,
			  void (*look)(int directory, const char *name))
{
	int fd = openat(process, name, O_RDONLY | O_DIRECTORY);
	struct dirent *entry;
	DIR *directory;

	if (fd < 0) {
		expect_gone();
		return;
	}
	directory = fdopendir(fd);
	CHECK(directory);
	while ((errno = 0, entry = readdir(directory))) {
		if (entry->d_name[0] != '.') {
			look(dirfd(directory), entry->d_name);
		}
	}
	if (errno) {
		expect_gone();
	}
	closedir(directory);
}

static void look_at_task(int directory, const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/stat", name);
	look_at_text(directory, path);
}

static void look_at_process(int proc, const char *name)
{
	int process = openat(proc, name, O_RDONLY | O_DIRECTORY);

	if (process < 0) {
		expect_gone();
		return;
	}
	look_at_names(process, "fd", look_at_link);
	look_at_names(process, "fdinfo", look_at_text);
	look_at_names(process, "task", look_at_task);
	look_at_link(process, "cwd");
	look_at_link(process, "root");
	look_at_link(process, "exe");
	look_at_text(process, "maps");
	look_at_text(process, "status");
	look_at_text(process, "cmdline");
	look_at_text(process, "environ");
	look_at_text(process, "limits");
	close(process);
}

static void read_for_ever(int reader)
{
	while (!atomic_load(&readers->stop)) {
		DIR *proc = opendir("/proc");
		struct dirent *entry;

		CHECK(proc);
		while ((entry = readdir(proc))) {
			if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') {
				look_at_process(dirfd(proc), entry->d_name);
				atomic_fetch_add(&readers->looked[reader], 1);
			}
		}
		closedir(proc);
	}
}

/* ---- what is looked at ---- */

static void run_child(int seed, int write_end)
{
	char number[16];
	char *arguments[] = {self, number, NULL};

	switch (seed % 4) {
	case 0: // a table and a place of its own, which go with it
		CHECK_EQ(unshare(CLONE_FILES | CLONE_FS), 0);
		CHECK_EQ(chdir("/"), 0);
		CHECK_EQ(write(write_end, "x", 1), 1);
		_exit(seed % 100);
	case 1:
		CHECK_EQ(write(write_end, "x", 1), 1);
		raise(SIGKILL);
		break;
	default:
		CHECK_EQ(dup2(write_end, 100), 100);
		snprintf(number, sizeof(number), "%d", seed % 100);
		execv(self, arguments);
	}
	_exit(101);
}

static void *churn(void *argument)
{
	int first = (int)(long)argument;

	for (int i = 0; i < rounds; i++) {
		int seed = first + i, ends[2], status;
		pid_t child;
		char byte;

		CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
		child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			run_child(seed, ends[1]);
		}
		close(ends[1]);
		CHECK_EQ(read(ends[0], &byte, 1), 1);
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(status, seed % 4 == 1 ? SIGKILL : (seed % 100) << 8);
		close(ends[0]);
	}
	return NULL;
}

static void churn_in_threads(void)
{
	pthread_t threads[THREADS];

	for (long i = 0; i < THREADS; i++) {
		threads[i] = start_thread(churn, (void *)(i * 1000 + i));
	}
	for (int i = 0; i < THREADS; i++) {
		join_thread(threads[i]);
	}
}

static void churn_and_read(void)
{
	readers_start(read_for_ever);
	must_pass_in_child(churn_in_threads);
	readers_await(10);
	readers_stop();
}

int main(int argc, char **argv)
{
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	bool heddle = access("/proc/heddle/ledger", F_OK) == 0;
	struct ledger before;

	CHECK(length > 0);
	if (argc > 1) { // the new program has the end of the pipe
		CHECK_EQ(write(100, "x", 1), 1);
		return atoi(argv[1]);
	}
	must_pass_in_child(churn_and_read);
	ok("readers");
	if (heddle) {
		rounds = AGAIN;
		ledger_begin(&before);
		must_pass_in_child(churn_and_read);
		ledger_expect(&before);
		ok("ledger");
	}
	return 0;
}
