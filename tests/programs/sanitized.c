// SPDX-License-Identifier: MIT
/*
 * B1: built with AddressSanitizer, ThreadSanitizer and MemorySanitizer: threads with storage of their own, mappings, fork from
 * beside them, a signal handler, an execution of itself. What it prints is the same every time. With an argument it says that it
 * was executed; with `wrong` it does what each of the three ends it for.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 6, ROUNDS = 5, PAGES = 64, PAGE = 4096 };

static __thread unsigned long own[100];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long total;
static atomic_int signals;

static void count_signal(int number)
{
	atomic_fetch_add(&signals, number == SIGUSR1);
}

static void need(int good, const char *what)
{
	if (!good) {
		printf("failed: %s\n", what);
		exit(1);
	}
}

/* Maps, fills, protects and unmaps; moves what is left. */
static unsigned long use_memory(unsigned long seed)
{
	unsigned char *map = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long sum = 0;

	need(map != MAP_FAILED, "mmap");
	memset(map, (int)seed, PAGES * PAGE);
	need(munmap(map + PAGES / 2 * PAGE, PAGES / 2 * PAGE) == 0, "munmap");
	need(mprotect(map, PAGE, PROT_READ) == 0, "mprotect");
	for (int i = 0; i < PAGES / 2 * PAGE; i += 100) {
		sum += map[i];
	}
	need(munmap(map, PAGES / 2 * PAGE) == 0, "munmap");
	return sum;
}

static void *work(void *argument)
{
	unsigned long seed = (unsigned long)argument;

	for (int i = 0; i < 100; i++) {
		char *piece = malloc(10 + seed * 37 + (unsigned long)i * 91);

		need(piece != NULL, "malloc");
		memset(piece, i, 10);
		own[i] = seed + (unsigned long)piece[9];
		free(piece);
	}
	own[0] += use_memory(seed);
	need(raise(SIGUSR1) == 0, "raise");
	pthread_mutex_lock(&lock);
	for (int i = 0; i < 100; i++) {
		total += own[i];
	}
	pthread_mutex_unlock(&lock);
	return (void *)own[99];
}

static void threads(void)
{
	pthread_t ids[THREADS];
	unsigned long sum = 0;

	for (unsigned long i = 0; i < THREADS; i++) {
		need(pthread_create(&ids[i], NULL, work, (void *)(i + 1)) == 0, "create");
	}
	for (int i = 0; i < THREADS; i++) {
		void *result;

		need(pthread_join(ids[i], &result) == 0, "join");
		sum += (unsigned long)result;
	}
	printf("threads %lu %lu\n", total, sum);
}

static void *idle(void *pipe_end)
{
	char byte;

	need(read(*(int *)pipe_end, &byte, 1) == 0, "read");
	return NULL;
}

/* The child has what the parent had, and threads of its own; the parent has others meanwhile. */
static void forks(const char *self)
{
	int ends[2], status;
	pthread_t other;
	pid_t child;

	need(pipe(ends) == 0, "pipe");
	need(pthread_create(&other, NULL, idle, &ends[0]) == 0, "create");
	fflush(stdout);
	child = fork();
	need(child >= 0, "fork");
	if (child == 0) {
		printf("child %lu\n", own[1] + use_memory(3));
		fflush(stdout);
		execl(self, self, "again", (char *)NULL);
		_exit(1);
	}
	need(waitpid(child, &status, 0) == child, "waitpid");
	close(ends[1]);
	need(pthread_join(other, NULL) == 0, "join");
	printf("ended %d\n", status);
}

static void *race(void *what)
{
	for (int i = 0; i < 1000; i++) {
		*(volatile unsigned long *)what += 1;
	}
	return NULL;
}

/* What each of the three must notice, and then ends the program its own way: a race, a read behind the end, one of nothing written. */
static int wrong(void)
{
	pthread_t other;
	volatile int *piece = malloc(4 * sizeof(*piece));

	need(pthread_create(&other, NULL, race, &total) == 0, "create");
	race(&total);
	need(pthread_join(other, NULL) == 0, "join");
	if (piece[3] == 5) {
		puts("five");
	}
	return piece[4] == 5;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = count_signal};

	if (argc > 1) {
		printf("executed %s\n", argv[1]);
		return strcmp(argv[1], "wrong") ? 3 : wrong();
	}
	need(sigaction(SIGUSR1, &action, NULL) == 0, "sigaction");
	for (int i = 0; i < ROUNDS; i++) {
		own[1] = (unsigned long)i;
		threads();
		forks("/proc/self/exe");
	}
	printf("signals %d\n", atomic_load(&signals));
	return 0;
}
