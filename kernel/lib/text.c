// SPDX-License-Identifier: MIT
/* What string.h has beyond the C library, whose own functions take the place of string.c on the host. */
#include "lib/errno.h"
#include "lib/string.h"

size_t string_copy(char *to, const char *from, size_t size)
{
	size_t length = strlen(from);

	if (size > 0) {
		size_t kept = MIN(length, size - 1);

		memcpy(to, from, kept);
		to[kept] = '\0';
	}
	return length;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	if (c >= 'A' && c <= 'F') {
		return c - 'A' + 10;
	}
	return 99;
}

int string_to_u64(const char *s, u64 *out)
{
	int base = 10;
	u64 value = 0;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	}
	if (!*s) {
		return -EINVAL;
	}
	for (; *s; s++) {
		int digit = digit_value(*s);

		if (digit >= base) {
			return -EINVAL;
		}
		if (__builtin_mul_overflow(value, (u64)base, &value) ||
		    __builtin_add_overflow(value, (u64)digit, &value)) {
			return -ERANGE;
		}
	}
	*out = value;
	return 0;
}
