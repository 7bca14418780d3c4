// SPDX-License-Identifier: MIT
/* For the programs about user namespaces: users to be, files of /proc, and a process in a namespace of its own. */
#pragma once

#include "raw.h"
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>

enum { SOMEBODY = 12345, OTHER = 12346 };

static inline void become(uid_t id)
{
	gid_t group = (gid_t)id;

	CHECK_EQ(setgroups(1, &group), 0);
	CHECK_EQ(setresgid(id, id, id), 0);
	CHECK_EQ(setresuid(id, id, id), 0);
}

static inline void somebody(void)
{
	become(SOMEBODY);
}

/* 0, or the negative errno of open or write. */
static inline int write_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY), result = 0;

	if (fd < 0) {
		return -errno;
	}
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		result = -errno;
	}
	close(fd);
	return result;
}

static inline void expect_file(const char *name, const char *wanted)
{
	char text[4096];
	int fd = open(name, O_RDONLY);
	ssize_t size;

	CHECK(fd >= 0);
	size = read(fd, text, sizeof(text) - 1);
	CHECK(size >= 0);
	text[size] = 0;
	close(fd);
	if (strcmp(text, wanted) != 0) {
		say("%s is \"%s\", not \"%s\"\n", name, text, wanted);
		_exit(1);
	}
}

static inline uint64_t effective_capabilities(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	CHECK_EQ(syscall(SYS_capget, &header, data), 0);
	return data[0].effective | (uint64_t)data[1].effective << 32;
}

static inline uint64_t all_capabilities(void)
{
	int last = 0;

	while (prctl(PR_CAPBSET_READ, last + 1, 0, 0, 0) >= 0) {
		last++;
	}
	return (2ull << last) - 1;
}

/* Map one's only user and group to root of the namespace one has made. */
static inline void become_root_of_own(void)
{
	char map[32];

	snprintf(map, sizeof(map), "0 %d 1", SOMEBODY);
	CHECK_EQ(write_file("/proc/self/uid_map", map), 0);
	CHECK_EQ(write_file("/proc/self/setgroups", "deny"), 0);
	CHECK_EQ(write_file("/proc/self/gid_map", map), 0);
}

/* A child that waits, in new namespaces. */
struct other {
	pid_t pid;
	int namespace_fd; /* its user namespace */
	int end;          /* closed: it ends */
};

static inline void other_start(struct other *other, unsigned long flags)
{
	int ends[2];
	char name[64], byte;

	CHECK_EQ(pipe(ends), 0);
	other->pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
	CHECK(other->pid >= 0);
	if (other->pid == 0) {
		close(ends[1]);
		(void)!read(ends[0], &byte, 1);
		_exit(0);
	}
	close(ends[0]);
	other->end = ends[1];
	snprintf(name, sizeof(name), "/proc/%d/ns/user", (int)other->pid);
	other->namespace_fd = open(name, O_RDONLY);
	CHECK(other->namespace_fd >= 0);
}

static inline void other_end(struct other *other)
{
	close(other->end);
	close(other->namespace_fd);
	CHECK_EQ(waitpid(other->pid, NULL, 0), other->pid);
}

static inline void require_user_namespaces(void)
{
	int status;
	pid_t child;

	if (geteuid() != 0) {
		skip("needs root to be several users");
	}
	child = fork();
	if (child == 0) {
		somebody();
		_exit(unshare(CLONE_NEWUSER) ? 1 : 0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	if (status) {
		skip("user namespaces are not allowed here");
	}
}
