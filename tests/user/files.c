// SPDX-License-Identifier: MIT
/*
 * Files and folders (issue part 6): open flags, offsets, holes, truncation, links, rename,
 * symbolic links, getdents, stat and statx, times, unlinked files, descriptors.
 * libc: musl
 */
#include "raw.h"
#include <dirent.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>

static long renameat2_raw(const char *from, const char *to, unsigned flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void put(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static bool contains(const char *name, const char *text)
{
	char found[256] = "";
	int fd = open(name, O_RDONLY);

	CHECK(fd >= 0);
	CHECK(read(fd, found, sizeof(found) - 1) >= 0);
	close(fd);
	return strcmp(found, text) == 0;
}

static void check_open_flags(void)
{
	struct stat status;

	put("one", "12345");
	CHECK_ERRNO(open("one", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
	CHECK_ERRNO(open("none", O_RDONLY), ENOENT);
	CHECK_ERRNO(open("one/x", O_RDONLY), ENOTDIR);
	CHECK_ERRNO(open("one", O_RDONLY | O_DIRECTORY), ENOTDIR);
	CHECK_ERRNO(open(".", O_WRONLY), EISDIR);
	CHECK_ERRNO(open("", O_RDONLY), ENOENT);
	int fd = open("one", O_WRONLY | O_APPEND);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(write(fd, "678", 3), 3);
	CHECK(contains("one", "12345678"));
	close(fd);
	fd = open("one", O_RDONLY);
	CHECK_ERRNO(write(fd, "x", 1), EBADF);
	close(fd);
	fd = open("one", O_PATH);
	char byte;
	CHECK_ERRNO(read(fd, &byte, 1), EBADF);
	CHECK_EQ(fstat(fd, &status), 0);
	close(fd);
	char long_name[300];
	memset(long_name, 'x', sizeof(long_name));
	long_name[256] = 0;
	CHECK_ERRNO(open(long_name, O_RDONLY | O_CREAT, 0600), ENAMETOOLONG);
	ok("open_flags");
}

static void check_offsets(void)
{
	char block[10];
	int fd = open("holes", O_RDWR | O_CREAT | O_TRUNC, 0600), copy;
	struct stat status;

	CHECK_EQ(lseek(fd, 10000, SEEK_SET), 10000);
	CHECK_EQ(write(fd, "end", 3), 3);
	CHECK_EQ(pread(fd, block, 10, 5000), 10);
	CHECK_EQ(memcmp(block, "\0\0\0\0\0\0\0\0\0\0", 10), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 10003);
	CHECK_EQ(read(fd, block, 10), 0);
	CHECK_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK_ERRNO(lseek(fd, 0, 77), EINVAL);
	copy = dup(fd);
	CHECK_EQ(lseek(copy, 10001, SEEK_SET), 10001);
	CHECK_EQ(read(fd, block, 10), 2); // one offset for both
	CHECK_EQ(ftruncate(fd, 5), 0);
	CHECK_EQ(ftruncate(fd, 20000), 0);
	CHECK_EQ(pread(fd, block, 3, 10000), 3);
	CHECK_EQ(memcmp(block, "\0\0\0", 3), 0); // what was cut off does not come back
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_size, 20000);
	CHECK_ERRNO(ftruncate(fd, -1), EINVAL);
	CHECK_ERRNO(pread(fd, block, 1, -1), EINVAL);
	CHECK_EQ(pwrite(fd, "abc", 3, 1), 3);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 10003);
	close(fd);
	close(copy);
	ok("offsets");
}

static void check_links(void)
{
	struct stat one, two;
	char target[64] = "";

	put("a", "text");
	unlink("b");
	CHECK_EQ(link("a", "b"), 0);
	CHECK_ERRNO(link("a", "b"), EEXIST);
	CHECK_EQ(stat("a", &one), 0);
	CHECK_EQ(stat("b", &two), 0);
	CHECK(one.st_ino == two.st_ino && one.st_nlink == 2);
	CHECK_EQ(unlink("a"), 0);
	CHECK(contains("b", "text"));
	unlink("soft");
	CHECK_EQ(symlink("b", "soft"), 0);
	CHECK_EQ(readlink("soft", target, sizeof(target)), 1);
	CHECK_EQ(readlink("soft", target, 1), 1);
	CHECK_ERRNO(readlink("b", target, sizeof(target)), EINVAL);
	CHECK(contains("soft", "text"));
	CHECK_EQ(lstat("soft", &one), 0);
	CHECK(S_ISLNK(one.st_mode) && one.st_size == 1);
	CHECK_ERRNO(open("soft", O_RDONLY | O_NOFOLLOW), ELOOP);
	unlink("loop");
	CHECK_EQ(symlink("loop", "loop"), 0);
	CHECK_ERRNO(open("loop", O_RDONLY), ELOOP);
	unlink("dangling");
	CHECK_EQ(symlink("made-through-link", "dangling"), 0);
	put("dangling", "new");
	CHECK(contains("made-through-link", "new"));
	CHECK_ERRNO(link(".", "folder-link"), EPERM);
	ok("links");
}

static void check_rename(void)
{
	put("from", "from");
	put("to", "to");
	CHECK_EQ(rename("from", "to"), 0);
	CHECK(contains("to", "from"));
	CHECK_ERRNO(open("from", O_RDONLY), ENOENT);
	put("other", "other");
	CHECK_ERRNO(renameat2_raw("to", "other", RENAME_NOREPLACE), EEXIST);
	CHECK_EQ(renameat2_raw("to", "other", RENAME_EXCHANGE), 0);
	CHECK(contains("to", "other") && contains("other", "from"));
	CHECK_ERRNO(renameat2_raw("to", "nothing", RENAME_EXCHANGE), ENOENT);
	CHECK_ERRNO(renameat2_raw("to", "x", RENAME_EXCHANGE | RENAME_NOREPLACE), EINVAL);
	CHECK_EQ(mkdir("d1", 0755), 0);
	CHECK_EQ(mkdir("d1/d2", 0755), 0);
	CHECK_ERRNO(rename("d1", "d1/d2/d3"), EINVAL);
	CHECK_ERRNO(rename("to", "d1"), EISDIR);
	CHECK_ERRNO(rename("d1", "to"), ENOTDIR);
	CHECK_EQ(mkdir("full", 0755), 0);
	put("full/x", "x");
	CHECK_ERRNO(rename("d1", "full"), ENOTEMPTY);
	CHECK_EQ(rename("full", "d1/d2"), 0);
	CHECK(contains("d1/d2/x", "x"));
	CHECK_ERRNO(rename("no-such", "x"), ENOENT);
	CHECK_ERRNO(rename("d1/.", "x"), EBUSY);
	ok("rename");
}

static void check_folders(void)
{
	bool seen[100] = {false};
	int count = 0, dots = 0;
	struct dirent *entry;
	DIR *folder;

	CHECK_EQ(mkdir("many", 0755), 0);
	CHECK_ERRNO(mkdir("many", 0755), EEXIST);
	CHECK_ERRNO(mkdir("no/such", 0755), ENOENT);
	CHECK_ERRNO(rmdir("no-such"), ENOENT);
	for (int i = 0; i < 100; i++) {
		char name[32];

		snprintf(name, sizeof(name), "many/file%d", i);
		put(name, "");
	}
	folder = opendir("many");
	CHECK(folder);
	while ((entry = readdir(folder)) != NULL) {
		int number;

		if (sscanf(entry->d_name, "file%d", &number) == 1) {
			CHECK(!seen[number] && entry->d_type == DT_REG);
			seen[number] = true;
			count++;
			CHECK_EQ(unlinkat(dirfd(folder), entry->d_name, 0),
				 0); // while reading
		} else {
			CHECK(entry->d_name[0] == '.' && entry->d_type == DT_DIR);
			dots++;
		}
	}
	CHECK(count == 100 && dots == 2);
	rewinddir(folder);
	for (count = 0; readdir(folder); count++) {
	}
	CHECK_EQ(count, 2);
	closedir(folder);
	put("many/x", "");
	CHECK_ERRNO(rmdir("many"), ENOTEMPTY);
	CHECK_ERRNO(unlink("many"), EISDIR);
	CHECK_ERRNO(rmdir("many/x"), ENOTDIR);
	CHECK_EQ(unlink("many/x"), 0);
	CHECK_ERRNO(rmdir("many/."), EINVAL);
	CHECK_EQ(unlinkat(AT_FDCWD, "many", AT_REMOVEDIR), 0);
	int fd = open(".", O_RDONLY | O_DIRECTORY);
	char small[10];
	CHECK_ERRNO(syscall(SYS_getdents64, fd, small, sizeof(small)), EINVAL);
	close(fd);
	ok("folders");
}

static void check_status(void)
{
	struct timespec times[2] = {{1000, 5}, {2000, 6}};
	struct stat status;
	struct statx more;

	put("status", "0123456789");
	CHECK_EQ(chmod("status", 04640), 0);
	CHECK_EQ(utimensat(AT_FDCWD, "status", times, 0), 0);
	CHECK_EQ(stat("status", &status), 0);
	CHECK_EQ(status.st_mode, S_IFREG | 04640);
	CHECK(status.st_size == 10 && status.st_nlink == 1 && status.st_uid == geteuid());
	CHECK(status.st_atim.tv_sec == 1000 && status.st_mtim.tv_sec == 2000);
	CHECK_EQ(syscall(SYS_statx, AT_FDCWD, "status", 0, STATX_BASIC_STATS, &more), 0);
	CHECK((more.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
	CHECK(more.stx_ino == status.st_ino && more.stx_size == 10);
	CHECK(more.stx_mtime.tv_sec == 2000);
	CHECK_ERRNO(syscall(SYS_newfstatat, AT_FDCWD, "", &status, 0), ENOENT);
	CHECK_EQ(fstatat(AT_FDCWD, "", &status, AT_EMPTY_PATH), 0);
	CHECK(S_ISDIR(status.st_mode));
	CHECK_EQ(access("status", R_OK | W_OK), 0);
	CHECK_ERRNO(access("none", F_OK), ENOENT);
	CHECK_ERRNO(access("status", 77), EINVAL);
	ok("status");
}

static void check_unlinked(void)
{
	char block[8];
	struct stat status;
	int fd = open("gone", O_RDWR | O_CREAT | O_TRUNC, 0600);

	CHECK_EQ(unlink("gone"), 0);
	CHECK_EQ(write(fd, "still", 5), 5);
	CHECK_EQ(pread(fd, block, 5, 0), 5);
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_nlink, 0);
	close(fd);
	CHECK_ERRNO(stat("gone", &status), ENOENT);
	ok("unlinked");
}

static void check_descriptors(void)
{
	int low, other;

	put("fd", "x");
	low = open("fd", O_RDONLY);
	other = open("fd", O_RDONLY);
	CHECK(other > low);
	close(low);
	CHECK_EQ(open("fd", O_RDONLY | O_CLOEXEC), low); // the lowest free number
	CHECK_EQ(fcntl(low, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(dup2(low, low), low);
	CHECK_ERRNO(syscall(SYS_dup3, low, low, 0), EINVAL);
	CHECK_EQ(dup2(other, 200), 200);
	CHECK_EQ(fcntl(other, F_DUPFD_CLOEXEC, 200), 201);
	CHECK_EQ(fcntl(201, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(syscall(SYS_close_range, 200, 300, 0), 0);
	CHECK_ERRNO(fcntl(200, F_GETFD), EBADF);
	CHECK_ERRNO(syscall(SYS_close_range, 5, 4, 0), EINVAL);
	CHECK_EQ(fcntl(low, F_SETFL, O_NONBLOCK | O_APPEND), 0);
	CHECK_EQ(fcntl(low, F_GETFL) & (O_ACCMODE | O_NONBLOCK | O_APPEND),
		 O_NONBLOCK | O_APPEND);
	CHECK_ERRNO(fcntl(low, 9999), EINVAL);
	close(low);
	close(other);
	ok("descriptors");
}

static void check_sendfile(void)
{
	char text[32] = "";
	off_t offset = 2;
	int ends[2], fd;

	put("sendfile", "0123456789");
	fd = open("sendfile", O_RDONLY);
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(sendfile(ends[1], fd, &offset, 5), 5);
	CHECK_EQ(offset, 7);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
	CHECK_EQ(sendfile(ends[1], fd, NULL, 100), 10);
	CHECK_EQ(read(ends[0], text, 32), 15);
	CHECK_EQ(strcmp(text, "234560123456789"), 0);
	close(fd);
	close(ends[0]);
	close(ends[1]);
	ok("sendfile");
}

int main(void)
{
	umask(0022);
	check_open_flags();
	check_offsets();
	check_links();
	check_rename();
	check_folders();
	check_status();
	check_unlinked();
	check_descriptors();
	check_sendfile();
	return 0;
}
