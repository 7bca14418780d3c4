// SPDX-License-Identifier: MIT
/* The vDSO beyond the clock: the thread block. */
#include <heddle/thread_block.h>

struct heddle_thread_block *__heddle_thread_block(void);

/* The register is the kernel's own: what it says holds. */
struct heddle_thread_block *__heddle_thread_block(void)
{
	struct heddle_thread_block *block;

	__asm__("mrs %0, tpidrro_el0" : "=r"(block));
	return block;
}
