// SPDX-License-Identifier: MIT
/* System calls the C library hides or changes: clone3 on a stack of one's own, futex. */
#pragma once

#include "test.h"
#include <linux/futex.h>
#include <linux/sched.h>

/*
 * clone3 with args->stack set: the child runs body(argument) there and ends with its result.
 * Returns as the system call does: the child's tid, or a negative errno.
 */
static inline long clone3_call(struct clone_args *args, size_t size, int (*body)(void *),
			       void *argument)
{
	long result;

	__asm__ volatile("syscall\n\t"
			 "testq %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "movq %[argument], %%rdi\n\t"
			 "movq %[body], %%rax\n\t" // it may be in rbp
			 "xorl %%ebp, %%ebp\n\t"
			 "callq *%%rax\n\t"
			 "movl %%eax, %%edi\n\t"
			 "movl $60, %%eax\n\t"
			 "syscall\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(result)
			 : "a"((long)SYS_clone3), "D"(args),
			   "S"(size), [body] "r"(body), [argument] "r"(argument)
			 : "rcx", "r11", "memory");
	return result;
}

static inline long futex(void *word, int operation, uint32_t value,
			 const struct timespec *timeout, void *second, uint32_t value3)
{
	return syscall(SYS_futex, word, operation, value, timeout, second, value3);
}

static inline void *shared_page(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			  -1, 0);

	CHECK(page != MAP_FAILED);
	return page;
}

/* The state letter in a stat file of /proc; '?' when there is none. */
static inline char state_in(const char *path)
{
	char text[256];
	const char *end;
	ssize_t length;
	int fd = open(path, O_RDONLY);

	if (fd < 0) {
		return '?';
	}
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length <= 0) {
		return '?';
	}
	text[length] = 0;
	end = strrchr(text, ')');
	return end ? end[2] : '?';
}

/* Of a thread of this process. */
static inline char thread_state(pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	return state_in(path);
}

/* Of another process's first thread. */
static inline char process_state(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	return state_in(path);
}

/* A child that stays until a signal ends it. */
static inline pid_t start_pausing(void)
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		for (;;) {
			pause();
		}
	}
	return child;
}
