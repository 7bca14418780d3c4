// SPDX-License-Identifier: MIT
/*
 * Why a file cannot be run: one line for the user. Used by guest/init and by the command.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum program_kind { PROGRAM_ELF, PROGRAM_SCRIPT, PROGRAM_BAD };

struct program_check {
	enum program_kind kind;
	unsigned machine;       // PROGRAM_ELF: EM_*
	char why[160];          // PROGRAM_BAD: the reason, without the file's name
	char interpreter[4096]; // the loader, or what #! names; "" if there is none
};

/*
 * Look at an open regular file. An ELF file for another machine than `machine` (EM_*) is PROGRAM_BAD; EM_NONE: any
 * will do. Never fails: what cannot be read is PROGRAM_BAD.
 */
void program_check_file(int fd, unsigned machine, struct program_check *check);
