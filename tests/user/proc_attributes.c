// SPDX-License-Identifier: MIT
/*
 * P1: files of /proc have the mode they have: chmod is EPERM for what tells of a process and for settings; chown of a
 * process's files does nothing that is seen; truncate leaves no size; and from where lseek counts.
 * libc: musl
 */
#include "raw.h"
#include <sys/stat.h>

static void refuse_mode(const char *name)
{
	struct stat before, after;

	CHECK_EQ(stat(name, &before), 0);
	CHECK_ERRNO(chmod(name, before.st_mode & 07777), EPERM);
	CHECK_ERRNO(chmod(name, (before.st_mode & 07777) ^ 4), EPERM);
	CHECK_EQ(stat(name, &after), 0);
	CHECK_EQ(after.st_mode, before.st_mode);
}

static void refuse_owner(const char *name)
{
	struct stat before, after;

	CHECK_EQ(stat(name, &before), 0);
	CHECK_ERRNO(chown(name, 5, 5), EPERM);
	CHECK_EQ(chown(name, (uid_t)-1, (gid_t)-1), 0);
	CHECK_EQ(stat(name, &after), 0);
	CHECK(after.st_uid == before.st_uid && after.st_gid == before.st_gid);
}

static void check_modes(void)
{
	static const char *const names[] = {
		"/proc/self/stat", "/proc/self",        "/proc/self/maps",
		"/proc/self/comm", "/proc/self/fd",     "/proc/self/task",
		"/proc/sys",       "/proc/sys/kernel",  "/proc/sys/kernel/hostname",
		"/proc/self/ns",   "/proc/self/fdinfo", "/proc/sys/kernel/pid_max",
	};
	int fd = open("/proc/self/stat", O_RDONLY);

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		refuse_mode(names[i]);
	}
	CHECK_ERRNO(fchmod(fd, 0444), EPERM);
	close(fd);
	ok("modes");
}

static void check_owners(void)
{
	struct stat status;

	if (geteuid() != 0) {
		return;
	}
	refuse_owner("/proc/self");
	refuse_owner("/proc/sys");
	refuse_owner("/proc/sys/kernel/hostname");
	CHECK_EQ(chown("/proc/self/stat", 5, 5), 0);
	CHECK_EQ(stat("/proc/self/stat", &status), 0);
	CHECK_EQ(status.st_uid, 0);
	ok("owners");
}

static void check_sizes(void)
{
	struct stat status;

	CHECK_EQ(truncate("/proc/self/comm", 100), 0);
	CHECK_EQ(stat("/proc/self/comm", &status), 0);
	CHECK_EQ(status.st_size, 0);
	ok("sizes");
}

/* Where SEEK_END leads: 0, or -errno. */
static int end_of(const char *name)
{
	int fd = open(name, O_RDONLY), result;

	CHECK(fd >= 0);
	result = lseek(fd, 0, SEEK_END) < 0 ? -errno : 0;
	CHECK_EQ(lseek(fd, 1, SEEK_SET), 1);
	CHECK_EQ(lseek(fd, 1, SEEK_CUR), 2);
	CHECK_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
	close(fd);
	return result;
}

static void check_seeks(void)
{
	CHECK_EQ(end_of("/proc/self/maps"), -EINVAL);
	CHECK_EQ(end_of("/proc/self/smaps"), -EINVAL);
	CHECK_EQ(end_of("/proc/self/status"), -EINVAL);
	CHECK_EQ(end_of("/proc/self/stat"), -EINVAL);
	CHECK_EQ(end_of("/proc/self/mountinfo"), -EINVAL);
	CHECK_EQ(end_of("/proc/self/uid_map"), -EINVAL);
	CHECK_EQ(end_of("/proc/meminfo"), -EINVAL);
	CHECK_EQ(end_of("/proc/uptime"), -EINVAL);
	CHECK_EQ(end_of("/proc/self/cmdline"), 0);
	CHECK_EQ(end_of("/proc/self/environ"), 0);
	CHECK_EQ(end_of("/proc/self/auxv"), 0);
	CHECK_EQ(end_of("/proc/self/oom_score_adj"), 0);
	CHECK_EQ(end_of("/proc/sys/kernel/hostname"), 0);
	CHECK_EQ(end_of("/proc"), 0);
	CHECK_EQ(end_of("/proc/self/fd"), 0);
	ok("seeks");
}

int main(void)
{
	check_modes();
	check_owners();
	check_sizes();
	check_seeks();
	return 0;
}
