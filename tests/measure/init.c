// SPDX-License-Identifier: MIT
/*
 * Process 1 of a measured guest, on Heddle and on Linux. It tells the time stamp counter at its
 * start (`first N`) and what a thread costs (`thread N
 * M`: M if it writes to its thread block, where there is one); if /usr/bin/sort is there, it makes a file on a tmpfs, sorts it twice, and
 * tells what each took and a sum of the result (`sort N SUM`). With -icount shift=0 the counter
 * counts instructions.
 */
#include <fcntl.h>
#include <heddle/thread_block.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define INPUT  "/scratch/input"
#define OUTPUT "/scratch/output"
#define LINES  400000 // of 53 bytes: 21 MB

#define HWCAP2_FSGSBASE 2

enum { ROUNDS = 9, THREADS = 200 };

static void *no_work(void *argument)
{
	return argument;
}

/* The base of gs, with the instruction where there is one: it is 0 on Linux and without blocks. */
static void *write_to_block(void *argument)
{
	struct heddle_thread_block *block = NULL;

	if (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) {
		__asm__("rdgsbase %0" : "=r"(block));
	}
	if (block) {
		block->context = 1;
	}
	return argument;
}

static int by_size(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

/* One thread made and joined: the median of rounds, after one that fills the caches. */
static uint64_t count_threads(void *(*body)(void *))
{
	uint64_t rounds[ROUNDS + 1];

	for (int round = 0; round <= ROUNDS; round++) {
		uint64_t start = __rdtsc();

		for (int i = 0; i < THREADS; i++) {
			pthread_t thread;

			if (pthread_create(&thread, NULL, body, NULL) != 0) {
				printf("failed: no thread\n");
				return 0;
			}
			pthread_join(thread, NULL);
		}
		rounds[round] = (__rdtsc() - start) / THREADS;
	}
	qsort(rounds + 1, ROUNDS, sizeof rounds[0], by_size);
	return rounds[1 + ROUNDS / 2];
}

static void make_input(void)
{
	FILE *file = fopen(INPUT, "w");
	uint64_t state = 88172645463325252ull;

	for (int i = 0; file && i < LINES; i++) {
		state ^= state << 13; // xorshift64
		state ^= state >> 7;
		state ^= state << 17;
		fprintf(file, "%016llx %010u line %06d of the input\n",
			(unsigned long long)state, (unsigned)(state >> 40), i);
	}
	if (!file || fclose(file) != 0) {
		printf("failed: no input\n");
	}
}

static uint64_t sum_of_output(void)
{
	static unsigned char buffer[65536];
	uint64_t sum = 14695981039346656037ull; // FNV-1a
	int fd = open(OUTPUT, O_RDONLY);
	ssize_t got;

	while ((got = read(fd, buffer, sizeof buffer)) > 0) {
		for (ssize_t i = 0; i < got; i++) {
			sum = (sum ^ buffer[i]) * 1099511628211ull;
		}
	}
	close(fd);
	return sum;
}

static void sort_once(void)
{
	char *arguments[] = {"sort", "--parallel=4", "-S",  "128M",
			     "-o",   OUTPUT,         INPUT, NULL};
	char *environment[] = {"LC_ALL=C", "PATH=/usr/bin", "TMPDIR=/work", NULL};
	uint64_t start = __rdtsc();
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		execve("/usr/bin/sort", arguments, environment);
		_exit(127);
	}
	waitpid(child, &status, 0);
	uint64_t end = __rdtsc();
	if (status != 0) {
		printf("failed: sort ended with %#x\n", status);
		return;
	}
	printf("sort %llu %016llx\n", (unsigned long long)(end - start),
	       (unsigned long long)sum_of_output());
	unlink(OUTPUT);
}

int main(void)
{
	uint64_t first = __rdtsc();

	mkdir("/dev", 0755);
	mount("dev", "/dev", "devtmpfs", 0, "mode=0755");
	int console = open("/dev/console", O_RDWR);
	for (int fd = 0; console >= 0 && fd < 3; fd++) {
		dup2(console, fd);
	}
	printf("first %llu\n", (unsigned long long)first);
	uint64_t plain = count_threads(no_work), written = count_threads(write_to_block);
	printf("thread %llu %llu\n", (unsigned long long)plain,
	       (unsigned long long)written);
	if (access("/usr/bin/sort", X_OK) == 0) {
		mkdir("/scratch", 0755);
		if (mount("work", "/scratch", "tmpfs", 0, "mode=0755") < 0) {
			printf("failed: no tmpfs\n");
		}
		make_input();
		sort_once();
		sort_once();
	}
	printf("end\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 1;
}
