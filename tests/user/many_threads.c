// SPDX-License-Identifier: MIT
/*
 * T1, T2, T9, T12, S1, S4: threads made and ended by the thousand, from several threads at once;
 * nothing is mapped beyond what libc maps; a storm of processes; stacks hold what they held.
 * deadline: 60
 * libc: musl
 */
#include "raw.h"

static atomic_int ended;

static void *end_at_once(void *unused)
{
	atomic_fetch_add(&ended, 1);
	return unused;
}

static void *make_and_join(void *unused)
{
	for (int i = 0; i < 400; i++) {
		join_thread(start_thread(end_at_once, NULL));
	}
	return unused;
}

static int lines_of(const char *path)
{
	char block[4096];
	int fd = open(path, O_RDONLY), lines = 0;
	ssize_t length;

	CHECK(fd >= 0);
	while ((length = read(fd, block, sizeof(block))) > 0) {
		for (ssize_t i = 0; i < length; i++) {
			lines += block[i] == '\n';
		}
	}
	close(fd);
	return lines;
}

static void check_churn(void)
{
	pthread_t makers[4];
	int before;

	make_and_join(NULL);
	before = lines_of("/proc/self/maps");
	for (int i = 0; i < 4; i++) {
		makers[i] = start_thread(make_and_join, NULL);
	}
	for (int i = 0; i < 4; i++) {
		join_thread(makers[i]);
	}
	CHECK_EQ(atomic_load(&ended), 2000);
	CHECK(lines_of("/proc/self/maps") <=
	      before + 24); // libc's cache of stacks, nothing else
	ok("churn");
}

/* ---- threads of our own making ---- */

enum { OWN = 24, OWN_STACK = 16384, MAPS = 65536 };

static atomic_int own_arrived, own_may_end;
static pid_t own_words[OWN];

static int stay_raw(void *unused)
{
	(void)unused;
	atomic_fetch_add(&own_arrived, 1);
	while (!atomic_load(&own_may_end)) {
		futex(&own_may_end, FUTEX_WAIT, 0, NULL, NULL, 0);
	}
	return 0;
}

/* Without Heddle's thread blocks, of which each eight threads have a page (B1). */
static void drop_block_lines(char *text)
{
	char *name, *start;

	while ((name = strstr(text, "[thread_blocks]"))) {
		for (start = name; start > text && start[-1] != '\n'; start--) {
		}
		name = strchr(name, '\n');
		memmove(start, name + 1, strlen(name));
	}
}

static void read_maps(char *into)
{
	int fd = open("/proc/self/maps", O_RDONLY);
	ssize_t length, sum = 0;

	CHECK(fd >= 0);
	while ((length = read(fd, into + sum, (size_t)(MAPS - 1 - sum))) > 0) {
		sum += length;
	}
	CHECK(sum > 0 && sum < MAPS - 1);
	into[sum] = 0;
	close(fd);
	drop_block_lines(into);
}

/* S4: user stacks are the caller's; the kernel maps nothing else for a thread. */
static void check_nothing_mapped(void)
{
	static char before[MAPS], now[MAPS];
	char *stacks = mmap(NULL, OWN * OWN_STACK, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(stacks != MAP_FAILED);
	read_maps(before);
	for (int i = 0; i < OWN; i++) {
		struct clone_args args =
			bare_thread(&own_words[i], stacks + i * OWN_STACK, OWN_STACK);

		own_words[i] = -1;
		CHECK(clone3_call(&args, sizeof(args), stay_raw, NULL) > 0);
	}
	WAIT_UNTIL(atomic_load(&own_arrived) == OWN);
	read_maps(now);
	CHECK_EQ(strcmp(before, now), 0);
	atomic_store(&own_may_end, 1);
	futex(&own_may_end, FUTEX_WAKE, OWN, NULL, NULL, 0);
	for (int i = 0; i < OWN; i++) {
		WAIT_UNTIL(__atomic_load_n(&own_words[i], __ATOMIC_SEQ_CST) == 0);
	}
	read_maps(now);
	CHECK_EQ(strcmp(before, now), 0);
	CHECK_EQ(munmap(stacks, OWN * OWN_STACK), 0);
	ok("nothing_mapped");
}

enum { CROWD = 200 };

static pthread_barrier_t barrier;

static int stir(int depth, int seed)
{
	volatile int words[50];
	int sum = 0;

	for (int i = 0; i < 50; i++) {
		words[i] = seed + i + depth;
	}
	if (depth > 0) {
		sum = stir(depth - 1, seed);
	} else {
		pthread_barrier_wait(&barrier);
	}
	for (int i = 0; i < 50; i++) {
		CHECK_EQ(words[i], seed + i + depth);
		sum += words[i];
	}
	return sum;
}

static void *use_stack(void *seed)
{
	stir(60, (int)(intptr_t)seed);
	return NULL;
}

static void check_crowd(void)
{
	pthread_t crowd[CROWD];
	pthread_attr_t attributes;

	CHECK_EQ(pthread_barrier_init(&barrier, NULL, CROWD), 0);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 131072);
	for (intptr_t i = 0; i < CROWD; i++) {
		CHECK_EQ(pthread_create(&crowd[i], &attributes, use_stack,
					(void *)(i * 1000)),
			 0);
	}
	for (int i = 0; i < CROWD; i++) {
		join_thread(crowd[i]);
	}
	ok("crowd");
}

static void end_zero(void)
{
	_exit(0);
}

static void *fork_and_wait(void *unused)
{
	for (int i = 0; i < 40; i++) {
		must_pass_in_child(end_zero);
	}
	return unused;
}

static void check_process_storm(void)
{
	pthread_t forkers[4];

	for (int i = 0; i < 4; i++) {
		forkers[i] = start_thread(fork_and_wait, NULL);
	}
	for (int i = 0; i < 4; i++) {
		join_thread(forkers[i]);
	}
	ok("process_storm");
}

static void *spin_forever(void *unused)
{
	(void)unused;
	for (;;) {
		__asm__ volatile("" ::: "memory");
	}
}

static void leave_with_spinners(void)
{
	for (int i = 0; i < 6; i++) {
		start_thread(spin_forever, NULL);
	}
}

/* exit_group ends threads that never enter the kernel by themselves. */
static void check_exit_with_spinners(void)
{
	for (int i = 0; i < 20; i++) {
		must_pass_in_child(leave_with_spinners);
	}
	ok("exit_with_spinners");
}

static void be_killed(void)
{
	leave_with_spinners();
	spin_forever(NULL);
}

static void check_kill_at_any_moment(void)
{
	for (int i = 0; i < 20; i++) {
		int status;
		pid_t child = fork();

		CHECK(child >= 0);
		if (child == 0) {
			be_killed();
		}
		for (int j = 0; j < i * 3; j++) {
			sched_yield();
		}
		CHECK_EQ(kill(child, SIGKILL), 0);
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	ok("kill_at_any_moment");
}

int main(void)
{
	check_nothing_mapped();
	check_churn();
	check_crowd();
	check_process_storm();
	check_exit_with_spinners();
	check_kill_at_any_moment();
	return 0;
}
