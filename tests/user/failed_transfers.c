// SPDX-License-Identifier: MIT
/*
 * F4, R10, T7: splice, tee, vmsplice, POSIX timers on CPU time, and waits for a clock that is set, with each allocation failing in turn: the
 * call says so or passes in part, no byte is lost or doubled, the next one passes, and the ledger is where it was. Linux has no ledger:
 * skipped there.
 * deadline: 60
 */
#include "ledger.h"
#include "raw.h"
#include <sys/uio.h>

enum { MOST = 80, PASSED = 3, SIZE = 3 * 4096, PIPE = 4 * 4096 };

static int from[2], to[2], file = -1, plan_fd;
static unsigned char bytes[SIZE], seen[SIZE];

static void fill(void)
{
	for (int i = 0; i < SIZE; i++) {
		bytes[i] = (unsigned char)(i * 7 + i / 4096);
	}
}

static long whole(int fd)
{
	return write(fd, bytes, SIZE) == SIZE ? 0 : -1;
}

/* ---- one call each; `done` bytes are through already ---- */

static long by_vmsplice(size_t done)
{
	struct iovec part = {bytes + done, SIZE - done};

	return vmsplice(to[1], &part, 1, 0);
}

static long by_tee(size_t done)
{
	// What is in `to` stays there: so a second one begins anew.
	return done ? 0 : tee(from[0], to[1], SIZE, 0);
}

static long by_pipes(size_t done)
{
	return splice(from[0], NULL, to[1], NULL, SIZE - done, 0);
}

/* From the file's own position, which moves by what has arrived. */
static long from_file(size_t done)
{
	CHECK_EQ(lseek(file, 0, SEEK_CUR), (off_t)done);
	return splice(file, NULL, to[1], NULL, SIZE - done, 0);
}

static long from_place(size_t done)
{
	loff_t at = (loff_t)done;
	long result = splice(file, &at, to[1], NULL, SIZE - done, 0);

	CHECK_EQ(at, (loff_t)done + (result > 0 ? result : 0));
	return result;
}

static long to_file(size_t done)
{
	loff_t at = (loff_t)done;
	long result = splice(from[0], NULL, file, &at, SIZE - done, 0);

	CHECK_EQ(at, (loff_t)done + (result > 0 ? result : 0));
	return result;
}

static const struct {
	const char *name;
	long (*call)(size_t done);
	bool from_pipe, into_file;
} transfers[] = {
	{"vmsplice", by_vmsplice, false, false},  {"tee", by_tee, true, false},
	{"pipes", by_pipes, true, false},         {"from file", from_file, false, false},
	{"from place", from_place, false, false}, {"to file", to_file, true, true},
};

enum { TRANSFERS = sizeof(transfers) / sizeof(transfers[0]) };

/* Has the plan come to its allocation? Else there were fewer. */
static bool has_failed(void)
{
	char state[256] = "";
	long nth, counted, failed = 1;
	int number;

	// If it is this read that fails, the call made fewer.
	if (pread(plan_fd, state, sizeof(state) - 1, 0) <= 0) {
		return false;
	}
	CHECK_EQ(sscanf(state, "%d %ld %ld %ld", &number, &nth, &counted, &failed), 4);
	return failed;
}

static void begin_transfer(int which)
{
	CHECK_EQ(pipe(from), 0);
	CHECK_EQ(pipe(to), 0);
	CHECK(fcntl(to[1], F_SETPIPE_SZ, PIPE) >= SIZE);
	file = memfd_create("transfer", 0);
	CHECK(file >= 0);
	if (transfers[which].from_pipe) {
		CHECK_EQ(whole(from[1]), 0);
	} else {
		CHECK_EQ(whole(file), 0);
		CHECK_EQ(lseek(file, 0, SEEK_SET), 0);
	}
}

static bool transfer(int which, int n)
{
	long result;
	bool failed;
	size_t done;

	begin_transfer(which);
	ledger_touch_stack();
	fail_nth(plan_fd, n);
	errno = 0;
	result = transfers[which].call(0);
	failed = has_failed();
	fail_nth(plan_fd, 0);
	CHECK(result > 0 || (failed && result == -1 && errno == ENOMEM));
	for (done = result > 0 ? (size_t)result : 0; done < SIZE;
	     done += (size_t)result) {
		result = transfers[which].call(done);
		if (result == 0 && transfers[which].call == by_tee) {
			break; // the part that it was
		}
		CHECK(result > 0);
	}
	CHECK(done <= SIZE);
	CHECK_EQ(transfers[which].into_file ? pread(file, seen, SIZE, 0)
					    : read(to[0], seen, SIZE),
		 (long)done);
	CHECK_EQ(memcmp(seen, bytes, done), 0);
	return !failed;
}

/* ---- timers and clocks ---- */

static bool timers(int n)
{
	struct sigevent silent = {.sigev_notify = SIGEV_NONE};
	struct itimerspec setting = {.it_value = {100, 0}};
	bool failed;
	int result, timer;

	ledger_touch_stack();
	fail_nth(plan_fd, n);
	result = (int)syscall(SYS_timer_create, CLOCK_THREAD_CPUTIME_ID, &silent, &timer);
	if (result == 0) {
		result = (int)syscall(SYS_timer_settime, timer, 0, &setting, NULL);
	}
	failed = has_failed();
	fail_nth(plan_fd, 0);
	CHECK(result == 0 || (failed && (errno == EAGAIN || errno == ENOMEM)));
	return !failed;
}

/* A wait for a point of the realtime clock that is past by the time. */
static bool clock_waits(int n)
{
	struct timespec now, soon;
	uint32_t word = 0;
	bool failed;
	long result;

	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &soon), 0);
	soon.tv_nsec = soon.tv_nsec < 990000000 ? soon.tv_nsec + 5000000 : 999999999;
	ledger_touch_stack();
	CHECK_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
	fail_nth(plan_fd, n);
	result = futex(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &soon,
		       NULL, 1);
	result = result < 0 ? -errno : result;
	failed = has_failed();
	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &now), 0);
	CHECK_EQ(clock_settime(CLOCK_REALTIME, &now), 0);
	fail_nth(plan_fd, 0);
	CHECK(result == -ETIMEDOUT || (failed && result == -ENOMEM));
	return !failed;
}

static bool one(int which, int n)
{
	return which < TRANSFERS    ? transfer(which, n)
	       : which == TRANSFERS ? timers(n)
				    : clock_waits(n);
}

/* In a new process each time. Returns how many allocations there were. */
static int walk(int which)
{
	for (int n = 1; n < MOST; n++) {
		int status = -1;
		pid_t child = fork();

		CHECK(child >= 0);
		if (child == 0) {
			plan_fd = open("/proc/heddle/fail_nth", O_RDWR | O_CLOEXEC);
			CHECK(plan_fd >= 0);
			_exit(one(which, n) ? PASSED : 0);
		}
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK(WIFEXITED(status));
		if (WEXITSTATUS(status) == PASSED) {
			return n - 1;
		}
		CHECK_EQ(status, 0);
	}
	CHECK(!"it passes in the end");
	return 0;
}

static void check(int which, const char *name)
{
	struct ledger before;
	int count;

	walk(which);
	ledger_begin(&before);
	count = walk(which);
	ledger_expect(&before);
	say("# %s: %d allocations\n", name, count);
	ok(name);
}

int main(void)
{
	ledger_required();
	fill();
	for (int i = 0; i < TRANSFERS; i++) {
		check(i, transfers[i].name);
	}
	check(TRANSFERS, "timers");
	check(TRANSFERS + 1, "clock_waits");
	return 0;
}
