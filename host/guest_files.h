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

/* Build it in the file `fd`. Returns 0, or a negative errno with the outcome set. */
int guest_files_build(const struct options *options, const struct terminal_use *terminal,
		      const char *init, int fd, struct outcome *outcome);
