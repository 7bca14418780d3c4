// SPDX-License-Identifier: MIT
/* System calls the C library hides or changes: clone3 on a stack of one's own (machine.h), futex. */
#pragma once

#include "machine.h"
#include "test.h"
#include <linux/futex.h>
#include <linux/sched.h>

static inline long futex(void *word, int operation, uint32_t value,
			 const struct timespec *timeout, void *second, uint32_t value3)
{
	return syscall(SYS_futex, word, operation, value, timeout, second, value3);
}

/* clone3's for a thread of this process without the C library's part; its end makes `word` 0 and wakes who waits there. */
static inline struct clone_args bare_thread(const volatile void *word, void *stack,
					    size_t size)
{
	return (struct clone_args){
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			 CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID,
		.child_tid = (uintptr_t)word,
		.stack = (uintptr_t)stack,
		.stack_size = size,
	};
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
