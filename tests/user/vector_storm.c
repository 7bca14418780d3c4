// SPDX-License-Identifier: MIT
/*
 * T5: RISC-V's vector registers, and vstart, through signals at any instruction, whose handlers use vectors and make system calls, on a
 * stack whose pages come and go, while the threads move from CPU to CPU.
 */
#include "cpus.h"
#include "vector.h"
#include <time.h>

enum { STORMERS = 6, ROUNDS = 24, STACK = 1 << 17 };

struct stormer {
	_Atomic int id;
	unsigned seed;
	char *stack;
	struct vectors spoiler, seen;
	atomic_int handled;
};

static struct stormer stormers[STORMERS];
static _Thread_local struct stormer *own;
static atomic_int left, over;

static unsigned next(struct stormer *s)
{
	return s->seed = s->seed * 1103515245u + 12345u, s->seed >> 16;
}

static void handle(int signal, siginfo_t *info, void *context)
{
	struct stormer *s = own;
	unsigned dice = next(s);

	(void)signal;
	(void)info;
	(void)context;
	if (dice & 1) {
		vectors_make(&s->spoiler, next(s));
		vectors_put(&s->spoiler);
		spin_milliseconds(1);
		vectors_get(&s->seen);
		CHECK(vectors_same(&s->spoiler, &s->seen));
	}
	if (dice & 2) {
		CHECK(raw_call(SYS_getppid, 0, 0) > 0);
		if (dice & 4) {
			vectors_put(&s->spoiler);
		}
	}
	if (dice & 8) {
		CHECK_EQ(madvise(s->stack, STACK / 2, MADV_DONTNEED), 0);
	}
	atomic_fetch_add(&s->handled, 1);
}

static timer_t start_timer(int id)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
	struct itimerspec every = {{0, 2700000}, {0, 2700000}};
	timer_t timer;

	event._sigev_un._tid = id;
	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	CHECK_EQ(timer_settime(timer, 0, &every, NULL), 0);
	return timer;
}

static void *storm(void *argument)
{
	struct stormer *s = own = argument;
	struct vectors mine = vectors_new(), seen = vectors_new();
	stack_t stack = {.ss_sp = s->stack, .ss_size = STACK};
	unsigned long start;
	timer_t timer;

	s->spoiler = vectors_new();
	s->seen = vectors_new();
	vectors_make(&s->spoiler, 1);
	CHECK_EQ(sigaltstack(&stack, NULL), 0);
	timer = start_timer(thread_id());
	atomic_store(&s->id, thread_id());
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned long wanted = next(s) % 16;

		vectors_make(&mine, next(s));
		vectors_put(&mine);
		__asm__ volatile("csrw 0x008, %0" ::"r"(wanted) : "memory");
		spin_milliseconds(1 + next(s) % 5);
		__asm__ volatile("csrr %0, 0x008\n\tcsrw 0x008, zero"
				 : "=r"(start)::"memory");
		vectors_get(&seen);
		CHECK(vectors_same(&mine, &seen));
		CHECK_EQ(start, wanted);
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
	if (!has_vectors()) {
		skip("a CPU without vectors");
	}
	check_storm();
	return 0;
}
