// SPDX-License-Identifier: MIT
/* A directory and a file in it, both watched for everything by one instance of inotify(7). */
#pragma once

#include "watching.h"

static int in, dir, file; /* an instance, and its watches of d and d/f in most cases */

static inline int make_file(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	CHECK(fd >= 0);
	return fd;
}

/* d with d/f and both watched for everything. */
static inline void begin(void)
{
	CHECK_EQ(mkdir("d", 0755), 0);
	close(make_file("d/f"));
	in = watching(IN_NONBLOCK | IN_CLOEXEC);
	dir = watch(in, "d", IN_ALL_EVENTS);
	file = watch(in, "d/f", IN_ALL_EVENTS);
	EXPECT_NOTHING(in);
}

static inline void end(void)
{
	close(in);
	unlink("d/f");
	CHECK_EQ(rmdir("d"), 0);
}
