// SPDX-License-Identifier: MIT
/*
 * T5: RISC-V's vector registers, and vstart, through signals at any instruction, whose handlers use vectors and make system calls, on a
 * stack whose pages come and go, while the threads move from CPU to CPU.
 */
#include "storm.h"
#include "vector.h"

enum { ROUNDS = 24, STACK = 1 << 17 };

/* What handlers use, a thread each. */
static _Thread_local struct vectors spoiler, handler_seen;

static void handle(int signal, siginfo_t *info, void *context)
{
	struct stormer *s = own;
	unsigned dice = next(s);

	(void)signal;
	(void)info;
	(void)context;
	if (dice & 1) {
		vectors_make(&spoiler, next(s));
		vectors_put(&spoiler);
		spin_milliseconds(1);
		vectors_get(&handler_seen);
		CHECK(vectors_same(&spoiler, &handler_seen));
	}
	if (dice & 2) {
		CHECK(raw_call(SYS_getppid, 0, 0) > 0);
		if (dice & 4) {
			vectors_put(&spoiler);
		}
	}
	if (dice & 8) {
		CHECK_EQ(madvise(s->stack, STACK / 2, MADV_DONTNEED), 0);
	}
	atomic_fetch_add(&s->handled, 1);
}

static void *storm(void *argument)
{
	struct stormer *s;
	struct vectors mine = vectors_new(), seen = vectors_new();
	unsigned long start;

	spoiler = vectors_new();
	handler_seen = vectors_new();
	vectors_make(&spoiler, 1);
	s = enter_storm(argument, 2700000);
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
	leave_storm(s);
	return NULL;
}

static void check_storm(void)
{
	run_storm(STACK, handle, storm);
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
