// SPDX-License-Identifier: MIT
/* For the programs about futexes with priority inheritance. */
#pragma once

#include "raw.h"
#include <sys/resource.h>

static inline long lock_pi(uint32_t *word)
{
	return futex(word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
}

static inline long trylock_pi(uint32_t *word)
{
	return futex(word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
}

static inline long unlock_pi(uint32_t *word)
{
	return futex(word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
}

/* As a C library does it: the kernel only where somebody waits. */
static inline void fast_lock(uint32_t *word)
{
	uint32_t expected = 0;

	if (!__atomic_compare_exchange_n(word, &expected, (uint32_t)thread_id(), false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		CHECK_EQ(lock_pi(word), 0);
	}
}

static inline void fast_unlock(uint32_t *word)
{
	uint32_t expected = (uint32_t)thread_id();

	if (!__atomic_compare_exchange_n(word, &expected, 0, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST)) {
		CHECK_EQ(unlock_pi(word), 0);
	}
}

static inline uint32_t word_of(uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static inline uint32_t owner_of(uint32_t *word)
{
	return word_of(word) & FUTEX_TID_MASK;
}

/* A thread of the program that says its number sleeps. We may have inherited a priority that lets it run only while we sleep too. */
static inline void wait_until_sleeping(_Atomic pid_t *tid)
{
	long long start = now_ns();

	while (!*tid || thread_state(*tid) != 'S') {
		CHECK(now_ns() - start < WAIT_LIMIT_NS);
		usleep(500);
	}
}

static inline void become(int policy, int priority)
{
	struct sched_param parameter = {.sched_priority = priority};

	CHECK_EQ(sched_setscheduler(0, policy, &parameter), 0);
}

/* By what a thread of the program acts, the 18th field of its stat file: -1 - priority for real-time, 20 + nice value. */
static inline int acts_by(pid_t tid)
{
	char path[64], text[512];
	int fd, value = 0;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	length = read(fd, text, sizeof(text) - 1);
	CHECK(length > 0);
	close(fd);
	text[length] = 0;
	CHECK_EQ(sscanf(strrchr(text, ')') + 2,
			"%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %d",
			&value),
		 1);
	return value;
}

/* The same of a fair thread that nobody lends to: the tests may have been started with a nice value. */
static inline int acts_fair(void)
{
	return 20 + getpriority(PRIO_PROCESS, 0);
}
