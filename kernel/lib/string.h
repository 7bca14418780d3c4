// SPDX-License-Identifier: MIT
/* The C library's memory and string functions, as far as the kernel uses them. */
#pragma once

#include "lib/types.h"

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memchr(const void *in, int byte, size_t size);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t max);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *what);

/* Copy with truncation; always ends in NUL if size > 0. Returns strlen(from). */
size_t string_copy(char *to, const char *from, size_t size);
/* Decimal, or 0x hexadecimal; 0 or -EINVAL, -ERANGE. The whole of `s` must be the number. */
int string_to_u64(const char *s, u64 *out);
