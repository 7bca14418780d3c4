// SPDX-License-Identifier: MIT
/*
 * D4: when the clock is set, who waits for a point of CLOCK_REALTIME waits for that point still: clock_nanosleep, POSIX timers, timerfd
 * (with TFD_TIMER_CANCEL_ON_SET too). Who waits for a length of time does not notice.
 * oracle: guest
 */
#include "raw.h"
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
	return 0;
}
