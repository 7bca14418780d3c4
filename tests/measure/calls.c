// SPDX-License-Identifier: MIT
/*
 * Process 1 of a measured guest, on Heddle and on Linux: round trips between two processes. For each size a line `pipes SIZE N` and, where
 * there are ports, `ports SIZE N`: what one takes by the time stamp counter, the median of BATCHES; with -icount shift=0
 * that is instructions, of both programs and the kernel.
 */
#include <fcntl.h>
#include <heddle/port.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

enum { BATCHES = 21, ROUNDS = 500 };

static int there[2], back[2]; // pipes; or `there` is a port
static unsigned char buffer[256];

static int pipe_round(unsigned size)
{
	return write(there[1], buffer, size) == (ssize_t)size &&
	       read(back[0], buffer, sizeof(buffer)) == (ssize_t)size;
}

static void pipe_server(void)
{
	ssize_t size;

	close(there[1]);
	close(back[0]);
	while ((size = read(there[0], buffer, sizeof(buffer))) > 0) {
		if (write(back[1], buffer, (size_t)size) != size) {
			break;
		}
	}
}

static int port_round(unsigned size)
{
	return heddle_port_call(there[1], size, 0, 0) == (long)size;
}

static void port_server(void)
{
	long size = 0;

	close(there[1]);
	while (size >= 0) {
		size = heddle_port_reply_receive(there[0], (unsigned long)size, 0, 0);
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

static void measure(const char *what, unsigned size, int (*round)(unsigned size),
		    void (*serve)(void))
{
	uint64_t took[BATCHES];
	pid_t server = fork();
	int good = 1;

	if (server == 0) {
		serve();
		_exit(0);
	}
	for (int i = 0; i < BATCHES; i++) {
		uint64_t start = __rdtsc();

		for (int j = 0; j < ROUNDS; j++) {
			good &= round(size);
		}
		took[i] = (__rdtsc() - start) / ROUNDS;
	}
	close(there[0]);
	close(there[1]);
	waitpid(server, NULL, 0);
	qsort(took, BATCHES, sizeof(took[0]), compare);
	printf("%s %u %llu\n", good ? what : "failed:", size,
	       (unsigned long long)took[BATCHES / 2]);
}

int main(void)
{
	static const unsigned sizes[] = {8, 64, 256};

	mkdir("/dev", 0755);
	mount("dev", "/dev", "devtmpfs", 0, "mode=0755");
	int console = open("/dev/console", O_RDWR);
	for (int fd = 0; console >= 0 && fd < 3; fd++) {
		dup2(console, fd);
	}
	sleep(5); // of the emulated clock: until the kernel has come to rest
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (pipe(there) == 0 && pipe(back) == 0) {
			measure("pipes", sizes[i], pipe_round, pipe_server);
			close(back[0]);
			close(back[1]);
		}
		if (heddle_port_create(there, 0) == 0) {
			measure("ports", sizes[i], port_round, port_server);
		}
	}
	printf("end\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 1;
}
