// SPDX-License-Identifier: MIT
/*
 * S3: KernelStackPeak in /proc/PID/status tells how deep a thread was in its kernel stack: that thread, not who had the stack
 * before it; and /proc/heddle/kernel_stack the deepest of all. With HEDDLE_SOAK=N N times as long. Linux tells neither: skipped there.
 * deadline: 60
 */
#include "raw.h"

#include <dirent.h>
#include <sys/stat.h>

enum { THREADS = 20, BUSY = 4, CHURN_LOOKS = 400, TEXT = 4096 };

static atomic_int step, done;
static atomic_bool stop;

/* The mark in a status file; 0: no such line, -1: no such file. */
static long mark_in(const char *path)
{
	char text[TEXT];
	const char *line;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0) {
		close(fd);
	}
	if (length <= 0) {
		return -1;
	}
	text[length] = 0;
	line = strstr(text, "\nKernelStackPeak:\t");
	return line ? strtol(line + 18, NULL, 10) : 0;
}

static long mark_of(pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	return mark_in(path);
}

static void read_deepest(long *bytes, long *size, char name[16])
{
	char text[64];
	int fd = open("/proc/heddle/kernel_stack", O_RDONLY | O_CLOEXEC);
	ssize_t length = read(fd, text, sizeof(text) - 1);

	close(fd);
	CHECK(length > 0);
	text[length] = 0;
	CHECK_EQ(sscanf(text, "%ld %ld %15s", bytes, size, name), 3);
}

/* Shallow up to step 1, deep after it. */
static void *go_deep(void *tid)
{
	struct stat unused;

	atomic_store((_Atomic pid_t *)tid, thread_id());
	while (atomic_load(&step) == 0) {
		futex(&step, FUTEX_WAIT, 0, NULL, NULL, 0);
	}
	CHECK(mark_of(thread_id()) > 0);
	stat("/no/such/../place", &unused);
	atomic_store(&done, 1);
	while (atomic_load(&step) == 1) {
		futex(&step, FUTEX_WAIT, 1, NULL, NULL, 0);
	}
	return NULL;
}

static void next_step(void)
{
	atomic_fetch_add(&step, 1);
	futex(&step, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void one_thread(long *shallow, long *deep)
{
	_Atomic pid_t tid = 0;
	pthread_t thread;

	atomic_store(&step, 0);
	atomic_store(&done, 0);
	thread = start_thread(go_deep, &tid);
	WAIT_UNTIL(atomic_load(&tid) && thread_state(atomic_load(&tid)) == 'S');
	*shallow = mark_of(atomic_load(&tid));
	next_step();
	WAIT_UNTIL(atomic_load(&done) && thread_state(atomic_load(&tid)) == 'S');
	*deep = mark_of(atomic_load(&tid));
	next_step();
	join_thread(thread);
}

/* A thread has the stack of one before it. Interrupts take room too: a few may have been deep from the start. */
static void check_each_thread_has_its_own(void)
{
	int rose = 0;

	for (int i = 0; i < THREADS; i++) {
		long shallow, deep;

		one_thread(&shallow, &deep);
		CHECK(shallow > 0);
		CHECK(deep >= shallow);
		rose += deep > shallow;
	}
	CHECK(rose > THREADS / 2);
	ok("each_thread_has_its_own");
}

static void check_processes(void)
{
	char path[64], name[16];
	long bytes, size, before, own;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%d/status", child);
	WAIT_UNTIL(process_state(child) == 'Z');
	WAIT_UNTIL(mark_in(path) == 0); // a zombie has no stack
	CHECK(waitpid(child, NULL, 0) == child);
	CHECK(mark_in(path) == -1);
	do { // it may rise at any time, by an interrupt too
		before = mark_in("/proc/self/status");
		own = mark_of(getpid());
	} while (mark_in("/proc/self/status") != before);
	CHECK(own > 0);
	CHECK_EQ(own, before);
	read_deepest(&bytes, &size, name);
	CHECK(bytes >= own);
	CHECK(bytes < size);
	ok("processes");
}

static void *nothing(void *unused)
{
	return unused;
}

static void *come_and_go(void *unused)
{
	while (!atomic_load(&stop)) {
		join_thread(start_thread(nothing, NULL));
	}
	return unused;
}

static long look_at_all(void)
{
	DIR *directory = opendir("/proc/self/task");
	struct dirent *entry;
	long seen = 0;

	CHECK(directory != NULL);
	while ((entry = readdir(directory)) != NULL) {
		long mark = entry->d_name[0] == '.' ? 0 : mark_of(atoi(entry->d_name));

		CHECK(mark >= -1 && mark < 65536);
		seen += mark > 0;
	}
	closedir(directory);
	return seen;
}

/* R3: whoever looks finds a mark, or none, while stacks go. */
static void check_churn(void)
{
	const char *soak = getenv("HEDDLE_SOAK");
	int looks = CHURN_LOOKS * (soak ? atoi(soak) : 1);
	pthread_t busy[BUSY];
	long seen = 0;

	for (int i = 0; i < BUSY; i++) {
		busy[i] = start_thread(come_and_go, NULL);
	}
	for (int i = 0; i < looks; i++) {
		char name[16];
		long bytes, size;

		seen += look_at_all();
		read_deepest(&bytes, &size, name);
		CHECK(bytes < size);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < BUSY; i++) {
		join_thread(busy[i]);
	}
	CHECK(seen > looks);
	ok("churn");
}

int main(void)
{
	if (access("/proc/heddle/kernel_stack", R_OK)) {
		skip("Linux tells no mark");
	}
	check_each_thread_has_its_own();
	check_processes();
	check_churn();
	return 0;
}
