// SPDX-License-Identifier: MIT
/*
 * T3: numbers are recycled below pid_max, the lowest 300 are not handed out again, a number in
 * use is never given twice, and a reserved one comes from clone3's set_tid.
 * oracle: guest
 */
#include "raw.h"

enum { MAXIMUM = 400, LOWEST = 300, ROUNDS = 450 };

static void set_maximum(int maximum)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", maximum);
	int fd = open("/proc/sys/kernel/pid_max", O_WRONLY);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, (size_t)length), length);
	close(fd);
}

static void reap(pid_t child)
{
	int status;

	CHECK_EQ(waitpid(child, &status, 0), child);
}

/* More processes than there are numbers, one after the other, around one that stays. */
static void check_recycled(void)
{
	pid_t staying = start_pausing(), number = 0;
	bool wrapped = false;

	for (int i = 0; i < ROUNDS; i++) {
		pid_t before = number;

		number = fork();
		CHECK(number >= 0);
		if (number == 0) {
			_exit(0);
		}
		CHECK(number < MAXIMUM && number != staying && number != getpid());
		wrapped = wrapped || number < before;
		CHECK(!wrapped || number >= LOWEST);
		reap(number);
	}
	CHECK(wrapped);
	CHECK_EQ(kill(staying, SIGKILL), 0);
	reap(staying);
	ok("recycled");
}

/* A zombie keeps its number; once it is reaped the number can be asked for again. */
static void check_asked_for(void)
{
	pid_t wanted = start_pausing();
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&wanted,
		.set_tid_size = 1,
	};
	siginfo_t info;
	long child;

	CHECK_ERRNO(syscall(SYS_clone3, &args, sizeof(args)), EEXIST);
	CHECK_EQ(kill(wanted, SIGKILL), 0);
	CHECK_EQ(waitid(P_PID, (id_t)wanted, &info, WEXITED | WNOWAIT), 0);
	CHECK_ERRNO(syscall(SYS_clone3, &args, sizeof(args)), EEXIST);
	reap(wanted);
	child = syscall(SYS_clone3, &args, sizeof(args));
	if (child == 0) {
		_exit(0);
	}
	CHECK_EQ(child, wanted);
	reap(wanted);
	ok("asked_for");
}

int main(void)
{
	set_maximum(MAXIMUM);
	check_recycled();
	check_asked_for();
	set_maximum(32768);
	return 0;
}
