// SPDX-License-Identifier: MIT
/* Process 1 of a machine that is started to see how long it takes: `first N` are the nanoseconds from reset to main. */
#include "machine_counter.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/reboot.h>

int main(void)
{
	uint64_t first = counter_nanoseconds();

	printf("first %" PRIu64 "\n", first);
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 1;
}
