// SPDX-License-Identifier: MIT
/*
 * unix(7): sockets whose last references are in messages that wait at other sockets. However they hold each other, they end with
 * the last descriptor from which they could be received: in chains of any length, in rings, at listeners that nobody accepts from;
 * and who still can receive them finds them whole. On Heddle the ledger is where it was.
 * deadline: 120
 */
#include "ledger.h"
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { CHAIN = 20000, CHAIN_COLLECTED = 3000, ROUNDS = 100, RACES = 1000, FDS_MOST = 4 };

/* false: this is Linux, whose collector goes over everything at each message, behind everybody's work. */
static bool counted;
static int chain = CHAIN;
static struct ledger before;

static void case_begin(void)
{
	if (counted) {
		ledger_begin(&before);
	}
}

/* A socket that is closed has the rings looked for, whoever made them, on Linux too. */
static void case_end(const char *name)
{
	int pair[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	close(pair[0]);
	close(pair[1]);
	if (counted) {
		ledger_expect(&before);
	}
	ok(name);
}

static ssize_t send_fds(int socket, const int *fds, int count, int flags)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * FDS_MOST)];
		struct cmsghdr align;
	} control = {0};
	struct iovec io = {"x", 1};
	struct msghdr header = {.msg_iov = &io, .msg_iovlen = 1};
	struct cmsghdr *rights;

	header.msg_control = control.bytes;
	header.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
	rights = CMSG_FIRSTHDR(&header);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
	memcpy(CMSG_DATA(rights), fds, sizeof(int) * (size_t)count);
	return sendmsg(socket, &header, flags | MSG_NOSIGNAL);
}

/* How many descriptors came; -1: nothing did. */
static int receive_fds(int socket, int *fds, int flags)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * FDS_MOST)];
		struct cmsghdr align;
	} control = {0};
	char byte;
	struct iovec io = {&byte, 1};
	struct msghdr header = {.msg_iov = &io, .msg_iovlen = 1};
	struct cmsghdr *rights;
	int count;

	header.msg_control = control.bytes;
	header.msg_controllen = sizeof(control.bytes);
	if (recvmsg(socket, &header, flags) < 0) {
		return -1;
	}
	rights = CMSG_FIRSTHDR(&header);
	if (!rights || rights->cmsg_type != SCM_RIGHTS) {
		return 0;
	}
	count = (int)((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(rights), sizeof(int) * (size_t)count);
	return count;
}

static void make_pair(int type, int pair[2])
{
	CHECK_EQ(socketpair(AF_UNIX, type, 0, pair), 0);
}

static void close_pair(const int pair[2])
{
	CHECK_EQ(close(pair[0]), 0);
	CHECK_EQ(close(pair[1]), 0);
}

/* ---- chains ---- */

/* Each socket waits in a message at the next; the last is returned. `first` is at the other end. */
static int make_chain(int type, int length, int first)
{
	int held = first;

	for (int i = 0; i < length; i++) {
		int pair[2];

		make_pair(type, pair);
		CHECK_EQ(send_fds(pair[0], &held, 1, 0), 1);
		CHECK_EQ(close(pair[0]), 0);
		CHECK_EQ(close(held), 0);
		held = pair[1];
	}
	return held;
}

static void check_chain(int type)
{
	int told[2], last;
	char byte;

	CHECK_EQ(pipe(told), 0);
	last = make_chain(type, chain, told[1]);
	CHECK_EQ(close(last), 0);
	CHECK_EQ(read(told[0], &byte, 1), 0); // the pipe at its far end went with it
	close(told[0]);
}

static int chain_to_leave[2];

static void leave_chain(void)
{
	close(chain_to_leave[0]);
	(void)make_chain(SOCK_DGRAM, chain, chain_to_leave[1]);
}

/* When wait has returned, all of a chain is closed. */
static void check_chain_at_exit(void)
{
	char byte;

	CHECK_EQ(pipe2(chain_to_leave, O_NONBLOCK), 0);
	must_pass_in_child(leave_chain);
	close(chain_to_leave[1]);
	CHECK_EQ(read(chain_to_leave[0], &byte, 1), 0);
	close(chain_to_leave[0]);
}

static int listen_at(struct sockaddr_un *address, socklen_t *length)
{
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	CHECK(listener >= 0);
	CHECK_EQ(bind(listener, (struct sockaddr *)address, sizeof(sa_family_t)), 0);
	*length = sizeof(*address);
	CHECK_EQ(getsockname(listener, (struct sockaddr *)address, length), 0);
	CHECK_EQ(listen(listener, 4), 0);
	return listener;
}

/* Send `fds` to a listener's socket that nobody accepts. */
static void send_unaccepted(const struct sockaddr_un *address, socklen_t length,
			    const int *fds, int count)
{
	int client = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK(client >= 0);
	CHECK_EQ(connect(client, (const struct sockaddr *)address, length), 0);
	CHECK_EQ(send_fds(client, fds, count, 0), 1);
	CHECK_EQ(close(client), 0);
}

static void check_chain_of_listeners(void)
{
	int told[2], held;
	char byte;

	CHECK_EQ(pipe(told), 0);
	held = told[1];
	for (int i = 0; i < chain / 10; i++) {
		struct sockaddr_un address;
		socklen_t length;
		int listener = listen_at(&address, &length);

		send_unaccepted(&address, length, &held, 1);
		CHECK_EQ(close(held), 0);
		held = listener;
	}
	CHECK_EQ(close(held), 0);
	CHECK_EQ(read(told[0], &byte, 1), 0);
	close(told[0]);
}

/* ---- rings ---- */

static void put(int socket, const int *fds, int count)
{
	CHECK_EQ(send_fds(socket, fds, count, 0), 1);
}

/* A socket that waits at itself, with what it could be sent with, and with the end of a pipe. */
static void ring_of_one(int type, int told)
{
	int pair[2];

	make_pair(type, pair);
	put(pair[0], (int[]){pair[0], pair[1], told}, 3);
	close_pair(pair);
}

/* Each waits at the one before it. */
static void ring_of(int type, int length, int told)
{
	int pair[8][2];

	for (int i = 0; i < length; i++) {
		make_pair(type, pair[i]);
	}
	for (int i = 0; i < length; i++) {
		put(pair[i][0], (int[]){pair[(i + 1) % length][1], told}, 2);
	}
	for (int i = 0; i < length; i++) {
		close_pair(pair[i]);
	}
}

/* A listener that waits at a connection that it would accept. */
static void ring_of_listener(int told)
{
	struct sockaddr_un address;
	socklen_t length;
	int listener = listen_at(&address, &length);

	send_unaccepted(&address, length, (int[]){listener, told}, 2);
	close(listener);
}

/* Two, each at a connection of the other's. */
static void ring_of_listeners(int told)
{
	struct sockaddr_un address[2];
	socklen_t length[2];
	int listener[2];

	for (int i = 0; i < 2; i++) {
		listener[i] = listen_at(&address[i], &length[i]);
	}
	for (int i = 0; i < 2; i++) {
		send_unaccepted(&address[i], length[i], (int[]){listener[!i], told}, 2);
	}
	close_pair(listener);
}

static void close_some_socket(void)
{
	int pair[2];

	make_pair(SOCK_DGRAM, pair);
	close_pair(pair);
}

/* `make` leaves a ring with the end of a pipe in it: that it is collected is what the pipe tells. */
static void check_ring(void (*make)(int told))
{
	int told[2];
	char byte;

	CHECK_EQ(pipe2(told, O_NONBLOCK), 0);
	make(told[1]);
	CHECK_EQ(close(told[1]), 0);
	close_some_socket();
	WAIT_UNTIL(read(told[0], &byte, 1) == 0);
	close(told[0]);
}

static void one_datagram(int told)
{
	ring_of_one(SOCK_DGRAM, told);
}

static void one_stream(int told)
{
	ring_of_one(SOCK_STREAM, told);
}

static void two(int told)
{
	ring_of(SOCK_DGRAM, 2, told);
}

static void three(int told)
{
	ring_of(SOCK_SEQPACKET, 3, told);
}

static void (*const rings[])(int told) = {one_datagram,     one_stream,       two, three,
					  ring_of_listener, ring_of_listeners};
enum { RINGS = sizeof(rings) / sizeof(rings[0]) };

static void check_rings(void)
{
	for (int i = 0; i < (counted ? ROUNDS : ROUNDS / 5); i++) {
		for (int k = 0; k < RINGS; k++) {
			check_ring(rings[k]);
		}
	}
}

static void leave_rings(void)
{
	for (int i = 0; i < 20; i++) {
		for (int k = 0; k < RINGS; k++) {
			int none = open("/dev/null", O_RDONLY);

			rings[k](none);
			close(none);
		}
	}
}

/* A ring that can still be received stays whole, until it cannot. */
static void check_reachable(void)
{
	int a[2], b[2], way[2], told[2], fds[FDS_MOST];
	char byte;

	CHECK_EQ(pipe2(told, O_NONBLOCK), 0);
	make_pair(SOCK_DGRAM, a);
	make_pair(SOCK_DGRAM, b);
	make_pair(SOCK_STREAM, way);
	put(a[0], (int[]){b[1], told[1]}, 2);
	put(b[0], (int[]){a[1]}, 1);
	put(way[0], (int[]){a[1]}, 1);
	close_pair(a);
	close_pair(b);
	close(told[1]);
	for (int i = 0; i < 10; i++) {
		close_some_socket();
	}
	CHECK_ERRNO(read(told[0], &byte, 1), EAGAIN);
	CHECK_EQ(receive_fds(way[1], fds, 0), 1);
	a[1] = fds[0];
	for (int i = 0; i < 2; i++) { // peeked at, it stays
		CHECK_EQ(receive_fds(a[1], fds, MSG_PEEK), 2);
		close_pair(fds);
		CHECK_ERRNO(read(told[0], &byte, 1), EAGAIN);
	}
	CHECK_EQ(receive_fds(a[1], fds, MSG_DONTWAIT), 2);
	b[1] = fds[0];
	CHECK_EQ(write(fds[1], "k", 1), 1);
	CHECK_EQ(read(told[0], &byte, 1), 1);
	close(fds[1]);
	CHECK_EQ(receive_fds(b[1], fds, MSG_DONTWAIT), 1);
	close(fds[0]);
	close_pair((int[]){a[1], b[1]});
	CHECK_EQ(read(told[0], &byte, 1), 0);
	close_pair(way);
	close(told[0]);
}

/* ---- races ---- */

enum { POOL = 8, STIRRERS = 3 };

/* The numbers stay the same, so that nobody who has looked one up meets another thread's descriptor there. */
static int pool[POOL];
static _Atomic bool over;

static void renew(unsigned at, unsigned other)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair)) {
		return;
	}
	(void)dup2(pair[0], pool[at % POOL]);
	(void)dup2(pair[1], pool[other % POOL]);
	close_pair(pair);
}

/* Sends sockets of the pool over others of it, receives and closes some, closes others with what waits there. */
static void *stir(void *seed)
{
	unsigned random = (unsigned)(uintptr_t)seed;
	int fds[FDS_MOST];

	while (!atomic_load(&over)) {
		unsigned what = (unsigned)rand_r(&random), at = (unsigned)rand_r(&random),
			 other = (unsigned)rand_r(&random);
		int count;

		if (what % 4 == 0) {
			renew(at, other);
		} else if (what % 4 == 1) {
			count = receive_fds(pool[at % POOL], fds,
					    MSG_DONTWAIT | (what & 4 ? MSG_PEEK : 0));
			for (int i = 0; i < count; i++) {
				close(fds[i]);
			}
		} else {
			fds[0] = pool[other % POOL];
			fds[1] = pool[at % POOL];
			(void)send_fds(pool[at % POOL], fds, 1 + (int)(what % 2),
				       MSG_DONTWAIT);
		}
	}
	return NULL;
}

/* What was sent while others stir comes out, through two sockets that nobody has a descriptor of meanwhile. */
static void check_delivery(void)
{
	int way[2], inner[2], told[2], fds[FDS_MOST];
	char byte;

	CHECK_EQ(pipe(told), 0);
	make_pair(SOCK_STREAM, way);
	make_pair(SOCK_DGRAM, inner);
	put(inner[0], (int[]){told[1], inner[0]}, 2);
	put(way[0], (int[]){inner[1]}, 1);
	close_pair(inner);
	close(told[1]);
	close_some_socket();
	CHECK_EQ(receive_fds(way[1], fds, 0), 1);
	inner[1] = fds[0];
	CHECK_EQ(receive_fds(inner[1], fds, MSG_DONTWAIT), 2);
	CHECK_EQ(write(fds[0], "k", 1), 1);
	CHECK_EQ(read(told[0], &byte, 1), 1);
	close_pair(fds);
	close_pair((int[]){inner[1], told[0]});
	close_pair(way);
}

static void check_races(void)
{
	pthread_t stirrers[STIRRERS];

	over = false;
	for (unsigned i = 0; i < POOL; i += 2) {
		int pair[2];

		make_pair(SOCK_DGRAM, pair);
		pool[i] = pair[0];
		pool[i + 1] = pair[1];
	}
	for (uintptr_t i = 0; i < STIRRERS; i++) {
		stirrers[i] = start_thread(stir, (void *)(i + 1));
	}
	for (int i = 0; i < RACES; i++) {
		check_delivery();
	}
	over = true;
	for (int i = 0; i < STIRRERS; i++) {
		join_thread(stirrers[i]);
	}
	for (int i = 0; i < POOL; i++) {
		close(pool[i]);
	}
}

/* ---- how many ---- */

enum { SENDER = 4321, ALLOWED = 40 };

static void check_limit(void)
{
	struct rlimit limit = {ALLOWED, ALLOWED};
	int way[2], fds[FDS_MOST];

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_EQ(setresgid(SENDER, SENDER, SENDER), 0);
	CHECK_EQ(setresuid(SENDER, SENDER, SENDER), 0);
	make_pair(SOCK_STREAM, way);
	for (int i = 0; i <= ALLOWED; i++) {
		put(way[0], (int[]){1}, 1);
	}
	CHECK_ERRNO(send_fds(way[0], (int[]){1}, 1, MSG_DONTWAIT), ETOOMANYREFS);
	CHECK_EQ(receive_fds(way[1], fds, 0), 1);
	put(way[0], (int[]){1}, 1);
	CHECK_ERRNO(send_fds(way[0], (int[]){1}, 1, MSG_DONTWAIT), ETOOMANYREFS);
	close(way[1]); // what waits there comes down
	close(way[0]);
	make_pair(SOCK_STREAM, way);
	put(way[0], (int[]){1}, 1);
}

/* ---- memory that is short ---- */

static void ring_if_possible(void)
{
	int pair[2], fds[FDS_MOST];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0) {
		(void)send_fds(pair[0], pair, 2, 0);
		for (int count = receive_fds(pair[1], fds, MSG_PEEK | MSG_DONTWAIT);
		     count > 0;) {
			close(fds[--count]);
		}
		close_pair(pair);
	}
}

static void check_failures(void)
{
	int plans = open("/proc/heddle/fail_nth", O_WRONLY | O_CLOEXEC);

	CHECK(plans >= 0);
	for (int nth = 1; nth < 40; nth++) {
		fail_nth(plans, nth);
		ring_if_possible();
		fail_nth(plans, 0);
	}
	close(plans);
}

/* As many may be in flight as descriptors are allowed. */
static void set_limit(void)
{
	struct rlimit limit = {CHAIN * 2, CHAIN * 2}, now;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &now), 0);
	if (setrlimit(RLIMIT_NOFILE, &limit)) {
		CHECK_EQ(errno, EPERM);
		now.rlim_cur = now.rlim_max;
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &now), 0);
		chain = now.rlim_cur / 2 < CHAIN ? (int)now.rlim_cur / 2 : CHAIN;
	}
}

int main(void)
{
	set_limit();
	counted = access("/proc/heddle/ledger", R_OK) == 0;
	if (!counted && chain > CHAIN_COLLECTED) {
		chain = CHAIN_COLLECTED;
	}
	check_races(); // what is made once only is made now: stacks of threads
	case_begin();
	check_chain(SOCK_DGRAM);
	case_end("chain of datagram sockets");
	case_begin();
	check_chain(SOCK_STREAM);
	case_end("chain of stream sockets");
	case_begin();
	check_chain_of_listeners();
	case_end("chain of listeners");
	case_begin();
	check_chain_at_exit();
	case_end("chain at exit");
	case_begin();
	check_rings();
	case_end("rings");
	case_begin();
	must_pass_in_child(leave_rings);
	case_end("rings at exit");
	case_begin();
	check_reachable();
	case_end("reachable");
	case_begin();
	check_races();
	case_end("races");
	case_begin();
	must_pass_in_child(check_limit);
	case_end("limit");
	if (counted) {
		case_begin();
		check_failures();
		case_end("allocations that fail");
	}
	return 0;
}
