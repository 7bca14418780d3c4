// SPDX-License-Identifier: MIT
/*
 * C8: mount and umount2: binds, moves, remounts with flags of one mount, read-only against writers,
 * MNT_DETACH, MNT_EXPIRE, UMOUNT_NOFOLLOW, busy mounts; and what is refused, with which errno.
 * libc: musl
 */
#include "mounts.h"
#include <sys/statvfs.h>

#ifndef ST_NOEXEC
#	define ST_NOEXEC 8
#endif

static void check_bind(void)
{
	struct mount_line line;

	make_folder("from");
	make_folder("from/part");
	put("from/file", "x");
	put("to-file", "");
	make_folder("to");
	CHECK_EQ(mount("from/part", "to", NULL, MS_BIND, NULL), 0);
	put("to/new", "x");
	CHECK(exists("from/part/new"));
	line = line_of("to");
	CHECK(strstr(line.root, "/from/part"));
	CHECK_EQ(rename("from/part", "from/renamed"), 0);
	line = line_of("to");
	CHECK(strstr(line.root, "/from/renamed"));
	CHECK_EQ(umount2("to", 0), 0);
	CHECK_EQ(mount("from/file", "to-file", NULL, MS_BIND, NULL), 0);
	put("to-file", "through");
	struct stat status;
	CHECK_EQ(stat("from/file", &status), 0);
	CHECK_EQ(status.st_size, 7);
	CHECK_ERRNO(unlink("to-file"), EBUSY);
	CHECK_ERRNO(rename("to-file", "elsewhere"), EBUSY);
	CHECK_EQ(unlink("from/file"), 0);
	line = line_of("to-file");
	CHECK(strstr(line.root, "/from/file//deleted"));
	CHECK_EQ(umount2("to-file", 0), 0);
	// A file over a folder, and the other way round.
	put("from/file", "x");
	CHECK_ERRNO(mount("from/file", "to", NULL, MS_BIND, NULL), ENOTDIR);
	CHECK_ERRNO(mount("from", "to-file", NULL, MS_BIND, NULL), ENOTDIR);
	CHECK_ERRNO(mount("none", "to-file", "tmpfs", 0, NULL), ENOTDIR);
	CHECK_ERRNO(mount("no-such", "to", NULL, MS_BIND, NULL), ENOENT);
	CHECK_ERRNO(mount("from", "no-such", NULL, MS_BIND, NULL), ENOENT);
	CHECK_ERRNO(mount("", "to", NULL, MS_BIND, NULL), EINVAL);
	CHECK_ERRNO(mount(NULL, "to", NULL, MS_BIND, NULL), EINVAL);
	ok("bind");
}

static void check_recursive(void)
{
	mount_tmpfs("from");
	make_folder("from/in");
	mount_tmpfs("from/in");
	put("from/in/x", "x");
	CHECK_EQ(mount("from", "to", NULL, MS_BIND, NULL), 0);
	CHECK(exists("to/in") && !exists("to/in/x"));
	CHECK_EQ(umount2("to", 0), 0);
	CHECK_EQ(mount("from", "to", NULL, MS_BIND | MS_REC, NULL), 0);
	CHECK(exists("to/in/x"));
	CHECK_ERRNO(umount2("to", 0), EBUSY);
	CHECK_EQ(umount2("to/in", 0), 0);
	CHECK_EQ(umount2("to", 0), 0);
	// Into itself: once, not without end.
	CHECK_EQ(mount("from", "from/in", NULL, MS_BIND | MS_REC, NULL), 0);
	CHECK(exists("from/in/in/x") && !is_mounted("from/in/in/in"));
	CHECK_EQ(umount2("from", MNT_DETACH), 0);
	CHECK(!is_mounted("from"));
	ok("recursive");
}

static void check_move(void)
{
	struct mount_line before, after;

	make_folder("m");
	mount_tmpfs("m");
	make_folder("m/in");
	mount_tmpfs("m/in");
	put("m/in/x", "x");
	before = line_of("m/in");
	CHECK_EQ(mount("m", "to", NULL, MS_MOVE, NULL), 0);
	CHECK(exists("to/in/x") && !exists("m/in"));
	after = line_of("to/in");
	CHECK(before.id == after.id && before.parent == after.parent);
	CHECK_ERRNO(mount("to", "to/in", NULL, MS_MOVE, NULL), ELOOP);
	CHECK_ERRNO(mount("to", "to", NULL, MS_MOVE, NULL), ELOOP);
	CHECK_ERRNO(mount("m", "to", NULL, MS_MOVE, NULL), EINVAL); // not a mount
	CHECK_ERRNO(mount("to", "to-file", NULL, MS_MOVE, NULL), EINVAL);
	CHECK_ERRNO(mount("no-such", "m", NULL, MS_MOVE, NULL), ENOENT);
	CHECK_ERRNO(mount(NULL, "m", NULL, MS_MOVE, NULL), EINVAL);
	CHECK_EQ(umount2("to/in", 0), 0);
	CHECK_EQ(umount2("to", 0), 0);
	ok("move");
}

static unsigned long flags_of(const char *name)
{
	struct statvfs status;

	CHECK_EQ(statvfs(name, &status), 0);
	return status.f_flag;
}

static void check_flags(void)
{
	struct mount_line line;
	int fd;

	mount_tmpfs("from");
	put("from/x", "x");
	CHECK_EQ(chmod("from/x", 0755), 0);
	CHECK_EQ(mknod("from/null", S_IFCHR | 0666, 0x103), 0);
	CHECK_EQ(mount("from", "to", NULL, MS_BIND | MS_RDONLY, NULL), 0);
	CHECK_EQ(flags_of("to") & ST_RDONLY, 0); // the first bind takes no flags
	CHECK_EQ(mount(NULL, "to", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	CHECK_EQ(flags_of("to") & ST_RDONLY, ST_RDONLY);
	CHECK_ERRNO(open("to/x", O_WRONLY), EROFS);
	CHECK_ERRNO(open("to/new", O_WRONLY | O_CREAT, 0600), EROFS);
	CHECK_ERRNO(mkdir("to/folder", 0755), EROFS);
	CHECK_ERRNO(unlink("to/x"), EROFS);
	CHECK_ERRNO(chmod("to/x", 0600), EROFS);
	CHECK_ERRNO(access("to/x", W_OK), EROFS);
	CHECK_ERRNO(truncate("to/x", 0), EROFS);
	put("from/x", "y"); // the other mount of it
	line = line_of("to");
	CHECK(strstr(line.options, "ro,"));
	CHECK_EQ(mount(NULL, "to", NULL,
		       MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC |
			       MS_NOATIME | MS_NODIRATIME,
		       NULL),
		 0);
	line = line_of("to");
	CHECK_EQ(strcmp(line.options, "rw,nosuid,nodev,noexec,noatime,nodiratime"), 0);
	CHECK_ERRNO(open("to/null", O_RDONLY), EACCES);
	fd = open("from/null", O_RDONLY);
	CHECK(fd >= 0);
	close(fd);
	CHECK_ERRNO(execl("to/x", "x", NULL), EACCES);
	// The access-time flags stay unless others are given.
	CHECK_EQ(mount(NULL, "to", NULL, MS_REMOUNT | MS_BIND | MS_NODEV, NULL), 0);
	line = line_of("to");
	CHECK_EQ(strcmp(line.options, "rw,nodev,noatime,nodiratime"), 0);
	CHECK_EQ(mount(NULL, "to", NULL, MS_REMOUNT | MS_BIND | MS_RELATIME, NULL), 0);
	line = line_of("to");
	CHECK_EQ(strcmp(line.options, "rw,relatime"), 0);
	CHECK_EQ(mount(NULL, "to", NULL, MS_REMOUNT | MS_BIND | MS_STRICTATIME, NULL), 0);
	line = line_of("to");
	CHECK_EQ(strcmp(line.options, "rw"), 0);
	CHECK_EQ(umount2("to", 0), 0);
	CHECK_EQ(umount2("from", 0), 0);
	ok("flags");
}

static void check_writers(void)
{
	struct mount_line line;
	int fd;

	mount_tmpfs("from");
	CHECK_EQ(mount("from", "to", NULL, MS_BIND, NULL), 0);
	fd = open("to/x", O_WRONLY | O_CREAT, 0644);
	CHECK(fd >= 0);
	CHECK_ERRNO(mount(NULL, "to", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL),
		    EBUSY);
	CHECK_EQ(mount(NULL, "from", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	CHECK_EQ(mount(NULL, "from", NULL, MS_REMOUNT | MS_BIND, NULL), 0);
	CHECK_ERRNO(mount(NULL, "from", NULL, MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
	CHECK_EQ(write(fd, "x", 1), 1);
	close(fd);
	CHECK_EQ(mount(NULL, "from", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	CHECK_ERRNO(open("to/x", O_WRONLY), EROFS); // the file system is, everywhere
	line = line_of("to");
	CHECK_EQ(strncmp(line.options, "rw", 2), 0); // but that mount is not
	CHECK_EQ(mount(NULL, "from", NULL, MS_REMOUNT, NULL), 0);
	fd = open("to/x", O_WRONLY);
	CHECK(fd >= 0);
	close(fd);
	CHECK_EQ(mount(NULL, "from", NULL, MS_REMOUNT, "size=64k"), 0);
	CHECK_EQ(truncate("from/x", 1 << 20), 0);
	fd = open("from/x", O_RDWR);
	CHECK_ERRNO(fallocate(fd, 0, 0, 1 << 20), ENOSPC);
	close(fd);
	CHECK_ERRNO(mount(NULL, "from", NULL, MS_REMOUNT, "size=64q"), EINVAL);
	CHECK_ERRNO(mount(NULL, "from/x", NULL, MS_REMOUNT | MS_BIND, NULL), EINVAL);
	CHECK_ERRNO(mount(NULL, "no-such", NULL, MS_REMOUNT | MS_BIND, NULL), ENOENT);
	CHECK_EQ(umount2("to", 0), 0);
	CHECK_EQ(umount2("from", 0), 0);
	ok("writers");
}

static void stay_in(const char *folder, int ready, int until)
{
	char byte;

	CHECK_EQ(chdir(folder), 0);
	CHECK_EQ(write(ready, "x", 1), 1);
	CHECK_EQ(read(until, &byte, 1), 0);
	_exit(0);
}

static void check_busy(void)
{
	int ready[2], until[2], status, fd;
	pid_t child;
	char byte;
	void *page;

	mount_tmpfs("from");
	fd = open("from/x", O_RDWR | O_CREAT, 0644);
	CHECK(fd >= 0);
	CHECK_ERRNO(umount2("from", 0), EBUSY);
	CHECK_EQ(ftruncate(fd, 4096), 0);
	page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(page != MAP_FAILED);
	close(fd);
	CHECK_ERRNO(umount2("from", 0), EBUSY);
	CHECK_EQ(munmap(page, 4096), 0);
	CHECK(pipe(ready) == 0 && pipe(until) == 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(until[1]);
		stay_in("from", ready[1], until[0]);
	}
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	CHECK_ERRNO(umount2("from", 0), EBUSY);
	close(until[1]);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(umount2("from", 0), 0); // at once: R5
	close(ready[0]);
	close(ready[1]);
	close(until[0]);
	ok("busy");
}

static void check_detach(void)
{
	char text[PATH_MAX];
	int folder, fd;

	mount_tmpfs("from");
	make_folder("from/in");
	mount_tmpfs("from/in");
	put("from/in/x", "x");
	folder = open("from/in", O_RDONLY | O_DIRECTORY);
	CHECK(folder >= 0);
	CHECK_EQ(umount2("from", MNT_DETACH), 0);
	CHECK(!exists("from/in"));
	fd = openat(folder, "x", O_RDONLY);
	CHECK(fd >= 0);
	close(fd);
	// Nothing is above it any more.
	struct stat mine, up;
	CHECK_EQ(fstat(folder, &mine), 0);
	CHECK_EQ(fstatat(folder, "..", &up, 0), 0);
	CHECK(mine.st_dev == up.st_dev && mine.st_ino == up.st_ino);
	int back = open(".", O_RDONLY | O_DIRECTORY);
	CHECK_EQ(fchdir(folder), 0);
	CHECK(syscall(SYS_getcwd, text, sizeof(text)) > 0);
	CHECK_EQ(strcmp(text, "(unreachable)/"), 0);
	CHECK_ERRNO(mount("none", ".", "tmpfs", 0, NULL), ENOENT);
	CHECK_ERRNO(umount2(".", MNT_DETACH), EINVAL);
	CHECK_EQ(fchdir(back), 0);
	close(back);
	close(folder);
	ok("detach");
}

static void check_expire(void)
{
	mount_tmpfs("from");
	CHECK_ERRNO(umount2("from", MNT_EXPIRE | MNT_DETACH), EINVAL);
	CHECK_ERRNO(umount2("from", MNT_EXPIRE | MNT_FORCE), EINVAL);
	int fd = open("from/x", O_WRONLY | O_CREAT, 0644);
	CHECK_ERRNO(umount2("from", MNT_EXPIRE), EBUSY);
	close(fd);
	CHECK_ERRNO(umount2("from", MNT_EXPIRE), EAGAIN);
	CHECK(exists("from/x")); // a use: it starts over
	CHECK_ERRNO(umount2("from", MNT_EXPIRE), EAGAIN);
	CHECK_EQ(umount2("from", MNT_EXPIRE), 0);
	CHECK(!is_mounted("from"));
	ok("expire");
}

static void check_unmount_errors(void)
{
	mount_tmpfs("from");
	make_folder("from/in");
	CHECK_EQ(symlink("from", "link"), 0);
	CHECK_ERRNO(umount2("link", UMOUNT_NOFOLLOW), EINVAL);
	CHECK_ERRNO(umount2("from", 16), EINVAL);
	CHECK_ERRNO(umount2("from", 0x80000000), EINVAL);
	CHECK_ERRNO(umount2("from/in", 0), EINVAL);
	CHECK_ERRNO(umount2("no-such", 0), ENOENT);
	CHECK_ERRNO(umount2("from/in/no/such", 0), ENOENT);
	CHECK_ERRNO(umount2("", 0), ENOENT);
	CHECK_ERRNO(umount2((char *)UNMAPPED_ADDRESS, 0), EFAULT);
	CHECK_EQ(umount2("link", 0), 0);
	CHECK_ERRNO(umount2("from", UMOUNT_NOFOLLOW), EINVAL);
	CHECK_EQ(unlink("link"), 0);
	ok("unmount_errors");
}

static void check_mount_errors(void)
{
	static char longest[PATH_MAX + 10];

	memset(longest, 'x', sizeof(longest) - 1);
	CHECK_ERRNO(mount("none", "from", NULL, 0, NULL), EINVAL);
	CHECK_ERRNO(mount("none", "from", "", 0, NULL), ENODEV);
	CHECK_ERRNO(mount("none", "from", "no-such-type", 0, NULL), ENODEV);
	CHECK_ERRNO(mount("none", "from", longest, 0, NULL), EINVAL);
	CHECK_ERRNO(mount("none", "from", longest + PATH_MAX - 100, 0, NULL), ENODEV);
	CHECK_ERRNO(mount("none", "no-such", "tmpfs", 0, NULL), ENOENT);
	CHECK_ERRNO(mount("none", "", "tmpfs", 0, NULL), ENOENT);
	CHECK_ERRNO(mount("none", longest, "tmpfs", 0, NULL), ENAMETOOLONG);
	CHECK_ERRNO(mount("none", UNMAPPED_ADDRESS, "tmpfs", 0, NULL), EFAULT);
	CHECK_ERRNO(mount("none", "from", UNMAPPED_ADDRESS, 0, NULL), EFAULT);
	CHECK_ERRNO(mount(UNMAPPED_ADDRESS, "from", "tmpfs", 0, NULL), EFAULT);
	CHECK_ERRNO(mount("none", "from", "tmpfs", 0, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(mount("none", "from", "tmpfs", 0, "no-such-option"), EINVAL);
	CHECK_EQ(mount("none", "from", "tmpfs", MS_MGC_VAL | MS_NODEV, NULL), 0);
	CHECK_EQ(umount2("from", 0), 0);
	CHECK_ERRNO(mount("none", "/proc/self/fd", "tmpfs", 0, "mode=9"), EINVAL);
	ok("mount_errors");
}

/* What is on top of "." is what is unmounted there; and ".." goes through all that is stacked. */
static void check_stacked(void)
{
	mount_tmpfs("from");
	put("from/one", "x");
	mount_tmpfs("from");
	put("from/two", "x");
	CHECK(exists("from/two") && !exists("from/one"));
	CHECK_EQ(chdir("from"), 0);
	mount_tmpfs("../from");
	CHECK(exists("two") && !exists("../from/two"));
	CHECK_EQ(umount2(".", 0), 0);
	CHECK(exists("../from/two"));
	CHECK_EQ(chdir(".."), 0);
	CHECK_EQ(umount2("from", 0), 0);
	CHECK(exists("from/one"));
	CHECK_EQ(umount2("from", 0), 0);
	CHECK(!exists("from/one"));
	ok("stacked");
}

/* An overlay has its layers through mounts of its own. */
static void check_layers(void)
{
	mount_tmpfs("from");
	make_folder("from/l");
	make_folder("from/u");
	make_folder("from/w");
	put("from/l/x", "x");
	CHECK_EQ(mount("none", "to", "overlay", 0,
		       "lowerdir=from/l,upperdir=from/u,workdir=from/w"),
		 0);
	CHECK_EQ(umount2("from", 0), 0);
	CHECK(exists("to/x"));
	put("to/y", "y");
	CHECK(exists("to/y") && !exists("from/u"));
	CHECK_EQ(umount2("to", 0), 0);
	ok("layers");
}

/* Where something is mounted in another namespace only, the name can go: it takes that mount along. */
static void mount_for_me_alone(void)
{
	int ready[2], until[2], status;
	pid_t child;
	char byte;

	make_folder("gone");
	CHECK(pipe(ready) == 0 && pipe(until) == 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(until[1]);
		CHECK_EQ(unshare(CLONE_NEWNS), 0);
		mount_tmpfs("gone");
		put("gone/x", "x");
		CHECK_EQ(write(ready[1], "x", 1), 1);
		CHECK_EQ(read(until[0], &byte, 1), 0);
		CHECK(!exists("gone") && !is_mounted("gone"));
		_exit(0);
	}
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	CHECK_EQ(rmdir("gone"), 0);
	close(until[1]);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

int main(void)
{
	enter_world();
	check_bind();
	check_recursive();
	check_move();
	check_flags();
	check_writers();
	check_busy();
	check_detach();
	check_expire();
	check_unmount_errors();
	check_mount_errors();
	check_stacked();
	check_layers();
	mount_for_me_alone();
	ok("removed_under_others");
	return 0;
}
