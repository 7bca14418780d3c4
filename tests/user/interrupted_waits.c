// SPDX-License-Identifier: MIT
/*
 * T2, G1, F1: every kind of wait ends when a signal comes, restarts where Linux restarts, and
 * ends at once by SIGKILL: futex, pipe, nanosleep, wait, poll, epoll, flock, accept, pause.
 * libc: musl
 */
#include "raw.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

static int ends[2];
static uint32_t word;
static atomic_int handled;

static void wait_in_futex(void)
{
	futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void wait_in_read(void)
{
	char byte;

	CHECK(read(ends[0], &byte, 1) <= 0);
}

static void wait_in_sleep(void)
{
	struct timespec long_time = {1000, 0};

	nanosleep(&long_time, NULL);
}

static void wait_for_child(void)
{
	pid_t child = fork();

	if (child == 0) {
		for (;;) {
			pause();
		}
	}
	waitpid(child, NULL, 0);
	kill(child, SIGKILL);
}

static void wait_in_poll(void)
{
	struct pollfd entry = {ends[0], POLLIN, 0};

	poll(&entry, 1, -1);
}

static void wait_in_epoll(void)
{
	struct epoll_event event;

	epoll_wait(epoll_create1(0), &event, 1, -1);
}

static void wait_in_accept(void)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	int server = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(where.sun_path, sizeof(where.sun_path), "accept-%d", (int)getpid());
	CHECK_EQ(bind(server, (struct sockaddr *)&where, sizeof(where)), 0);
	CHECK_EQ(listen(server, 1), 0);
	accept(server, NULL, NULL);
}

static void wait_in_pause(void)
{
	pause();
}

static void note(int signal)
{
	(void)signal;
	atomic_fetch_add(&handled, 1);
}

static pid_t start_waiter(void (*wait)(void), bool with_handler)
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		struct sigaction action = {.sa_handler = with_handler ? note : SIG_DFL};

		CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
		wait();
		_exit(atomic_load(&handled) == 1 ? 0 : 1);
	}
	return child;
}

static void check_wait(const char *name, void (*wait)(void))
{
	int status;
	pid_t child = start_waiter(wait, true);

	WAIT_UNTIL(process_state(child) == 'S');
	CHECK_EQ(kill(child, SIGUSR1), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	child = start_waiter(wait, false);
	WAIT_UNTIL(process_state(child) == 'S');
	CHECK_EQ(kill(child, SIGSTOP), 0);
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(process_state(child), 'T');
	CHECK_EQ(kill(child, SIGKILL), 0); // also out of the stop
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ok(name);
}

/* Stopped and continued, a wait goes on as if nothing had been. */
static void check_continues(void)
{
	int status;
	pid_t child = start_waiter(wait_in_read, true);

	WAIT_UNTIL(process_state(child) == 'S');
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(kill(child, SIGSTOP), 0);
		CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
		CHECK_EQ(kill(child, SIGCONT), 0);
		CHECK_EQ(waitpid(child, &status, WCONTINUED), child);
	}
	WAIT_UNTIL(process_state(child) == 'S');
	CHECK_EQ(kill(child, SIGUSR1), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	ok("continues");
}

int main(void)
{
	CHECK_EQ(pipe(ends), 0);
	check_wait("futex", wait_in_futex);
	check_wait("read", wait_in_read);
	check_wait("sleep", wait_in_sleep);
	check_wait("child", wait_for_child);
	check_wait("poll", wait_in_poll);
	check_wait("epoll", wait_in_epoll);
	check_wait("accept", wait_in_accept);
	check_wait("pause", wait_in_pause);
	check_continues();
	return 0;
}
