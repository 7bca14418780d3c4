// SPDX-License-Identifier: MIT
/* A first process that prints, for machines with nothing but a serial console; its status ends the machine. */
#include <stdio.h>

#ifndef WORDS
#	define WORDS "init is here"
#endif

int main(void)
{
	puts(WORDS);
	return 0;
}
