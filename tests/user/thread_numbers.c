// SPDX-License-Identifier: MIT
/*
 * T3: numbers are recycled below pid_max, the lowest 300 are not handed out again, a number in
 * use is never given twice, and a reserved one comes from clone3's set_tid.
 * oracle: guest
 */
#include "raw.h"
#include "settings.h"

enum { MAXIMUM = 400, LOWEST = 300, ROUNDS = 450 };

static void set_maximum(int maximum)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", maximum);
	write_setting("/proc/sys/kernel/pid_max", text);
}

static void reap(pid_t child)
{
	int status;

	CHECK_EQ(waitpid(child, &status, 0), child);
}

static pid_t thread_number;
static int thread_may_end[2];

static void *stay(void *unused)
{
	char byte;

	__atomic_store_n(&thread_number, thread_id(), __ATOMIC_SEQ_CST);
	CHECK_EQ(read(thread_may_end[0], &byte, 1), 1);
	return unused;
}

/* More processes than there are numbers, one after the other, around one and a thread that stay. */
static void check_recycled(void)
{
	pid_t staying = start_pausing(), number = 0;
	bool wrapped = false;
	pthread_t thread;

	CHECK_EQ(pipe(thread_may_end), 0);
	thread = start_thread(stay, NULL);
	WAIT_UNTIL(__atomic_load_n(&thread_number, __ATOMIC_SEQ_CST));
	CHECK_EQ(thread_number, staying + 1); // one allocator for both
	for (int i = 0; i < ROUNDS; i++) {
		pid_t before = number;

		number = fork();
		CHECK(number >= 0);
		if (number == 0) {
			_exit(0);
		}
		CHECK(number < MAXIMUM && number != staying && number != getpid());
		CHECK(number != thread_number);
		wrapped = wrapped || number < before;
		CHECK(!wrapped || number >= LOWEST);
		reap(number);
	}
	CHECK(wrapped);
	CHECK_EQ(write(thread_may_end[1], "x", 1), 1);
	join_thread(thread);
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
