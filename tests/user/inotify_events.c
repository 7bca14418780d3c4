// SPDX-License-Identifier: MIT
/*
 * inotify(7): what each system call tells the watches of a file and of its directory, in which order and how often; the flags of
 * watches; reading, polling and the queue's end.
 * libc: musl
 */
#include "settings.h"
#include "watch_pair.h"
#include <dirent.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define QUEUE_LIMIT "/proc/sys/fs/inotify/max_queued_events"

static void check_open_files(void)
{
	char byte;
	int fd;

	begin();
	fd = open("d/f", O_RDWR);
	EXPECT(in, {dir, IN_OPEN, "f"}, {file, IN_OPEN});
	CHECK_EQ(read(fd, &byte, 1), 0);
	CHECK_EQ(write(fd, "", 0), 0);
	EXPECT_NOTHING(in);
	CHECK_EQ(write(fd, "abc", 3), 3);
	EXPECT(in, {dir, IN_MODIFY, "f"}, {file, IN_MODIFY});
	CHECK_EQ(pread(fd, &byte, 1, 0), 1);
	EXPECT(in, {dir, IN_ACCESS, "f"}, {file, IN_ACCESS});
	CHECK_EQ(ftruncate(fd, 1), 0);
	EXPECT(in, {dir, IN_MODIFY, "f"}, {file, IN_MODIFY});
	CHECK_EQ(fallocate(fd, 0, 0, 10), 0);
	EXPECT(in, {dir, IN_MODIFY, "f"}, {file, IN_MODIFY});
	char *mapped = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(mapped != MAP_FAILED);
	*mapped = 'x';
	CHECK_EQ(munmap(mapped, 1), 0);
	EXPECT_NOTHING(in);
	int other = dup(fd);
	close(fd);
	EXPECT_NOTHING(in);
	close(other);
	EXPECT(in, {dir, IN_CLOSE_WRITE, "f"}, {file, IN_CLOSE_WRITE});
	close(open("d/f", O_RDONLY));
	EXPECT(in, {dir, IN_OPEN, "f"}, {file, IN_OPEN}, {dir, IN_CLOSE_NOWRITE, "f"},
	       {file, IN_CLOSE_NOWRITE});
	close(open("d/f", O_PATH));
	EXPECT_NOTHING(in);
	end();
	ok("open, read, write, close");
}

static void check_copies(void)
{
	int from, to, pipes[2];

	begin();
	to = make_file("other");
	from = open("d/f", O_RDWR);
	CHECK_EQ(write(from, "abcd", 4), 4);
	CHECK_EQ(lseek(from, 0, SEEK_SET), 0);
	CHECK(read(in, (char[4096]){0}, 4096) > 0);
	CHECK_EQ(sendfile(to, from, NULL, 2), 2);
	EXPECT(in, {dir, IN_ACCESS, "f"}, {file, IN_ACCESS});
	CHECK_EQ(copy_file_range(from, NULL, to, NULL, 2, 0), 2);
	EXPECT(in, {dir, IN_ACCESS, "f"}, {file, IN_ACCESS});
	CHECK_EQ(pipe(pipes), 0);
	CHECK_EQ(write(pipes[1], "ab", 2), 2);
	CHECK_EQ(splice(pipes[0], NULL, from, NULL, 2, 0), 2);
	EXPECT(in, {dir, IN_MODIFY, "f"}, {file, IN_MODIFY});
	close(pipes[0]);
	close(pipes[1]);
	close(from);
	close(to);
	CHECK_EQ(unlink("other"), 0);
	end();
	ok("sendfile, copy_file_range, splice");
}

static void check_attributes(void)
{
	struct timespec times[2] = {{5, 0}, {6, 0}};

	begin();
	CHECK_EQ(chmod("d/f", 0600), 0);
	EXPECT(in, {dir, IN_ATTRIB, "f"}, {file, IN_ATTRIB});
	CHECK_EQ(chown("d/f", getuid(), getgid()), 0);
	EXPECT(in, {dir, IN_ATTRIB, "f"}, {file, IN_ATTRIB});
	CHECK_EQ(utimensat(AT_FDCWD, "d/f", times, 0), 0);
	EXPECT(in, {dir, IN_ATTRIB, "f"}, {file, IN_ATTRIB});
	times[0].tv_nsec = UTIME_OMIT;
	CHECK_EQ(utimensat(AT_FDCWD, "d/f", times, 0), 0);
	EXPECT(in, {dir, IN_MODIFY, "f"}, {file, IN_MODIFY});
	times[0].tv_nsec = 0;
	times[1].tv_nsec = UTIME_OMIT;
	CHECK_EQ(utimensat(AT_FDCWD, "d/f", times, 0), 0);
	EXPECT(in, {dir, IN_ACCESS, "f"}, {file, IN_ACCESS});
	CHECK_EQ(truncate("d/f", 7), 0);
	EXPECT(in, {dir, IN_MODIFY, "f"}, {file, IN_MODIFY});
	if (setxattr("d/f", "user.a", "b", 1, 0) == 0) {
		EXPECT(in, {dir, IN_ATTRIB, "f"}, {file, IN_ATTRIB});
		CHECK_EQ(removexattr("d/f", "user.a"), 0);
		EXPECT(in, {dir, IN_ATTRIB, "f"}, {file, IN_ATTRIB});
	}
	CHECK_EQ(chmod("d", 0700), 0);
	EXPECT(in, {dir, IN_ATTRIB | IN_ISDIR});
	end();
	ok("attributes");
}

static void check_names(void)
{
	begin();
	close(open("d/new", O_CREAT | O_WRONLY | O_TRUNC, 0600));
	EXPECT(in, {dir, IN_CREATE, "new"}, {dir, IN_OPEN, "new"},
	       {dir, IN_CLOSE_WRITE, "new"});
	close(open("d/new", O_WRONLY | O_TRUNC));
	EXPECT(in, {dir, IN_OPEN, "new"}, {dir, IN_MODIFY, "new"},
	       {dir, IN_CLOSE_WRITE, "new"});
	CHECK_EQ(unlink("d/new"), 0);
	EXPECT(in, {dir, IN_DELETE, "new"});
	CHECK_EQ(mkdir("d/s", 0700), 0);
	CHECK_EQ(rmdir("d/s"), 0);
	EXPECT(in, {dir, IN_CREATE | IN_ISDIR, "s"}, {dir, IN_DELETE | IN_ISDIR, "s"});
	CHECK_EQ(mkfifo("d/p", 0700), 0);
	CHECK_EQ(symlink("p", "d/s"), 0);
	EXPECT(in, {dir, IN_CREATE, "p"}, {dir, IN_CREATE, "s"});
	CHECK_EQ(unlink("d/p"), 0);
	CHECK_EQ(unlink("d/s"), 0);
	EXPECT(in, {dir, IN_DELETE, "p"}, {dir, IN_DELETE, "s"});
	CHECK_EQ(link("d/f", "d/g"), 0);
	EXPECT(in, {file, IN_ATTRIB}, {dir, IN_CREATE, "g"});
	close(open("d/g", O_RDONLY));
	EXPECT(in, {dir, IN_OPEN, "g"}, {file, IN_OPEN}, {dir, IN_CLOSE_NOWRITE, "g"},
	       {file, IN_CLOSE_NOWRITE});
	CHECK_EQ(unlink("d/g"), 0);
	EXPECT(in, {file, IN_ATTRIB}, {dir, IN_DELETE, "g"});
	CHECK_ERRNO(mkdir("d/f", 0700), EEXIST);
	CHECK_ERRNO(unlink("d/none"), ENOENT);
	EXPECT_NOTHING(in);
	end();
	ok("names come and go");
}

static void check_directory(void)
{
	DIR *stream;
	int sub;

	begin();
	CHECK_EQ(mkdir("d/s", 0700), 0);
	sub = watch(in, "d/s", IN_ALL_EVENTS);
	CHECK(read(in, (char[4096]){0}, 4096) > 0);
	stream = opendir("d/s");
	CHECK(stream && readdir(stream));
	closedir(stream);
	EXPECT(in, {dir, IN_OPEN | IN_ISDIR, "s"}, {sub, IN_OPEN | IN_ISDIR},
	       {dir, IN_ACCESS | IN_ISDIR, "s"}, {sub, IN_ACCESS | IN_ISDIR},
	       {dir, IN_CLOSE_NOWRITE | IN_ISDIR, "s"},
	       {sub, IN_CLOSE_NOWRITE | IN_ISDIR});
	close(make_file("d/s/deep"));
	EXPECT(in, {sub, IN_CREATE, "deep"}, {sub, IN_OPEN, "deep"},
	       {sub, IN_CLOSE_WRITE, "deep"});
	CHECK_EQ(unlink("d/s/deep"), 0);
	EXPECT(in, {sub, IN_DELETE, "deep"});
	CHECK_EQ(rmdir("d/s"), 0);
	EXPECT(in, {sub, IN_DELETE_SELF}, {sub, IN_IGNORED},
	       {dir, IN_DELETE | IN_ISDIR, "s"});
	CHECK_ERRNO(inotify_rm_watch(in, sub), EINVAL);
	end();
	ok("directories");
}

static void check_removal(void)
{
	int fd;

	begin();
	fd = open("d/f", O_RDONLY);
	EXPECT(in, {dir, IN_OPEN, "f"}, {file, IN_OPEN});
	CHECK_EQ(unlink("d/f"), 0);
	EXPECT(in, {file, IN_ATTRIB}, {dir, IN_DELETE, "f"});
	close(make_file("d/f")); // another one, of the same name
	EXPECT(in, {dir, IN_CREATE, "f"}, {dir, IN_OPEN, "f"},
	       {dir, IN_CLOSE_WRITE, "f"});
	close(fd);
	EXPECT(in, {dir, IN_CLOSE_NOWRITE, "f"}, {file, IN_CLOSE_NOWRITE},
	       {file, IN_DELETE_SELF}, {file, IN_IGNORED});
	file = watch(in, "d/f", IN_ALL_EVENTS);
	CHECK_EQ(unlink("d/f"), 0);
	EXPECT(in, {file, IN_ATTRIB}, {file, IN_DELETE_SELF}, {file, IN_IGNORED},
	       {dir, IN_DELETE, "f"});
	end();
	ok("removal, and of what is open");
}

static long rename_raw(const char *from, const char *to, unsigned flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void check_renames(void)
{
	int other, sub;

	begin();
	CHECK_EQ(mkdir("e", 0700), 0);
	other = watch(in, "e", IN_ALL_EVENTS);
	CHECK_EQ(rename("d/f", "d/g"), 0);
	EXPECT(in, {dir, IN_MOVED_FROM, "f", true}, {dir, IN_MOVED_TO, "g", true},
	       {file, IN_MOVE_SELF});
	CHECK_EQ(rename("d/g", "e/h"), 0);
	EXPECT(in, {dir, IN_MOVED_FROM, "g", true}, {other, IN_MOVED_TO, "h", true},
	       {file, IN_MOVE_SELF});
	close(open("e/h", O_RDONLY)); // the watch went with it
	EXPECT(in, {other, IN_OPEN, "h"}, {file, IN_OPEN}, {other, IN_CLOSE_NOWRITE, "h"},
	       {file, IN_CLOSE_NOWRITE});
	close(make_file("d/f"));
	sub = watch(in, "d/f", IN_ALL_EVENTS);
	CHECK(read(in, (char[4096]){0}, 4096) > 0);
	CHECK_EQ(rename_raw("d/f", "e/h", 2 /* RENAME_EXCHANGE */), 0);
	EXPECT(in, {dir, IN_MOVED_FROM, "f", true}, {other, IN_MOVED_TO, "h", true},
	       {sub, IN_MOVE_SELF}, {other, IN_MOVED_FROM, "h", true},
	       {dir, IN_MOVED_TO, "f", true}, {file, IN_MOVE_SELF});
	CHECK_EQ(rename("d/f", "e/h"), 0); // in its place
	EXPECT(in, {dir, IN_MOVED_FROM, "f", true}, {other, IN_MOVED_TO, "h", true},
	       {sub, IN_ATTRIB}, {file, IN_MOVE_SELF}, {sub, IN_DELETE_SELF},
	       {sub, IN_IGNORED});
	CHECK_EQ(link("e/h", "e/i"), 0);
	CHECK_EQ(rename("e/h", "e/i"), 0); // both stay
	EXPECT(in, {file, IN_ATTRIB}, {other, IN_CREATE, "i"});
	CHECK_EQ(rename("e", "d/e"), 0);
	EXPECT(in, {dir, IN_MOVED_TO | IN_ISDIR, "e", true}, {other, IN_MOVE_SELF});
	CHECK_EQ(unlink("d/e/h"), 0);
	CHECK_EQ(unlink("d/e/i"), 0);
	CHECK_EQ(rmdir("d/e"), 0);
	end();
	ok("rename");
}

static void check_merging(void)
{
	char byte;
	int fd;

	begin();
	CHECK_EQ(inotify_rm_watch(in, dir), 0);
	EXPECT(in, {dir, IN_IGNORED});
	fd = open("d/f", O_RDWR);
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(write(fd, "a", 1), 1);
	}
	CHECK_EQ(pread(fd, &byte, 1, 0), 1);
	CHECK_EQ(write(fd, "a", 1), 1);
	EXPECT(in, {file, IN_OPEN}, {file, IN_MODIFY}, {file, IN_ACCESS},
	       {file, IN_MODIFY});
	close(fd);
	end();
	ok("equal neighbours are one");
}

static void check_flags(void)
{
	int fd, number;

	begin();
	CHECK_EQ(inotify_add_watch(in, "d/f", IN_OPEN), file); // replaces
	fd = open("d/f", O_RDWR);
	CHECK_EQ(write(fd, "a", 1), 1);
	EXPECT(in, {dir, IN_OPEN, "f"}, {file, IN_OPEN}, {dir, IN_MODIFY, "f"});
	CHECK_EQ(inotify_add_watch(in, "d/f", IN_MODIFY | IN_MASK_ADD), file);
	CHECK_EQ(write(fd, "a", 1), 1);
	EXPECT(in, {dir, IN_MODIFY, "f"}, {file, IN_MODIFY});
	CHECK_ERRNO(inotify_add_watch(in, "d/f", IN_OPEN | IN_MASK_CREATE), EEXIST);
	CHECK_ERRNO(inotify_add_watch(in, "d/f", IN_OPEN | IN_MASK_CREATE | IN_MASK_ADD),
		    EINVAL);
	CHECK_ERRNO(inotify_add_watch(in, "d/f", IN_OPEN | IN_ONLYDIR), ENOTDIR);
	CHECK_EQ(inotify_add_watch(in, "d/f", IN_MODIFY | IN_ONESHOT), file);
	CHECK_EQ(inotify_add_watch(in, "d", IN_MODIFY | IN_EXCL_UNLINK), dir);
	CHECK_EQ(write(fd, "a", 1), 1);
	CHECK_EQ(write(fd, "a", 1), 1);
	EXPECT(in, {dir, IN_MODIFY, "f"}, {file, IN_MODIFY}, {file, IN_IGNORED},
	       {dir, IN_MODIFY, "f"});
	number = watch(in, "d/f", IN_MODIFY | IN_DELETE_SELF); // a number of its own
	CHECK(number > file);
	CHECK_EQ(unlink("d/f"), 0);
	CHECK_EQ(write(fd, "a", 1), 1); // the directory no longer counts it as its own
	EXPECT(in, {number, IN_MODIFY});
	close(fd);
	EXPECT(in, {number, IN_DELETE_SELF}, {number, IN_IGNORED});
	CHECK_EQ(symlink("nowhere", "d/l"), 0);
	CHECK_ERRNO(inotify_add_watch(in, "d/l", IN_OPEN), ENOENT);
	number = watch(in, "d/l", IN_ATTRIB | IN_DELETE_SELF | IN_DONT_FOLLOW);
	CHECK_EQ(unlink("d/l"), 0);
	EXPECT(in, {number, IN_ATTRIB}, {number, IN_DELETE_SELF}, {number, IN_IGNORED});
	end();
	ok("flags of watches");
}

static void check_errors(void)
{
	CHECK_ERRNO(inotify_init1(1), EINVAL);
	begin();
	CHECK_ERRNO(inotify_add_watch(in, "d", 0), EINVAL);
	CHECK_ERRNO(inotify_add_watch(-1, "d", 0), EINVAL);
	CHECK_ERRNO(inotify_add_watch(-1, "d", IN_OPEN), EBADF);
	CHECK_ERRNO(inotify_add_watch(0, "d", IN_OPEN), EINVAL);
	CHECK_ERRNO(inotify_add_watch(in, "none", IN_OPEN), ENOENT);
	CHECK_ERRNO(inotify_add_watch(in, (char *)UNMAPPED_ADDRESS, IN_OPEN), EFAULT);
	CHECK_ERRNO(inotify_rm_watch(-1, 1), EBADF);
	CHECK_ERRNO(inotify_rm_watch(0, 1), EINVAL);
	CHECK_ERRNO(inotify_rm_watch(in, 99), EINVAL);
	CHECK_ERRNO(inotify_rm_watch(in, 0), EINVAL);
	CHECK_ERRNO(inotify_rm_watch(in, -1), EINVAL);
	CHECK_ERRNO(write(in, "a", 1), EBADF);
	CHECK_ERRNO(inotify_add_watch(in, "d", IN_OPEN | 0x80000 /* no such event */),
		    EINVAL);
	if (getuid() == 0) {
		int status;
		pid_t child = fork();

		if (child == 0) {
			CHECK_EQ(chmod("d/f", 0200), 0);
			CHECK_EQ(setresuid(1000, 1000, 1000), 0);
			CHECK_ERRNO(inotify_add_watch(in, "d/f", IN_OPEN), EACCES);
			_exit(0);
		}
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(status, 0);
	}
	end();
	ok("errors");
}

static void check_reading(void)
{
	char text[256];
	int ready;

	begin();
	CHECK_ERRNO(read(in, text, 0), EAGAIN);
	CHECK_ERRNO(read(in, text, sizeof(text)), EAGAIN);
	CHECK_EQ(ioctl(in, FIONREAD, &ready), 0);
	CHECK_EQ(ready, 0);
	struct pollfd one = {.fd = in, .events = POLLIN | POLLOUT};
	CHECK_EQ(poll(&one, 1, 0), 0);
	close(open("d/f", O_RDONLY));
	CHECK_EQ(poll(&one, 1, 0), 1);
	CHECK_EQ(one.revents, POLLIN);
	CHECK_EQ(ioctl(in, FIONREAD, &ready), 0);
	CHECK_EQ(ready, 2 * (16 + 16) + 2 * 16);
	CHECK_ERRNO(read(in, text, 0), EINVAL);
	CHECK_ERRNO(read(in, text, 31), EINVAL);
	CHECK_EQ(read(in, text, 32), 32);
	CHECK_EQ(read(in, text, 47), 16); // the one behind does not fit
	CHECK_ERRNO(read(in, KERNEL_ADDRESS, 64), EFAULT);
	CHECK_EQ(ioctl(in, FIONREAD, &ready), 0);
	CHECK_EQ(ready, 2 * 16 + 16);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 0);
	end();
	ok("reading");
}

static void *read_one(void *argument)
{
	struct inotify_event event;

	CHECK_EQ(read(*(int *)argument, &event, sizeof(event)), (ssize_t)sizeof(event));
	CHECK_EQ(event.mask, IN_OPEN);
	return NULL;
}

static void on_alarm(int signal)
{
}

/* A reader sleeps until there is an event; a signal ends it, or is nothing to it with SA_RESTART. */
static void check_blocking(void)
{
	struct itimerval often = {{0, 20000}, {0, 20000}}, never = {0};
	struct sigaction action = {.sa_handler = on_alarm};
	char text[64];
	int fd = watching(0), set = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN};

	close(make_file("f"));
	CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
	CHECK_ERRNO(read(fd, text, sizeof(text)), EINTR);
	CHECK_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
	watch(fd, "f", IN_OPEN);
	CHECK_EQ(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
	CHECK_EQ(epoll_wait(set, &event, 1, 0), 0);
	pthread_t reader = start_thread(read_one, &fd);
	close(open("f", O_RDONLY));
	join_thread(reader);
	CHECK_EQ(epoll_wait(set, &event, 1, 0), 0);
	close(open("f", O_RDONLY));
	CHECK_EQ(epoll_wait(set, &event, 1, -1), 1);
	CHECK_EQ(event.events, EPOLLIN);
	close(set);
	close(fd);
	CHECK_EQ(unlink("f"), 0);
	ok("blocking, and signals");
}

/* What comes after the queue is full is one event that says so. */
static void check_overflow(void)
{
	struct setting limit = {.path = QUEUE_LIMIT};
	int last, fd;

	if (access(QUEUE_LIMIT, W_OK)) {
		ok("overflow (not allowed to set the limit)");
		return;
	}
	change_setting(&limit, "4");
	begin();
	restore_setting(&limit);
	fd = open("d/f", O_RDWR);
	CHECK_EQ(write(fd, "a", 1), 1);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(read(fd, &last, 1), 1);
	close(fd);
	EXPECT(in, {dir, IN_OPEN, "f"}, {file, IN_OPEN}, {dir, IN_MODIFY, "f"},
	       {file, IN_MODIFY}, {-1, IN_Q_OVERFLOW});
	close(open("d/f", O_RDONLY));
	EXPECT(in, {dir, IN_OPEN, "f"}, {file, IN_OPEN}, {dir, IN_CLOSE_NOWRITE, "f"},
	       {file, IN_CLOSE_NOWRITE});
	end();
	ok("overflow");
}

/* Two instances hear of the same, each as it asked; execution opens and reads. */
static void check_instances(void)
{
	int other, all;

	begin();
	other = watching(IN_NONBLOCK);
	all = watch(other, "d", IN_CLOSE);
	CHECK_EQ(all, 1); // numbers are each instance's own
	close(open("d/f", O_RDONLY));
	EXPECT(other, {all, IN_CLOSE_NOWRITE, "f"});
	EXPECT(in, {dir, IN_OPEN, "f"}, {file, IN_OPEN}, {dir, IN_CLOSE_NOWRITE, "f"},
	       {file, IN_CLOSE_NOWRITE});
	close(other);
	end();
	ok("two instances");
}

int main(void)
{
	check_open_files();
	check_copies();
	check_attributes();
	check_names();
	check_directory();
	check_removal();
	check_renames();
	check_merging();
	check_flags();
	check_errors();
	check_reading();
	check_blocking();
	check_overflow();
	check_instances();
	return 0;
}
