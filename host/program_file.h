// SPDX-License-Identifier: MIT
/*
 * The program's file, found on the host where that is the guest's file too.
 */
#pragma once

#include "options.h"
#include "outcome.h"

#include <limits.h>

/* The program's PATH. */
const char *program_search_path(const struct options *options);

/* Find it in the guest's root. Returns 0 with its absolute path there, or a negative errno with the outcome set. */
int program_find(const struct options *options, char path[PATH_MAX],
		 struct outcome *outcome);

/* The architecture of the program, or of what runs it if it is a script; NULL if that cannot be told here. */
const struct architecture *program_architecture(const struct options *options);

/*
 * Can it run on options->architecture? Sets the outcome and returns -ENOENT or -ENOEXEC if it cannot; 0 if it
 * can or only the guest can tell.
 */
int program_check(const struct options *options, struct outcome *outcome);
