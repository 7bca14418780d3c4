// SPDX-License-Identifier: MIT
/*
 * The barriers of going to sleep and of waking: kernel/sched/wake.c (order.wake) and wait.c (order.poll). What happens between the two
 * on a queue is tests/model/wakeup_model.c's.
 *
 * A sleeper says that it waits, and looks at its condition; a poller links its entry, and looks. A waker makes the condition true, and looks
 * for who waits. The condition is a word that nobody locks. A CPU that sleeps until another has served its mailbox is such a sleeper, with all four
 * accesses `seq_cst` in place of the fences: kernel/arch/riscv64/mailbox.c, order.sleepers.
 *
 * Two CPUs that balance urgent threads are a poller and a waker: kernel/sched/balance.c, order.urgent. What one links, under its queue's
 * lock, is the thread that waits; what the other changes is how urgent its own work is. Each has a fence behind that, and looks. The rest of it is
 * tests/model/urgent_model.c's.
 *
 * What must hold: not both miss the other.
 */
#include "weak.h"

enum { CONDITION, WAITS, LINKED };
enum { SLEEPER, POLLER, WAKER };

static struct weak_lock queue;

static void sleeper(void)
{
#ifdef MUTANT_1 /* no fence behind the state */
	exchange(WAITS, 1, SEQ_CST);
#else
	exchange(WAITS, 1, SEQ_CST);
	fence(SEQ_CST);
#endif
	if (!load(CONDITION, RELAXED)) {
		sleep_until_woken();
	}
}

/* poll(2): the entry calls a function, and nothing is said of the thread. */
static void poller(void)
{
	take(&queue);
	store(LINKED, 1, RELAXED);
	give(&queue);
#ifndef MUTANT_2 /* an unlock is no fence */
	fence(SEQ_CST);
#endif
	if (!load(CONDITION, RELAXED)) {
		sleep_until_woken();
	}
}

static void waker(void)
{
#ifdef MUTANT_3 /* looks before the condition is true */
	bool waits = load(WAITS, SEQ_CST);

	store(CONDITION, 1, RELAXED);
	fence(SEQ_CST);
#else
	bool waits;

	store(CONDITION, 1, RELAXED);
#	ifndef MUTANT_4 /* a release is not enough */
	fence(SEQ_CST);
#	else
	fence(RELEASE);
#	endif
	waits = load(WAITS, SEQ_CST);
#endif
	if (waits) {
		wake(SLEEPER);
	}
	if (load(LINKED, RELAXED)) {
		take(&queue);
		wake(POLLER);
		give(&queue);
	}
}

static void begin(void)
{
	queue = (struct weak_lock){0};
}

int main(void)
{
	static const weak_function threads[] = {sleeper, poller, waker, NULL};

	return weak_run(begin, weak_nothing, threads);
}
