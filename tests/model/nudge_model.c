// SPDX-License-Identifier: MIT
/*
 * A break (a signal, work on the way to user mode) against a thread that goes to user mode: kernel/sched/wake.c, order.break and
 * order.interrupt.
 *
 * The target is put on a CPU under its run queue's lock, and looks, interrupts off, at its breaks on its way to user mode; there only
 * an interrupt makes it look again. Who breaks it says so, and interrupts the CPU if the target is on it.
 *
 * What must hold: the target sees the break, and does not stay in user mode with it.
 */
#include "weak.h"

enum { BREAKS, CURRENT, ON_CPU };

static struct weak_lock queue;

static void look_again(void)
{
}

static void target(void)
{
	weak_this()->interrupts_off = true;
	take(&queue);
	put(CURRENT, 1);
	store(ON_CPU, 1, RELAXED);
	give(&queue);
	while (!load(BREAKS, RELAXED)) {
		weak_this()->interrupts_off = false;
		wait_for_interrupt();
		weak_this()->interrupts_off = true;
	}
	weak_this()->interrupts_off = false;
}

static void breaker(void)
{
	bool on_cpu;

#ifndef MUTANT_2 /* looks where the target is, then says */
	change(BREAKS, weak_or, 1, SEQ_CST);
#endif
	fence(SEQ_CST);
#ifdef MUTANT_1 /* looks without the queue's lock */
	on_cpu = load(ON_CPU, SEQ_CST);
#else
	take(&queue);
	on_cpu = look(CURRENT);
	give(&queue);
#endif
#ifdef MUTANT_2
	change(BREAKS, weak_or, 1, SEQ_CST);
#endif
	if (on_cpu) {
#ifdef MUTANT_3 /* the interrupt overtakes what was stored before it */
		interrupt_early(0);
#else
		interrupt(0);
#endif
	}
}

static void begin(void)
{
	queue = (struct weak_lock){0};
	weak_on_interrupt(0, look_again);
}

int main(void)
{
	static const weak_function threads[] = {target, breaker, NULL};

	return weak_run(begin, weak_nothing, threads);
}
