// SPDX-License-Identifier: MIT
/*
 * F1: futex_waitv: any of the words wakes it, private and shared; values, both clocks, signals, bad input; its waiters are woken
 * by real-time priority like all others.
 */
#include "raw.h"
#include <linux/time_types.h>

enum { MOST = FUTEX_WAITV_MAX };

static uint32_t words[MOST];
static uint32_t *shared_word;
static _Atomic pid_t waiter_tid;

static long waitv(struct futex_waitv *list, unsigned count, unsigned flags,
		  const void *timeout, int clock)
{
	return syscall(SYS_futex_waitv, list, count, flags, timeout, clock);
}

static struct futex_waitv on(uint32_t *word, uint32_t value, uint32_t flags)
{
	return (struct futex_waitv){
		.val = value, .uaddr = (uintptr_t)word, .flags = FUTEX_32 | flags};
}

static void fill(struct futex_waitv list[MOST])
{
	for (int i = 0; i < MOST; i++) {
		words[i] = 0;
		list[i] = on(&words[i], 0, FUTEX_PRIVATE_FLAG);
	}
}

/* Linux shows it as asleep before it has gone through its words: what finds nobody at one is done again. */
static void wait_until_asleep(void)
{
	WAIT_UNTIL(waiter_tid && thread_state(waiter_tid) == 'S');
}

/* The thread's result is the index it was told. */
static void *wait_for_any(void *count)
{
	struct futex_waitv list[MOST];

	fill(list);
	list[1] = on(shared_word, 0, 0);
	waiter_tid = thread_id();
	return (void *)waitv(list, (unsigned)(uintptr_t)count, 0, NULL, 0);
}

static void check_any(unsigned count, uint32_t *word, int operation, long index)
{
	pthread_t thread;
	void *result;

	waiter_tid = 0;
	thread = start_thread(wait_for_any, (void *)(uintptr_t)count);
	wait_until_asleep();
	WAIT_UNTIL(futex(word, operation, 5, NULL, NULL, 0) == 1);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK_EQ((long)result, index);
	CHECK_EQ(futex(word, operation, 5, NULL, NULL, 0), 0); // nothing stays behind
	CHECK_EQ(futex(&words[0], FUTEX_WAKE_PRIVATE, 5, NULL, NULL, 0), 0);
}

static void check_each(void)
{
	check_any(1, &words[0], FUTEX_WAKE_PRIVATE, 0);
	check_any(3, &words[2], FUTEX_WAKE_PRIVATE, 2);
	check_any(MOST, shared_word, FUTEX_WAKE, 1);
	check_any(MOST, &words[MOST - 1], FUTEX_WAKE_PRIVATE, MOST - 1);
	ok("any");
}

/* What waits on several words is moved from one of them to another, and woken there. */
static void check_requeued(void)
{
	static uint32_t elsewhere;
	pthread_t thread;
	void *result;

	waiter_tid = 0;
	thread = start_thread(wait_for_any, (void *)4);
	wait_until_asleep();
	WAIT_UNTIL(futex(&words[3], FUTEX_REQUEUE_PRIVATE, 0, (void *)1, &elsewhere, 0) ==
		   1);
	CHECK_EQ(futex(&words[3], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
	CHECK_EQ(futex(&elsewhere, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK_EQ((long)result, 3);
	ok("requeued");
}

static void check_values(void)
{
	struct futex_waitv list[MOST];

	fill(list);
	words[MOST - 1] = 1;
	CHECK_ERRNO(waitv(list, MOST, 0, NULL, 0), EAGAIN);
	for (int i = 0; i < MOST; i++) { // nothing stays behind
		CHECK_EQ(futex(&words[i], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
	}
	ok("values");
}

static void check_deadlines(void)
{
	static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC};
	struct __kernel_timespec past = {1, 0}, negative = {-1, 0}, bad = {0, 1000000000},
				 end = {INT64_MAX, 0};
	struct futex_waitv list[MOST];
	struct timespec now;

	fill(list);
	for (int i = 0; i < 2; i++) {
		struct __kernel_timespec soon;
		long long start = now_ns();

		CHECK_ERRNO(waitv(list, 2, 0, &past, clocks[i]), ETIMEDOUT);
		clock_gettime(clocks[i], &now);
		soon.tv_sec = now.tv_sec + (now.tv_nsec >= 980000000);
		soon.tv_nsec = (now.tv_nsec + 20000000) % 1000000000;
		CHECK_ERRNO(waitv(list, 2, 0, &soon, clocks[i]), ETIMEDOUT);
		CHECK(now_ns() - start >= 20000000);
		CHECK_ERRNO(waitv(list, 2, 0, &negative, clocks[i]), EINVAL);
		CHECK_ERRNO(waitv(list, 2, 0, &bad, clocks[i]), EINVAL);
		words[0] = 1;
		CHECK_ERRNO(waitv(list, 2, 0, &end, clocks[i]), EAGAIN);
		words[0] = 0;
	}
	CHECK_ERRNO(waitv(list, 2, 0, &past, CLOCK_BOOTTIME), EINVAL);
	CHECK_ERRNO(waitv(list, 2, 0, UNMAPPED_ADDRESS, CLOCK_MONOTONIC), EFAULT);
	ok("deadlines");
}

static void check_bad_input(void)
{
	struct futex_waitv list[MOST + 1];

	fill(list);
	CHECK_ERRNO(waitv(list, 0, 0, NULL, 0), EINVAL);
	CHECK_ERRNO(waitv(list, MOST + 1, 0, NULL, 0), EINVAL);
	CHECK_ERRNO(waitv(list, 1, 1, NULL, 0), EINVAL);
	CHECK_ERRNO(waitv(NULL, 1, 0, NULL, 0), EINVAL);
	CHECK_ERRNO(waitv(UNMAPPED_ADDRESS, 1, 0, NULL, 0), EFAULT);
	CHECK_ERRNO(waitv(KERNEL_ADDRESS, 1, 0, NULL, 0), EFAULT);
	CHECK_ERRNO(waitv(NON_CANONICAL, 1, 0, NULL, 0), EFAULT);
	list[1].flags = FUTEX_PRIVATE_FLAG; // no size
	CHECK_ERRNO(waitv(list, 2, 0, NULL, 0), EINVAL);
	list[1].flags = FUTEX_32 | 0x100;
	CHECK_ERRNO(waitv(list, 2, 0, NULL, 0), EINVAL);
	list[1] = on(&words[1], 0, 0);
	list[1].__reserved = 1;
	CHECK_ERRNO(waitv(list, 2, 0, NULL, 0), EINVAL);
	list[1] = on((uint32_t *)((char *)words + 2), 0, 0);
	CHECK_ERRNO(waitv(list, 2, 0, NULL, 0), EINVAL);
	list[1] = on(UNMAPPED_ADDRESS, 0, 0);
	CHECK_ERRNO(waitv(list, 2, 0, NULL, 0), EFAULT);
	list[1] = on(UNMAPPED_ADDRESS, 0, FUTEX_PRIVATE_FLAG);
	CHECK_ERRNO(waitv(list, 2, 0, NULL, 0), EFAULT);
	list[1] = on(KERNEL_ADDRESS, 0, FUTEX_PRIVATE_FLAG);
	CHECK_ERRNO(waitv(list, 2, 0, NULL, 0), EFAULT);
	CHECK_EQ(futex(&words[0], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
	ok("bad_input");
}

static atomic_int handled;

static void handle(int signal)
{
	(void)signal;
	handled++;
}

static void *wait_interrupted(void *unused)
{
	struct futex_waitv list[MOST];

	(void)unused;
	fill(list);
	waiter_tid = thread_id();
	CHECK_ERRNO(waitv(list, 4, 0, NULL, 0), EINTR);
	return NULL;
}

static void install(int flags)
{
	struct sigaction action = {.sa_handler = handle, .sa_flags = flags};

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
}

static void check_signals(void)
{
	pthread_t thread;
	void *result;

	install(0);
	waiter_tid = handled = 0;
	thread = start_thread(wait_interrupted, NULL);
	wait_until_asleep();
	pthread_kill(thread, SIGUSR1);
	join_thread(thread);
	CHECK_EQ(handled, 1);

	install(SA_RESTART);
	waiter_tid = handled = 0;
	thread = start_thread(wait_for_any, (void *)4);
	wait_until_asleep();
	pthread_kill(thread, SIGUSR1);
	WAIT_UNTIL(handled == 1);
	WAIT_UNTIL(futex(&words[3], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 1);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK_EQ((long)result, 3);
	ok("signals");
}

/* ---- who is woken first ---- */

enum { ORDERED = 5 };
static const int priorities[ORDERED] = {0, 10, 0, 30, 10};
static const int expected_order[ORDERED] = {3, 1, 4, 0, 2};
static uint32_t gate;
static atomic_int woken[ORDERED];
static _Atomic pid_t ordered_tid[ORDERED];

static void *wait_in_order(void *argument)
{
	int me = (int)(uintptr_t)argument;
	struct sched_param parameter = {.sched_priority = priorities[me]};

	CHECK_EQ(sched_setscheduler(0, priorities[me] ? SCHED_FIFO : SCHED_OTHER,
				    &parameter),
		 0);
	ordered_tid[me] = thread_id();
	CHECK_EQ(futex(&gate, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), 0);
	woken[me] = 1;
	return NULL;
}

static void check_order(void)
{
	pthread_t threads[ORDERED];

	if (geteuid() != 0) {
		return; // real-time priorities need rights
	}
	for (int i = 0; i < ORDERED; i++) {
		threads[i] = start_thread(wait_in_order, (void *)(uintptr_t)i);
		WAIT_UNTIL(ordered_tid[i] && thread_state(ordered_tid[i]) == 'S');
	}
	for (int i = 0; i < ORDERED; i++) {
		CHECK_EQ(futex(&gate, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
		join_thread(threads[expected_order[i]]);
	}
	ok("order");
}

int main(void)
{
	shared_word = shared_page();
	check_each();
	check_requeued();
	check_values();
	check_deadlines();
	check_bad_input();
	check_signals();
	check_order();
	return 0;
}
