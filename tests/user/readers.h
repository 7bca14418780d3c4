// SPDX-License-Identifier: MIT
/* Processes that read beside a test, without a pause, until they are told to stop. */
#pragma once

#include "raw.h"

enum { READERS = 2 };

static struct readers {
	atomic_int stop;
	atomic_long looked
		[READERS]; /* how often something was read: the reader's own count */
} *readers;                /* a shared page */
static pid_t readers_numbers[READERS];

/* Each is a child that calls `read_on`, with its index, until that returns because of `stop`. */
static inline void readers_start(void (*read_on)(int reader))
{
	readers = shared_page();
	for (int i = 0; i < READERS; i++) {
		readers_numbers[i] = fork();
		CHECK(readers_numbers[i] >= 0);
		if (readers_numbers[i] == 0) {
			read_on(i);
			_exit(0);
		}
	}
}

static inline void readers_await(long looked)
{
	for (int i = 0; i < READERS; i++) {
		WAIT_UNTIL(atomic_load(&readers->looked[i]) > looked);
	}
}

/* Each has ended well. */
static inline void readers_stop(void)
{
	atomic_store(&readers->stop, 1);
	for (int i = 0; i < READERS; i++) {
		int status;

		CHECK_EQ(waitpid(readers_numbers[i], &status, 0), readers_numbers[i]);
		CHECK_EQ(status, 0);
		say("# reader %d looked %ld times\n", i,
		    atomic_load(&readers->looked[i]));
	}
	CHECK_EQ(munmap(readers, sizeof(*readers)), 0);
}
