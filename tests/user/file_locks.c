// SPDX-License-Identifier: MIT
/*
 * flock: shared and exclusive, waiting, conversion (the lock held before is given up first), inherited descriptions, interruption.
 * libc: musl
 */
#include "raw.h"
#include <sys/file.h>

static int fd;
static volatile int *flags;

static int open_lock(void)
{
	int result = open("lock", O_RDWR | O_CREAT, 0600);

	CHECK(result >= 0);
	return result;
}

static void check_conflicts(void)
{
	int other = open_lock(), third = open_lock();

	fd = open_lock();
	CHECK_EQ(flock(fd, LOCK_SH), 0);
	CHECK_EQ(flock(other, LOCK_SH | LOCK_NB), 0);
	CHECK_ERRNO(flock(third, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK_EQ(flock(other, LOCK_UN), 0);
	CHECK_EQ(flock(fd, LOCK_EX | LOCK_NB), 0); // conversion
	CHECK_ERRNO(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	int copy = dup(fd);
	close(fd);
	CHECK_ERRNO(flock(other, LOCK_SH | LOCK_NB),
		    EWOULDBLOCK); // the description lives
	close(copy);
	CHECK_EQ(flock(other, LOCK_EX | LOCK_NB), 0);
	CHECK_ERRNO(flock(other, 77), EINVAL);
	CHECK_ERRNO(flock(999, LOCK_SH), EBADF);
	close(other);
	close(third);
	ok("conflicts");
}

static void lock_and_count(void)
{
	int mine = open_lock();

	for (int i = 0; i < 100; i++) {
		CHECK_EQ(flock(mine, LOCK_EX), 0);
		int seen = flags[0];

		sched_yield();
		flags[0] = seen + 1;
		CHECK_EQ(flock(mine, LOCK_UN), 0);
	}
}

static void check_exclusion(void)
{
	pid_t children[3];

	for (int i = 0; i < 3; i++) {
		children[i] = fork();
		CHECK(children[i] >= 0);
		if (children[i] == 0) {
			lock_and_count();
			_exit(0);
		}
	}
	for (int i = 0; i < 3; i++) {
		int status;

		CHECK_EQ(waitpid(children[i], &status, 0), children[i]);
		CHECK_EQ(status, 0);
	}
	CHECK_EQ(flags[0], 300);
	ok("exclusion");
}

static void do_nothing(int signal)
{
	(void)signal;
}

static void *wait_for_lock(void *tid)
{
	int mine = open_lock();

	atomic_store((atomic_int *)tid, thread_id());
	CHECK_ERRNO(flock(mine, LOCK_EX), EINTR);
	return NULL;
}

static void check_interruption(void)
{
	static atomic_int tid;
	struct sigaction action = {.sa_handler = do_nothing};
	pthread_t thread;

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	fd = open_lock();
	CHECK_EQ(flock(fd, LOCK_EX), 0);
	thread = start_thread(wait_for_lock, &tid);
	WAIT_UNTIL(atomic_load(&tid));
	WAIT_UNTIL(thread_state(tid) == 'S');
	CHECK_EQ(pthread_kill(thread, SIGUSR1), 0);
	join_thread(thread);
	ok("interruption");
}

/* The upgrade that failed has cost its shared lock: the other one's succeeds. */
static void check_failed_upgrade(void)
{
	int a = open_lock(), b = open_lock();

	CHECK_EQ(flock(a, LOCK_SH), 0);
	CHECK_EQ(flock(b, LOCK_SH), 0);
	CHECK_EQ(flock(a, LOCK_SH | LOCK_NB), 0); // what is held already is not given up
	CHECK_ERRNO(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK_EQ(flock(b, LOCK_EX | LOCK_NB), 0);
	CHECK_ERRNO(flock(a, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	CHECK_EQ(flock(b, LOCK_SH | LOCK_NB), 0);
	CHECK_EQ(flock(a, LOCK_SH | LOCK_NB), 0);
	close(a);
	close(b);
	ok("failed_upgrade");
}

/* Two that share want it alone: each gets it in turn, none waits for ever. */
static void check_upgrades(void)
{
	int a = open_lock(), b = open_lock(), status;
	pid_t child;

	CHECK_EQ(flock(a, LOCK_SH), 0);
	CHECK_EQ(flock(b, LOCK_SH), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(b);
		CHECK_EQ(flock(a, LOCK_EX), 0);
		_exit(5);
	}
	close(a);
	WAIT_UNTIL(process_state(child) == 'S');
	CHECK_EQ(flock(b, LOCK_EX), 0);
	CHECK_EQ(waitpid(child, &status, WNOHANG), 0);
	CHECK_EQ(flock(b, LOCK_UN), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 5 << 8);
	close(b);
	ok("upgrades");
}

int main(void)
{
	flags = shared_page();
	check_conflicts();
	check_exclusion();
	check_failed_upgrade();
	check_upgrades();
	check_interruption();
	return 0;
}
