// SPDX-License-Identifier: MIT
/* The kernel command line: words `name` and `name=value`, quotes as Linux has them; what follows `--` is init's. */
#pragma once

#include "lib/types.h"

void command_line_init(const char *text); /* copies; at most 4095 bytes are kept */
const char *command_line_text(void);      /* as given, for /proc/cmdline */
bool command_line_has(const char *name);
/* The value of the last `name=value`, or NULL. */
const char *command_line_value(const char *name);
u64 command_line_number(const char *name, u64 otherwise);
/* Every value of a word that may come several times: index 0, 1, …; NULL ends. */
const char *command_line_nth(const char *name, unsigned index);
/* Words for init: unknown `word`s and all after `--` as arguments, unknown `name=value` as environment. */
unsigned command_line_init_arguments(const char **to, unsigned max);
unsigned command_line_init_environment(const char **to, unsigned max);
