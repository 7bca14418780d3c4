// SPDX-License-Identifier: MIT
/* Threads that signals come to at any instruction, on stacks of their own, while they are moved from CPU to CPU. */
#pragma once

#include "cpus.h"
#include <time.h>

enum { STORMERS = 6 };

struct stormer {
	_Atomic int id;
	unsigned seed;
	char *stack; /* its handlers run there */
	size_t stack_size;
	timer_t timer;
	atomic_int handled;
};

static struct stormer stormers[STORMERS];
static _Thread_local struct stormer *own;
static atomic_int left, over;

static inline unsigned next(struct stormer *s)
{
	return s->seed = s->seed * 1103515245u + 12345u, s->seed >> 16;
}

/* Of the thread itself: a signal every `nanoseconds` from now on. */
static inline struct stormer *enter_storm(void *argument, long nanoseconds)
{
	struct stormer *s = own = argument;
	stack_t stack = {.ss_sp = s->stack, .ss_size = s->stack_size};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
	struct itimerspec every = {{0, nanoseconds}, {0, nanoseconds}};

	CHECK_EQ(sigaltstack(&stack, NULL), 0);
	event._sigev_un._tid = thread_id();
	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &s->timer), 0);
	CHECK_EQ(timer_settime(s->timer, 0, &every, NULL), 0);
	atomic_store(&s->id, thread_id());
	return s;
}

static inline void leave_storm(struct stormer *s)
{
	CHECK_EQ(timer_delete(s->timer), 0);
	CHECK(atomic_load(&s->handled) > 0);
	atomic_fetch_sub(&left, 1);
	WAIT_UNTIL(atomic_load(&over));
}

/* All to two CPUs, then to the next two: there they take turns. */
static inline void move_all(const unsigned *cpus, unsigned count, unsigned turn)
{
	for (unsigned i = 0; i < STORMERS; i++) {
		int id = atomic_load(&stormers[i].id);

		if (id != 0) {
			pin(id, cpus[(turn + i % 2) % count]);
		}
	}
}

static inline void start_stormers(pthread_t *threads, size_t stack_size,
				  void (*handle)(int, siginfo_t *, void *),
				  void *(*storm)(void *))
{
	struct sigaction action = {.sa_sigaction = handle,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	atomic_store(&left, STORMERS);
	for (unsigned i = 0; i < STORMERS; i++) {
		stormers[i].seed = i * 77 + 5;
		stormers[i].stack_size = stack_size;
		stormers[i].stack = mmap(NULL, stack_size, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(stormers[i].stack != MAP_FAILED);
		threads[i] = start_thread(storm, &stormers[i]);
	}
}

static inline void run_storm(size_t stack_size, void (*handle)(int, siginfo_t *, void *),
			     void *(*storm)(void *))
{
	pthread_t threads[STORMERS];
	unsigned cpus[64], count = (unsigned)list_cpus(cpus, 64);
	int signals = 0;

	start_stormers(threads, stack_size, handle, storm);
	for (unsigned turn = 0; atomic_load(&left) > 0; turn++) {
		move_all(cpus, count, turn);
		usleep(2000);
	}
	atomic_store(&over, 1);
	for (int i = 0; i < STORMERS; i++) {
		join_thread(threads[i]);
		signals += atomic_load(&stormers[i].handled);
	}
	say("# %d signals\n", signals);
}
