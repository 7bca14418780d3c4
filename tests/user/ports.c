// SPDX-License-Identifier: MIT
/*
 * B6: ports: calls, answers, what goes with them, what is refused, poll. Linux has none: skipped there.
 * libc: musl
 * deadline: 60
 */
#include "ports.h"
#include "raw.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>

/* ---- calls ---- */

static void calls_across_processes(void)
{
	struct heddle_thread_block *block = heddle_thread_block();
	int ends[2];
	pid_t server;

	make_port(ends);
	server = fork_server(ends, echo);
	for (unsigned size = 0; size <= HEDDLE_PORT_MESSAGE_MAX; size++) {
		memset(block->message, (int)size, sizeof(block->message));
		CHECK_EQ(heddle_port_call(ends[1], size, 0, 0), size);
		CHECK_EQ(block->message_size, size);
		CHECK_EQ(block->descriptor_count, 0);
		CHECK_EQ(block->message[0], (unsigned char)(size + (size > 0)));
		for (unsigned i = 1; i < HEDDLE_PORT_MESSAGE_MAX; i++) {
			CHECK_EQ(block->message[i], (unsigned char)size);
		}
	}
	for (int i = 0; i < 2000; i++) {
		block->message[0] = (unsigned char)i;
		CHECK_EQ(heddle_port_call(ends[1], 1, 0, 0), 1);
		CHECK_EQ(block->message[0], (unsigned char)(i + 1));
	}
	close(ends[1]);
	reap(server, 0);
	ok("calls_across_processes");
}

/* Who has been given no byte of the message sees none of it. */
static void only_the_size_is_sent(void)
{
	struct heddle_thread_block *block = heddle_thread_block();
	struct caller caller;
	int ends[2];

	make_port(ends);
	memset(block->message, 0x55, sizeof(block->message));
	start_caller(&caller, ends[1], "abc");
	CHECK_EQ(heddle_port_receive(ends[0], 0), 4);
	CHECK(message_is("abc"));
	for (unsigned i = 4; i < HEDDLE_PORT_MESSAGE_MAX; i++) {
		CHECK_EQ(block->message[i], 0x55);
	}
	CHECK_EQ(answer_text("yes"), 0);
	CHECK_EQ(end_caller(&caller), 4);
	CHECK(strcmp(caller.reply, "yes") == 0);
	close(ends[0]);
	close(ends[1]);
	ok("only_the_size_is_sent");
}

static void callers_in_order(void)
{
	static const char *const texts[] = {"first", "second", "third", "fourth"};
	struct caller callers[4];
	int ends[2];

	make_port(ends);
	for (int i = 0; i < 4; i++) {
		start_caller(&callers[i], ends[1], texts[i]);
		WAIT_UNTIL(QUEUED(ends[0]) == i + 1);
	}
	CHECK(heddle_port_receive(ends[0], 0) > 0);
	for (int i = 0; i < 4; i++) {
		CHECK(message_is(texts[i]));
		if (i < 3) {
			CHECK(heddle_port_reply_receive(ends[0], 1, 0, 0) > 0);
		}
	}
	CHECK_EQ(heddle_port_reply(2, 0), 0);
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(end_caller(&callers[i]), i < 3 ? 1 : 2);
	}
	close(ends[0]);
	close(ends[1]);
	ok("callers_in_order");
}

/* Several servers of one port, each with a call of its own at the same time. */
struct pool {
	int end;
	pthread_barrier_t all_serve;
};

static void *serve_together(void *argument)
{
	struct pool *pool = argument;

	CHECK_EQ(heddle_port_receive(pool->end, 0), 4);
	pthread_barrier_wait(&pool->all_serve);
	CHECK_EQ(heddle_port_reply(4, 0), 0);
	return NULL;
}

static void several_servers(void)
{
	static const char *const texts[] = {"one", "two", "six"};
	struct caller callers[3];
	struct pool pool;
	pthread_t servers[3];
	int ends[2];

	make_port(ends);
	pool.end = ends[0];
	pthread_barrier_init(&pool.all_serve, NULL, 3);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(pthread_create(&servers[i], NULL, serve_together, &pool), 0);
	}
	for (int i = 0; i < 3; i++) {
		start_caller(&callers[i], ends[1], texts[i]);
	}
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(end_caller(&callers[i]), 4);
		CHECK(strcmp(callers[i].reply, texts[i]) == 0);
		CHECK_EQ(pthread_join(servers[i], NULL), 0);
	}
	CHECK_EQ(SERVERS(ends[0]), 0);
	close(ends[0]);
	close(ends[1]);
	ok("several_servers");
}

/* A server that asks another one before it answers. */
static int second_port[2];

static void ask_next(int end)
{
	CHECK_EQ(heddle_port_receive(end, 0), 1);
	CHECK_EQ(heddle_port_call(second_port[1], 1, 0, 0), 1);
	CHECK_EQ(heddle_port_reply(1, 0), 0);
}

static void calls_in_a_chain(void)
{
	struct heddle_thread_block *block = heddle_thread_block();
	int ends[2];
	pid_t last, next;

	make_port(second_port);
	last = fork_server(second_port, echo);
	make_port(ends);
	next = fork_server(ends, ask_next);
	close(second_port[1]);
	block->message[0] = 7;
	CHECK_EQ(heddle_port_call(ends[1], 1, 0, 0), 1);
	CHECK_EQ(block->message[0], 8);
	close(ends[1]);
	reap(next, 0);
	reap(last, 0);
	ok("calls_in_a_chain");
}

static void who_calls_is_told(void)
{
	struct heddle_thread_block *block = heddle_thread_block();
	struct caller caller;
	int ends[2];
	pid_t child;

	make_port(ends);
	start_caller(&caller, ends[1], "x");
	CHECK_EQ(heddle_port_receive(ends[0], 0), 2);
	CHECK_EQ(block->caller_pid, getpid());
	CHECK_EQ(block->caller_tid, caller.tid);
	CHECK_EQ(block->caller_uid, geteuid());
	CHECK_EQ(block->caller_gid, getegid());
	CHECK_EQ(heddle_port_reply(0, 0), 0);
	CHECK_EQ(end_caller(&caller), 0);

	child = fork();
	if (child == 0) {
		CHECK_EQ(setresgid(5, 5, 5), 0);
		CHECK_EQ(setresuid(7, 8, 9), 0);
		_exit(heddle_port_call(ends[1], 0, 0, 0) != 0);
	}
	CHECK_EQ(heddle_port_receive(ends[0], 0), 0);
	CHECK_EQ(block->caller_pid, child);
	CHECK_EQ(block->caller_tid, child);
	CHECK_EQ(block->caller_uid, 8);
	CHECK_EQ(block->caller_gid, 5);
	CHECK_EQ(heddle_port_reply(0, 0), 0);
	reap(child, 0);
	close(ends[0]);
	close(ends[1]);
	ok("who_calls_is_told");
}

/* In its own pid and user namespace the server has the caller's numbers as they are there, or none. */
static void in_other_namespaces(void)
{
	struct heddle_thread_block *block = heddle_thread_block();
	int ends[2];
	pid_t outer;

	make_port(ends);
	outer = fork();
	if (outer == 0) {
		pid_t inner;

		CHECK_EQ(unshare(CLONE_NEWUSER | CLONE_NEWPID), 0);
		inner = fork();
		if (inner == 0) {
			block = heddle_thread_block();
			CHECK_EQ(getpid(), 1);
			CHECK_EQ(heddle_port_receive(ends[0], 0), 0);
			CHECK_EQ(block->caller_pid, 0);
			CHECK_EQ(block->caller_tid, 0);
			CHECK_EQ(block->caller_uid, 65534);
			CHECK_EQ(block->caller_gid, 65534);
			CHECK_EQ(heddle_port_reply(0, 0), 0);
			_exit(0);
		}
		reap(inner, 0);
		_exit(0);
	}
	CHECK_EQ(heddle_port_call(ends[1], 0, 0, 0), 0);
	reap(outer, 0);
	close(ends[0]);
	close(ends[1]);
	ok("in_other_namespaces");
}

/* ---- descriptors ---- */

/* Takes two, answers with one of its own. */
static void trade(int end)
{
	struct heddle_thread_block *block = heddle_thread_block();
	int pipes[2];
	char byte;

	CHECK_EQ(heddle_port_receive(end, 0), 1);
	CHECK_EQ(block->descriptor_count, 2);
	CHECK_EQ(read(block->descriptors[0], &byte, 1), 1);
	CHECK_EQ(byte, 'a');
	CHECK_EQ(fcntl(block->descriptors[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(write(block->descriptors[1], "b", 1), 1);
	CHECK_EQ(pipe(pipes), 0);
	CHECK_EQ(write(pipes[1], "c", 1), 1);
	block->descriptors[0] = pipes[0];
	CHECK_EQ(heddle_port_reply(0, 1), 0);
}

static void descriptors_both_ways(void)
{
	struct heddle_thread_block *block = heddle_thread_block();
	int ends[2], to[2], from[2];
	pid_t server;
	char byte;

	make_port(ends);
	server = fork_server(ends, trade);
	CHECK_EQ(pipe(to), 0);
	CHECK_EQ(pipe(from), 0);
	CHECK_EQ(write(to[1], "a", 1), 1);
	block->descriptors[0] = to[0];
	block->descriptors[1] = from[1];
	CHECK_EQ(heddle_port_call(ends[1], 1, 2, 0), 0);
	CHECK_EQ(block->descriptor_count, 1);
	CHECK_EQ(read(block->descriptors[0], &byte, 1), 1);
	CHECK_EQ(byte, 'c');
	close(block->descriptors[0]);
	CHECK_EQ(read(from[0], &byte, 1), 1);
	CHECK_EQ(byte, 'b');
	reap(server, 0);
	close(from[1]);
	CHECK_EQ(read(from[0], &byte, 1), 0); // nobody else has it
	close(to[0]);
	CHECK_ERRNO(write(to[1], "d", 1), EPIPE);
	close(to[1]);
	close(from[0]);
	close(ends[1]);
	ok("descriptors_both_ways");
}

/* What finds no place is closed, and says -1. */
static void receive_with_few(int end)
{
	struct heddle_thread_block *block = heddle_thread_block();
	int free_ones[2] = {dup(0), dup(0)};
	struct rlimit few = {.rlim_cur = (rlim_t)free_ones[1] + 1};

	close(free_ones[0]);
	close(free_ones[1]);
	few.rlim_max = few.rlim_cur;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	CHECK_EQ(heddle_port_receive(end, 0), 0);
	CHECK_EQ(block->descriptor_count, HEDDLE_PORT_DESCRIPTOR_MAX);
	for (int i = 0; i < HEDDLE_PORT_DESCRIPTOR_MAX; i++) {
		CHECK(i < 2 ? block->descriptors[i] >= 0 : block->descriptors[i] == -1);
	}
	CHECK_EQ(heddle_port_reply(0, 0), 0);
}

static void no_room_for_descriptors(void)
{
	struct heddle_thread_block *block = heddle_thread_block();
	int ends[2], pipes[2];
	pid_t server;
	char byte;

	make_port(ends);
	CHECK_EQ(pipe(pipes), 0);
	server = fork_server(ends, receive_with_few);
	for (int i = 0; i < HEDDLE_PORT_DESCRIPTOR_MAX; i++) {
		block->descriptors[i] = pipes[1];
	}
	CHECK_EQ(heddle_port_call(ends[1], 0, HEDDLE_PORT_DESCRIPTOR_MAX, 0), 0);
	reap(server, 0);
	close(pipes[1]);
	CHECK_EQ(read(pipes[0], &byte, 1), 0);
	close(pipes[0]);
	close(ends[1]);
	ok("no_room_for_descriptors");
}

/* ---- refusals ---- */

static void bad_input(void)
{
	struct heddle_thread_block *block = heddle_thread_block();
	int ends[2], pipes[2];

	make_port(ends);
	CHECK_EQ(pipe(pipes), 0);
	CHECK_EQ(heddle_port_call(ends[1], HEDDLE_PORT_MESSAGE_MAX + 1, 0, 0), -EMSGSIZE);
	CHECK_EQ(heddle_port_call(ends[1], ~0ul, 0, 0), -EMSGSIZE);
	CHECK_EQ(heddle_port_call(ends[1], 1ul << 32, 0, 0), -EMSGSIZE);
	CHECK_EQ(heddle_port_call(ends[1], 0, HEDDLE_PORT_DESCRIPTOR_MAX + 1, 0),
		 -EINVAL);
	CHECK_EQ(heddle_port_system_call(HEDDLE_PORT_CALL, ends[1], 0, -1, 0), -EINVAL);
	CHECK_EQ(heddle_port_call(ends[1], 0, 0, 8), -EINVAL);
	CHECK_EQ(heddle_port_call(ends[0], 0, 0, 0), -EINVAL);
	CHECK_EQ(heddle_port_call(pipes[1], 0, 0, 0), -EINVAL);
	CHECK_EQ(heddle_port_call(-1, 0, 0, 0), -EBADF);
	CHECK_EQ(heddle_port_call(1000, 0, 0, 0), -EBADF);
	CHECK_EQ(heddle_port_receive(ends[1], 0), -EINVAL);
	CHECK_EQ(heddle_port_receive(pipes[0], 0), -EINVAL);
	CHECK_EQ(heddle_port_receive(-1, 0), -EBADF);
	CHECK_EQ(heddle_port_receive(ends[0], 2), -EINVAL);
	CHECK_EQ(heddle_port_reply_receive(ends[1], 0, 0, 0), -EINVAL);
	CHECK_EQ(heddle_port_reply_receive(-1, 0, 0, 0), -EBADF);
	CHECK_EQ(heddle_port_reply_receive(ends[0], 0, 0, 4), -EINVAL);
	CHECK_EQ(heddle_port_reply(0, 0), -ESRCH);
	block->descriptors[0] = pipes[0];
	block->descriptors[1] = 1000;
	CHECK_EQ(heddle_port_call(ends[1], 0, 2, 0), -EBADF);
	block->descriptors[1] = -1;
	CHECK_EQ(heddle_port_call(ends[1], 0, 2, 0), -EBADF);
	CHECK_EQ(QUEUED(ends[0]), 0);
	CHECK_EQ(heddle_port_create(ends, 1), -EINVAL);
	CHECK_EQ(heddle_port_create(UNMAPPED_ADDRESS, 0), -EFAULT);
	CHECK_EQ(heddle_port_create(KERNEL_ADDRESS, 0), -EFAULT);
	CHECK_EQ(heddle_port_system_call(HEDDLE_CALL_FIRST + 4, 0, 0, 0, 0), -ENOSYS);
	CHECK_EQ(heddle_port_system_call(HEDDLE_CALL_FIRST - 1, 0, 0, 0, 0), -ENOSYS);
	CHECK_ERRNO(read(ends[0], block->message, 1), EINVAL);
	CHECK_ERRNO(write(ends[1], block->message, 1), EINVAL);
	close(pipes[0]);
	CHECK_ERRNO(write(pipes[1], "x", 1), EPIPE); // the refused call kept nothing
	close(pipes[1]);
	close(ends[0]);
	close(ends[1]);
	ok("bad_input");
}

/* A bad answer answers nothing: the next one does. */
static void bad_answers(void)
{
	struct caller caller;
	int ends[2];

	make_port(ends);
	start_caller(&caller, ends[1], "q");
	CHECK_EQ(heddle_port_receive(ends[0], 0), 2);
	CHECK_EQ(heddle_port_receive(ends[0], 0), -EBUSY);
	CHECK_EQ(heddle_port_reply_receive(ends[0], 0x101, 0, 0), -EMSGSIZE);
	heddle_thread_block()->descriptors[0] = 999;
	CHECK_EQ(heddle_port_reply_receive(ends[0], 0, 1, 0), -EBADF);
	CHECK_EQ(heddle_port_reply(0, 9), -EINVAL);
	CHECK_EQ(heddle_port_reply_receive(ends[0], 3, 0, HEDDLE_PORT_NONBLOCK), -EAGAIN);
	CHECK_EQ(end_caller(&caller), 3);
	close(ends[0]);
	close(ends[1]);
	ok("bad_answers");
}

static void without_waiting(void)
{
	int ends[2], begin[2];
	pid_t server;
	long result;
	char byte;

	CHECK_EQ(heddle_port_create(ends, HEDDLE_PORT_CREATE_CLOEXEC |
						  HEDDLE_PORT_CREATE_NONBLOCK),
		 0);
	CHECK_EQ(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(ends[1], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(heddle_port_receive(ends[0], 0), -EAGAIN);
	CHECK_EQ(fcntl(ends[0], F_SETFL, 0), 0);
	CHECK_EQ(heddle_port_receive(ends[0], HEDDLE_PORT_NONBLOCK), -EAGAIN);
	CHECK_EQ(pipe(begin), 0);
	server = fork();
	if (server == 0) {
		CHECK_EQ(read(begin[0], &byte, 1), 1);
		echo(ends[0]);
		_exit(0);
	}
	CHECK_EQ(heddle_port_call(ends[1], 1, 0, 0), -EAGAIN);
	CHECK_EQ(write(begin[1], "x", 1), 1);
	do {
		result = heddle_port_call(ends[1], 1, 0, 0);
	} while (result == -EAGAIN);
	CHECK_EQ(result, 1); // the answer is waited for
	close(begin[0]);
	close(begin[1]);
	CHECK_EQ(kill(server, SIGKILL), 0);
	reap(server, SIGKILL);
	close(ends[0]);
	close(ends[1]);
	ok("without_waiting");
}

static void calls_to_oneself(void)
{
	struct heddle_thread_block *block = heddle_thread_block();
	struct caller caller;
	int ends[2], other;

	make_port(ends);
	alarm(10);
	CHECK_EQ(heddle_port_call(ends[1], 0, 0, 0), -EDEADLK); // holds both ends alone
	other = dup(ends[0]);
	CHECK_EQ(heddle_port_call(ends[1], 0, 0, 0), -EDEADLK);
	start_caller(&caller, ends[1], "q");
	CHECK_EQ(heddle_port_receive(ends[0], 0), 2);
	block->descriptors[0] = other;
	CHECK_EQ(heddle_port_call(ends[1], 0, 1, 0),
		 -EDEADLK); // is its only server, and serves
	alarm(0);
	CHECK_EQ(heddle_port_reply(0, 0), 0);
	CHECK_EQ(end_caller(&caller), 0);
	close(other);
	close(ends[0]);
	close(ends[1]);
	ok("calls_to_oneself");
}

/* ---- poll ---- */

static int events_of(int fd)
{
	struct pollfd entry = {.fd = fd, .events = POLLIN | POLLOUT};

	CHECK(poll(&entry, 1, 0) >= 0);
	return entry.revents;
}

static void polled(void)
{
	struct epoll_event event = {.events = EPOLLIN}, seen;
	struct caller caller;
	int ends[2], epoll = epoll_create1(0);

	make_port(ends);
	CHECK_EQ(events_of(ends[0]), 0);
	CHECK_EQ(events_of(ends[1]), POLLOUT);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event), 0);
	CHECK_EQ(epoll_wait(epoll, &seen, 1, 0), 0);
	start_caller(&caller, ends[1], "q");
	CHECK_EQ(epoll_wait(epoll, &seen, 1, 15000), 1);
	CHECK_EQ(seen.events, EPOLLIN);
	CHECK_EQ(events_of(ends[0]), POLLIN);
	CHECK_EQ(heddle_port_receive(ends[0], 0), 2);
	CHECK_EQ(events_of(ends[0]), 0);
	CHECK_EQ(heddle_port_reply(0, 0), 0);
	CHECK_EQ(end_caller(&caller), 0);
	close(ends[1]);
	CHECK_EQ(events_of(ends[0]), POLLHUP);
	CHECK_EQ(epoll_wait(epoll, &seen, 1, 0), 1);
	CHECK_EQ(seen.events, EPOLLHUP);
	close(ends[0]);

	make_port(ends);
	close(ends[0]);
	CHECK_EQ(events_of(ends[1]), POLLERR | POLLHUP);
	close(ends[1]);
	close(epoll);
	ok("polled");
}

/* ---- the buffer ---- */

static void *call_untouched(void *argument)
{
	return (void *)heddle_port_call(*(int *)argument, 0x100, 0, 0);
}

static void the_buffer_stays(void)
{
	struct heddle_thread_block *block = heddle_thread_block();
	void *page = (void *)((uintptr_t)block & ~4095ul), *result;
	pthread_t threads[20];
	int ends[2];
	pid_t server;

	make_port(ends);
	server = fork_server(ends, echo);
	CHECK_ERRNO(munmap(page, 4096), EPERM);
	CHECK_ERRNO(mprotect(page, 4096, PROT_NONE), EPERM);
	CHECK_ERRNO(madvise(page, 4096, MADV_DONTNEED), EPERM);
	CHECK_EQ(heddle_port_call(ends[1], 0x100, 0, 0), 0x100);
	for (int i = 0; i < 20; i++) { // on pages that nobody has touched
		CHECK_EQ(pthread_create(&threads[i], NULL, call_untouched, &ends[1]), 0);
	}
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(pthread_join(threads[i], &result), 0);
		CHECK_EQ((long)result, 0x100);
	}
	close(ends[1]);
	reap(server, 0);
	ok("the_buffer_stays");
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	ports_required();
	calls_across_processes();
	only_the_size_is_sent();
	callers_in_order();
	several_servers();
	calls_in_a_chain();
	who_calls_is_told();
	in_other_namespaces();
	descriptors_both_ways();
	no_room_for_descriptors();
	bad_input();
	bad_answers();
	without_waiting();
	calls_to_oneself();
	polled();
	the_buffer_stays();
	return 0;
}
