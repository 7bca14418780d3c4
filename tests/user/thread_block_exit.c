// SPDX-License-Identifier: MIT
/*
 * B5, R8: who learns from the word of CLONE_CHILD_CLEARTID that a thread has ended finds its block given back, and the page
 * that became one too many gone. Linux has no blocks: skipped there.
 * deadline: 60
 */
#include "blocks.h"
#include "raw.h"

enum { SLOTS = 8, THREADS = 3 * SLOTS - 1, STACK = 8192, ROUNDS = 20 };

static char stacks[THREADS][STACK] __attribute__((aligned(16)));
static atomic_int words[THREADS], gates[THREADS], arrived;
static struct heddle_thread_block *blocks[THREADS];

static int stay(void *argument)
{
	size_t i = (size_t)argument;

	blocks[i] = heddle_thread_block();
	atomic_fetch_add(&arrived, 1);
	while (!atomic_load(&gates[i])) {
		futex(&gates[i], FUTEX_WAIT, 0, NULL, NULL, 0);
	}
	return 0;
}

static void start(size_t i)
{
	struct clone_args args = bare_thread(&words[i], stacks[i], STACK);

	atomic_store(&words[i], -1);
	atomic_store(&gates[i], 0);
	CHECK(clone3_call(&args, sizeof(args), stay, (void *)i) > 0);
}

/* Not by futex: what its waker does later would be done by then. */
static void end(size_t i)
{
	atomic_store(&gates[i], 1);
	futex(&gates[i], FUTEX_WAKE, 1, NULL, NULL, 0);
	for (long long began = now_ns(); atomic_load(&words[i]);) {
		CHECK(now_ns() - began < WAIT_LIMIT_NS);
	}
}

/* With the last but one page empty as well, the last one goes: by the thread that ends, before the word is cleared. */
static void page_goes_first(void)
{
	unsigned char there;
	void *last;

	atomic_store(&arrived, 0);
	for (size_t i = 0; i < THREADS; i++) {
		start(i);
	}
	WAIT_UNTIL(atomic_load(&arrived) == THREADS);
	last = block_page(blocks[THREADS - 1]);
	for (size_t i = THREADS - 1; i >= SLOTS; i--) {
		end(i);
	}
	CHECK_EQ(mincore(last, 4096, &there), 0);
	end(SLOTS - 1);
	CHECK_ERRNO(mincore(last, 4096, &there), ENOMEM);
	for (size_t i = 0; i < SLOTS - 1; i++) {
		end(i);
	}
}

int main(void)
{
	if (!heddle_thread_block()) {
		skip("Linux has no thread blocks");
	}
	for (int i = 0; i < ROUNDS; i++) {
		page_goes_first();
	}
	ok("page_goes_first");
	return 0;
}
