// SPDX-License-Identifier: MIT
/*
 * The kit of the user programs: they assert what Linux does, and run on Linux first.
 *
 * A program prints `ok NAME` for each case and ends with 0, says what failed and ends with 1, or
 * says `skip REASON` and ends with 77. Words in its first comment steer tests/run-user:
 *   deadline: SECONDS     for one run of the program (default 20)
 *   libc: musl            also build it with musl
 *   oracle: guest         the host cannot run it: run Debian's kernel in the same machine
 * No test orders two threads by sleeping; it waits for what it can observe.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KERNEL_ADDRESS   ((void *)0xffff800000001000ul)
#define NON_CANONICAL    ((void *)0x8000000000000000ul)
#define UNMAPPED_ADDRESS ((void *)0x10ul)
#define WAIT_LIMIT_NS    (15ll * 1000000000)
#define TEST_SKIPPED     77

__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...)
{
	char text[512];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (length > (int)sizeof(text) - 1) {
		length = sizeof(text) - 1;
	}
	if (write(1, text, (size_t)length) < 0) {
		_exit(2);
	}
}

static inline void ok(const char *name)
{
	say("ok %s\n", name);
}

/* A failed check ends the whole process, whichever thread or child found it. */
#define CHECK(condition)                                                          \
	do {                                                                      \
		if (!(condition)) {                                               \
			int check_errno_ = errno;                                 \
			say("%s:%d: failed: %s (errno %d)\n", __FILE__, __LINE__, \
			    #condition, check_errno_);                            \
			_exit(1);                                                 \
		}                                                                 \
	} while (0)

#define CHECK_EQ(left, right)                                                      \
	do {                                                                       \
		long long check_left_ = (long long)(left);                         \
		long long check_right_ = (long long)(right);                       \
		if (check_left_ != check_right_) {                                 \
			int check_errno_ = errno;                                  \
			say("%s:%d: failed: %s == %s: %lld and %lld (errno %d)\n", \
			    __FILE__, __LINE__, #left, #right, check_left_,        \
			    check_right_, check_errno_);                           \
			_exit(1);                                                  \
		}                                                                  \
	} while (0)

/* The call fails with -1 and this errno. */
#define CHECK_ERRNO(call, wanted)                                                        \
	do {                                                                             \
		errno = 0;                                                               \
		long long check_result_ = (long long)(call);                             \
		int check_errno_ = errno;                                                \
		if (check_result_ != -1 || check_errno_ != (wanted)) {                   \
			say("%s:%d: failed: %s: %lld with errno %d, not %d\n", __FILE__, \
			    __LINE__, #call, check_result_, check_errno_, (wanted));     \
			_exit(1);                                                        \
		}                                                                        \
	} while (0)

static inline void skip(const char *reason)
{
	say("skip %s\n", reason);
	_exit(TEST_SKIPPED);
}

static inline long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* Wait until the condition holds, doing `pause` meanwhile; fail after WAIT_LIMIT_NS. */
#define WAIT_UNTIL_BY(condition, pause)                                       \
	do {                                                                  \
		long long wait_start_ = now_ns();                             \
		while (!(condition)) {                                        \
			if (now_ns() - wait_start_ > WAIT_LIMIT_NS) {         \
				say("%s:%d: never: %s\n", __FILE__, __LINE__, \
				    #condition);                              \
				_exit(1);                                     \
			}                                                     \
			pause;                                                \
		}                                                             \
	} while (0)

/* The same, yielding. */
#define WAIT_UNTIL(condition) WAIT_UNTIL_BY(condition, sched_yield())

static inline pid_t thread_id(void)
{
	return (pid_t)syscall(SYS_gettid);
}

/* Run `body` in a forked child; returns the wait status. */
static inline int in_child(void (*body)(void))
{
	int status = -1;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		body();
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	return status;
}

/* As in_child, for a body that must end with 0. */
static inline void must_pass_in_child(void (*body)(void))
{
	CHECK_EQ(in_child(body), 0);
}

static inline pthread_t start_thread(void *(*body)(void *), void *argument)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, body, argument), 0);
	return thread;
}

static inline void join_thread(pthread_t thread)
{
	CHECK_EQ(pthread_join(thread, NULL), 0);
}
