// SPDX-License-Identifier: MIT
/* printf-style formatting into memory: %d %i %u %x %X %o %c %s %p %%, with l, ll, z, h, hh, width, .precision, 0, -, +, space, #. */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"
#include <stdarg.h>

/* Like snprintf(3): returns the length that the whole text has, or would have. */
int format_string(char *to, size_t size, const char *format, ...) printf_like(3, 4);
int format_string_v(char *to, size_t size, const char *format, va_list args)
	printf_like(3, 0);
