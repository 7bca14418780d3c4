// SPDX-License-Identifier: MIT
/*
 * P1: what programs look at in passing: files without a name, what F_GETFL tells of an open file,
 * ioctls that no file system here answers, the block size of files in /proc.
 */
#include "machine.h"
#include "test.h"
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

static char folder[] = "/tmp/details.XXXXXX";

static void check_unnamed(void)
{
	char self[64], text[16] = "";
	struct stat status;
	int fd = open(folder, O_TMPFILE | O_RDWR, 0640), again;

	if (fd < 0 && errno == EOPNOTSUPP) {
		say("ok unnamed (not on this file system)\n");
		return;
	}
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "hello", 5), 5);
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_nlink, 0);
	CHECK_EQ(status.st_size, 5);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	CHECK_EQ(linkat(AT_FDCWD, self, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), 0);
	CHECK_ERRNO(linkat(AT_FDCWD, self, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), EEXIST);
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_nlink, 1);
	again = open("named", O_RDONLY);
	CHECK(again >= 0);
	CHECK_EQ(write(fd, " more", 5), 5);
	CHECK_EQ(read(again, text, 15), 10);
	CHECK(strcmp(text, "hello more") == 0);
	CHECK_EQ(rename("named", "renamed"), 0);
	CHECK_EQ(unlink("renamed"), 0);
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_nlink, 0);
	CHECK_ERRNO(linkat(AT_FDCWD, self, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), ENOENT);
	close(fd);
	close(again);
	ok("unnamed");
}

static void check_unnamed_refused(void)
{
	char self[64];
	int fd = open(folder, O_TMPFILE | O_RDWR | O_EXCL, 0640);

	if (fd >= 0) {
		snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
		CHECK_ERRNO(linkat(AT_FDCWD, self, AT_FDCWD, "named", AT_SYMLINK_FOLLOW),
			    ENOENT);
		close(fd);
	}
	CHECK_ERRNO(open(folder, O_TMPFILE | O_RDONLY, 0600), EINVAL);
	CHECK_ERRNO(open("/dev/null", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
	CHECK_ERRNO(open("/no/such", O_TMPFILE | O_RDWR, 0600), ENOENT);
	ok("unnamed_refused");
}

static void check_flags(void)
{
	int fd = open("file", O_CREAT | O_EXCL | O_RDWR | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & ~LARGE_FILE, O_RDWR);
	CHECK_ERRNO(open("file", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	CHECK_EQ(symlink("file", "link"), 0);
	CHECK_ERRNO(open("link", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	CHECK_EQ(unlink("link"), 0);
	CHECK_EQ(symlink("nowhere", "link"), 0);
	CHECK_ERRNO(open("link", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	CHECK_EQ(unlink("link"), 0);
	close(fd);
	fd = open("file", O_RDWR | O_NOFOLLOW);
	CHECK_EQ(fcntl(fd, F_GETFL) & ~LARGE_FILE, O_RDWR | O_NOFOLLOW);
	close(fd);
	ok("flags");
}

static void check_clone_refused(void)
{
	int file = open("file", O_RDWR), other = open("other", O_RDWR | O_CREAT, 0600);
	int read_only = open("file", O_RDONLY), directory = open(".", O_RDONLY), ends[2];
	struct file_clone_range range = {.src_fd = other};

	CHECK(file >= 0 && other >= 0 && directory >= 0 && pipe(ends) == 0);
	CHECK_ERRNO(ioctl(file, FICLONE, 999), EBADF);
	CHECK_ERRNO(ioctl(file, FICLONE, directory), EISDIR);
	CHECK_ERRNO(ioctl(read_only, FICLONE, other), EBADF);
	CHECK_ERRNO(ioctl(file, FICLONE, ends[0]), EXDEV);
	CHECK_ERRNO(ioctl(file, FICLONERANGE, UNMAPPED_ADDRESS), EFAULT);
	if (ioctl(file, FICLONERANGE, &range) != 0) { // a file system may share blocks
		CHECK_EQ(errno, EOPNOTSUPP);
		CHECK_ERRNO(ioctl(file, FICLONE, other), EOPNOTSUPP);
	}
	close(file);
	close(other);
	close(read_only);
	close(directory);
	close(ends[0]);
	close(ends[1]);
	CHECK_EQ(unlink("other"), 0);
	ok("clone_refused");
}

static void check_sizes(void)
{
	int fd = open("file", O_RDWR);
	struct stat status;
	loff_t size = -1;

	CHECK_EQ(write(fd, "12345", 5), 5);
	CHECK_EQ(ioctl(fd, FIOQSIZE, &size), 0);
	CHECK(size >= 0 && size % 512 == 0);
	CHECK_ERRNO(ioctl(fd, FIOQSIZE, UNMAPPED_ADDRESS), EFAULT);
	close(fd);
	fd = open("/dev/null", O_RDWR);
	CHECK_ERRNO(ioctl(fd, FIOQSIZE, &size), ENOTTY);
	close(fd);
	CHECK_EQ(stat("/proc/self/status", &status), 0);
	CHECK_EQ(status.st_blksize, 1024);
	CHECK_EQ(unlink("file"), 0);
	ok("sizes");
}

static long type_of(int fd)
{
	struct statfs type;

	CHECK_EQ(fstatfs(fd, &type), 0);
	return (long)type.f_type;
}

/* What kind of file system things are on, and how large a directory of tmpfs is. */
static void check_file_systems(void)
{
	int ends[2], socket_end = socket(AF_UNIX, SOCK_STREAM, 0);
	int folder_fd = open("/dev/pts", O_RDONLY);
	struct stat pipe_status, socket_status, status;

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(type_of(ends[0]), PIPEFS_MAGIC);
	CHECK_EQ(type_of(socket_end), SOCKFS_MAGIC);
	CHECK(fstat(ends[1], &pipe_status) == 0 &&
	      fstat(socket_end, &socket_status) == 0);
	CHECK(pipe_status.st_dev != socket_status.st_dev);
	if (folder_fd >= 0) {
		CHECK_EQ(type_of(folder_fd), DEVPTS_SUPER_MAGIC);
		close(folder_fd);
	}
	if (mkdir("/dev/shm/details", 0755) == 0) {
		CHECK_EQ(stat("/dev/shm/details", &status), 0);
		CHECK_EQ(status.st_size, 40);
		CHECK_EQ(mkdir("/dev/shm/details/inner", 0755), 0);
		CHECK_EQ(stat("/dev/shm/details", &status), 0);
		CHECK_EQ(status.st_size, 60);
		CHECK_EQ(rmdir("/dev/shm/details/inner"), 0);
		CHECK_EQ(rmdir("/dev/shm/details"), 0);
	}
	close(ends[0]);
	close(ends[1]);
	close(socket_end);
	ok("file_systems");
}

/* /proc/PID/fd: a link's permissions are the descriptor's. */
static void check_descriptor_links(void)
{
	static const struct {
		int flags, mode;
	} cases[] = {{O_RDONLY, 0500}, {O_WRONLY, 0300}, {O_RDWR, 0700}, {O_PATH, 0}};
	struct stat status;
	char name[64];

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = open("/dev/null", cases[i].flags);

		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		CHECK_EQ(lstat(name, &status), 0);
		CHECK_EQ(status.st_mode, S_IFLNK | cases[i].mode);
		CHECK_EQ(status.st_size, 64);
		close(fd);
	}
	ok("descriptor_links");
}

int main(void)
{
	CHECK(mkdtemp(folder) && chdir(folder) == 0);
	check_unnamed();
	check_unnamed_refused();
	check_flags();
	check_clone_refused();
	check_sizes();
	check_file_systems();
	check_descriptor_links();
	CHECK_EQ(rmdir(folder), 0);
	return 0;
}
