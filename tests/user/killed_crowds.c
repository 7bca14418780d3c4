// SPDX-License-Identifier: MIT
/*
 * C3, G1: the end of a process that is killed takes time by the number of its threads, not by its square: none of them passes the signal
 * on to the others any more.
 * deadline: 60
 */
#include "raw.h"
#include <limits.h>

enum { FEW = 250, MANY = 8 * FEW };

static uint32_t never;
static _Atomic int *there;
static int expected;

static void *wait_for_ever(void *unused)
{
	(void)unused;
	if (atomic_fetch_add(there, 1) + 1 == expected) {
		futex(there, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
	for (;;) {
		futex(&never, FUTEX_WAIT, 0, NULL, NULL, 0);
	}
	return NULL;
}

static void be_many(int count)
{
	pthread_attr_t small;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN);
	for (int i = 0; i < count; i++) {
		pthread_t thread;

		if (pthread_create(&thread, &small, wait_for_ever, NULL) != 0) {
			_exit(TEST_SKIPPED);
		}
	}
	wait_for_ever(NULL);
}

/* How long the end of so many threads takes, from the signal until they are gone. */
static long long end_of(int count)
{
	int status;
	pid_t child;

	atomic_store(there, 0);
	expected = count + 1;
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		be_many(count);
	}
	for (int seen = 0; seen != expected; seen = atomic_load(there)) {
		futex(there, FUTEX_WAIT, (uint32_t)seen, NULL, NULL, 0);
	}
	long long start = now_ns();

	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return now_ns() - start;
}

int main(void)
{
	long long few = LLONG_MAX, many = LLONG_MAX;

	there = shared_page();
	// The shortest of each counts; others use the machine too.
	for (int round = 0; round < 5 && (round < 1 || many >= 40 * few); round++) {
		long long took = end_of(FEW);

		few = took < few ? took : few;
		took = end_of(MANY);
		many = took < many ? took : many;
	}
	say("%d threads in %lld us, %d in %lld us\n", FEW, few / 1000, MANY, many / 1000);
	CHECK(many <
	      40 * few); // eight times as many; 64 times the work if each of them looks at all
	ok("crowds");
	return 0;
}
