// SPDX-License-Identifier: MIT
/*
 * R5: waiting for record locks: who gets in when, waits that a signal ends, rings of waiters of which one is refused, no ring
 * where there is none, and a descriptor that is closed while another thread waits.
 * libc: musl
 */
#include "locks.h"

/* ---- waiting ---- */

static void wait_for_all(void)
{
	CHECK_EQ(lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, 0, 0), 0);
}

static void check_waiting(void)
{
	pid_t child;
	int status;

	fd = open_file();
	CHECK_EQ(set(F_WRLCK, 0, 10), 0);
	CHECK_EQ(set(F_WRLCK, 20, 10), 0);
	child = fork();
	if (child == 0) {
		wait_for_all();
		_exit(7);
	}
	WAIT_UNTIL(waits(child));
	CHECK_EQ(set(F_UNLCK, 0, 10), 0); // not enough yet
	CHECK_EQ(waitpid(child, &status, WNOHANG), 0);
	WAIT_UNTIL(waits(child));
	CHECK_EQ(set(F_UNLCK, 20, 10), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 7 << 8);
	CHECK_EQ(set(F_WRLCK, 0, 0), 0);
	child = fork();
	if (child == 0) {
		CHECK_EQ(lock(fd, F_SETLKW, F_RDLCK, SEEK_SET, 5, 5), 0);
		_exit(8);
	}
	WAIT_UNTIL(waits(child));
	CHECK_EQ(set(F_RDLCK, 0, 0), 0); // shared now: the reader gets in
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 8 << 8);
	close(fd);
	ok("waiting");
}

static void nothing(int signal)
{
	(void)signal;
}

static void check_interruption(void)
{
	struct sigaction action = {.sa_handler = nothing};
	pid_t child;
	int status;

	fd = open_file();
	CHECK_EQ(set(F_WRLCK, 0, 10), 0);
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	child = fork();
	if (child == 0) {
		CHECK_ERRNO(lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, 0, 1), EINTR);
		_exit(0);
	}
	WAIT_UNTIL(waits(child));
	CHECK_EQ(kill(child, SIGUSR1), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	child = fork();
	if (child == 0) {
		wait_for_all();
		_exit(0);
	}
	WAIT_UNTIL(waits(child));
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, SIGKILL);
	close(fd);
	ok("interruption");
}

/* ---- deadlocks: process i holds byte i and wants the next ---- */

enum { RING = 4 };
static _Atomic int *holding;

static void hold_and_want(int i)
{
	CHECK_EQ(set(F_WRLCK, i, 1), 0);
	atomic_fetch_add(holding, 1);
	WAIT_UNTIL(atomic_load(holding) == RING);
	if (lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, (i + 1) % RING, 1)) {
		_exit(errno == EDEADLK ? 35 : 99);
	}
	_exit(0); // lets the one before get on
}

static void check_deadlock(void)
{
	int refused = 0, status;

	fd = open_file();
	for (int round = 0; round < 20; round++) {
		atomic_store(holding, 0);
		refused = 0;
		for (int i = 0; i < RING; i++) {
			pid_t child = fork();

			CHECK(child >= 0);
			if (child == 0) {
				hold_and_want(i);
			}
		}
		for (int i = 0; i < RING; i++) {
			CHECK(wait(&status) > 0);
			CHECK(status == 0 || status == 35 << 8);
			refused += status != 0;
		}
		CHECK_EQ(refused, 1);
	}
	close(fd);
	ok("deadlock");
}

/* Two wait for each other's release but never in a ring: nobody is refused. */
static void take_turns(int first, int second)
{
	for (int i = 0; i < 300; i++) {
		CHECK_EQ(lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, first, 1), 0);
		CHECK_EQ(lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, second, 1), 0);
		int seen = holding[1];

		sched_yield();
		holding[1] = seen + 1;
		CHECK_EQ(lock(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 0), 0);
	}
	_exit(0);
}

static void check_no_false_deadlock(void)
{
	int status;

	fd = open_file();
	holding[1] = 0;
	for (int i = 0; i < 3; i++) {
		pid_t child = fork();

		CHECK(child >= 0);
		if (child == 0) {
			take_turns(0, 1);
		}
	}
	for (int i = 0; i < 3; i++) {
		CHECK(wait(&status) > 0);
		CHECK_EQ(status, 0);
	}
	CHECK_EQ(holding[1], 900);
	close(fd);
	ok("no false deadlock");
}

/* ---- a close while another thread waits: nothing may stay ---- */

static void *wait_in_thread(void *tid)
{
	struct flock flock = {.l_type = F_WRLCK, .l_len = 1};

	atomic_store((atomic_int *)tid, thread_id());
	return (void *)(long)(fcntl(fd, F_SETLKW, &flock) ? errno : 0);
}

static void check_close_while_waiting(void)
{
	static atomic_int tid;
	int go[2];
	char byte;
	pthread_t thread;
	void *result;
	pid_t child;

	fd = open_file();
	CHECK_EQ(pipe(go), 0);
	child = fork();
	if (child == 0) {
		CHECK_EQ(set(F_WRLCK, 0, 1), 0);
		atomic_store(&holding[2], 1);
		close(go[1]);
		CHECK_EQ(read(go[0], &byte, 1), 0);
		_exit(0);
	}
	close(go[0]);
	WAIT_UNTIL(holding[2]);
	thread = start_thread(wait_in_thread, &tid);
	WAIT_UNTIL(atomic_load(&tid));
	WAIT_UNTIL(thread_state(tid) == 'S');
	close(fd);
	close(go[1]);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK_EQ((long)result, EBADF);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	fd = open_file();
	expect(F_UNLCK, 0, 0, 0);
	close(fd);
	ok("close while waiting");
}

int main(void)
{
	holding = shared_page();
	close(open_file());
	check_waiting();
	check_interruption();
	check_deadlock();
	check_no_false_deadlock();
	check_close_while_waiting();
	return 0;
}
