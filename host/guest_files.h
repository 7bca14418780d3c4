// SPDX-License-Identifier: MIT
/*
 * The guest's initramfs: init, its configuration, and with --pack the program.
 */
#pragma once

#include "options.h"
#include "outcome.h"
#include "terminal.h"

/* The 9p tag of share number `index`, and of the root. */
#define ROOT_TAG         "root"
#define SHARE_TAG_FORMAT "share%zu"

/*
 * Look at the program on the host, where that is the guest's file too. Sets the outcome and
 * returns -ENOENT or -ENOEXEC if it cannot run; 0 if it can or only the guest can tell.
 */
int guest_program_check(const struct options *options, struct outcome *outcome);

/* Build it in the file `fd`. Returns 0, or a negative errno with the outcome set. */
int guest_files_build(const struct options *options, const struct terminal_use *terminal,
		      const char *init, int fd, struct outcome *outcome);
