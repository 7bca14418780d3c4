// SPDX-License-Identifier: MIT
/*
 * T5: the registers of SVE through signals at any instruction, whose handlers use SVE too, change the length and back, and make system
 * calls, on a stack whose pages come and go, while the threads move from CPU to CPU.
 */
#include "cpus.h"
#include "sve.h"
#include <time.h>

enum { STORMERS = 6, ROUNDS = 12, STACK = 1 << 16 };

struct stormer {
	_Atomic int id;
	unsigned seed;
	char *stack;
	struct sve spoiler, unused;
	atomic_int handled;
};

static struct stormer stormers[STORMERS];
static _Thread_local struct stormer *own;
static unsigned lengths[SVE_LENGTHS];
static int lengths_count;
static atomic_int never, left, over;

static unsigned next(struct stormer *s)
{
	return s->seed = s->seed * 1103515245u + 12345u, s->seed >> 16;
}

static void use_sve(struct stormer *s, unsigned length)
{
	CHECK_EQ(sve_length(), length);
	sve_make(&s->spoiler, length, next(s));
	sve_through_time(&s->spoiler, &s->unused, &never, sve_ticks_of_ms(1) / 20);
	CHECK(sve_same(&s->spoiler, &s->unused, length));
}

static void handle(int signal, siginfo_t *info, void *context)
{
	struct stormer *s = own;
	unsigned dice = next(s), length = lengths[next(s) % (unsigned)lengths_count];
	int before = prctl(PR_SVE_GET_VL);

	(void)signal;
	(void)info;
	(void)context;
	if (dice & 1) {
		use_sve(s, (unsigned)before);
	}
	if (dice & 2) {
		CHECK_EQ(prctl(PR_SVE_SET_VL, length), (int)length);
		if (dice & 4) {
			use_sve(s, length);
		}
		CHECK_EQ(prctl(PR_SVE_SET_VL, before), before);
	}
	if (dice & 8) {
		// Below the frame in use: the next, deeper one finds nothing.
		CHECK_EQ(madvise(s->stack, STACK / 2, MADV_DONTNEED), 0);
	}
	atomic_fetch_add(&s->handled, 1);
}

static timer_t start_timer(int id)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
	struct itimerspec every = {{0, 1700000}, {0, 1700000}};
	timer_t timer;

	event._sigev_un._tid = id;
	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	CHECK_EQ(timer_settime(timer, 0, &every, NULL), 0);
	return timer;
}

/* Signals come to the child's start and to the wait as to all else. */
static void fork_in_storm(struct stormer *s, struct sve *mine, struct sve *seen,
			  unsigned length)
{
	long child;
	int status;

	sve_make(mine, length, next(s));
	child = sve_through_call(mine, seen, SYS_clone, SIGCHLD, 0, 0);
	CHECK(child >= 0);
	sve_cut(mine, length);
	CHECK(sve_same(mine, seen, length));
	if (child == 0) {
		_exit(sve_length() != length);
	}
	while (waitpid((pid_t)child, &status, 0) < 0) {
		CHECK_EQ(errno, EINTR);
	}
	CHECK_EQ(status, 0);
}

static void one_round(struct stormer *s, struct sve *mine, struct sve *seen)
{
	unsigned length = lengths[next(s) % (unsigned)lengths_count];

	CHECK_EQ(prctl(PR_SVE_SET_VL, length), (int)length);
	sve_make(mine, length, next(s));
	sve_through_time(mine, seen, &never, sve_ticks_of_ms(1 + next(s) % 4));
	CHECK(sve_same(mine, seen, length));
	CHECK(sve_through_call(mine, seen, SYS_getppid, 0, 0, 0) >= 0);
	sve_cut(mine, length);
	CHECK(sve_same(mine, seen, length));
	sve_make(mine, length, next(s));
	CHECK_EQ(sve_through_call(mine, seen, -5, 0, 0, 0), -ENOSYS);
	sve_cut(mine, length);
	CHECK(sve_same(mine, seen, length));
	if (next(s) % 2 == 0) {
		fork_in_storm(s, mine, seen, length);
	}
}

static void *storm(void *argument)
{
	struct stormer *s = own = argument;
	struct sve mine, seen;
	stack_t stack = {.ss_sp = s->stack, .ss_size = STACK};
	timer_t timer;

	CHECK_EQ(sigaltstack(&stack, NULL), 0);
	timer = start_timer(thread_id());
	atomic_store(&s->id, thread_id());
	for (int i = 0; i < ROUNDS; i++) {
		one_round(s, &mine, &seen);
	}
	CHECK_EQ(timer_delete(timer), 0);
	CHECK(atomic_load(&s->handled) > 0);
	atomic_fetch_sub(&left, 1);
	WAIT_UNTIL(atomic_load(&over));
	return NULL;
}

/* All to two CPUs, then to the next two: there they take turns. */
static void move_all(const unsigned *cpus, unsigned count, unsigned turn)
{
	for (unsigned i = 0; i < STORMERS; i++) {
		int id = atomic_load(&stormers[i].id);

		if (id != 0) {
			pin(id, cpus[(turn + i % 2) % count]);
		}
	}
}

static void begin(pthread_t *threads)
{
	struct sigaction action = {.sa_sigaction = handle,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	atomic_store(&left, STORMERS);
	for (unsigned i = 0; i < STORMERS; i++) {
		stormers[i].seed = i * 77 + 5;
		stormers[i].stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(stormers[i].stack != MAP_FAILED);
		threads[i] = start_thread(storm, &stormers[i]);
	}
}

static void check_storm(void)
{
	pthread_t threads[STORMERS];
	unsigned cpus[64], count = (unsigned)list_cpus(cpus, 64);
	int signals = 0;

	begin(threads);
	for (unsigned turn = 0; atomic_load(&left) > 0; turn++) {
		move_all(cpus, count, turn);
		usleep(2000);
	}
	atomic_store(&over, 1);
	for (int i = 0; i < STORMERS; i++) {
		join_thread(threads[i]);
		signals += atomic_load(&stormers[i].handled);
	}
	say("# %d signals\n", signals);
	ok("storm");
}

int main(void)
{
	if (!have_sve()) {
		skip("a CPU without SVE");
	}
	lengths_count = sve_lengths(lengths);
	check_storm();
	return 0;
}
