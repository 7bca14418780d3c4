// SPDX-License-Identifier: MIT
/*
 * Issue part 6: mount and umount2 of tmpfs, overlay and bind; busy mounts; read-only; the
 * overlay's copy-up, whiteouts and merged folders. Changes the whole system's tree.
 * oracle: guest
 * libc: musl
 */
#include "mounts.h"

static void check_tmpfs(void)
{
	CHECK_EQ(mkdir("t", 0755), 0);
	put("t/below", "below");
	CHECK_EQ(mount("none", "t", "tmpfs", 0, "size=1m,mode=700"), 0);
	CHECK_EQ(entries("t"), 0);
	put("t/above", "above");
	int fd = open("t/above", O_RDONLY);
	CHECK_ERRNO(umount2("t", 0), EBUSY);
	close(fd);
	CHECK_ERRNO(rmdir("t"), EBUSY);
	CHECK_EQ(umount2("t", 0), 0);
	CHECK(contains("t/below", "below"));
	CHECK_ERRNO(umount2("t", 0), EINVAL);
	CHECK_ERRNO(mount("none", "no-such", "tmpfs", 0, NULL), ENOENT);
	CHECK_ERRNO(mount("none", "t", "no-such-fs", 0, NULL), ENODEV);
	CHECK_EQ(mount("none", "t", "tmpfs", MS_RDONLY, NULL), 0);
	CHECK_ERRNO(open("t/x", O_WRONLY | O_CREAT, 0600), EROFS);
	CHECK_EQ(umount2("t", MNT_DETACH), 0);
	ok("tmpfs");
}

/* A file made without a name in the overlay is one of the upper layer's. Older kernels' overlays have none. */
static void check_unnamed(const char *folder)
{
	int fd = open(folder, O_TMPFILE | O_RDWR, 0640);
	char self[64];

	if (fd < 0) {
		CHECK_EQ(errno, EOPNOTSUPP);
		return;
	}
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	CHECK_EQ(write(fd, "unnamed", 7), 7);
	CHECK_EQ(entries(folder), 0);
	CHECK_EQ(linkat(AT_FDCWD, self, AT_FDCWD, "merged/linked", AT_SYMLINK_FOLLOW), 0);
	CHECK(contains("merged/linked", "unnamed") &&
	      contains("upper/linked", "unnamed"));
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(unlink("merged/linked"), 0);
	CHECK_ERRNO(open("upper/linked", O_RDONLY), ENOENT);
}

static void check_overlay(void)
{
	CHECK_EQ(mkdir("o", 0755), 0);
	CHECK_EQ(mount("none", "o", "tmpfs", 0, NULL), 0);
	CHECK_EQ(chdir("o"), 0);
	for (int i = 0; i < 4; i++) {
		const char *names[] = {"lower", "upper", "work", "merged"};
		CHECK_EQ(mkdir(names[i], 0755), 0);
	}
	CHECK_EQ(mkdir("lower/folder", 0755), 0);
	put("lower/file", "lower");
	put("lower/gone", "gone");
	put("lower/folder/inner", "inner");
	CHECK_EQ(symlink("file", "lower/link"), 0);
	CHECK_EQ(mount("none", "merged", "overlay", 0,
		       "lowerdir=lower,upperdir=upper,workdir=work"),
		 0);
	CHECK(contains("merged/file", "lower") && contains("merged/link", "lower"));
	CHECK_EQ(entries("merged"), 4);
	int reader = open("merged/file", O_RDONLY);
	put("merged/file", "changed");
	CHECK(contains("merged/file", "changed") && contains("lower/file", "lower"));
	CHECK(contains("upper/file", "changed"));
	close(reader);
	CHECK_EQ(unlink("merged/gone"), 0);
	CHECK_ERRNO(open("merged/gone", O_RDONLY), ENOENT);
	CHECK(contains("lower/gone", "gone"));
	CHECK_EQ(entries("merged"), 3);
	put("merged/folder/new", "new");
	CHECK_EQ(entries("merged/folder"), 2);
	CHECK_EQ(chmod("merged/folder/inner", 0600), 0);
	struct stat status;
	CHECK_EQ(stat("lower/folder/inner", &status), 0);
	CHECK_EQ(status.st_mode & 0777, 0644);
	CHECK_EQ(stat("merged/folder/inner", &status), 0);
	CHECK_EQ(status.st_mode & 0777, 0600);
	put("merged/gone", "back");
	CHECK(contains("merged/gone", "back"));
	CHECK_EQ(rename("merged/file", "merged/renamed"), 0);
	CHECK_ERRNO(open("merged/file", O_RDONLY), ENOENT);
	CHECK(contains("merged/renamed", "changed"));
	int fd = open("merged/link", O_WRONLY | O_APPEND);
	CHECK(fd == -1 && errno == ENOENT);
	CHECK_EQ(unlink("merged/folder/inner"), 0);
	CHECK_EQ(unlink("merged/folder/new"), 0);
	CHECK_EQ(rmdir("merged/folder"), 0);
	CHECK_EQ(mkdir("merged/folder", 0755), 0);
	CHECK_EQ(entries("merged/folder"), 0); // what was below stays hidden
	check_unnamed("merged/folder");
	CHECK_EQ(umount2("merged", 0), 0);
	CHECK_EQ(chdir(".."), 0);
	CHECK_EQ(umount2("o", 0), 0);
	ok("overlay");
}

static void check_bind(void)
{
	CHECK_EQ(mkdir("bind", 0755), 0);
	CHECK_EQ(mkdir("source", 0755), 0);
	put("source/x", "bound");
	CHECK_EQ(mount("source", "bind", NULL, MS_BIND, NULL), 0);
	CHECK(contains("bind/x", "bound"));
	put("bind/y", "through");
	CHECK(contains("source/y", "through"));
	CHECK_ERRNO(rename("bind/y", "source/z"), EXDEV);
	CHECK_ERRNO(link("bind/y", "source/z"), EXDEV);
	CHECK_EQ(umount2("bind", 0), 0);
	CHECK_EQ(entries("bind"), 0);
	ok("bind");
}

static void become_somebody_and_mount(void)
{
	CHECK_EQ(setuid(12345), 0);
	CHECK_ERRNO(mount("none", "/tmp", "tmpfs", 0, NULL), EPERM);
	CHECK_ERRNO(umount2("/tmp", 0), EPERM);
}

int main(void)
{
	CHECK_EQ(chmod(".", 0755), 0);
	check_tmpfs();
	check_overlay();
	check_bind();
	must_pass_in_child(become_somebody_and_mount);
	ok("permission");
	return 0;
}
