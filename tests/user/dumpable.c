// SPDX-License-Identifier: MIT
/*
 * C7: PR_SET_DUMPABLE: whose /proc/PID files are and who may read them, after a change of ids; the death signal
 * goes with it. Needs root.
 * libc: musl
 */
#include "raw.h"
#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>

enum { SOMEBODY = 12345 };

static void somebody(void)
{
	CHECK_EQ(setgroups(0, NULL), 0);
	CHECK_EQ(setresgid(SOMEBODY, SOMEBODY, SOMEBODY), 0);
	CHECK_EQ(setresuid(SOMEBODY, SOMEBODY, SOMEBODY), 0);
}

/* Descriptors are for those who may look into the process, its mounts are for all. */
static void look_at_files(pid_t of)
{
	static const char *const closed[] = {"fd", "fd/1", "fdinfo", "fdinfo/1"};
	static const char *const open_to_all[] = {"mountinfo", "mounts"};
	char name[64];

	for (unsigned i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "/proc/%d/%s", (int)of, closed[i]);
		CHECK_ERRNO(open(name, O_RDONLY), EACCES);
	}
	for (unsigned i = 0; i < 2; i++) {
		int fd;

		snprintf(name, sizeof(name), "/proc/%d/%s", (int)of, open_to_all[i]);
		fd = open(name, O_RDONLY);
		CHECK(fd >= 0);
		CHECK(read(fd, name, sizeof(name)) > 0);
		close(fd);
	}
}

static void close_memory(void)
{
	struct stat status;
	int parent_death = 1;

	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
	CHECK_EQ(prctl(PR_SET_PDEATHSIG, SIGUSR1), 0);
	somebody();
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 0); // ids changed
	CHECK_EQ(prctl(PR_GET_PDEATHSIG, &parent_death), 0);
	CHECK_EQ(parent_death, 0);
	CHECK_EQ(stat("/proc/self/environ", &status), 0);
	CHECK_EQ(status.st_uid, 0);
	CHECK_EQ(stat("/proc/self", &status), 0);
	CHECK_EQ(status.st_uid, SOMEBODY);
	CHECK(open("/proc/self/fd", O_RDONLY) >= 0); // root's, but one's own
	CHECK(open("/proc/self/fd/1", O_PATH) >= 0);
	CHECK(open("/proc/self/fdinfo/1", O_RDONLY) >= 0);
	CHECK_ERRNO(prctl(PR_SET_DUMPABLE, 2), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_DUMPABLE, -1), EINVAL);
	pid_t parent = getpid(), child = fork();
	char name[64];
	int status_word;

	if (child == 0) {
		CHECK_EQ(prctl(PR_GET_DUMPABLE), 0); // like its parent
		snprintf(name, sizeof(name), "/proc/%d/maps", (int)parent);
		int fd = open(name, O_RDONLY);

		CHECK(fd < 0 ? errno == EACCES : read(fd, name, 1) < 0);
		snprintf(name, sizeof(name), "/proc/%d/cwd", (int)parent);
		CHECK_ERRNO(readlink(name, name, sizeof(name)), EACCES);
		snprintf(name, sizeof(name), "/proc/%d/environ", (int)parent);
		CHECK_ERRNO(open(name, O_RDONLY), EACCES);
		snprintf(name, sizeof(name), "/proc/%d/status", (int)parent);
		CHECK(open(name, O_RDONLY) >= 0);
		look_at_files(parent);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status_word, 0), child);
	CHECK_EQ(status_word, 0);
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
	CHECK_EQ(stat("/proc/self/environ", &status), 0);
	CHECK_EQ(status.st_uid, SOMEBODY);
	child = fork();
	if (child == 0) {
		snprintf(name, sizeof(name), "/proc/%d/environ", (int)parent);
		CHECK(open(name, O_RDONLY) >= 0);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status_word, 0), child);
	CHECK_EQ(status_word, 0);
}

static int open_of(pid_t of, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)of, name);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	return fd;
}

/* What was opened while the process was open to its user tells nothing any more when it is not. */
static void close_what_is_held(void)
{
	static const char *const names[] = {"io", "personality", "syscall"};
	static const int errors[] = {EACCES, EPERM, EPERM};
	int fds[3], go[2], done[2];
	char text[256];
	pid_t watched;

	somebody();
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
	CHECK(pipe(go) == 0 && pipe(done) == 0);
	watched = fork();
	CHECK(watched >= 0);
	if (watched == 0) {
		CHECK_EQ(read(go[0], text, 1), 1);
		CHECK_EQ(prctl(PR_SET_DUMPABLE, 0), 0);
		CHECK_EQ(write(done[1], text, 1), 1);
		CHECK_EQ(read(go[0], text, 1), 1);
		_exit(0);
	}
	for (int i = 0; i < 3; i++) {
		fds[i] = open_of(watched, names[i]);
		CHECK(pread(fds[i], text, sizeof(text), 0) > 0);
	}
	CHECK_EQ(write(go[1], "x", 1), 1);
	CHECK_EQ(read(done[0], text, 1), 1);
	for (int i = 0; i < 3; i++) {
		CHECK_ERRNO(pread(fds[i], text, sizeof(text), 0), errors[i]);
	}
	CHECK_EQ(write(go[1], "x", 1), 1);
	CHECK_EQ(waitpid(watched, NULL, 0), watched);
}

int main(void)
{
	if (geteuid() != 0) {
		skip("needs root to become somebody else");
	}
	must_pass_in_child(close_memory);
	ok("close_memory");
	must_pass_in_child(close_what_is_held);
	ok("close_what_is_held");
	return 0;
}
