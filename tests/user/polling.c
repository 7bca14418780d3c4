// SPDX-License-Identifier: MIT
/*
 * poll, ppoll, select, pselect, epoll (level, edge, one-shot, nested, closing), eventfd, timerfd.
 * libc: musl
 */
#include "raw.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/timerfd.h>

static void check_eventfd(void)
{
	uint64_t value = 5;
	int fd = eventfd(3, EFD_NONBLOCK);
	struct pollfd entry = {fd, POLLIN | POLLOUT, 0};

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, &value, 8), 8);
	CHECK_EQ(poll(&entry, 1, 0), 1);
	CHECK_EQ(entry.revents, POLLIN | POLLOUT);
	CHECK_EQ(read(fd, &value, 8), 8);
	CHECK_EQ(value, 8);
	CHECK_ERRNO(read(fd, &value, 8), EAGAIN);
	CHECK_ERRNO(read(fd, &value, 4), EINVAL);
	value = UINT64_MAX;
	CHECK_ERRNO(write(fd, &value, 8), EINVAL);
	value = UINT64_MAX - 1;
	CHECK_EQ(write(fd, &value, 8), 8);
	value = 1;
	CHECK_ERRNO(write(fd, &value, 8), EAGAIN);
	close(fd);
	fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	CHECK_EQ(read(fd, &value, 8), 8);
	CHECK_EQ(value, 1);
	CHECK_EQ(read(fd, &value, 8), 8);
	CHECK_ERRNO(read(fd, &value, 8), EAGAIN);
	CHECK_ERRNO(eventfd(0, 0x7777), EINVAL);
	close(fd);
	ok("eventfd");
}

static void check_timerfd(void)
{
	struct itimerspec soon = {{0, 0}, {0, 3000000}},
			  often = {{0, 1000000}, {0, 1000000}}, now;
	uint64_t count = 0;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	struct pollfd entry = {fd, POLLIN, 0};
	long long start = now_ns();

	CHECK(fd >= 0);
	CHECK_EQ(timerfd_settime(fd, 0, &soon, NULL), 0);
	CHECK_EQ(poll(&entry, 1, 10000), 1);
	CHECK(now_ns() - start >= 3000000);
	CHECK_EQ(read(fd, &count, 8), 8);
	CHECK_EQ(count, 1);
	CHECK_EQ(timerfd_gettime(fd, &now), 0);
	CHECK(now.it_value.tv_sec == 0 && now.it_value.tv_nsec == 0);
	CHECK_EQ(timerfd_settime(fd, 0, &often, NULL), 0);
	for (uint64_t total = 0; total < 5; total += count) {
		CHECK_EQ(read(fd, &count, 8), 8);
		CHECK(count >= 1);
	}
	soon.it_value.tv_nsec = 1000000000;
	CHECK_ERRNO(timerfd_settime(fd, 0, &soon, NULL), EINVAL);
	CHECK_ERRNO(timerfd_create(77, 0), EINVAL);
	close(fd);
	ok("timerfd");
}

static void check_poll(void)
{
	int ends[2];
	struct pollfd set[3];
	struct timespec brief = {0, 2000000};
	long long start = now_ns();

	CHECK_EQ(pipe(ends), 0);
	set[0] = (struct pollfd){ends[0], POLLIN, 0};
	set[1] = (struct pollfd){-1, POLLIN, 77};
	set[2] = (struct pollfd){999, POLLIN, 0};
	CHECK_EQ(poll(set, 3, 0), 1);
	CHECK_EQ(set[1].revents, 0);
	CHECK_EQ(set[2].revents, POLLNVAL);
	CHECK_EQ(poll(set, 2, 5), 0);
	CHECK(now_ns() - start >= 5000000);
	CHECK_EQ(ppoll(set, 1, &brief, NULL), 0);
	brief.tv_nsec = -1;
	CHECK_ERRNO(ppoll(set, 1, &brief, NULL), EINVAL);
	close(ends[0]);
	close(ends[1]);
	ok("poll");
}

static void check_select(void)
{
	int ends[2];
	struct timespec brief = {0, 3000000};
	struct timeval none = {0, 0};
	fd_set in, out;

	CHECK_EQ(pipe(ends), 0);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(ends[0], &in);
	FD_SET(ends[1], &out);
	CHECK_EQ(select(ends[1] + 1, &in, &out, NULL, &none), 1);
	CHECK(!FD_ISSET(ends[0], &in) && FD_ISSET(ends[1], &out));
	FD_ZERO(&out);
	FD_SET(ends[1],
	       &out); // not asked for, though in a word that is: clear afterwards
	CHECK_EQ(select(ends[1], NULL, &out, NULL, &none), 0);
	CHECK(!FD_ISSET(ends[1], &out));
	FD_SET(ends[0], &in);
	CHECK_EQ(syscall(SYS_pselect6, ends[0] + 1, &in, NULL, NULL, &brief, NULL), 0);
	CHECK(brief.tv_sec == 0 && brief.tv_nsec == 0); // Linux says what was left
#ifdef SYS_select
	struct timeval old = {0, 3000};

	FD_SET(ends[0], &in);
	CHECK_EQ(syscall(SYS_select, ends[0] + 1, &in, NULL, NULL, &old), 0);
	CHECK(old.tv_sec == 0 && old.tv_usec == 0);
#endif
	FD_SET(ends[0], &in);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(select(ends[0] + 1, &in, NULL, NULL, NULL), 1);
	close(ends[0]);
	CHECK_ERRNO(select(ends[0] + 1, &in, NULL, NULL, &none), EBADF);
	close(ends[1]);
	ok("select");
}

static struct epoll_event wait_one(int epoll, int timeout, int wanted)
{
	struct epoll_event events[8];

	memset(events, 0, sizeof(events));
	CHECK_EQ(epoll_wait(epoll, events, 8, timeout), wanted);
	return events[0];
}

static void check_epoll_triggers(void)
{
	uint64_t one = 1;
	int epoll = epoll_create1(EPOLL_CLOEXEC), fd = eventfd(0, EFD_NONBLOCK);
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x123456789abcdef};

	CHECK(epoll >= 0);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), EEXIST);
	wait_one(epoll, 0, 0);
	CHECK_EQ(write(fd, &one, 8), 8);
	CHECK_EQ(wait_one(epoll, -1, 1).data.u64, 0x123456789abcdef);
	CHECK_EQ(wait_one(epoll, 0, 1).events, EPOLLIN); // level: still there
	event.events = EPOLLIN | EPOLLET;
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event), 0);
	wait_one(epoll, 0, 1);
	wait_one(epoll, 0, 0); // edge: told once
	CHECK_EQ(write(fd, &one, 8), 8);
	wait_one(epoll, -1, 1);
	event.events = EPOLLIN | EPOLLONESHOT;
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event), 0);
	wait_one(epoll, -1, 1);
	wait_one(epoll, 0, 0);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event), 0);
	wait_one(epoll, -1, 1);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL), 0);
	CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL), ENOENT);
	CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event), ENOENT);
	CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_ADD, epoll, &event), EINVAL);
	CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_ADD, 999, &event), EBADF);
	CHECK_ERRNO(epoll_ctl(fd, EPOLL_CTL_ADD, epoll, &event), EINVAL);
	int file = open("regular", O_RDWR | O_CREAT, 0600);
	CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_ADD, file, &event), EPERM);
	CHECK_ERRNO(epoll_wait(epoll, &event, 0, 0), EINVAL);
	close(file);
	close(fd);
	close(epoll);
	ok("epoll_triggers");
}

static void check_epoll_close(void)
{
	int ends[2], copy, epoll = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN};

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event), 0);
	copy = dup(ends[0]);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	close(ends[0]); // the description lives on in the copy
	wait_one(epoll, 0, 1);
	close(copy);
	wait_one(epoll, 0, 0);
	close(ends[1]);
	close(epoll);
	ok("epoll_close");
}

static int waker;

static void *wake_later(void *epoll)
{
	uint64_t one = 1;

	(void)epoll;
	CHECK_EQ(write(waker, &one, 8), 8);
	return NULL;
}

static void check_epoll_nested_and_blocking(void)
{
	int outer = epoll_create1(0), inner = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN};

	waker = eventfd(0, 0);
	CHECK_EQ(epoll_ctl(inner, EPOLL_CTL_ADD, waker, &event), 0);
	CHECK_EQ(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event), 0);
	CHECK_ERRNO(epoll_ctl(inner, EPOLL_CTL_ADD, outer, &event), ELOOP);
	for (int i = 0; i < 50; i++) {
		uint64_t value;
		pthread_t thread = start_thread(wake_later, NULL);

		wait_one(outer, -1, 1);
		CHECK_EQ(read(waker, &value, 8), 8);
		join_thread(thread);
	}
	close(outer);
	close(inner);
	close(waker);
	ok("epoll_nested_and_blocking");
}

int main(void)
{
	check_eventfd();
	check_timerfd();
	check_poll();
	check_select();
	check_epoll_triggers();
	check_epoll_close();
	check_epoll_nested_and_blocking();
	return 0;
}
