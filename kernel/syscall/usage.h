// SPDX-License-Identifier: MIT
/* Shared by the calls that report resource usage. */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"
#include "process/process.h"

/* struct rusage at `to` in user memory. */
int usage_to_user(const struct process_usage *usage, vaddr_t to) must_check;
