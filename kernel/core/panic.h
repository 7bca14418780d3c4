// SPDX-License-Identifier: MIT
/*
 * The end of the kernel, and assertions.
 *
 * panic() stops the other CPUs, prints CPU, thread, backtrace, held locks and the last log
 * lines, and ends the machine through arch_machine_exit() with the panic status (255).
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

noreturn_ void panic(const char *format, ...) printf_like(1, 2);
bool panic_in_progress(void);
/* Who is running, for the report: installed by process/. Writes a short text. */
void panic_set_describe_thread(void (*describe)(char *to, size_t size));

noreturn_ void assert_failed(const char *condition, const char *file, int line);

/* In every build; for invariants that are cheap to check. User input never reaches one. */
#define ASSERT(condition) \
	(likely(condition) ? (void)0 : assert_failed(#condition, __FILE__, __LINE__))
#if HEDDLE_DEBUG
#	define DEBUG_ASSERT(condition) ASSERT(condition)
#else
#	define DEBUG_ASSERT(condition) ((void)sizeof(!!(condition)))
#endif
#define UNREACHABLE(why) panic("unreachable: %s", why)
