// SPDX-License-Identifier: MIT
/* The usual forms over arch/usercopy.h: 0 or -EFAULT. May sleep. Never keep a user pointer's value as data. */
#pragma once

#include "arch/usercopy.h"
#include "lib/errno.h"

static inline must_check int user_read(void *to, vaddr_t from, size_t size)
{
	return arch_copy_from_user(to, (const void __user *)from, size) ? -EFAULT : 0;
}

static inline must_check int user_write(vaddr_t to, const void *from, size_t size)
{
	return arch_copy_to_user((void __user *)to, from, size) ? -EFAULT : 0;
}

static inline must_check int user_clear(vaddr_t to, size_t size)
{
	return arch_clear_user((void __user *)to, size) ? -EFAULT : 0;
}

/* A string of less than `size` bytes. Its length, -EFAULT, or -ENAMETOOLONG. */
static inline must_check s64 user_read_string(char *to, vaddr_t from, size_t size)
{
	s64 length = arch_copy_string_from_user(to, (const char __user *)from, size);

	return length == (s64)size ? -ENAMETOOLONG : length;
}
