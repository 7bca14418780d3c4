// SPDX-License-Identifier: MIT
/*
 * R2, R5, R8: when wait() returns the child's files are closed and its folder is free; files
 * close when the last sharer of the table leaves, not when any process does; locks go with them.
 * libc: musl
 */
#include "raw.h"
#include <sys/file.h>
#include <sys/stat.h>

static int ends[2];

static void hold_pipe(void)
{
	// The write end is open here and closed by nobody but exit.
}

static void check_closed_before_wait_returns(void)
{
	char byte;

	for (int i = 0; i < 100; i++) {
		int status;
		pid_t child;

		CHECK_EQ(pipe2(ends, O_NONBLOCK), 0);
		child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			hold_pipe();
			_exit(0);
		}
		close(ends[1]);
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(read(ends[0], &byte, 1), 0); // end of file, not EAGAIN
		close(ends[0]);
	}
	ok("closed_before_wait_returns");
}

static void hold_lock(void)
{
	int fd = open("lock", O_RDWR | O_CREAT, 0600);

	CHECK_EQ(flock(fd, LOCK_EX), 0);
	raise(SIGKILL);
}

static void check_locks_released(void)
{
	int fd = open("lock", O_RDWR | O_CREAT, 0600);

	for (int i = 0; i < 50; i++) {
		CHECK(WIFSIGNALED(in_child(hold_lock)));
		CHECK_EQ(flock(fd, LOCK_EX | LOCK_NB), 0);
		CHECK_EQ(flock(fd, LOCK_UN), 0);
	}
	close(fd);
	ok("locks_released");
}

static char stack[65536] __attribute__((aligned(16)));

static int leave_at_once(void *unused)
{
	(void)unused;
	return 0;
}

/* A process that shares the table ends; the descriptors stay. */
static void check_sharer_leaves(void)
{
	struct clone_args args = {
		.flags = CLONE_FILES | CLONE_FS,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
	};
	int fd = open("/dev/null", O_RDONLY), status;
	long child = clone3_call(&args, sizeof(args), leave_at_once, NULL);

	CHECK(child > 0);
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	close(fd);
	ok("sharer_leaves");
}

static atomic_int closed, unshared;

static void *unshare_files(void *fd)
{
	CHECK_EQ(unshare(CLONE_FILES), 0);
	atomic_store(&unshared, 1);
	WAIT_UNTIL(atomic_load(&closed));
	CHECK_EQ(fcntl((int)(intptr_t)fd, F_GETFD), 0); // our table still has it
	close((int)(intptr_t)fd);
	return NULL;
}

/* R1: a thread with a table of its own. */
static void check_unshared_table(void)
{
	char byte;
	pthread_t thread;

	CHECK_EQ(pipe2(ends, O_NONBLOCK), 0);
	thread = start_thread(unshare_files, (void *)(intptr_t)ends[1]);
	WAIT_UNTIL(atomic_load(&unshared));
	close(ends[1]);
	CHECK_ERRNO(read(ends[0], &byte, 1),
		    EAGAIN); // the other table holds the write end
	atomic_store(&closed, 1);
	join_thread(thread);
	WAIT_UNTIL(read(ends[0], &byte, 1) == 0);
	close(ends[0]);
	ok("unshared_table");
}

static void enter_and_leave(void)
{
	CHECK_EQ(chdir("folder"), 0);
}

static void check_folder_unpinned(void)
{
	CHECK_EQ(mkdir("folder", 0755), 0);
	must_pass_in_child(enter_and_leave);
	CHECK_EQ(rmdir("folder"), 0);
	ok("folder_unpinned");
}

int main(void)
{
	check_closed_before_wait_returns();
	check_locks_released();
	check_sharer_leaves();
	check_unshared_table();
	check_folder_unpinned();
	return 0;
}
