// SPDX-License-Identifier: MIT
/* A first process that prints, for machines with nothing but a serial console; its status ends the machine. */
#include <stdio.h>

int main(void)
{
	puts("init is here");
	return 0;
}
