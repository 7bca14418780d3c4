// SPDX-License-Identifier: MIT
/* A pthread program of ours: threads pass numbers through a bounded queue and add them up. */
#include <pthread.h>
#include <stdio.h>

enum { WORKERS = 4, ITEMS = 20000, ROOM = 16 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER,
		      not_full = PTHREAD_COND_INITIALIZER;
static int queue[ROOM], head, used;
static long sums[WORKERS];

static int take(void)
{
	int item;

	pthread_mutex_lock(&mutex);
	while (used == 0) {
		pthread_cond_wait(&not_empty, &mutex);
	}
	item = queue[head];
	head = (head + 1) % ROOM;
	used--;
	pthread_cond_signal(&not_full);
	pthread_mutex_unlock(&mutex);
	return item;
}

static void put(int item)
{
	pthread_mutex_lock(&mutex);
	while (used == ROOM) {
		pthread_cond_wait(&not_full, &mutex);
	}
	queue[(head + used) % ROOM] = item;
	used++;
	pthread_cond_signal(&not_empty);
	pthread_mutex_unlock(&mutex);
}

static void *work(void *sum)
{
	int item;

	while ((item = take()) >= 0) {
		*(long *)sum += item;
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[WORKERS];
	long total = 0;

	for (int i = 0; i < WORKERS; i++) {
		pthread_create(&threads[i], NULL, work, &sums[i]);
	}
	for (int i = 0; i < ITEMS; i++) {
		put(i);
	}
	for (int i = 0; i < WORKERS; i++) {
		put(-1);
	}
	for (int i = 0; i < WORKERS; i++) {
		pthread_join(threads[i], NULL);
		total += sums[i];
	}
	printf("%ld\n", total);
	return total == (long)ITEMS * (ITEMS - 1) / 2 ? 0 : 1;
}
