// SPDX-License-Identifier: MIT
/* What the models share: a check that ends the program, and chance, which makes the windows wide. */
#pragma once

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#define CHECK(condition)                                               \
	do {                                                           \
		if (!(condition)) {                                    \
			fprintf(stderr, "violated: " #condition "\n"); \
			_exit(1);                                      \
		}                                                      \
	} while (0)

/* Below `in`; each thread has numbers of its own. */
static inline unsigned chance(unsigned in)
{
	static _Thread_local unsigned long random;

	if (random == 0) {
		random = (unsigned long)pthread_self() | 1;
	}
	random = random * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)(random >> 33) % in;
}

static inline void linger(void)
{
	if (chance(4) == 0) {
		sched_yield();
	}
}
