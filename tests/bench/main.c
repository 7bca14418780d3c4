// SPDX-License-Identifier: MIT
/*
 * Process 1 of a measured guest, on Heddle and on Linux: for each row a line `row N NAME`, N being what an operation takes by the
 * machine's counter, the median of BATCHES behind one that fills the caches; first, `memory N` with the bytes of a blocked thread. /start holds
 * a number of nanoseconds it begins later, so that runs differ. Where Debian's own benchmarks are, those run instead.
 */
#include "bench.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BATCHES = 5, SETTLE_SECONDS = 5 };

static const struct row *const lists[] = {
	call_rows,    thread_rows, futex_rows,  pair_rows, channel_rows,
	process_rows, signal_rows, memory_rows, file_rows, polling_rows,
};

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

static void measure(const struct row *row)
{
	uint64_t took[BATCHES];

	row->run(row->count);
	for (unsigned i = 0; i < BATCHES; i++) {
		took[i] = row->run(row->count) / row->count;
	}
	qsort(took, BATCHES, sizeof(took[0]), compare);
	printf("row %" PRIu64 " %s\n", took[BATCHES / 2], row->name);
}

static void measure_list(const struct row *rows)
{
	unsigned here = cpus_online() > 1 ? TWO_CPUS : ONE_CPU;

	for (const struct row *row = rows; row->name; row++) {
		if (row->cpus & here) {
			measure(row);
		}
	}
}

static void measure_all(void)
{
	printf("memory %" PRIu64 "\n", memory_of_blocked_thread());
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		measure_list(lists[i]);
	}
}

static void prepare(void)
{
	mkdir("/dev", 0755);
	mkdir("/proc", 0755);
	mkdir("/scratch", 0755);
	mount("dev", "/dev", "devtmpfs", 0, "mode=0755");
	mount("proc", "/proc", "proc", 0, NULL);
	mount("scratch", "/scratch", "tmpfs", 0, "mode=0755");
	int console = open("/dev/console", O_RDWR);
	for (int fd = 0; console >= 0 && fd < 3; fd++) {
		dup2(console, fd);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
}

/* Of the emulated clock: until the kernel has come to rest, and a little more. */
static void settle(void)
{
	struct timespec wait = {.tv_sec = SETTLE_SECONDS};
	FILE *start = fopen("/start", "r");

	if (start) {
		CHECK(fscanf(start, "%ld", &wait.tv_nsec) == 1);
		fclose(start);
	}
	nanosleep(&wait, NULL);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], END_NOW) == 0) {
		return 0;
	}
	if (argc > 2 && strcmp(argv[1], CHAIN_OF) == 0) {
		int left = atoi(argv[2]);
		char text[16];

		snprintf(text, sizeof(text), "%d", left - 1);
		return left > 0 ? execl(PROGRAM, PROGRAM, CHAIN_OF, text, (char *)NULL)
				: 0;
	}
	prepare();
	settle();
	if (access(DEBIAN_PROGRAM, X_OK) == 0) {
		measure_list(debian_rows);
	} else {
		measure_all();
	}
	printf("end\n");
	reboot(RB_POWER_OFF);
	return 1;
}
