// SPDX-License-Identifier: MIT
/*
 * fanotify(7): marks on files, mounts and file systems; events with descriptors, merged; ignoring; directories; reading, polling, and
 * what is refused. On Heddle also that allocations which fail change nothing.
 * libc: musl
 */
#include "ledger.h"
#include <dirent.h>
#include <poll.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#ifndef FAN_MARK_IGNORE
#	define FAN_MARK_IGNORE 0x400
#endif

enum { AHEAD = sizeof(struct fanotify_event_metadata) };

static int in;

static int make(unsigned flags)
{
	return fanotify_init(FAN_CLOEXEC | FAN_NONBLOCK | flags, O_RDONLY | O_CLOEXEC);
}

static void begin(void)
{
	CHECK_EQ(mkdir("d", 0755), 0);
	close(open("d/f", O_CREAT | O_WRONLY, 0644));
	close(open("d/g", O_CREAT | O_WRONLY, 0644));
	in = make(0);
	CHECK(in >= 0);
}

static void end(void)
{
	close(in);
	CHECK_EQ(unlink("d/f"), 0);
	CHECK_EQ(unlink("d/g"), 0);
	CHECK_EQ(rmdir("d"), 0);
}

static void mark(unsigned flags, uint64_t mask, const char *path)
{
	CHECK_EQ(fanotify_mark(in, FAN_MARK_ADD | flags, mask, AT_FDCWD, path), 0);
}

static void expect(int line, const char *path, uint64_t mask)
{
	struct fanotify_event_metadata event;
	struct stat there, here;
	ssize_t length = read(in, &event, sizeof(event));

	if (length != sizeof(event) || event.mask != mask || event.pid != getpid()) {
		say("line %d: %ld bytes, mask %#llx, pid %d\n", line, (long)length,
		    length > 0 ? (unsigned long long)event.mask : 0, event.pid);
		CHECK(!"this event");
	}
	CHECK_EQ(event.event_len, AHEAD);
	CHECK_EQ(event.metadata_len, AHEAD);
	CHECK_EQ(event.vers, FANOTIFY_METADATA_VERSION);
	CHECK(event.fd >= 0);
	CHECK_EQ(fcntl(event.fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fstat(event.fd, &there), 0);
	CHECK_EQ(stat(path, &here), 0);
	CHECK_EQ(there.st_ino, here.st_ino);
	CHECK_EQ(there.st_dev, here.st_dev);
	(void)!read(event.fd, &there, 1); // tells nobody
	close(event.fd);
}
#define EXPECT(path, mask) expect(__LINE__, path, mask)

static void expect_nothing(int line)
{
	struct fanotify_event_metadata event;
	ssize_t length = read(in, &event, sizeof(event));

	if (length != -1 || errno != EAGAIN) {
		say("line %d: an event, mask %#llx\n", line,
		    (unsigned long long)event.mask);
		CHECK(!"no event");
	}
}
#define EXPECT_NOTHING() expect_nothing(__LINE__)

static void use(const char *path)
{
	int fd = open(path, O_RDWR);
	char byte;

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "a", 1), 1);
	CHECK_EQ(pread(fd, &byte, 1, 0), 1);
	close(fd);
}

static void look_into(const char *path)
{
	DIR *stream = opendir(path);

	CHECK(stream && readdir(stream));
	closedir(stream);
}

static void check_inodes(void)
{
	begin();
	mark(0, FAN_OPEN | FAN_MODIFY | FAN_ACCESS | FAN_CLOSE, "d/f");
	use("d/f");
	use("d/g");
	EXPECT("d/f", FAN_OPEN | FAN_MODIFY | FAN_ACCESS | FAN_CLOSE_WRITE); // merged
	EXPECT_NOTHING();
	int fd = open("d/f", O_RDONLY);
	EXPECT("d/f", FAN_OPEN);
	close(fd);
	EXPECT("d/f", FAN_CLOSE_NOWRITE);
	CHECK_EQ(
		fanotify_mark(in, FAN_MARK_REMOVE, FAN_OPEN | FAN_CLOSE, AT_FDCWD, "d/f"),
		0);
	use("d/f");
	EXPECT("d/f", FAN_MODIFY | FAN_ACCESS);
	CHECK_EQ(fanotify_mark(in, FAN_MARK_REMOVE, FAN_MODIFY | FAN_ACCESS, AT_FDCWD,
			       "d/f"),
		 0);
	CHECK_ERRNO(fanotify_mark(in, FAN_MARK_REMOVE, FAN_OPEN, AT_FDCWD, "d/f"),
		    ENOENT);
	use("d/f");
	EXPECT_NOTHING();
	end();
	ok("inodes");
}

static void check_directories(void)
{
	begin();
	mark(0, FAN_OPEN, "d");
	look_into("d");
	use("d/f");
	EXPECT_NOTHING();
	mark(0, FAN_EVENT_ON_CHILD, "d");
	look_into("d");
	use("d/f");
	EXPECT("d/f", FAN_OPEN);
	EXPECT_NOTHING();
	mark(0, FAN_ONDIR, "d");
	look_into("d");
	EXPECT("d", FAN_OPEN); // a directory, as fstat(2) says
	CHECK_EQ(mkdir("d/s", 0700), 0);
	look_into("d/s");
	EXPECT("d/s", FAN_OPEN);
	EXPECT_NOTHING();
	mark(0, FAN_OPEN | FAN_CLOSE, "d/f"); // two marks hear of it: one event
	use("d/f");
	EXPECT("d/f", FAN_OPEN | FAN_CLOSE_WRITE);
	EXPECT_NOTHING();
	CHECK_EQ(rmdir("d/s"), 0);
	end();
	ok("directories");
}

static void check_ignoring(void)
{
	begin();
	mark(0, FAN_OPEN | FAN_CLOSE | FAN_MODIFY | FAN_EVENT_ON_CHILD, "d");
	mark(FAN_MARK_IGNORED_MASK, FAN_OPEN | FAN_CLOSE, "d/f");
	close(open("d/f", O_RDONLY));
	EXPECT_NOTHING();
	use("d/f"); // ends it, as it is modified
	EXPECT("d/f", FAN_MODIFY | FAN_CLOSE_WRITE);
	close(open("d/f", O_RDONLY));
	EXPECT("d/f", FAN_OPEN | FAN_CLOSE_NOWRITE);
	mark(FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY, FAN_OPEN | FAN_CLOSE,
	     "d/f");
	use("d/f");
	use("d/f");
	EXPECT("d/f", FAN_MODIFY);
	EXPECT_NOTHING();
	CHECK_EQ(fanotify_mark(in, FAN_MARK_REMOVE | FAN_MARK_IGNORED_MASK, FAN_OPEN,
			       AT_FDCWD, "d/f"),
		 0);
	use("d/f");
	EXPECT("d/f", FAN_OPEN | FAN_MODIFY);
	CHECK_ERRNO(fanotify_mark(in, FAN_MARK_ADD | FAN_MARK_IGNORE, FAN_OPEN, AT_FDCWD,
				  "d"),
		    EISDIR);
	CHECK_ERRNO(fanotify_mark(in, FAN_MARK_ADD | FAN_MARK_IGNORE | FAN_MARK_MOUNT,
				  FAN_OPEN, AT_FDCWD, "d"),
		    EINVAL);
	CHECK_ERRNO(fanotify_mark(in, FAN_MARK_ADD | FAN_MARK_IGNORE, FAN_OPEN, AT_FDCWD,
				  "d/f"),
		    EEXIST);
	mark(FAN_MARK_IGNORE | FAN_MARK_IGNORED_SURV_MODIFY, FAN_OPEN, "d/f");
	CHECK_ERRNO(fanotify_mark(in, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN,
				  AT_FDCWD, "d/f"),
		    EEXIST);
	mark(FAN_MARK_IGNORE | FAN_MARK_IGNORED_SURV_MODIFY,
	     FAN_OPEN | FAN_EVENT_ON_CHILD, "d");
	close(open("d/g", O_RDONLY));
	EXPECT("d/g", FAN_CLOSE_NOWRITE);
	CHECK_EQ(fanotify_mark(in, FAN_MARK_FLUSH, 0, AT_FDCWD, "."), 0);
	use("d/f");
	EXPECT_NOTHING();
	end();
	ok("ignoring");
}

static void check_mounts(void)
{
	CHECK_EQ(mkdir("m", 0755), 0);
	CHECK_EQ(mkdir("n", 0755), 0);
	CHECK_EQ(mount("none", "m", "tmpfs", 0, NULL), 0);
	CHECK_EQ(mount("m", "n", NULL, MS_BIND, NULL), 0);
	close(open("m/f", O_CREAT | O_WRONLY, 0644));
	begin();
	mark(FAN_MARK_MOUNT, FAN_OPEN | FAN_CLOSE, "m/f");
	use("m/f");
	use("n/f"); // the same, by another mount
	EXPECT("m/f", FAN_OPEN | FAN_CLOSE_WRITE);
	EXPECT_NOTHING();
	CHECK_ERRNO(fanotify_mark(in, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_CREATE, AT_FDCWD,
				  "m"),
		    EINVAL);
	mark(FAN_MARK_FILESYSTEM, FAN_MODIFY, "m");
	use("n/f");
	EXPECT("n/f", FAN_MODIFY);
	look_into("m");
	EXPECT_NOTHING();
	mark(FAN_MARK_MOUNT, FAN_ONDIR, "m");
	look_into("m");
	EXPECT("m", FAN_OPEN | FAN_CLOSE_NOWRITE);
	CHECK_EQ(fanotify_mark(in, FAN_MARK_FLUSH | FAN_MARK_FILESYSTEM, 0, AT_FDCWD,
			       NULL),
		 0);
	use("n/f");
	EXPECT_NOTHING();
	CHECK_EQ(umount("m"), 0); // marks do not keep it
	mark(FAN_MARK_FILESYSTEM, FAN_OPEN, "n");
	mark(0, FAN_OPEN, "n/f");
	use("n/f");
	CHECK_ERRNO(umount("n"), EBUSY); // an event does
	EXPECT("n/f", FAN_OPEN);
	CHECK_EQ(umount("n"), 0);
	end();
	CHECK_EQ(rmdir("m"), 0);
	CHECK_EQ(rmdir("n"), 0);
	ok("mounts and file systems");
}

static void check_execution(void)
{
	char self[4096], *arguments[] = {self, (char *)"nothing", NULL};
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	struct fanotify_event_metadata event;
	int status;

	CHECK(length > 0);
	self[length] = 0;
	begin();
	mark(0, FAN_OPEN_EXEC, self);
	pid_t child = fork();
	if (child == 0) {
		execv(self, arguments);
		_exit(9);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_EQ(read(in, &event, sizeof(event)), AHEAD);
	CHECK_EQ(event.mask, FAN_OPEN_EXEC);
	CHECK_EQ(event.pid, child);
	close(event.fd);
	close(open(self, O_RDONLY));
	EXPECT_NOTHING();
	end();
	ok("execution");
}

static void *use_in_thread(void *argument)
{
	*(pid_t *)argument = thread_id();
	use("d/f");
	return NULL;
}

static void check_reading(void)
{
	struct fanotify_event_metadata events[2];
	struct pollfd one;
	int ready;
	pid_t who;

	begin();
	one = (struct pollfd){.fd = in, .events = POLLIN};
	mark(0, FAN_OPEN, "d/f");
	mark(0, FAN_OPEN, "d/g");
	CHECK_ERRNO(read(in, events, 0), EAGAIN);
	CHECK_EQ(poll(&one, 1, 0), 0);
	use("d/f");
	use("d/g");
	CHECK_EQ(poll(&one, 1, 0), 1);
	CHECK_EQ(ioctl(in, FIONREAD, &ready), 0);
	CHECK_EQ(ready, 2 * AHEAD);
	CHECK_ERRNO(read(in, events, AHEAD - 1), EINVAL);
	CHECK_ERRNO(read(in, KERNEL_ADDRESS, AHEAD), EFAULT);
	CHECK_EQ(read(in, events, sizeof(events)), 2 * AHEAD);
	close(events[0].fd);
	close(events[1].fd);
	use("d/f");
	CHECK_ERRNO(syscall(SYS_read, in, UNMAPPED_ADDRESS, AHEAD), EFAULT);
	EXPECT_NOTHING(); // that one is lost
	use("d/f");
	close(in); // with one unread
	in = make(FAN_REPORT_TID);
	mark(0, FAN_OPEN, "d/f");
	join_thread(start_thread(use_in_thread, &who));
	CHECK_EQ(read(in, events, sizeof(events)), AHEAD);
	CHECK_EQ(events[0].pid, who);
	close(events[0].fd);
	end();
	ok("reading");
}

static void as_nobody(void)
{
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	CHECK_ERRNO(fanotify_init(0, 0), EPERM);
	CHECK_ERRNO(
		fanotify_mark(in, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN, AT_FDCWD, "/"),
		EPERM);
}

static void check_refusals(void)
{
	CHECK_ERRNO(fanotify_init(FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT, 0), EINVAL);
	CHECK_ERRNO(fanotify_init(0x40000000, 0), EINVAL);
	CHECK_ERRNO(fanotify_init(0, O_ACCMODE), EINVAL);
	CHECK_ERRNO(fanotify_init(0, O_TRUNC), EINVAL);
	begin();
	CHECK_ERRNO(fanotify_mark(in, 0, FAN_OPEN, AT_FDCWD, "d"), EINVAL);
	CHECK_ERRNO(fanotify_mark(in, FAN_MARK_ADD, 0, AT_FDCWD, "d"), EINVAL);
	CHECK_ERRNO(fanotify_mark(in, FAN_MARK_ADD | FAN_MARK_REMOVE, FAN_OPEN, AT_FDCWD,
				  "d"),
		    EINVAL);
	CHECK_ERRNO(
		fanotify_mark(in, FAN_MARK_ADD | FAN_MARK_FLUSH, FAN_OPEN, AT_FDCWD, "d"),
		EINVAL);
	CHECK_ERRNO(
		fanotify_mark(in, FAN_MARK_FLUSH | FAN_MARK_ONLYDIR, 0, AT_FDCWD, "d"),
		EINVAL);
	CHECK_ERRNO(fanotify_mark(in, FAN_MARK_ADD, FAN_Q_OVERFLOW, AT_FDCWD, "d"),
		    EINVAL);
	CHECK_ERRNO(fanotify_mark(in, FAN_MARK_ADD, 1ull << 40, AT_FDCWD, "d"), EINVAL);
	CHECK_ERRNO(fanotify_mark(in, FAN_MARK_ADD, FAN_CREATE, AT_FDCWD, "d"), EINVAL);
	CHECK_ERRNO(fanotify_mark(in, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "d"),
		    EINVAL);
	CHECK_ERRNO(fanotify_mark(-1, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "d"), EBADF);
	CHECK_ERRNO(fanotify_mark(0, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "d"), EINVAL);
	CHECK_ERRNO(fanotify_mark(in, FAN_MARK_ADD, FAN_OPEN, -1, "d"), EBADF);
	CHECK_ERRNO(fanotify_mark(in, FAN_MARK_ADD, FAN_OPEN, -1, NULL), EBADF);
	CHECK_ERRNO(fanotify_mark(in, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "none"), ENOENT);
	CHECK_ERRNO(fanotify_mark(in, FAN_MARK_ADD | FAN_MARK_ONLYDIR, FAN_OPEN, AT_FDCWD,
				  "d/f"),
		    ENOTDIR);
	CHECK_ERRNO(fanotify_mark(in, FAN_MARK_REMOVE, FAN_OPEN, AT_FDCWD, "d"), ENOENT);
	CHECK_ERRNO(fanotify_mark(in, FAN_MARK_ADD | FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM,
				  FAN_OPEN, AT_FDCWD, "d"),
		    EINVAL);
	must_pass_in_child(as_nobody);
	end();
	ok("refusals");
}

static void check_fdinfo(void)
{
	char path[64], text[1024], wanted[64];
	struct stat status;
	ssize_t length;
	int fd;

	begin();
	mark(0, FAN_OPEN | FAN_EVENT_ON_CHILD, "d");
	CHECK_EQ(stat("d", &status), 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", in);
	fd = open(path, O_RDONLY);
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	CHECK(length > 0);
	text[length] = 0;
	CHECK(strstr(text, "fanotify flags:3 event-flags:"));
	snprintf(wanted, sizeof(wanted),
		 "fanotify ino:%lx sdev:", (unsigned long)status.st_ino);
	CHECK(strstr(text, wanted));
	CHECK(strstr(text, " mflags:0 mask:8000020 ignored_mask:0"));
	length = readlink("/proc/self/fd/0", text, 0); // any
	snprintf(path, sizeof(path), "/proc/self/fd/%d", in);
	length = readlink(path, text, sizeof(text) - 1);
	CHECK(length > 0);
	text[length] = 0;
	CHECK_EQ(strcmp(text, "anon_inode:[fanotify]"), 0);
	end();
	ok("fdinfo");
}

static int plans;

static int make_in(void)
{
	in = make(0);
	return in;
}

static int mark_file(void)
{
	return fanotify_mark(in, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "d/f");
}

/* Opened with an allocation failing: the event, or that there was one too many. */
static bool told(int nth)
{
	struct fanotify_event_metadata event;
	int fd;

	fail_nth(plans, nth);
	fd = open("d/f", O_RDONLY);
	fail_nth(plans, 0);
	if (fd < 0) {
		EXPECT_NOTHING();
		return false;
	}
	close(fd);
	CHECK_EQ(read(in, &event, sizeof(event)), AHEAD);
	CHECK(event.mask == FAN_OPEN ||
	      (event.mask == FAN_Q_OVERFLOW && event.fd == FAN_NOFD));
	if (event.fd >= 0) {
		close(event.fd);
	}
	return event.mask == FAN_OPEN;
}

/* Reading one with an allocation failing loses it; nothing else. */
static bool read_well(int nth)
{
	struct fanotify_event_metadata event;
	ssize_t length;

	use("d/f");
	fail_nth(plans, nth);
	length = read(in, &event, sizeof(event));
	int error = errno;

	fail_nth(plans, 0);
	if (length < 0) {
		CHECK_EQ(error, ENOMEM);
		EXPECT_NOTHING();
		return false;
	}
	close(event.fd);
	return true;
}

static void check_failures(void)
{
	struct ledger before;
	int nth;

	begin();
	close(in);
	use("d/f"); // it has its page from now on
	ledger_begin(&before);
	CHECK(fail_until(plans, make_in, 50) >= 3);
	CHECK(fail_until(plans, mark_file, 50) >= 1);
	for (nth = 1; !told(nth); nth++) {
		CHECK(nth < 50);
	}
	for (nth = 1; !read_well(nth); nth++) {
		CHECK(nth < 50);
	}
	close(in);
	ledger_expect(&before);
	in = make(0);
	end();
	ok("failures");
}

int main(int count, char **words)
{
	if (count > 1 && strcmp(words[1], "nothing") == 0) {
		return 0;
	}
	if (geteuid()) {
		skip("root may");
	}
	check_inodes();
	check_directories();
	check_ignoring();
	check_mounts();
	check_execution();
	check_reading();
	check_refusals();
	check_fdinfo();
	plans = open("/proc/heddle/fail_nth", O_WRONLY | O_CLOEXEC);
	if (plans >= 0) {
		check_failures();
	}
	return 0;
}
