// SPDX-License-Identifier: MIT
/*
 * What an ELF file asks its loader for. The file is read, never run.
 */
#pragma once

#include <limits.h>
#include <stddef.h>

#define MAX_NEEDED 256

/* Texts live in `strings`, which elf_needs_free gives back. */
struct elf_needs {
	const char *needed[MAX_NEEDED];
	size_t count;
	const char *rpath;   // DT_RPATH or NULL
	const char *runpath; // DT_RUNPATH or NULL
	char interpreter[PATH_MAX];
	char *strings;
};

/* Returns 0, or -ENOEXEC if it is no 64-bit ELF file for `machine` (EM_*); other errnos. */
int elf_needs_read(const char *host_path, unsigned machine, struct elf_needs *needs);
void elf_needs_free(struct elf_needs *needs);
