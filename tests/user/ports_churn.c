// SPDX-License-Identifier: MIT
/*
 * B6, R10: processes of several threads call, receive, answer, pass descriptors (ends of the ports among them), close, fork, execute
 * and are killed, by chance. What arrives is whole, nobody waits for ever, and in the end nothing is left. With HEDDLE_SOAK=N N
 * times as long, HEDDLE_SEED=N another order. Linux has no ports: skipped there.
 * deadline: 120
 */
#include "ledger.h"
#include "ports.h"

enum { PORTS = 3, WORKERS = 5, THREADS = 3, ROUNDS = 40, STEPS = 60 };

static int ends[PORTS][2];
static _Atomic int finished;

/* What a thread has: its part of chance, and the ends as its process has them. */
struct worker {
	uint64_t state;
	struct heddle_thread_block *block;
	bool serving;
	uint64_t served; /* the seed of the message that waits for an answer */
};

static uint32_t chance(uint64_t *state, uint32_t below)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33) % below;
}

/* ---- messages that tell whether they are whole ---- */

static unsigned char byte_of(uint64_t seed, unsigned i)
{
	return (unsigned char)((seed * 0x9e3779b97f4a7c15u >> 32) + i * 7);
}

static unsigned write_message(struct worker *w, uint64_t seed)
{
	unsigned size = 8 + chance(&w->state, HEDDLE_PORT_MESSAGE_MAX - 7);

	memcpy(w->block->message, &seed, 8);
	for (unsigned i = 8; i < size; i++) {
		w->block->message[i] = byte_of(seed, i);
	}
	return size;
}

static uint64_t read_message(const struct worker *w, long size)
{
	uint64_t seed;

	CHECK(size >= 8 && size <= HEDDLE_PORT_MESSAGE_MAX);
	CHECK_EQ(w->block->message_size, size);
	memcpy(&seed, (const void *)w->block->message, 8);
	for (unsigned i = 8; i < size; i++) {
		CHECK_EQ(w->block->message[i], byte_of(seed, i));
	}
	return seed;
}

/* Sometimes a pipe, of which nothing stays here, or an end. The count; closes what is only for the message. */
static unsigned put_descriptors(struct worker *w, int own[2])
{
	own[0] = own[1] = -1;
	switch (chance(&w->state, 6)) {
	case 0:
		if (pipe2(own, O_CLOEXEC)) {
			return 0;
		}
		w->block->descriptors[0] = own[0];
		w->block->descriptors[1] = own[1];
		return 2;
	case 1:
		w->block->descriptors[0] = ends[chance(&w->state, PORTS)][0];
		w->block->descriptors[1] = ends[chance(&w->state, PORTS)][1];
		return 2;
	default:
		return 0;
	}
}

static void close_pair(const int own[2])
{
	for (int i = 0; i < 2; i++) {
		if (own[i] >= 0) {
			close(own[i]);
		}
	}
}

static void close_descriptors(const struct worker *w)
{
	unsigned count = w->block->descriptor_count;

	CHECK(count <= 2);
	for (unsigned i = 0; i < count; i++) {
		if (w->block->descriptors[i] >= 0) {
			close(w->block->descriptors[i]);
		}
	}
}

/* ---- what a thread does ---- */

static void took(struct worker *w, long size)
{
	w->serving = size >= 0;
	if (size >= 0) {
		w->served = read_message(w, size);
		close_descriptors(w);
		CHECK(w->block->caller_pid > 0);
		return;
	}
	CHECK(size == -EAGAIN || size == -EINTR || size == -EPIPE || size == -ESRCH ||
	      size == -EBADF || size == -EINVAL);
}

static void call_somebody(struct worker *w)
{
	uint64_t seed = w->state >> 8;
	unsigned size = write_message(w, seed);
	int own[2];
	unsigned count = put_descriptors(w, own);
	long result =
		heddle_port_call(ends[chance(&w->state, PORTS)][1], size, count,
				 chance(&w->state, 4) == 0 ? HEDDLE_PORT_NONBLOCK : 0);

	close_pair(own);
	if (result >= 0) {
		CHECK_EQ(read_message(w, result), seed + 1);
		close_descriptors(w);
		return;
	}
	CHECK(result == -EAGAIN || result == -EINTR || result == -EPIPE ||
	      result == -EOWNERDEAD || result == -EDEADLK || result == -EBADF ||
	      result == -EINVAL);
}

static void receive_something(struct worker *w)
{
	int flags = chance(&w->state, 3) == 0 ? HEDDLE_PORT_NONBLOCK : 0;
	int end = ends[chance(&w->state, PORTS)][0];
	int own[2];

	if (w->serving) {
		unsigned size = write_message(w, w->served + 1);
		unsigned count = put_descriptors(w, own);
		long result;

		if (chance(&w->state, 3)) {
			result = heddle_port_reply_receive(end, size, count, flags);
			if (result == -EBADF || result == -EINVAL) {
				(void)heddle_port_reply(8, 0);
			}
			took(w, result);
		} else {
			result = heddle_port_reply(size, count);
			if (result == -EBADF) {
				result = heddle_port_reply(size, 0);
			}
			CHECK(result == 0 || result == -ESRCH);
			w->serving = false;
		}
		close_pair(own);
		return;
	}
	took(w, heddle_port_receive(end, flags));
}

static void fork_or_execute(struct worker *w)
{
	char *const arguments[] = {"ports_churn", "leaf", NULL};
	pid_t child = fork();

	if (child == 0) {
		if (chance(&w->state, 2)) {
			execv("/proc/self/exe", arguments);
		}
		_exit(7);
	}
	while (child > 0 && waitpid(child, NULL, 0) < 0) {
		CHECK_EQ(errno, EINTR);
	}
}

static void *work(void *argument)
{
	struct worker w = {.state = (uint64_t)(uintptr_t)argument,
			   .block = heddle_thread_block()};

	for (int i = 0; i < STEPS; i++) {
		switch (chance(&w.state, 24)) {
		case 0:
			fork_or_execute(&w);
			break;
		case 1:
			if (chance(&w.state, 8) == 0) {
				close(ends[chance(&w.state, PORTS)][chance(&w.state, 2)]);
			}
			break;
		case 2 ... 11:
			call_somebody(&w);
			break;
		default:
			receive_something(&w);
		}
	}
	finished++;
	return NULL;
}

static void nothing(int number)
{
	(void)number;
}

/* Its threads do their steps; a signal now and then ends waits for what never comes. */
static _Noreturn void worker_process(uint64_t seed)
{
	struct sigaction action = {.sa_handler = nothing};
	pthread_t threads[THREADS];

	sigaction(SIGALRM, &action, NULL);
	for (uintptr_t i = 0; i < THREADS; i++) {
		CHECK_EQ(pthread_create(&threads[i], NULL, work,
					(void *)(seed * THREADS + i + 1)),
			 0);
	}
	while (finished < THREADS) {
		usleep(2000);
		for (int i = 0; i < THREADS; i++) {
			pthread_kill(threads[i], SIGALRM);
		}
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
	}
	exit(0);
}

/* One set of ports, and processes that live with them; all but the first are killed at some moment, or end. */
static void one_round(uint64_t seed)
{
	pid_t workers[WORKERS];
	uint64_t state = seed;

	for (int i = 0; i < PORTS; i++) {
		make_port(ends[i]);
	}
	for (int i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		CHECK(workers[i] >= 0);
		if (workers[i] == 0) {
			worker_process(seed * WORKERS + (uint64_t)i);
		}
	}
	for (int i = 0; i < PORTS; i++) {
		close(ends[i][0]);
		close(ends[i][1]);
	}
	for (int i = 0; i < WORKERS; i++) {
		int status = -1;

		usleep(chance(&state, 5000));
		if (chance(&state, 2)) {
			kill(workers[chance(&state, WORKERS)], SIGKILL);
		}
		CHECK_EQ(waitpid(workers[i], &status, 0), workers[i]);
		CHECK(status == 0 || status == SIGKILL);
		workers[i] = getpid() + 100000; // nobody
	}
}

int main(int count, char **arguments)
{
	const char *soak = getenv("HEDDLE_SOAK"), *seed = getenv("HEDDLE_SEED");
	int rounds = ROUNDS * (soak ? atoi(soak) : 1);
	struct ledger before;

	if (count > 1 && strcmp(arguments[1], "leaf") == 0) {
		return 7;
	}
	ports_required();
	ledger_required();
	one_round(1); // what is kept once it has been used
	ledger_begin(&before);
	for (int i = 0; i < rounds; i++) {
		one_round((seed ? strtoull(seed, NULL, 0) : 1) * 1000003 + (uint64_t)i);
	}
	ledger_expect(&before);
	ok("nothing_is_left");
	return 0;
}
