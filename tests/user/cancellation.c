// SPDX-License-Identifier: MIT
/* G1, T9: thread cancellation as glibc does it, cleanup handlers, detached threads, many rounds. */
#include "raw.h"

static atomic_int cleaned, entered;

static void note_cleanup(void *unused)
{
	(void)unused;
	atomic_fetch_add(&cleaned, 1);
}

static void *block_in_pause(void *unused)
{
	pthread_cleanup_push(note_cleanup, unused);
	atomic_fetch_add(&entered, 1);
	for (;;) {
		pause();
	}
	pthread_cleanup_pop(0);
	return NULL;
}

static void *spin_asynchronously(void *unused)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	atomic_fetch_add(&entered, 1);
	for (;;) {
		__asm__ volatile("" ::: "memory");
	}
	return unused;
}

static void check_cancel(void *(*body)(void *), const char *name, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		void *result = NULL;
		pthread_t thread = start_thread(body, NULL);

		WAIT_UNTIL(atomic_load(&entered));
		atomic_store(&entered, 0);
		CHECK_EQ(pthread_cancel(thread), 0);
		CHECK_EQ(pthread_join(thread, &result), 0);
		CHECK(result == PTHREAD_CANCELED);
	}
	ok(name);
}

static void *leave_at_once(void *unused)
{
	atomic_fetch_add(&entered, 1);
	return unused;
}

static int threads_in_proc(void)
{
	char text[4096];
	const char *line;
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t length;

	CHECK(fd >= 0);
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	CHECK(length > 0);
	text[length] = 0;
	line = strstr(text, "Threads:");
	CHECK(line);
	return atoi(line + 8);
}

static void check_detached(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	atomic_store(&entered, 0);
	for (int i = 0; i < 300; i++) {
		CHECK_EQ(pthread_create(&thread, &attributes, leave_at_once, NULL), 0);
	}
	WAIT_UNTIL(atomic_load(&entered) == 300);
	WAIT_UNTIL(threads_in_proc() == 1);
	ok("detached");
}

int main(void)
{
	check_cancel(block_in_pause, "deferred", 50);
	CHECK_EQ(atomic_load(&cleaned), 50);
	check_cancel(spin_asynchronously, "asynchronous", 20);
	check_detached();
	return 0;
}
