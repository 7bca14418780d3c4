// SPDX-License-Identifier: MIT
/*
 * R5, R7: record locks of fcntl: ranges that split and join, whence and negative lengths, conflicts; given back by any close, by
 * exit before wait returns, not inherited, kept over exec; locks of open files; what /proc shows; on Heddle, that no record
 * stays and that an allocation that fails changes nothing.
 * libc: musl
 */
#include "ledger.h"
#include "locks.h"
#include <sys/stat.h>

static char self[512];

static void check_ranges(void)
{
	fd = open_file();
	CHECK_EQ(set(F_WRLCK, 10, 10), 0);
	expect(F_UNLCK, 9, 0, 0);
	expect(F_WRLCK, 10, 10, 10);
	expect(F_WRLCK, 19, 10, 10);
	expect(F_UNLCK, 20, 0, 0);
	CHECK_EQ(set(F_WRLCK, 20, 10), 0); // touches: one lock
	expect(F_WRLCK, 25, 10, 20);
	CHECK_EQ(set(F_RDLCK, 15, 5), 0); // in the middle, of another type
	expect(F_WRLCK, 10, 10, 5);
	expect(F_RDLCK, 16, 15, 5);
	expect(F_WRLCK, 20, 20, 10);
	CHECK_EQ(set(F_WRLCK, 15, 5), 0); // joins all three
	expect(F_WRLCK, 16, 10, 20);
	CHECK_EQ(set(F_UNLCK, 12, 3), 0); // splits
	expect(F_WRLCK, 11, 10, 2);
	expect(F_UNLCK, 13, 0, 0);
	expect(F_WRLCK, 15, 15, 15);
	CHECK_EQ(set(F_WRLCK, 5, 100), 0); // swallows both
	expect(F_WRLCK, 50, 5, 100);
	CHECK_EQ(set(F_UNLCK, 0, 0), 0);
	expect(F_UNLCK, 50, 0, 0);
	CHECK_EQ(set(F_WRLCK, 100, 0), 0); // to the end of all files
	expect(F_WRLCK, 1l << 40, 100, 0);
	CHECK_EQ(set(F_UNLCK, 200, 0), 0);
	expect(F_WRLCK, 150, 100, 100);
	CHECK_EQ(set(F_WRLCK, LONG_MAX, 1), 0);
	expect(F_WRLCK, LONG_MAX, LONG_MAX, 0); // the last byte: to the end
	close(fd);
	ok("ranges");
}

static void check_whence(void)
{
	fd = open_file();
	CHECK_EQ(ftruncate(fd, 1000), 0);
	CHECK_EQ(lseek(fd, 500, SEEK_SET), 500);
	CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, SEEK_CUR, 10, 5), 0);
	expect(F_WRLCK, 512, 510, 5);
	CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, SEEK_END, -20, 5), 0);
	expect(F_WRLCK, 980, 980, 5);
	CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, SEEK_CUR, 0, -10), 0); // the ten before
	expect(F_WRLCK, 495, 490, 10);
	CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, SEEK_END, 0, -3), 0);
	expect(F_WRLCK, 998, 997, 3);
	CHECK_EQ(set(F_UNLCK, 0, 0), 0);
	CHECK_ERRNO(set(F_WRLCK, -1, 1), EINVAL);
	CHECK_ERRNO(set(F_WRLCK, 5, -6), EINVAL);
	CHECK_EQ(set(F_WRLCK, 5, -5), 0);
	expect(F_WRLCK, 0, 0, 5);
	CHECK_ERRNO(lock(fd, F_SETLK, F_WRLCK, SEEK_CUR, LONG_MAX, 1), EOVERFLOW);
	CHECK_ERRNO(set(F_WRLCK, LONG_MAX, 2), EOVERFLOW);
	CHECK_ERRNO(lock(fd, F_SETLK, F_WRLCK, SEEK_CUR, -501, 1), EINVAL);
	CHECK_ERRNO(lock(fd, F_SETLK, F_WRLCK, 3, 0, 1), EINVAL);
	CHECK_ERRNO(lock(fd, F_SETLK, 9, SEEK_SET, 0, 1), EINVAL);
	CHECK_ERRNO(lock(fd, F_GETLK, F_UNLCK, SEEK_SET, 0, 1), EINVAL);
	CHECK_ERRNO(fcntl(fd, F_SETLK, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(fcntl(fd, F_SETLKW, KERNEL_ADDRESS), EFAULT);
	CHECK_ERRNO(fcntl(fd, F_GETLK, NON_CANONICAL), EFAULT);
	CHECK_ERRNO(lock(999, F_SETLK, F_WRLCK, SEEK_SET, 0, 1), EBADF);
	close(fd);
	CHECK_EQ(truncate("records", 0), 0);
	ok("whence");
}

static void check_modes(void)
{
	int reader = open("records", O_RDONLY), writer = open("records", O_WRONLY);
	int path = open("records", O_PATH);

	CHECK_ERRNO(lock(reader, F_SETLK, F_WRLCK, SEEK_SET, 0, 1), EBADF);
	CHECK_ERRNO(lock(writer, F_SETLK, F_RDLCK, SEEK_SET, 0, 1), EBADF);
	CHECK_ERRNO(lock(path, F_SETLK, F_UNLCK, SEEK_SET, 0, 1), EBADF);
	CHECK_EQ(lock(reader, F_SETLK, F_RDLCK, SEEK_SET, 0, 1), 0);
	CHECK_EQ(lock(reader, F_GETLK, F_WRLCK, SEEK_SET, 0, 1), 0);
	CHECK_EQ(lock(writer, F_SETLK, F_WRLCK, SEEK_SET, 0, 1), 0);
	close(reader);
	close(writer);
	close(path);
	ok("modes");
}

static void try_from_child(void)
{
	CHECK_ERRNO(set(F_WRLCK, 0, 10), EAGAIN);
	CHECK_ERRNO(set(F_RDLCK, 0, 1), EAGAIN);
	CHECK_EQ(set(F_RDLCK, 10, 5), 0); // shared with the parent's
	CHECK_ERRNO(set(F_WRLCK, 10, 5), EAGAIN);
	CHECK_EQ(set(F_UNLCK, 0, 0), 0); // one's own only
	CHECK_ERRNO(set(F_WRLCK, 0, 10), EAGAIN);
	CHECK_EQ(flock(open_file(), LOCK_EX | LOCK_NB), 0); // another kind
}

static void check_conflicts(void)
{
	fd = open_file();
	CHECK_EQ(set(F_WRLCK, 0, 10), 0);
	CHECK_EQ(set(F_RDLCK, 10, 10), 0);
	must_pass_in_child(try_from_child);
	int copy = dup(fd), other = open_file();

	close(other); // any descriptor of the file: all are gone
	expect(F_UNLCK, 0, 0, 0);
	CHECK_EQ(set(F_WRLCK, 0, 10), 0);
	close(copy);
	expect(F_UNLCK, 0, 0, 0);
	CHECK_EQ(set(F_WRLCK, 0, 10), 0);
	CHECK_EQ(dup2(1, fd), fd); // replaced is closed too
	fd = open_file();
	expect(F_UNLCK, 0, 0, 0);
	close(fd);
	ok("conflicts");
}

/* ---- exit, fork, exec ---- */

static void take_all(void)
{
	CHECK_EQ(set(F_WRLCK, 0, 0), 0);
}

static void take_and_die(void)
{
	take_all();
	raise(SIGKILL);
}

static void check_exit(void)
{
	fd = open_file();
	for (int i = 0; i < 200; i++) {
		must_pass_in_child(take_all);
		CHECK_EQ(set(F_WRLCK, 0, 0), 0); // given back before wait returned
		CHECK_EQ(set(F_UNLCK, 0, 0), 0);
	}
	CHECK_EQ(in_child(take_and_die), SIGKILL);
	CHECK_EQ(set(F_WRLCK, 0, 0), 0);
	CHECK_EQ(set(F_UNLCK, 0, 0), 0);
	close(fd);
	ok("exit");
}

static int lock_through_exec(const char *number)
{
	int status;
	pid_t child;

	fd = atoi(number);
	child = fork();
	if (child == 0) {
		CHECK_ERRNO(set(F_RDLCK, 3, 1), EAGAIN);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	return status;
}

static void lock_and_exec(void)
{
	char number[16];
	char *arguments[] = {self, "kept", number, NULL};

	snprintf(number, sizeof(number), "%d", fd);
	CHECK_EQ(set(F_WRLCK, 3, 1), 0);
	execv(self, arguments);
	_exit(99);
}

static void check_exec(void)
{
	fd = open_file();
	must_pass_in_child(lock_and_exec);
	expect(F_UNLCK, 3, 0, 0);
	close(fd);
	ok("exec");
}

/* ---- open-file-description locks ---- */

static void use_inherited(void)
{
	CHECK_EQ(lock(fd, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 10), 0); // the same file
	CHECK_ERRNO(lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 1), EAGAIN);
	CHECK_ERRNO(lock(open_file(), F_OFD_SETLK, F_RDLCK, SEEK_SET, 9, 1), EAGAIN);
}

static void check_open_file_locks(void)
{
	struct flock flock = {.l_type = F_RDLCK, .l_len = 1};
	int other = open_file(), copy;

	fd = open_file();
	CHECK_EQ(lock(fd, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 10), 0);
	CHECK_ERRNO(lock(other, F_OFD_SETLK, F_WRLCK, SEEK_SET, 5, 1), EAGAIN);
	CHECK_ERRNO(lock(other, F_SETLK, F_WRLCK, SEEK_SET, 5, 1), EAGAIN);
	CHECK_EQ(fcntl(other, F_OFD_GETLK, &flock), 0);
	CHECK_EQ(flock.l_type, F_WRLCK);
	CHECK_EQ(flock.l_pid, -1);
	flock.l_pid = 1;
	CHECK_ERRNO(fcntl(other, F_OFD_GETLK, &flock), EINVAL);
	CHECK_ERRNO(fcntl(other, F_OFD_SETLK, &flock), EINVAL);
	must_pass_in_child(use_inherited);
	copy = dup(fd);
	close(fd);
	close(open_file());
	CHECK_ERRNO(lock(other, F_OFD_SETLK, F_WRLCK, SEEK_SET, 5, 1), EAGAIN);
	close(copy);
	CHECK_EQ(lock(other, F_OFD_SETLKW, F_WRLCK, SEEK_SET, 5, 1), 0);
	close(other);
	ok("open file locks");
}

/* ---- /proc ---- */

static bool file_has(const char *path, const char *wanted)
{
	static char text[65536];
	int file = open(path, O_RDONLY);
	size_t size = 0;
	ssize_t got;

	CHECK(file >= 0);
	while ((got = read(file, text + size, sizeof(text) - 1 - size)) > 0) {
		size += (size_t)got;
	}
	CHECK_EQ(got, 0);
	text[size] = 0;
	close(file);
	return strstr(text, wanted) != NULL;
}

static void check_proc(void)
{
	char wanted[128], path[64];
	struct stat stat;
	pid_t child;

	fd = open_file();
	CHECK_EQ(fstat(fd, &stat), 0);
	CHECK_EQ(set(F_WRLCK, 5, 10), 0);
	CHECK_EQ(lock(fd, F_OFD_SETLK, F_RDLCK, SEEK_SET, 100, 0), 0);
	CHECK_EQ(flock(fd, LOCK_SH), 0);
	snprintf(wanted, sizeof(wanted), "POSIX  ADVISORY  WRITE %d %02x:%02x:%lu 5 14\n",
		 (int)getpid(), (unsigned)(stat.st_dev >> 8 & 0xfff),
		 (unsigned)(stat.st_dev & 0xff), (unsigned long)stat.st_ino);
	CHECK(file_has("/proc/locks", wanted));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	CHECK(file_has(path, wanted));
	CHECK(file_has(path, "lock:\t1: "));
	CHECK(file_has(path, "OFDLCK ADVISORY  READ -1 "));
	CHECK(file_has(path, " 100 EOF\n"));
	CHECK(file_has(path, "FLOCK  ADVISORY  READ "));
	child = fork();
	if (child == 0) {
		_exit(lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, 0, 0));
	}
	WAIT_UNTIL(waits(child));
	snprintf(wanted, sizeof(wanted), "-> POSIX  ADVISORY  WRITE %d ", (int)child);
	CHECK(file_has("/proc/locks", wanted));
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK(!file_has("/proc/locks", wanted));
	close(fd);
	ok("proc");
}

/* ---- the ledger, and allocations that fail ---- */

static long records_alive(void)
{
	static char text[8192];
	int file = open("/proc/heddle/ledger", O_RDONLY);
	char *line;
	long live = 0;

	CHECK(file >= 0);
	ssize_t got = read(file, text, sizeof(text) - 1);

	CHECK(got > 0);
	text[got] = 0;
	close(file);
	line = strstr(text, "\nrecord ");
	if (line) {
		sscanf(line + 1, "%*s %ld", &live);
	}
	return live;
}

static void check_failures(void)
{
	int failures = 0, control = open("/proc/heddle/fail_nth", O_WRONLY);

	CHECK(control >= 0);
	fd = open_file();
	CHECK_EQ(set(F_WRLCK, 0, 30), 0);
	for (int nth = 1; nth < 20; nth++) {
		fail_nth(control, nth);
		int result = set(F_UNLCK, 10, 10), error = errno;

		fail_nth(control, 0);
		if (result == 0) {
			break;
		}
		CHECK_EQ(error, ENOLCK);
		failures++;
		expect(F_WRLCK, 15, 0, 30); // as before
	}
	CHECK(failures > 0);
	expect(F_WRLCK, 5, 0, 10);
	close(fd);
	close(control);
	ok("failures");
}

int main(int argc, char **argv)
{
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	bool heddle = access("/proc/heddle/ledger", F_OK) == 0;
	long before = heddle ? records_alive() : 0;

	if (argc > 2 && strcmp(argv[1], "kept") == 0) {
		return lock_through_exec(argv[2]);
	}
	CHECK(length > 0);
	close(open_file());
	check_ranges();
	check_whence();
	check_modes();
	check_conflicts();
	check_exit();
	check_exec();
	check_open_file_locks();
	check_proc();
	if (heddle) {
		check_failures();
		CHECK_EQ(records_alive(), before);
		ok("ledger");
	}
	return 0;
}
