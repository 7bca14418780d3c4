// SPDX-License-Identifier: MIT
/* Rows of round trips between two processes; the second is on the second CPU, where there is one. */
#include "bench.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Eight bytes each way: all an eventfd takes. */
static void serve(int in, int out)
{
	uint64_t word;

	pin(1);
	while (read(in, &word, sizeof(word)) == sizeof(word)) {
		CHECK(write(out, &word, sizeof(word)) == sizeof(word));
	}
	_exit(0);
}

/* What the client writes to `out` comes back by `in`. */
static uint64_t round_trips(unsigned count, const int there[2], const int back[2])
{
	uint64_t word = 1;
	pid_t server = fork();

	pin(0);
	if (server == 0) {
		serve(there[0], back[1]);
	}
	uint64_t start = counter_nanoseconds();
	for (unsigned i = 0; i < count; i++) {
		CHECK(write(there[1], &word, sizeof(word)) == sizeof(word));
		CHECK(read(back[0], &word, sizeof(word)) == sizeof(word));
	}
	uint64_t took = counter_nanoseconds() - start;
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return took;
}

static void close_both(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static uint64_t pipes(unsigned count)
{
	int there[2], back[2];

	CHECK(pipe(there) == 0 && pipe(back) == 0);
	uint64_t took = round_trips(count, there, back);
	close_both(there);
	close_both(back);
	return took;
}

static uint64_t sockets(unsigned count)
{
	int ends[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	uint64_t took =
		round_trips(count, (int[]){ends[1], ends[0]}, (int[]){ends[0], ends[1]});
	close_both(ends);
	return took;
}

static uint64_t datagrams(unsigned count)
{
	int ends[2];

	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
	uint64_t took =
		round_trips(count, (int[]){ends[1], ends[0]}, (int[]){ends[0], ends[1]});
	close_both(ends);
	return took;
}

static uint64_t eventfds(unsigned count)
{
	int there = eventfd(0, 0), back = eventfd(0, 0);

	CHECK(there >= 0 && back >= 0);
	uint64_t took = round_trips(count, (int[]){there, there}, (int[]){back, back});
	close(there);
	close(back);
	return took;
}

const struct row pair_rows[] = {
	{"round trip: pipes", EITHER, 500, pipes},
	{"round trip: socketpair, stream", EITHER, 500, sockets},
	{"round trip: socketpair, datagram", EITHER, 500, datagrams},
	{"round trip: eventfds", EITHER, 500, eventfds},
	{NULL, 0, 0, NULL},
};
