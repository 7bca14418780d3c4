// SPDX-License-Identifier: MIT
/* One file, its record locks, and how another process sees them. */
#pragma once

#include "raw.h"
#include <limits.h>
#include <sys/file.h>

#ifndef F_OFD_GETLK
#	define F_OFD_GETLK  36
#	define F_OFD_SETLK  37
#	define F_OFD_SETLKW 38
#endif

static int fd;

static inline int open_file(void)
{
	int result = open("records", O_RDWR | O_CREAT, 0600);

	CHECK(result >= 0);
	return result;
}

static inline int lock(int file, int command, int type, int whence, off_t start,
		       off_t length)
{
	struct flock flock = {.l_type = (short)type,
			      .l_whence = (short)whence,
			      .l_start = start,
			      .l_len = length};

	return fcntl(file, command, &flock);
}

static inline int set(int type, off_t start, off_t length)
{
	return lock(fd, F_SETLK, type, SEEK_SET, start, length);
}

/* What another process sees from `start` on: type, start and length of the first lock there. */
static inline void expect(int type, off_t from, off_t start, off_t length)
{
	int status;
	pid_t owner = getpid(), child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		struct flock flock = {.l_type = F_WRLCK, .l_start = from, .l_len = 1};

		CHECK_EQ(fcntl(fd, F_GETLK, &flock), 0);
		CHECK_EQ(flock.l_type, type);
		if (type != F_UNLCK) {
			CHECK_EQ(flock.l_start, start);
			CHECK_EQ(flock.l_len, length);
			CHECK_EQ(flock.l_pid, owner);
			CHECK_EQ(flock.l_whence, SEEK_SET);
		}
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

static inline bool waits(pid_t tid)
{
	char state = process_state(tid);

	CHECK(state != '?');
	return state == 'S';
}
