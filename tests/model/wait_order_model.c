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
 * A poller whose entry is linked looks again: poll(2) after it said that nothing was told since (kernel/syscall/poll.c), epoll_ctl(2)
 * after it said what is wanted from now on (kernel/ipc/epoll.c). The entry's function looks at that, or writes it, behind the waker's fence.
 *
 * What must hold: not both miss the other.
 */
#include "weak.h"

enum { CONDITION, WAITS, LINKED, WANTED, TOLD, POLLS };
enum { SLEEPER, POLLER, WAKER, CHANGER, AGAIN };

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

/* epoll_ctl(2): the entry is there, and its function does nothing for what is not wanted. */
static void changer(void)
{
	store(WANTED, 1, RELAXED);
#ifndef MUTANT_5 /* no fence behind what is wanted */
	fence(SEQ_CST);
#endif
	if (!load(CONDITION, RELAXED)) {
		sleep_until_woken();
	}
}

/* poll(2), told of something that was gone when it looked. */
static void again(void)
{
#ifdef MUTANT_6 /* no fence: that the store is seq_cst is not enough */
	store(TOLD, 0, SEQ_CST);
#else
	store(TOLD, 0, RELAXED);
	fence(SEQ_CST);
#endif
	if (load(CONDITION, RELAXED)) {
		return;
	}
	exchange(POLLS, 1, SEQ_CST);
	fence(SEQ_CST);
	if (!load(TOLD, SEQ_CST)) {
		sleep_until_woken();
	}
}

/* What the functions of linked entries do. */
static void notify(void)
{
	if (load(WANTED, RELAXED)) {
		wake(CHANGER);
	}
	store(TOLD, 1, SEQ_CST);
	fence(SEQ_CST);
	if (load(POLLS, SEQ_CST)) {
		wake(AGAIN);
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
	notify();
}

static void begin(void)
{
	queue = (struct weak_lock){0};
	weak_initial(TOLD, 1);
}

int main(void)
{
	static const weak_function threads[] = {sleeper, poller, waker,
						changer, again,  NULL};

	return weak_run(begin, weak_nothing, threads);
}
