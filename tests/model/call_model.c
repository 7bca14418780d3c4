// SPDX-License-Identifier: MIT
/*
 * One CPU has another notice something, and waits until it has: arch_interrupt_others() of kernel/arch/aarch64/cpu.c, order.call; and how
 * RISC-V takes back the bit that interrupts (kernel/arch/riscv64/mailbox.c, order.call_clear), and its flag before it looks whether it is to stop,
 * which is as the count here. So is what mailboxes say when they have been served (that file, and kernel/arch/x86_64/tlb.c, order.mailbox).
 *
 * Who asks counts, sets a flag, and interrupts. The target notices by the interrupt; or, while it spins with interrupts off for what the
 * asking CPU holds, by the flag alone, and then it must not miss the count. With interrupts on the flag is not looked at: the interrupt takes its bit
 * back, and looks at the count then.
 *
 * What must hold: each is noticed; what was done before is seen by who notices, and what that did before by who asked.
 */
#include "weak.h"

enum { ASKED, DONE, PENDING, BEFORE_1, BEFORE_2, THERE, SERVED, ASKERS = 2 };

static bool spins;

static void poll(void)
{
	long asked;

#ifdef MUTANT_1 /* the count is looked at before the flag is taken back: without the fence that is the same */
	asked = load(ASKED, SEQ_CST);
	store(PENDING, 0, RELAXED);
#else
	store(PENDING, 0, RELAXED);
	fence(SEQ_CST);
	asked = load(ASKED, SEQ_CST);
#endif
	if (asked != load(DONE, SEQ_CST)) {
		if (asked == ASKERS) {
			CHECK(look(BEFORE_1) && look(BEFORE_2));
			put(SERVED, 1);
		}
#ifdef MUTANT_5 /* noticed before it is served */
		store(DONE, asked, RELAXED);
#else
		store(DONE, asked, SEQ_CST);
#endif
	}
}

/* Not on AArch64, where taking the interrupt does this. */
static void software_interrupt(void)
{
#ifdef MUTANT_2 /* the reasons, then the bit: one that comes in between interrupts nobody. Without the fence that is the same */
	poll();
	weak_step();
	weak_this()->interrupts = 0;
#else
	weak_step();
	weak_this()->interrupts = 0;
	fence(SEQ_CST);
	poll();
#endif
}

static void target(void)
{
	weak_this()->interrupts_off = true;
	put(THERE, 1);
	weak_this()->interrupts_off = spins;
	while (load(DONE, RELAXED) < ASKERS) {
		if (spins) {
			(void)load_at_least(PENDING, 1, RELAXED);
			poll();
		} else {
			wait_for_interrupt();
		}
	}
}

static void ask(int before)
{
	long number;

	put(before, 1);
	number = add(ASKED, 1, SEQ_CST) + 1;
#ifndef MUTANT_3 /* the flag may be seen, and taken back, before the count */
	fence(SEQ_CST);
#endif
	store(PENDING, 1, RELAXED);
	fence(SEQ_CST);
	interrupt(0);
#ifdef MUTANT_4 /* what the target did may be looked at too early */
	(void)load_at_least(DONE, number, RELAXED);
#else
	(void)load_at_least(DONE, number, SEQ_CST);
#endif
	CHECK(look(THERE) == 1);
	if (number == ASKERS) {
		CHECK(look(SERVED) == 1);
	}
}

static void first_asker(void)
{
	ask(BEFORE_1);
}

static void second_asker(void)
{
	ask(BEFORE_2);
}

/* Has another reason, which has the same bit. */
static void other(void)
{
	interrupt(0);
}

static void begin(void)
{
	spins = chance(2);
	weak_on_interrupt(0, software_interrupt);
}

int main(void)
{
	static const weak_function threads[] = {target, first_asker, second_asker, other,
						NULL};

	return weak_run(begin, weak_nothing, threads);
}
