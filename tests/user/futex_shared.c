// SPDX-License-Identifier: MIT
/*
 * F1: shared futex keys: anonymous shared memory across fork, the same file mapped twice at
 * different addresses, memfd; private and shared keys do not meet.
 */
#include "raw.h"

static void sleep_in_child(uint32_t *word)
{
	CHECK_EQ(futex(word, FUTEX_WAIT, 0, NULL, NULL, 0), 0);
}

static void check_wakes_child(uint32_t *mine, uint32_t *theirs)
{
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		sleep_in_child(theirs);
		_exit(0);
	}
	WAIT_UNTIL(futex(mine, FUTEX_WAKE, 1, NULL, NULL, 0) == 1);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

static void check_file(const char *name, int fd)
{
	uint32_t *one, *two;

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, 8192), 0);
	one = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	two = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
	CHECK(one != MAP_FAILED && two != MAP_FAILED);
	check_wakes_child(one + 1024, two);
	CHECK_EQ(futex(one, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
	munmap(one, 8192);
	munmap(two, 4096);
	close(fd);
	ok(name);
}

static uint32_t private_word;

static void *wait_private(void *unused)
{
	(void)unused;
	CHECK_EQ(futex(&private_word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), 0);
	return NULL;
}

/* fork copies the memory; a waiter on the parent's private page is not the child's to wake. */
static void wake_own_copy(void)
{
	CHECK_EQ(futex(&private_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
	CHECK_EQ(futex(&private_word, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
}

static void check_private_stays_private(void)
{
	pthread_t thread = start_thread(wait_private, NULL);

	must_pass_in_child(wake_own_copy);
	WAIT_UNTIL(futex(&private_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 1);
	join_thread(thread);
	ok("private_stays_private");
}

/* A process-shared mutex and condition variable between two processes. */
struct box {
	pthread_mutex_t mutex;
	pthread_cond_t condition;
	int turn;
};

static void take_turns(struct box *box, int me)
{
	for (int round = 0; round < 200; round++) {
		pthread_mutex_lock(&box->mutex);
		while (box->turn != me) {
			pthread_cond_wait(&box->condition, &box->mutex);
		}
		box->turn = !me;
		pthread_cond_signal(&box->condition);
		pthread_mutex_unlock(&box->mutex);
	}
}

static void check_process_shared(void)
{
	struct box *box = shared_page();
	pthread_mutexattr_t mutex_kind;
	pthread_condattr_t condition_kind;
	int status;
	pid_t child;

	pthread_mutexattr_init(&mutex_kind);
	pthread_mutexattr_setpshared(&mutex_kind, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&box->mutex, &mutex_kind);
	pthread_condattr_init(&condition_kind);
	pthread_condattr_setpshared(&condition_kind, PTHREAD_PROCESS_SHARED);
	pthread_cond_init(&box->condition, &condition_kind);
	child = fork();
	CHECK(child >= 0);
	take_turns(box, child == 0);
	if (child == 0) {
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	ok("process_shared");
}

/* A word that nobody can change, and nobody else can see, is none to wait for. */
static void check_read_only(void)
{
	uint32_t *own = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t *both = shared_page();

	CHECK(own != MAP_FAILED);
	CHECK_ERRNO(futex(own, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(futex(own, FUTEX_WAIT, 1, NULL, NULL, 0), EFAULT);
	CHECK_EQ(futex(own, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
	CHECK_ERRNO(futex(own, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0), EAGAIN);
	CHECK_EQ(mprotect(own, 4096, PROT_READ | PROT_WRITE), 0);
	CHECK_EQ(futex(own, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
	CHECK_EQ(mprotect(both, 4096, PROT_READ), 0);
	CHECK_EQ(futex(both, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
	CHECK_ERRNO(futex(both, FUTEX_WAIT, 1, NULL, NULL, 0), EAGAIN);
	ok("read_only");
}

int main(void)
{
	uint32_t *page = shared_page();

	check_wakes_child(page, page);
	ok("anonymous_across_fork");
	check_file("file", open("futex-file", O_RDWR | O_CREAT | O_TRUNC, 0600));
	check_file("memfd", (int)syscall(SYS_memfd_create, "futex", 0));
	check_private_stays_private();
	check_process_shared();
	check_read_only();
	return 0;
}
