// SPDX-License-Identifier: MIT
/*
 * Processes make namespaces, enter each other's by pidfd and by file, and end at any moment, while a
 * reader opens and names all it finds in /proc/PID/ns: nobody's calls go wrong, and nothing is left
 * (R1, R3, R4, R6, R10, C8).
 * deadline: 60
 */
#include "ledger.h"
#include "raw.h"
#include <dirent.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#ifndef CLONE_NEWTIME
#	define CLONE_NEWTIME 0x80
#endif

enum { WORKERS = 4, ROUNDS = 100 };

static const int kinds[] = {CLONE_NEWUTS,    CLONE_NEWIPC, CLONE_NEWNET,
			    CLONE_NEWCGROUP, CLONE_NEWNS,  CLONE_NEWTIME};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static atomic_int *done; /* shared by all processes */

static unsigned draw(unsigned *state, unsigned below)
{
	*state = *state * 1103515245 + 12345;
	return (*state >> 16) % below;
}

/* Some of the kinds, and the file of one of them is left open for the entry. */
static void live(unsigned seed)
{
	int flags = 0, fd;
	unsigned state = seed;

	for (int i = 0; i < KINDS; i++) {
		flags |= draw(&state, 2) ? kinds[i] : 0;
	}
	CHECK_EQ(unshare(flags), 0);
	fd = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	if (draw(&state, 2)) {
		pid_t child = fork(); // comes into the time namespace, if there is one

		CHECK(child >= 0);
		if (child == 0) {
			CHECK_EQ(setns(fd, CLONE_NEWUTS), 0);
			_exit(0);
		}
		CHECK_EQ(waitpid(child, NULL, 0), child);
	}
	_exit(0);
}

/* One process that lives in namespaces of its own, and one that enters them while it ends. */
static void follow(pid_t victim, unsigned seed)
{
	unsigned state = seed;
	int fd = (int)syscall(SYS_pidfd_open, victim, 0);

	CHECK(fd >= 0);
	for (int i = 0; i < 8; i++) {
		int flags = kinds[draw(&state, KINDS)] | kinds[draw(&state, KINDS)];

		// Others of its rights are ours: it may be gone, and nothing else.
		CHECK(setns(fd, flags) == 0 || errno == ESRCH);
	}
	_exit(0);
}

static void work(unsigned number)
{
	unsigned state = number * 7919 + 1;

	for (int round = 0; round < ROUNDS; round++) {
		pid_t victim = fork(), follower;
		int status;

		CHECK(victim >= 0);
		if (victim == 0) {
			live(draw(&state, 1000));
		}
		follower = fork();
		CHECK(follower >= 0);
		if (follower == 0) {
			follow(victim, draw(&state, 1000));
		}
		if (round % 4 == 0) {
			kill(victim, SIGKILL);
		}
		CHECK_EQ(waitpid(follower, &status, 0), follower);
		CHECK_EQ(status, 0);
		CHECK_EQ(waitpid(victim, &status, 0), victim);
		CHECK(status == 0 || WTERMSIG(status) == SIGKILL);
	}
	atomic_fetch_add(done, 1);
	_exit(0);
}

/* A link and what it leads to are the same, unless it went or changed in between. */
static void look_at(int folder, const char *name)
{
	char text[64] = {0};
	struct stat status;
	int fd;

	if (readlinkat(folder, name, text, sizeof(text) - 1) < 0) {
		CHECK(errno == ENOENT || errno == ESRCH || errno == EACCES);
		return;
	}
	CHECK(strstr(text, ":["));
	fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		CHECK(errno == ENOENT || errno == ESRCH || errno == EACCES);
		return;
	}
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_mode, S_IFREG | 0444);
	CHECK(ioctl(fd, NS_GET_NSTYPE) > 0);
	close(fd);
}

static void read_namespaces(const char *process)
{
	char path[300];
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%s/ns", process);
	folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		if (entry->d_name[0] != '.') {
			look_at(dirfd(folder), entry->d_name);
		}
	}
	if (folder) {
		closedir(folder);
	}
}

static void read_all(void)
{
	while (atomic_load(done) < WORKERS) {
		DIR *processes = opendir("/proc");
		struct dirent *entry;

		CHECK(processes);
		while ((entry = readdir(processes))) {
			if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') {
				read_namespaces(entry->d_name);
			}
		}
		closedir(processes);
	}
}

static void race(void)
{
	pid_t workers[WORKERS];
	int status;

	atomic_store(done, 0);
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		CHECK(workers[i] >= 0);
		if (workers[i] == 0) {
			work(i);
		}
	}
	read_all();
	for (int i = 0; i < WORKERS; i++) {
		CHECK_EQ(waitpid(workers[i], &status, 0), workers[i]);
		CHECK_EQ(status, 0);
	}
}

static void try_to_unshare(void)
{
	_exit(unshare(CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWTIME) != 0);
}

int main(void)
{
	bool counted = access("/proc/heddle/ledger", R_OK) == 0;
	struct ledger before;

	if (geteuid() != 0 || in_child(try_to_unshare)) {
		skip("needs the right to make namespaces");
	}
	done = shared_page();
	race(); // what is made once only is made now
	if (counted) {
		ledger_begin(&before);
	}
	must_pass_in_child(race);
	if (counted) {
		ledger_expect(&before);
	}
	ok("race");
	return 0;
}
