// SPDX-License-Identifier: MIT
/*
 * D4, F1: when the clock is set, who waits for a point of CLOCK_REALTIME waits for that point still: clock_nanosleep, POSIX timers, timerfd
 * (with TFD_TIMER_CANCEL_ON_SET too), futexes of every kind, message queues. Who waits for a length of time does not notice.
 * oracle: guest
 */
#include "raw.h"
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/timerfd.h>

#define HOUR 3600

static struct timespec realtime(void)
{
	struct timespec now;

	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &now), 0);
	return now;
}

static void move_clock(long seconds)
{
	struct timespec now = realtime();

	now.tv_sec += seconds;
	CHECK_EQ(clock_settime(CLOCK_REALTIME, &now), 0);
}

static struct itimerspec in(long seconds, int flags)
{
	struct itimerspec setting = {.it_value = {seconds, 0}};

	if (flags & TIMER_ABSTIME) {
		setting.it_value = realtime();
		setting.it_value.tv_sec += seconds;
	}
	return setting;
}

static _Atomic pid_t sleeper;

static void *sleep_an_hour(void *unused)
{
	struct timespec end = realtime();

	(void)unused;
	end.tv_sec += HOUR;
	atomic_store(&sleeper, thread_id());
	CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &end, NULL), 0);
	return NULL;
}

static void check_sleep(void)
{
	pthread_t thread = start_thread(sleep_an_hour, NULL);
	char path[64];

	WAIT_UNTIL(atomic_load(&sleeper) != 0);
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", atomic_load(&sleeper));
	WAIT_UNTIL(state_in(path) == 'S');
	move_clock(-HOUR); // not yet, and not in an hour
	move_clock(HOUR);
	move_clock(HOUR + 1);
	join_thread(thread);
	move_clock(-HOUR - 1);
	ok("sleep");
}

/* ---- waits with a deadline ---- */

static uint32_t free_word, taken_word;
static mqd_t empty_queue, full_queue;

static struct timespec in_an_hour(void)
{
	struct timespec end = realtime();

	end.tv_sec += HOUR;
	return end;
}

static void wait_bitset(const struct timespec *end)
{
	CHECK_ERRNO(futex(&free_word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, end,
			  NULL, 1),
		    ETIMEDOUT);
}

static void wait_lock(const struct timespec *end)
{
	CHECK_ERRNO(futex(&taken_word, FUTEX_LOCK_PI, 0, end, NULL, 0), ETIMEDOUT);
}

static void wait_requeue(const struct timespec *end)
{
	CHECK_ERRNO(futex(&free_word, FUTEX_WAIT_REQUEUE_PI | FUTEX_CLOCK_REALTIME, 0,
			  end, &taken_word, 0),
		    ETIMEDOUT);
}

static void wait_vector(const struct timespec *end)
{
	struct futex_waitv one = {.uaddr = (uintptr_t)&free_word,
				  .flags = 2 /* FUTEX_32 */};

	CHECK_ERRNO(syscall(SYS_futex_waitv, &one, 1, 0, end, CLOCK_REALTIME), ETIMEDOUT);
}

static void wait_message(const struct timespec *end)
{
	char text[8];

	CHECK_ERRNO(mq_timedreceive(empty_queue, text, sizeof(text), NULL, end),
		    ETIMEDOUT);
}

static void wait_room(const struct timespec *end)
{
	CHECK_ERRNO(mq_timedsend(full_queue, "x", 1, 0, end), ETIMEDOUT);
}

static void (*const waits[])(const struct timespec *end) = {
	wait_bitset, wait_lock, wait_requeue, wait_vector, wait_message, wait_room};

enum { WAITS = sizeof(waits) / sizeof(waits[0]) };

static _Atomic pid_t waiters[WAITS];
static _Atomic int over;

static void *wait_an_hour(void *number)
{
	struct timespec end = in_an_hour();

	atomic_store(&waiters[(intptr_t)number], thread_id());
	waits[(intptr_t)number](&end);
	atomic_fetch_add(&over, 1);
	return NULL;
}

/* Who waits for a length of time goes on. */
static void *wait_for_a_while(void *unused)
{
	struct timespec length = {HOUR, 0};
	uint32_t word = 0;

	(void)unused;
	atomic_store(&sleeper, thread_id());
	futex(&word, FUTEX_WAIT, 0, &length, NULL, 0);
	CHECK(!"a relative wait ended");
	return NULL;
}

static bool is_asleep(pid_t thread)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", thread);
	return thread && state_in(path) == 'S';
}

static void open_queues(void)
{
	struct mq_attr one = {.mq_maxmsg = 1, .mq_msgsize = 8};

	empty_queue = mq_open("/clock_changes_empty", O_CREAT | O_RDWR, 0600, &one);
	full_queue = mq_open("/clock_changes_full", O_CREAT | O_RDWR, 0600, &one);
	CHECK(empty_queue >= 0 && full_queue >= 0);
	CHECK_EQ(mq_unlink("/clock_changes_empty"), 0);
	CHECK_EQ(mq_unlink("/clock_changes_full"), 0);
	CHECK_EQ(mq_send(full_queue, "x", 1, 0), 0);
}

static void wait_until_all_sleep(void)
{
	for (int i = 0; i < WAITS; i++) {
		WAIT_UNTIL(is_asleep(atomic_load(&waiters[i])));
	}
}

static void check_waits(void)
{
	pthread_t threads[WAITS];

	taken_word = (uint32_t)thread_id();
	open_queues();
	for (int i = 0; i < WAITS; i++) {
		threads[i] = start_thread(wait_an_hour, (void *)(intptr_t)i);
	}
	atomic_store(&sleeper, 0);
	start_thread(wait_for_a_while, NULL);
	WAIT_UNTIL(is_asleep(atomic_load(&sleeper)));
	wait_until_all_sleep();
	move_clock(-HOUR); // not yet, and not in an hour
	move_clock(HOUR);
	wait_until_all_sleep();
	CHECK_EQ(atomic_load(&over), 0);
	move_clock(HOUR + 1);
	for (int i = 0; i < WAITS; i++) {
		join_thread(threads[i]);
	}
	CHECK(is_asleep(atomic_load(&sleeper)));
	move_clock(-HOUR - 1);
	ok("waits");
}

static timer_t timer_in(clockid_t clock, long seconds, int flags)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec setting = in(seconds, flags);
	timer_t timer;

	CHECK_EQ(timer_create(clock, &event, &timer), 0);
	CHECK_EQ(timer_settime(timer, flags, &setting, NULL), 0);
	return timer;
}

static long seconds_left(timer_t timer)
{
	struct itimerspec setting;

	CHECK_EQ(timer_gettime(timer, &setting), 0);
	return setting.it_value.tv_sec;
}

static void check_timers(void)
{
	const struct timespec none = {0, 0}, patience = {15, 0};
	timer_t absolute = timer_in(CLOCK_REALTIME, HOUR, TIMER_ABSTIME);
	timer_t relative = timer_in(CLOCK_REALTIME, HOUR, 0);
	timer_t other = timer_in(CLOCK_MONOTONIC, HOUR, 0);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	move_clock(-HOUR);
	CHECK(seconds_left(absolute) > HOUR + HOUR / 2);
	CHECK(seconds_left(relative) <= HOUR);
	move_clock(HOUR);
	CHECK(seconds_left(absolute) <= HOUR);
	CHECK_EQ(sigtimedwait(&set, NULL, &none), -1);
	move_clock(HOUR + 1);
	CHECK_EQ(sigtimedwait(&set, NULL, &patience), SIGUSR1);
	CHECK_EQ(seconds_left(absolute), 0);
	CHECK(seconds_left(relative) > HOUR / 2);
	CHECK(seconds_left(other) > HOUR / 2);
	CHECK_EQ(sigtimedwait(&set, NULL, &none), -1);
	move_clock(-HOUR - 1);
	CHECK_EQ(timer_delete(absolute), 0);
	CHECK_EQ(timer_delete(relative), 0);
	CHECK_EQ(timer_delete(other), 0);
	ok("timers");
}

static int descriptor_in(long seconds, int flags)
{
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	struct itimerspec setting = in(seconds, flags);

	CHECK(fd >= 0);
	CHECK_EQ(timerfd_settime(fd, flags, &setting, NULL), 0);
	return fd;
}

static bool expires(int fd, int patience)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	return poll(&ready, 1, patience) == 1;
}

static void check_descriptors(void)
{
	int absolute = descriptor_in(HOUR, TFD_TIMER_ABSTIME),
	    relative = descriptor_in(HOUR, 0);
	uint64_t count;

	move_clock(-HOUR);
	move_clock(HOUR);
	CHECK(!expires(absolute, 0));
	move_clock(HOUR + 1);
	CHECK(expires(absolute, 15000));
	CHECK_EQ(read(absolute, &count, sizeof(count)), sizeof(count));
	CHECK_EQ(count, 1);
	CHECK(!expires(relative, 0));
	move_clock(-HOUR - 1);
	close(absolute);
	close(relative);
	ok("descriptors");
}

static void check_cancelled(void)
{
	int flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
	int fd = descriptor_in(HOUR, flags);
	struct itimerspec setting = in(HOUR, flags);
	uint64_t count;

	CHECK_ERRNO(read(fd, &count, sizeof(count)), EAGAIN);
	move_clock(1);
	CHECK(expires(fd, 0));
	CHECK_ERRNO(read(fd, &count, sizeof(count)), ECANCELED);
	CHECK(!expires(fd, 0));
	CHECK_ERRNO(read(fd, &count, sizeof(count)), EAGAIN);
	move_clock(-1);
	CHECK_ERRNO(timerfd_settime(fd, flags, &setting, NULL), ECANCELED);
	CHECK_EQ(timerfd_gettime(fd, &setting), 0);
	CHECK(setting.it_value.tv_sec > HOUR / 2); // it is set all the same
	close(fd);
	ok("cancelled");
}

int main(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	if (!getenv("HEDDLE_TEST_GUEST")) {
		skip("only where nobody else uses the clock");
	}
	check_sleep();
	check_timers();
	check_descriptors();
	check_cancelled();
	check_waits();
	return 0;
}
