// SPDX-License-Identifier: MIT
/* A first process for `heddle.fail=victim:1`: the first allocation after it takes the name fails, and no other. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

int main(void)
{
	int before, during, after;

	before = eventfd(0, 0); // the code has been run once: no page of it is missing
	prctl(PR_SET_NAME, "victim");
	during = eventfd(0, 0) < 0 ? errno : 0;
	after = eventfd(0, 0) < 0 ? errno : 0;
	printf("before %s, during %s, after %s\n", before >= 0 ? "passed" : "failed",
	       during ? strerror(during) : "passed", after ? strerror(after) : "passed");
	return 0;
}
