// SPDX-License-Identifier: MIT
/* Rows of waiting for many things, and of timers. */
#include "bench.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { WATCHED = 16 };

static void open_watched(int *fds)
{
	for (unsigned i = 0; i < WATCHED; i++) {
		fds[i] = eventfd(i == 0, 0);
		CHECK(fds[i] >= 0);
	}
}

static void close_watched(const int *fds)
{
	for (unsigned i = 0; i < WATCHED; i++) {
		close(fds[i]);
	}
}

static uint64_t polls(unsigned count)
{
	struct pollfd watched[WATCHED];
	int fds[WATCHED];

	open_watched(fds);
	for (unsigned i = 0; i < WATCHED; i++) {
		watched[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
	}
	uint64_t start = counter_nanoseconds();
	for (unsigned i = 0; i < count; i++) {
		CHECK(poll(watched, WATCHED, 0) == 1);
	}
	uint64_t took = counter_nanoseconds() - start;
	close_watched(fds);
	return took;
}

static int watch(const int *fds)
{
	int epoll = epoll_create1(0);

	CHECK(epoll >= 0);
	for (unsigned i = 0; i < WATCHED; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};

		CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event) == 0);
	}
	return epoll;
}

/* One of those watched is ready each time. */
static uint64_t epoll_waits(unsigned count)
{
	struct epoll_event events[WATCHED];
	int fds[WATCHED];

	open_watched(fds);
	int epoll = watch(fds);
	uint64_t start = counter_nanoseconds();
	for (unsigned i = 0; i < count; i++) {
		CHECK(epoll_wait(epoll, events, WATCHED, 0) == 1);
	}
	uint64_t took = counter_nanoseconds() - start;
	close(epoll);
	close_watched(fds);
	return took;
}

static uint64_t epoll_changes(unsigned count)
{
	struct epoll_event event = {.events = EPOLLIN};
	int fds[WATCHED];

	open_watched(fds);
	int epoll = watch(fds);
	uint64_t start = counter_nanoseconds();
	for (unsigned i = 0; i < count; i++) {
		CHECK(epoll_ctl(epoll, EPOLL_CTL_DEL, fds[1], NULL) == 0);
		CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[1], &event) == 0);
	}
	uint64_t took = counter_nanoseconds() - start;
	close(epoll);
	close_watched(fds);
	return took;
}

static const struct itimerspec later = {.it_value.tv_sec = 1000}, never;

static uint64_t timerfds(unsigned count)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t start = counter_nanoseconds();

	CHECK(fd >= 0);
	for (unsigned i = 0; i < count; i++) {
		CHECK(timerfd_settime(fd, 0, &later, NULL) == 0);
		CHECK(timerfd_settime(fd, 0, &never, NULL) == 0);
	}
	uint64_t took = counter_nanoseconds() - start;
	close(fd);
	return took;
}

static uint64_t timers(unsigned count)
{
	struct sigevent event = {.sigev_notify = SIGEV_NONE};
	timer_t timer;
	uint64_t start = counter_nanoseconds();

	for (unsigned i = 0; i < count; i++) {
		CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
		CHECK(timer_settime(timer, 0, &later, NULL) == 0);
		CHECK(timer_delete(timer) == 0);
	}
	return counter_nanoseconds() - start;
}

/* A wait whose time has passed when it begins. */
static uint64_t past_sleeps(unsigned count)
{
	struct timespec past = {.tv_sec = 1};
	uint64_t start = counter_nanoseconds();

	for (unsigned i = 0; i < count; i++) {
		CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &past, NULL) == 0);
	}
	return counter_nanoseconds() - start;
}

const struct row polling_rows[] = {
	{"poll of 16, one ready", ONE_CPU, 500, polls},
	{"epoll_wait, one of 16 ready", ONE_CPU, 500, epoll_waits},
	{"epoll_ctl: removed and added", ONE_CPU, 500, epoll_changes},
	{"timerfd armed and disarmed", ONE_CPU, 500, timerfds},
	{"timer made, armed and deleted", ONE_CPU, 500, timers},
	{"sleep until a past time", ONE_CPU, 500, past_sleeps},
	{NULL, 0, 0, NULL},
};
