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

int main(void)
{
	if (geteuid() != 0) {
		skip("needs root to become somebody else");
	}
	must_pass_in_child(close_memory);
	ok("close_memory");
	return 0;
}
