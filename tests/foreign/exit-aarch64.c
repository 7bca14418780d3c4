// SPDX-License-Identifier: MIT
/* A program that asks the emulator to end with status 77, by semihosting, as the kernel does. It must not be heard. */
#include <stdio.h>

int main(void)
{
	unsigned long block[2] = {0x20026,
				  77}; // the application has ended, with this status
	register unsigned long x0 __asm__("x0") = 0x20; // SYS_EXIT_EXTENDED
	register unsigned long x1 __asm__("x1") = (unsigned long)block;

	puts("asking");
	fflush(stdout);
	__asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
	puts("no answer");
	return 0;
}
