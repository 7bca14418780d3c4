// SPDX-License-Identifier: MIT
/*
 * What programs asked for and this machine does not have: files looked for in vain (with --pack, when the command line says
 * heddle.missing) and system calls that answered ENOSYS. /proc/heddle shows both, `heddle run --summary` prints them.
 *
 * Each list keeps the first MISSING_MAX different names. Context: any.
 */
#pragma once

#include "lib/types.h"

enum missing_kind { MISSING_FILE, MISSING_CALL, MISSING_KINDS };
enum { MISSING_MAX = 128, MISSING_NAME_MAX = 120 };

/* One more vain request for `name`; names that are too long, and further ones when the list is full, are not kept. */
void missing_record(enum missing_kind kind, const char *name);
/* Entry `index` of a list: its name into name[MISSING_NAME_MAX], how often; false: no more. */
bool missing_get(enum missing_kind kind, unsigned index, char *name, u64 *count);
