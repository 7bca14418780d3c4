// SPDX-License-Identifier: MIT
/* Settings below /proc/sys, which a program puts back: the ones after it in the same guest find what is usual. */
#pragma once

#include "test.h"

struct setting {
	const char *path;
	char before[32];
};

static inline void write_setting(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t length = strlen(value);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, value, length), (ssize_t)length);
	close(fd);
}

static inline void change_setting(struct setting *setting, const char *value)
{
	int fd = open(setting->path, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK(read(fd, setting->before, sizeof(setting->before) - 1) > 0);
	close(fd);
	write_setting(setting->path, value);
}

static inline void restore_setting(const struct setting *setting)
{
	write_setting(setting->path, setting->before);
}
