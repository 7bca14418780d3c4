// SPDX-License-Identifier: MIT
/*
 * F1: FUTEX_LOCK_PI, LOCK_PI2, TRYLOCK_PI and UNLOCK_PI: what they make of the word, whose turn it is, both clocks, signals,
 * words that lie, words nobody can write, and other operations on the same word.
 * deadline: 60
 */
#include "pi_futex.h"

static uint32_t word;
static _Atomic pid_t waiter;
static _Atomic bool done;

static void *lock_and_unlock(void *unused)
{
	(void)unused;
	waiter = thread_id();
	CHECK_EQ(lock_pi(&word), 0);
	CHECK_EQ(word_of(&word), (uint32_t)thread_id() | FUTEX_WAITERS);
	CHECK_EQ(unlock_pi(&word), 0);
	done = true;
	return NULL;
}

static pthread_t start_waiter(void *(*body)(void *))
{
	pthread_t thread;

	waiter = 0;
	done = false;
	thread = start_thread(body, NULL);
	wait_until_sleeping(&waiter);
	return thread;
}

static void check_words(void)
{
	uint32_t me = (uint32_t)thread_id();

	word = 0;
	CHECK_EQ(lock_pi(&word), 0);
	CHECK_EQ(word, me);
	CHECK_ERRNO(lock_pi(&word), EDEADLK);
	CHECK_ERRNO(trylock_pi(&word), EDEADLK);
	CHECK_ERRNO(futex(&word, FUTEX_LOCK_PI2_PRIVATE, 0, NULL, NULL, 0), EDEADLK);
	CHECK_EQ(word, me);
	CHECK_EQ(unlock_pi(&word), 0);
	CHECK_EQ(word, 0);
	CHECK_ERRNO(unlock_pi(&word), EPERM);
	CHECK_EQ(trylock_pi(&word), 0);
	CHECK_EQ(word, me);
	CHECK_EQ(unlock_pi(&word), 0);

	word = FUTEX_OWNER_DIED;
	CHECK_EQ(lock_pi(&word), 0);
	CHECK_EQ(word, me | FUTEX_OWNER_DIED);
	word = FUTEX_OWNER_DIED | FUTEX_WAITERS;
	CHECK_EQ(trylock_pi(&word), 0);
	CHECK_EQ(word, me | FUTEX_OWNER_DIED);
	CHECK_EQ(unlock_pi(&word), 0);
	CHECK_EQ(word, 0);
	word = me | FUTEX_WAITERS; // nobody does
	CHECK_EQ(unlock_pi(&word), 0);
	CHECK_EQ(word, 0);
	ok("words");
}

static void check_hand_over(void)
{
	pthread_t thread;

	word = 0;
	fast_lock(&word);
	thread = start_waiter(lock_and_unlock);
	CHECK_EQ(word, (uint32_t)thread_id() | FUTEX_WAITERS);
	CHECK(!done);
	CHECK_EQ(unlock_pi(&word), 0);
	join_thread(thread);
	CHECK(done);
	CHECK_EQ(word, 0);
	ok("hand_over");
}

static void *stranger(void *unused)
{
	uint32_t before = word_of(&word);

	(void)unused;
	CHECK_ERRNO(unlock_pi(&word), EPERM);
	CHECK_EQ(word_of(&word), before);
	CHECK_ERRNO(trylock_pi(&word), EAGAIN);
	CHECK_EQ(word_of(&word), before | FUTEX_WAITERS);
	return NULL;
}

static void check_strangers(void)
{
	pthread_t thread;

	word = 0;
	fast_lock(&word);
	join_thread(start_thread(stranger, NULL)); // nobody waits
	thread = start_waiter(lock_and_unlock);
	join_thread(start_thread(stranger, NULL));
	fast_unlock(&word);
	join_thread(thread);
	ok("strangers");
}

/* ---- words that lie ---- */

static pid_t start_zombie(void)
{
	siginfo_t info;
	pid_t child = fork();

	if (child == 0) {
		_exit(0);
	}
	CHECK(child > 0);
	CHECK_EQ(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	return child;
}

static void check_no_owner(void)
{
	pid_t zombie = start_zombie();
	const uint32_t nobody[] = {FUTEX_TID_MASK, FUTEX_TID_MASK - 7, (uint32_t)zombie};

	for (int i = 0; i < 3; i++) {
		word = nobody[i];
		CHECK_ERRNO(lock_pi(&word), ESRCH);
		word = nobody[i];
		CHECK_ERRNO(trylock_pi(&word), ESRCH);
		CHECK_ERRNO(unlock_pi(&word), EPERM);
	}
	CHECK_EQ(waitpid(zombie, NULL, 0), zombie);
	word = 0;
	ok("no_owner");
}

/* The kernel knows us as the owner; the word says something else. */
static void check_disagreement(void)
{
	uint32_t me = (uint32_t)thread_id();
	pid_t child = start_pausing();
	pthread_t thread;

	word = 0;
	fast_lock(&word);
	thread = start_waiter(lock_and_unlock);
	word = FUTEX_WAITERS | (uint32_t)child;
	CHECK_ERRNO(lock_pi(&word), EINVAL);
	CHECK_ERRNO(trylock_pi(&word), EINVAL);
	CHECK_ERRNO(unlock_pi(&word), EPERM);
	word = 0;
	CHECK_ERRNO(lock_pi(&word), EINVAL);
	word = me | FUTEX_WAITERS;
	CHECK_EQ(unlock_pi(&word), 0);
	join_thread(thread);
	kill(child, SIGKILL);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	ok("disagreement");
}

static uint32_t *shared;

static void *lock_of_the_dead(void *unused)
{
	(void)unused;
	waiter = thread_id();
	CHECK_EQ(futex(shared, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
	CHECK_EQ(word_of(shared),
		 (uint32_t)thread_id() | FUTEX_WAITERS | FUTEX_OWNER_DIED);
	CHECK_EQ(futex(shared, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
	CHECK_EQ(word_of(shared), 0);
	return NULL;
}

/* The other way round: somebody who knows nothing of it is the owner, and not we who say we are; until he dies. */
static void check_named_owner(void)
{
	pid_t child = start_pausing();
	pthread_t thread;

	shared = shared_page();
	*shared = (uint32_t)child;
	thread = start_waiter(lock_of_the_dead);
	CHECK_EQ(word_of(shared), (uint32_t)child | FUTEX_WAITERS);
	*shared = (uint32_t)thread_id() | FUTEX_WAITERS;
	CHECK_ERRNO(futex(shared, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EINVAL);
	*shared = (uint32_t)child | FUTEX_WAITERS;
	kill(child, SIGKILL);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	join_thread(thread);
	ok("named_owner");
}

/* ---- other operations on the same word ---- */

static void *wait_plainly(void *unused)
{
	(void)unused;
	waiter = thread_id();
	CHECK_EQ(futex(&word, FUTEX_WAIT_PRIVATE, word, NULL, NULL, 0), 0);
	return NULL;
}

static void check_mixed(void)
{
	static uint32_t other;
	pthread_t thread;

	word = 0;
	fast_lock(&word);
	thread = start_waiter(lock_and_unlock);
	CHECK_ERRNO(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(&word, FUTEX_REQUEUE_PRIVATE, 1, (void *)1, &other, 0), EINVAL);
	CHECK_ERRNO(futex(&word, FUTEX_REQUEUE_PRIVATE, 0, (void *)1, &other, 0), EINVAL);
	CHECK_ERRNO(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &other,
			  FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0)),
		    EINVAL);
	CHECK_ERRNO(futex(&other, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word,
			  FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_NE, 1)),
		    EINVAL);
	CHECK(!done);
	fast_unlock(&word);
	join_thread(thread);

	word = (uint32_t)getppid(); // somebody's
	thread = start_waiter(wait_plainly);
	CHECK_ERRNO(lock_pi(&word), EINVAL);
	CHECK_ERRNO(trylock_pi(&word), EINVAL);
	word = (uint32_t)thread_id() | FUTEX_WAITERS;
	CHECK_ERRNO(unlock_pi(&word), EINVAL);
	CHECK_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
	join_thread(thread);
	ok("mixed");
}

/* ---- bad addresses ---- */

static void check_addresses(void)
{
	static void *const bad[] = {UNMAPPED_ADDRESS, KERNEL_ADDRESS, NON_CANONICAL};
	static const int operations[] = {FUTEX_LOCK_PI, FUTEX_LOCK_PI2, FUTEX_TRYLOCK_PI,
					 FUTEX_UNLOCK_PI};
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	uint32_t *read_only = (uint32_t *)page;

	CHECK(page != MAP_FAILED);
	*read_only = 0;
	mprotect(page, 4096, PROT_READ);
	for (int i = 0; i < 8; i++) {
		int operation = operations[i % 4] | (i < 4 ? 0 : FUTEX_PRIVATE_FLAG);
		bool unlocks = operations[i % 4] == FUTEX_UNLOCK_PI;

		for (int j = 0; j < 3; j++) {
			CHECK_ERRNO(futex(bad[j], operation, 0, NULL, NULL, 0), EFAULT);
		}
		CHECK_ERRNO(futex((char *)&word + 2, operation, 0, NULL, NULL, 0),
			    unlocks ? EPERM : EINVAL);
		CHECK_ERRNO(futex(read_only, operation, 0, NULL, NULL, 0),
			    unlocks ? EPERM : EFAULT);
	}
	mprotect(page, 4096, PROT_READ | PROT_WRITE);
	*read_only = (uint32_t)thread_id();
	mprotect(page, 4096, PROT_READ);
	CHECK_ERRNO(unlock_pi(read_only), EFAULT);
	CHECK_ERRNO(futex(read_only, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EFAULT);
	munmap(page, 4096);
	ok("addresses");
}

/* ---- deadlines ---- */

static const struct timespec past = {1, 0}, negative = {-1, 0}, no_time = {0, 1000000000},
			     end = {INT64_MAX, 0};

static void *time_out(void *unused)
{
	static const struct {
		int operation, clock;
	} kinds[] = {{FUTEX_LOCK_PI_PRIVATE, CLOCK_REALTIME},
		     {FUTEX_LOCK_PI2_PRIVATE, CLOCK_MONOTONIC},
		     {FUTEX_LOCK_PI2_PRIVATE | FUTEX_CLOCK_REALTIME, CLOCK_REALTIME}};

	(void)unused;
	for (int i = 0; i < 3; i++) {
		int operation = kinds[i].operation;
		long long start = now_ns();
		struct timespec soon;

		CHECK_ERRNO(futex(&word, operation, 0, &past, NULL, 0), ETIMEDOUT);
		clock_gettime(kinds[i].clock, &soon);
		soon.tv_sec += soon.tv_nsec >= 980000000;
		soon.tv_nsec = (soon.tv_nsec + 20000000) % 1000000000;
		CHECK_ERRNO(futex(&word, operation, 0, &soon, NULL, 0), ETIMEDOUT);
		CHECK(now_ns() - start >= 20000000);
		CHECK_ERRNO(futex(&word, operation, 0, &negative, NULL, 0), EINVAL);
		CHECK_ERRNO(futex(&word, operation, 0, &no_time, NULL, 0), EINVAL);
		CHECK_ERRNO(futex(&word, operation, 0, UNMAPPED_ADDRESS, NULL, 0),
			    EFAULT);
	}
	waiter = thread_id();
	CHECK_EQ(futex(&word, FUTEX_LOCK_PI2_PRIVATE, 0, &end, NULL, 0), 0);
	CHECK_EQ(unlock_pi(&word), 0);
	return NULL;
}

static void check_deadlines(void)
{
	pthread_t thread;

	word = 0;
	CHECK_EQ(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, &past, NULL, 0), 0);
	CHECK_EQ(unlock_pi(&word), 0);
	CHECK_EQ(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, &end, NULL, 0), 0);
	thread = start_waiter(time_out);
	CHECK_EQ(unlock_pi(&word), 0);
	join_thread(thread);
	CHECK_ERRNO(futex(&word, FUTEX_LOCK_PI_PRIVATE | FUTEX_CLOCK_REALTIME, 0, NULL,
			  NULL, 0),
		    ENOSYS);
	CHECK_ERRNO(futex(&word, FUTEX_UNLOCK_PI_PRIVATE | FUTEX_CLOCK_REALTIME, 0, NULL,
			  NULL, 0),
		    ENOSYS);
	CHECK_ERRNO(futex(&word, FUTEX_TRYLOCK_PI_PRIVATE | FUTEX_CLOCK_REALTIME, 0, NULL,
			  NULL, 0),
		    ENOSYS);
	ok("deadlines");
}

/* ---- signals: it goes on waiting, whatever the handler's flags say ---- */

static atomic_int handled;

static void handle(int signal)
{
	(void)signal;
	handled++;
}

static void check_signals(void)
{
	struct sigaction action = {.sa_handler = handle};
	pthread_t thread;

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	word = 0;
	fast_lock(&word);
	thread = start_waiter(lock_and_unlock);
	for (int i = 1; i <= 5; i++) {
		pthread_kill(thread, SIGUSR1);
		WAIT_UNTIL(handled == i);
		wait_until_sleeping(&waiter);
	}
	CHECK(!done);
	fast_unlock(&word);
	join_thread(thread);
	CHECK_EQ(word, 0);
	ok("signals");
}

/* ---- whose turn it is ---- */

enum { ORDERED = 5 };
static const int priorities[ORDERED] = {0, 10, 0, 30, 10};
static const int turns[ORDERED] = {3, 1, 4, 0, 2};
static _Atomic pid_t tids[ORDERED];
static int order[ORDERED];
static atomic_int entered;

static void *wait_for_turn(void *argument)
{
	int me = (int)(uintptr_t)argument;

	become(priorities[me] ? SCHED_FIFO : SCHED_OTHER, priorities[me]);
	tids[me] = thread_id();
	CHECK_EQ(lock_pi(&word), 0);
	order[entered++] = me;
	fast_unlock(&word);
	return NULL;
}

static void check_order(void)
{
	pthread_t threads[ORDERED];

	if (geteuid() != 0) {
		return; // real-time priorities need rights
	}
	word = 0;
	fast_lock(&word);
	for (int i = 0; i < ORDERED; i++) {
		threads[i] = start_thread(wait_for_turn, (void *)(uintptr_t)i);
		wait_until_sleeping(&tids[i]);
	}
	fast_unlock(&word);
	for (int i = 0; i < ORDERED; i++) {
		join_thread(threads[i]);
	}
	for (int i = 0; i < ORDERED; i++) {
		CHECK_EQ(order[i], turns[i]);
	}
	ok("order");
}

/* ---- many words: more than any table of them begins with ---- */

enum { WORDS = 100 };
static uint32_t many_words[WORDS];
static atomic_int many[WORDS]; /* 0: it is through */

static void *inherit_one(void *argument)
{
	long me = (long)argument;

	CHECK_EQ(lock_pi(&many_words[me]), 0);
	CHECK_EQ(word_of(&many_words[me]), (uint32_t)thread_id() | FUTEX_WAITERS);
	CHECK_EQ(unlock_pi(&many_words[me]), 0);
	many[me] = 0;
	return NULL;
}

static void *wait_for_one(void *argument)
{
	long me = (long)argument;

	CHECK_EQ(futex(&many_words[me], FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), 0);
	many[me] = 0;
	return NULL;
}

static void wait_for_many(void *(*body)(void *), uint32_t value)
{
	for (long i = 0; i < WORDS; i++) {
		many_words[i] = value;
		many[i] = -1;
		(void)start_thread(body, (void *)i);
	}
}

/* Without our death: that would reach them too. */
static void all_are_through(void)
{
	for (int i = 0; i < WORDS; i++) {
		WAIT_UNTIL(many[i] == 0);
	}
}

static void unlock_many(void)
{
	wait_for_many(inherit_one, (uint32_t)thread_id());
	for (int i = 0; i < WORDS; i++) {
		WAIT_UNTIL(word_of(&many_words[i]) & FUTEX_WAITERS);
	}
	for (int i = 0; i < WORDS; i++) {
		CHECK_EQ(unlock_pi(&many_words[i]), 0);
	}
	all_are_through();
}

static void wake_many(void)
{
	wait_for_many(wait_for_one, 0);
	for (int i = WORDS - 1; i >= 0; i--) {
		WAIT_UNTIL(futex(&many_words[i], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) ==
			   1);
	}
	all_are_through();
}

/* Each in an address space of its own. */
static void check_many_words(void)
{
	must_pass_in_child(unlock_many);
	must_pass_in_child(wake_many);
	ok("many_words");
}

/* ---- many threads, one counter: nobody is inside with another ---- */

enum { WORKERS = 6, ROUNDS = 300 };
static long counter;

static void *count(void *unused)
{
	(void)unused;
	for (int i = 0; i < ROUNDS; i++) {
		fast_lock(&word);
		counter = *(volatile long *)&counter + 1;
		if (i % 16 == 0) {
			sched_yield();
		}
		fast_unlock(&word);
	}
	return NULL;
}

static void check_exclusion(void)
{
	pthread_t threads[WORKERS];

	word = 0;
	for (int i = 0; i < WORKERS; i++) {
		threads[i] = start_thread(count, NULL);
	}
	for (int i = 0; i < WORKERS; i++) {
		join_thread(threads[i]);
	}
	CHECK_EQ(counter, WORKERS * ROUNDS);
	CHECK_EQ(word, 0);
	ok("exclusion");
}

int main(void)
{
	check_words();
	check_hand_over();
	check_strangers();
	check_no_owner();
	check_mixed();
	check_addresses();
	check_deadlines();
	check_signals();
	check_order();
	check_many_words();
	check_exclusion();
	check_disagreement();
	check_named_owner();
	return 0;
}
