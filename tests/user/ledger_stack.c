// SPDX-License-Identifier: MIT
/*
 * R10: what the ledger tests compare does not depend on where in its page a stack begins. On fresh stacks, which begin at one offset
 * after the other, a case that goes deeper than looking at the ledger leaves the ledger where it was. Only on Heddle.
 */
#include "ledger.h"
#include <alloca.h>

enum { STACK = 1 << 18, PAGE = 4096, SHIFT = 256, DEEP = 8192 };

static void *fresh_stack(void)
{
	void *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(stack != MAP_FAILED);
	return stack;
}

/* A case: prints something as tests do, and needs some stack. */
__attribute__((noinline)) static void go_deeper(size_t shift)
{
	volatile char room[DEEP];
	char text[64];

	room[0] = 1;
	CHECK(snprintf(text, sizeof(text), "begins %zu lower", shift) > room[0]);
}

static void *measure(void *argument)
{
	size_t shift = (size_t)(uintptr_t)argument;
	volatile char *lower = alloca(shift + 1);
	struct ledger before;

	lower[0] = 0;
	ledger_begin(&before);
	go_deeper(shift);
	ledger_expect(&before);
	return NULL;
}

int main(void)
{
	ledger_required();
	for (size_t shift = 0; shift < PAGE; shift += SHIFT) {
		pthread_attr_t attributes;
		void *stack = fresh_stack();
		pthread_t thread;

		CHECK_EQ(pthread_attr_init(&attributes), 0);
		CHECK_EQ(pthread_attr_setstack(&attributes, stack, STACK), 0);
		CHECK_EQ(pthread_create(&thread, &attributes, measure, (void *)shift), 0);
		join_thread(thread);
		CHECK_EQ(pthread_attr_destroy(&attributes), 0);
		CHECK_EQ(munmap(stack, STACK), 0);
	}
	ok("stacks that begin anywhere");
	return 0;
}
