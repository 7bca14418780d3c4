// SPDX-License-Identifier: MIT
/*
 * inotify(7) by file system: unmounting ends watches, pipes are quiet, an overlay's file stays the same file over copying up and over
 * its name being forgotten; what /proc shows of watches.
 * libc: musl
 */
#include "watch_pair.h"
#include <sys/mount.h>

static void check_unmount(void)
{
	int first, second;

	CHECK_EQ(mkdir("m", 0755), 0);
	if (mount("none", "m", "tmpfs", 0, NULL)) {
		CHECK_EQ(rmdir("m"), 0);
		ok("unmount (not allowed to mount)");
		return;
	}
	in = watching(IN_NONBLOCK);
	close(make_file("m/f"));
	first = watch(in, "m/f", IN_OPEN);
	CHECK_EQ(umount("m"), 0); // a watch does not keep it
	EXPECT(in, {first, IN_UNMOUNT}, {first, IN_IGNORED});
	CHECK_EQ(mount("none", "m", "tmpfs", 0, NULL), 0);
	second = watch(in, "m", IN_OPEN);
	CHECK(second > first);
	CHECK_EQ(umount2("m", MNT_DETACH), 0);
	EXPECT(in, {second, IN_UNMOUNT | IN_ISDIR}, {second, IN_IGNORED});
	close(in);
	CHECK_EQ(rmdir("m"), 0);
	ok("unmount");
}

/* Of a pipe the directory hears that it is opened and closed; only its own watch what goes through it. */
static void check_pipe(void)
{
	char byte;
	int fd, own;

	begin();
	CHECK_EQ(mkfifo("d/p", 0600), 0);
	own = watch(in, "d/p", IN_ALL_EVENTS);
	EXPECT(in, {dir, IN_CREATE, "p"});
	fd = open("d/p", O_RDWR);
	CHECK_EQ(write(fd, "a", 1), 1);
	CHECK_EQ(read(fd, &byte, 1), 1);
	close(fd);
	EXPECT(in, {dir, IN_OPEN, "p"}, {own, IN_OPEN}, {own, IN_MODIFY},
	       {own, IN_ACCESS}, {dir, IN_CLOSE_WRITE, "p"}, {own, IN_CLOSE_WRITE});
	CHECK_EQ(unlink("d/p"), 0);
	EXPECT(in, {own, IN_ATTRIB}, {own, IN_DELETE_SELF}, {own, IN_IGNORED},
	       {dir, IN_DELETE, "p"});
	end();
	ok("pipe");
}

/* Names that nobody uses are forgotten, which is not to lose an inode that is watched: only the name leads to it here. */
static void forget_names(void)
{
	int fd = open("/proc/heddle/ledger", O_WRONLY);

	if (fd >= 0) {
		CHECK_EQ(write(fd, "settle", 6), 6);
		close(fd);
	}
}

static void check_overlay(void)
{
	int fd;

	CHECK_EQ(mkdir("o", 0755), 0);
	if (mount("none", "o", "tmpfs", 0, NULL)) {
		CHECK_EQ(rmdir("o"), 0);
		ok("overlay (not allowed to mount)");
		return;
	}
	CHECK(mkdir("o/l", 0755) == 0 && mkdir("o/u", 0755) == 0);
	CHECK(mkdir("o/w", 0755) == 0 && mkdir("o/m", 0755) == 0);
	fd = make_file("o/l/f");
	CHECK_EQ(write(fd, "abc", 3), 3);
	close(fd);
	CHECK_EQ(mount("none", "o/m", "overlay", 0,
		       "lowerdir=o/l,upperdir=o/u,workdir=o/w"),
		 0);
	in = watching(IN_NONBLOCK);
	dir = watch(in, "o/m", IN_ALL_EVENTS);
	file = watch(in, "o/m/f", IN_ALL_EVENTS);
	forget_names();
	close(open("o/m/f", O_RDONLY));
	EXPECT(in, {dir, IN_OPEN, "f"}, {file, IN_OPEN}, {dir, IN_CLOSE_NOWRITE, "f"},
	       {file, IN_CLOSE_NOWRITE});
	fd = open("o/m/f",
		  O_WRONLY); // it is copied to the upper layer, and is the same file
	forget_names();
	CHECK_EQ(write(fd, "x", 1), 1);
	close(fd);
	EXPECT(in, {dir, IN_OPEN, "f"}, {file, IN_OPEN}, {dir, IN_MODIFY, "f"},
	       {file, IN_MODIFY}, {dir, IN_CLOSE_WRITE, "f"}, {file, IN_CLOSE_WRITE});
	CHECK_EQ(unlink("o/m/f"), 0);
	EXPECT(in, {file, IN_ATTRIB}, {file, IN_DELETE_SELF}, {file, IN_IGNORED},
	       {dir, IN_DELETE, "f"});
	CHECK_EQ(umount("o/m"), 0);
	EXPECT(in, {dir, IN_UNMOUNT | IN_ISDIR}, {dir, IN_IGNORED});
	close(in);
	CHECK_EQ(umount("o"), 0);
	CHECK_EQ(rmdir("o"), 0);
	ok("overlay");
}

static bool line_of(int fd, const char *start, char *line, size_t size)
{
	char path[64];
	FILE *info;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "r");
	CHECK(info);
	while (!found && fgets(line, (int)size, info)) {
		found = strncmp(line, start, strlen(start)) == 0;
	}
	fclose(info);
	return found;
}

static void check_fdinfo(void)
{
	char line[256], wanted[128], link[64], name[64] = "";
	struct stat status;

	begin();
	CHECK_EQ(stat("d/f", &status), 0);
	CHECK_EQ(inotify_add_watch(in, "d/f", IN_OPEN | IN_EXCL_UNLINK), file);
	snprintf(wanted, sizeof(wanted), "inotify wd:%x ino:%lx sdev:", file,
		 (unsigned long)status.st_ino);
	CHECK(line_of(in, wanted, line, sizeof(line)));
	CHECK(strstr(line, " mask:4000020 ignored_mask:0"));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", in);
	CHECK(readlink(link, name, sizeof(name) - 1) > 0);
	CHECK_EQ(strcmp(name, "anon_inode:inotify"), 0);
	end();
	ok("fdinfo");
}

int main(void)
{
	check_unmount();
	check_pipe();
	check_overlay();
	check_fdinfo();
	return 0;
}
