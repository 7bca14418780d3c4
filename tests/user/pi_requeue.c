// SPDX-License-Identifier: MIT
/*
 * F1: FUTEX_WAIT_REQUEUE_PI and CMP_REQUEUE_PI: the first is given the word if
 * it is free, the others wait for it and lend their priority; deadlines and
 * signals before and after they are moved; the owner's death; rings; bad input.
 */
#include "pi_futex.h"

enum { WAITERS = 5 };

static uint32_t condition, word;

static const struct timespec *count(long value)
{
	return (const struct timespec *)value;
}

static long wait_requeue(uint32_t value, const struct timespec *deadline)
{
	return futex(&condition, FUTEX_WAIT_REQUEUE_PI_PRIVATE, value, deadline, &word,
		     0);
}

static long requeue(long most, uint32_t value)
{
	return futex(&condition, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, count(most), &word,
		     value);
}

static struct waiter {
	pthread_t thread;
	_Atomic pid_t tid;
	int priority;
	uint32_t *holds;                 /* a word it has meanwhile */
	const struct timespec *deadline; /* CLOCK_MONOTONIC */
	int error;
	_Atomic bool owns;
} waiters[WAITERS];
static atomic_int turn;
static int turns[WAITERS];
static _Atomic bool keep;

static void *wait_for_word(void *argument)
{
	struct waiter *self = argument;

	become(self->priority ? SCHED_FIFO : SCHED_OTHER, self->priority);
	if (self->holds) {
		fast_lock(self->holds);
	}
	self->tid = thread_id();
	errno = 0;
	self->error = wait_requeue(0, self->deadline) ? errno : 0;
	if (!self->error) {
		CHECK_EQ(owner_of(&word), (uint32_t)self->tid);
		turns[turn++] = (int)(self - waiters);
		self->owns = true;
		while (keep) {
			usleep(500);
		}
		fast_unlock(&word);
	}
	if (self->holds) {
		fast_unlock(self->holds);
	}
	return NULL;
}

static void start_waiter(int i, int priority, uint32_t *holds,
			 const struct timespec *deadline)
{
	waiters[i] = (struct waiter){
		.priority = priority, .holds = holds, .deadline = deadline};
	waiters[i].thread = start_thread(wait_for_word, &waiters[i]);
	wait_until_sleeping(&waiters[i].tid);
}

static void start_waiters(int how_many)
{
	condition = word = 0;
	turn = 0;
	keep = false;
	for (int i = 0; i < how_many; i++) {
		start_waiter(i, 0, NULL, NULL);
	}
}

static void join_waiters(int how_many)
{
	for (int i = 0; i < how_many; i++) {
		join_thread(waiters[i].thread);
	}
}

static void until(_Atomic bool *what)
{
	long long start = now_ns();

	while (!*what) {
		CHECK(now_ns() - start < WAIT_LIMIT_NS);
		usleep(500);
	}
}

/* The word is free: the first one has it, and the others behind it. */
static void check_free_word(void)
{
	start_waiters(3);
	keep = true;
	CHECK_EQ(requeue(0, 0), 1); // one, and nobody is moved
	until(&waiters[0].owns);
	CHECK_EQ(word_of(&word), (uint32_t)waiters[0].tid);
	keep = false;
	join_thread(waiters[0].thread);
	CHECK_EQ(word, 0);
	keep = true;
	CHECK_EQ(requeue(INT32_MAX, 0), 2);
	until(&waiters[1].owns);
	CHECK_EQ(word_of(&word), (uint32_t)waiters[1].tid | FUTEX_WAITERS);
	CHECK(!waiters[2].owns);
	keep = false;
	join_thread(waiters[1].thread);
	join_thread(waiters[2].thread);
	CHECK_EQ(word, 0);
	CHECK_EQ(requeue(1, 0), 0); // nobody waits any more
	CHECK_EQ(word, 0);
	ok("free_word");
}

/* It is ours: all are moved, and have it by priority when we let go. */
static void check_taken_word(void)
{
	static const int priorities[WAITERS] = {0, 20, 0, 40, 20};
	static const int expected[WAITERS] = {3, 1, 4, 0, 2};

	start_waiters(0);
	for (int i = 0; i < WAITERS; i++) {
		start_waiter(i, priorities[i], NULL, NULL);
	}
	fast_lock(&word);
	CHECK_ERRNO(requeue(9, 1), EAGAIN); // another value
	CHECK_EQ(requeue(1, 0), 2);
	CHECK_EQ(requeue(INT32_MAX, 0), 3);
	CHECK_EQ(word_of(&word), (uint32_t)thread_id() | FUTEX_WAITERS);
	CHECK_EQ(turn, 0);
	fast_unlock(&word);
	join_waiters(WAITERS);
	for (int i = 0; i < WAITERS; i++) {
		CHECK_EQ(waiters[i].error, 0);
		CHECK_EQ(turns[i], expected[i]);
	}
	CHECK_EQ(word, 0);
	ok("taken_word");
}

/* What is moved lends; a deadline after that takes it back. */
static void check_lends(void)
{
	struct timespec soon;

	start_waiters(0);
	clock_gettime(CLOCK_MONOTONIC, &soon);
	soon.tv_sec += 1;
	start_waiter(0, 30, NULL, &soon);
	fast_lock(&word);
	CHECK_EQ(acts_by(thread_id()), acts_fair());
	CHECK_EQ(requeue(1, 0), 1);
	CHECK_EQ(acts_by(thread_id()), -31);
	join_thread(waiters[0].thread);
	CHECK_EQ(waiters[0].error, ETIMEDOUT);
	CHECK_EQ(acts_by(thread_id()), acts_fair());
	fast_unlock(&word);
	CHECK_EQ(word, 0);
	ok("lends");
}

static void check_deadlines(void)
{
	static const struct timespec past = {1, 0}, negative = {-1, 0};
	struct timespec now;

	condition = 0;
	CHECK_ERRNO(wait_requeue(0, &past), ETIMEDOUT);
	CHECK_ERRNO(wait_requeue(0, &negative), EINVAL);
	CHECK_ERRNO(wait_requeue(1, NULL), EAGAIN);
	clock_gettime(CLOCK_REALTIME, &now);
	CHECK_ERRNO(futex(&condition,
			  FUTEX_WAIT_REQUEUE_PI_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &now,
			  &word, 0),
		    ETIMEDOUT);
	CHECK_EQ(requeue(1, 0), 0); // nothing stays behind
	ok("deadlines");
}

/* ---- signals ---- */

static atomic_int handled;

static void handle(int signal)
{
	(void)signal;
	handled++;
}

static void check_signals(void)
{
	struct sigaction action = {.sa_handler = handle};

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	start_waiters(2);
	pthread_kill(waiters[0].thread, SIGUSR1); // not moved: it waits again
	while (handled != 1) {
		usleep(500);
	}
	wait_until_sleeping(&waiters[0].tid);
	fast_lock(&word);
	CHECK_EQ(requeue(INT32_MAX, 0), 2);
	pthread_kill(waiters[1].thread, SIGUSR1); // moved: it is told to look again
	join_thread(waiters[1].thread);
	CHECK_EQ(waiters[1].error, EAGAIN);
	fast_unlock(&word);
	join_thread(waiters[0].thread);
	CHECK_EQ(waiters[0].error, 0);
	CHECK_EQ(word, 0);
	ok("signals");
}

/* ---- the owner dies, and so do who waits ---- */

static uint32_t *shared; /* condition, word, ready */

static void check_death(void)
{
	pid_t children[3], owner;

	shared = shared_page();
	owner = start_pausing();
	for (int i = 0; i < 3; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			uint32_t died = i == 1 ? 0 : (uint32_t)FUTEX_OWNER_DIED;

			CHECK_EQ(futex(&shared[0], FUTEX_WAIT_REQUEUE_PI, 0, NULL,
				       &shared[1], 0),
				 0);
			CHECK_EQ(shared[1], (uint32_t)thread_id() | FUTEX_WAITERS | died);
			// The last one leaves it to its own death.
			_exit(i == 1 ? 0
				     : (int)-futex(&shared[1], FUTEX_UNLOCK_PI, 0, NULL,
						   NULL, 0));
		}
		WAIT_UNTIL(process_state(children[i]) == 'S');
	}
	shared[1] = (uint32_t)owner;
	CHECK_EQ(futex(&shared[0], FUTEX_CMP_REQUEUE_PI, 1, count(9), &shared[1], 0), 3);
	CHECK_EQ(shared[1], (uint32_t)owner | FUTEX_WAITERS);
	kill(owner, SIGKILL);
	CHECK_EQ(waitpid(owner, NULL, 0), owner);
	for (int i = 0; i < 3; i++) {
		int status = -1;

		CHECK_EQ(waitpid(children[i], &status, 0), children[i]);
		CHECK_EQ(status, 0);
	}
	CHECK_EQ(shared[1], 0);
	ok("death");
}

/* ---- rings ---- */

static void *wait_for(void *at)
{
	CHECK_EQ(lock_pi(at), 0);
	CHECK_EQ(unlock_pi(at), 0);
	return NULL;
}

static uint32_t inner;
static _Atomic pid_t closer_tid;

static void *own_word_and_wait(void *unused)
{
	(void)unused;
	fast_lock(&word);
	closer_tid = thread_id();
	CHECK_EQ(lock_pi(&inner), 0);
	CHECK_EQ(unlock_pi(&inner), 0);
	fast_unlock(&word);
	return NULL;
}

/* The waiter holds what the word's owner waits for: to move it would close a
 * ring. It stays where it was. */
static void check_ring(void)
{
	pthread_t closer;

	start_waiters(0);
	inner = closer_tid = 0;
	start_waiter(0, 0, &inner, NULL);
	closer = start_thread(own_word_and_wait, NULL);
	wait_until_sleeping(&closer_tid);
	CHECK_ERRNO(requeue(INT32_MAX, 0), EDEADLK);
	CHECK_ERRNO(requeue(0, 0), EDEADLK);
	condition = 1; // it waits for that word still, and looks when it is interrupted
	handled = 0;
	pthread_kill(waiters[0].thread, SIGUSR1);
	join_thread(waiters[0].thread);
	CHECK_EQ(waiters[0].error, EAGAIN);
	join_thread(closer);
	CHECK_EQ(word, 0);
	CHECK_EQ(inner, 0);
	ok("ring");
}

/* ---- bad input ---- */

static void check_bad_input(void)
{
	static uint32_t other;
	pthread_t thread;

	condition = word = 0;
	CHECK_ERRNO(
		futex(&condition, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, NULL, &condition, 0),
		EINVAL);
	CHECK_ERRNO(futex(&condition, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, count(1),
			  &condition, 0),
		    EINVAL);
	CHECK_ERRNO(
		futex(&condition, FUTEX_CMP_REQUEUE_PI_PRIVATE, 2, count(1), &word, 0),
		EINVAL);
	CHECK_ERRNO(
		futex(&condition, FUTEX_CMP_REQUEUE_PI_PRIVATE, 0, count(1), &word, 0),
		EINVAL);
	CHECK_ERRNO(requeue(-1, 0), EINVAL);
	CHECK_ERRNO(futex(&condition, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, NULL,
			  (char *)&word + 1, 0),
		    EINVAL);
	CHECK_ERRNO(futex(&condition, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, NULL,
			  KERNEL_ADDRESS, 0),
		    EFAULT);
	CHECK_ERRNO(futex(&condition, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, count(1),
			  KERNEL_ADDRESS, 0),
		    EFAULT);
	CHECK_ERRNO(futex(UNMAPPED_ADDRESS, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, count(1),
			  &word, 0),
		    EFAULT);

	start_waiters(1); // it waits to be moved to `word`, and only that
	CHECK_ERRNO(futex(&condition, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(&condition, FUTEX_REQUEUE_PRIVATE, 0, count(1), &other, 0),
		    EINVAL);
	CHECK_ERRNO(
		futex(&condition, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, count(1), &other, 0),
		EINVAL);
	CHECK_EQ(requeue(1, 0), 1);
	join_waiters(1);

	word = (uint32_t)thread_id(); // a waiter of another kind
	thread = start_thread(wait_for, &word);
	WAIT_UNTIL(word_of(&word) & FUTEX_WAITERS);
	usleep(10000);
	CHECK_ERRNO(futex(&word, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, count(1), &other, word),
		    EINVAL);
	fast_unlock(&word);
	join_thread(thread);
	ok("bad_input");
}

int main(void)
{
	if (geteuid() != 0) {
		skip("real-time priorities need rights");
	}
	check_free_word();
	check_taken_word();
	check_lends();
	check_deadlines();
	check_signals();
	check_death();
	check_ring();
	check_bad_input();
	return 0;
}
