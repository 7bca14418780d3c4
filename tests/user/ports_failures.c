// SPDX-License-Identifier: MIT
/*
 * B6, R10: each allocation of making a port, calling, receiving, answering with descriptors and polling fails once; then the same works,
 * and in the end nothing is left. Only Heddle has ports and faults: skipped on Linux.
 * deadline: 60
 */
#include "ledger.h"
#include "ports.h"
#include <sys/epoll.h>

enum { MOST = 200 };

static int plan = -1;

/* Did the n-th allocation of that thread come? Asked by another one, whose own do not count. */
static bool has_failed(pid_t wanted)
{
	char text[256] = "";
	int fd = open("/proc/heddle/fail_nth", O_RDONLY | O_CLOEXEC), tid, nth, counted,
	    failed = 0;
	ssize_t length;

	CHECK(fd >= 0);
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	CHECK(length > 0);
	CHECK_EQ(sscanf(text, "%d %d %d %d", &tid, &nth, &counted, &failed), 4);
	CHECK_EQ(tid, wanted);
	return failed;
}

/* A thread of its own, so that its block is fresh: the frame behind it is one of what can fail. */
struct step {
	void (*run)(struct step *step);
	int nth;
	_Atomic pid_t ready; /* has done it; waits for `looked` */
	_Atomic bool looked;
	int ends[2];
	long result;
};

static void make_ends(struct step *step)
{
	step->result = heddle_port_create(step->ends, 0);
}

static void call_ends(struct step *step)
{
	step->result = heddle_port_call(step->ends[1], 3, 0, 0);
}

static void receive_with_descriptors(struct step *step)
{
	step->result = heddle_port_receive(step->ends[0], 0);
}

static void watch_ends(struct step *step)
{
	struct epoll_event event = {.events = EPOLLIN};
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	step->result = epoll < 0 ? -errno : 0;
	if (epoll >= 0) {
		step->result = epoll_ctl(epoll, EPOLL_CTL_ADD, step->ends[0], &event)
				       ? -errno
				       : 0;
		close(epoll);
	}
}

static void *run_step(void *argument)
{
	struct step *step = argument;

	fail_nth(plan, step->nth);
	step->run(step);
	step->ready = thread_id();
	while (!step->looked) {
		sched_yield();
	}
	fail_nth(plan, 0);
	if (step->run == receive_with_descriptors && step->result >= 0) {
		struct heddle_thread_block *block = heddle_thread_block();

		CHECK_EQ(block->descriptor_count, 2);
		for (int i = 0; i < 2; i++) {
			if (block->descriptors[i] >= 0) {
				close(block->descriptors[i]);
			}
		}
		CHECK_EQ(heddle_port_reply(0, 0), 0);
	}
	return NULL;
}

/* true: it had an n-th allocation, which failed. */
static bool in_a_thread(struct step *step)
{
	pthread_t thread;
	bool failed;

	CHECK_EQ(pthread_create(&thread, NULL, run_step, step), 0);
	WAIT_UNTIL(step->ready);
	failed = has_failed(step->ready);
	step->looked = true;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	return failed;
}

/* n = 1, 2, 3 …, until the path has no n-th. `before` and `after` are the test's own. */
static void walk(const char *name, void (*run)(struct step *step),
		 void (*before)(struct step *step), void (*after)(struct step *step))
{
	int nth = 1;

	for (bool failed = true; failed; nth++) {
		struct step step = {.run = run, .nth = nth, .ends = {-1, -1}};

		CHECK(nth < MOST);
		before(&step);
		failed = in_a_thread(&step);
		CHECK(failed || step.result >= 0);
		CHECK(step.result >= 0 || step.result == -ENOMEM);
		after(&step);
	}
	say("# %s: %d allocations\n", name, nth - 2);
	ok(name);
}

static void nothing(struct step *step)
{
	(void)step;
}

static void close_made(struct step *step)
{
	if (step->result == 0) {
		close(step->ends[0]);
		close(step->ends[1]);
	}
}

static pid_t server;

static void start_echo(struct step *step)
{
	make_port(step->ends);
	server = fork();
	CHECK(server >= 0);
	if (server == 0) {
		echo(step->ends[0]);
		_exit(0);
	}
}

static void end_echo(struct step *step)
{
	close(step->ends[0]);
	close(step->ends[1]);
	kill(server, SIGKILL);
	reap(server, SIGKILL);
}

/* Calls until it is answered, with two descriptors. */
static void start_sender(struct step *step)
{
	make_port(step->ends);
	server = fork();
	CHECK(server >= 0);
	if (server == 0) {
		struct heddle_thread_block *block = heddle_thread_block();

		block->descriptors[0] = block->descriptors[1] = 1;
		_exit(heddle_port_call(step->ends[1], 3, 2, 0) != 0);
	}
	while (QUEUED(step->ends[0]) == 0) {
		sched_yield();
	}
}

static void end_sender(struct step *step)
{
	close(step->ends[0]);
	close(step->ends[1]);
	reap(server, step->result >= 0 ? 0 : 1 << 8);
}

static void make_here(struct step *step)
{
	make_port(step->ends);
}

static void close_here(struct step *step)
{
	close(step->ends[0]);
	close(step->ends[1]);
}

int main(void)
{
	struct ledger before;

	ports_required();
	ledger_required();
	for (int round = 0; round < 2; round++) { // the first is for what is kept
		if (round) {
			ledger_begin(&before);
		}
		plan = open("/proc/heddle/fail_nth", O_WRONLY | O_CLOEXEC);
		CHECK(plan >= 0);
		walk("make", make_ends, nothing, close_made);
		walk("call", call_ends, start_echo, end_echo);
		walk("receive", receive_with_descriptors, start_sender, end_sender);
		walk("watch", watch_ends, make_here, close_here);
		close(plan);
	}
	ledger_expect(&before);
	ok("nothing_is_left");
	return 0;
}
