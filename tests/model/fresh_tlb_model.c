// SPDX-License-Identifier: MIT
/*
 * Address spaces with numbers, which CPUs leave without forgetting: kernel/arch/riscv64/tlb.c and aarch64/tlb.c (L1, order.fresh), and a CPU that comes
 * online while the kernel's mappings go (order.online).
 *
 * A CPU that comes sets its bit in `cpus` and looks at its bit in `fresh`; without it it forgets all. Who flushes changes the entry, looks at `cpus`,
 * takes the others' bits out of `fresh`, and looks again; CPUs in `cpus` are made to forget at once. The CPU's walker reads
 * entries without order, and its TLB keeps what it has read.
 *
 * What must hold: who uses an entry after a flush has ended uses no older one.
 */
#include "weak.h"

enum { ENTRY, CPUS, FRESH, KERNEL_ENTRY, ONLINE };
enum { COMER, FLUSHER };
enum { BIT = 1 };

static long remembered, kernel_remembered; /* by the comer's TLB; 0: nothing */
static long flushed, kernel_flushed;       /* the newest value whose flush has ended */

static void use(int entry, long *tlb, const long *least)
{
	long wanted = *least;

	if (*tlb == 0) {
		long read = load(entry, RELAXED);

		*tlb = read;
	}
	CHECK(*tlb >= wanted);
}

static void come(void)
{
#ifdef MUTANT_1 /* looks, then is seen */
	bool fresh = load(FRESH, SEQ_CST) & BIT;

	change(CPUS, weak_or, BIT, SEQ_CST);
#else
#	ifdef MUTANT_2 /* is seen late */
	change(CPUS, weak_or, BIT, RELAXED);
	bool fresh = load(FRESH, RELAXED) & BIT;
#	else
	change(CPUS, weak_or, BIT, SEQ_CST);
	bool fresh = load(FRESH, SEQ_CST) & BIT;
#	endif
#endif
	if (!fresh) {
#ifdef MUTANT_3 /* forgets, then says that it has: a flush between the two is missed */
		remembered = 0;
		use(ENTRY, &remembered, &flushed);
		change(FRESH, weak_or, BIT, SEQ_CST);
#else
		change(FRESH, weak_or, BIT, SEQ_CST);
		remembered = 0;
#endif
	}
	use(ENTRY, &remembered, &flushed);
}

static void comer(void)
{
	store(ONLINE, 1, SEQ_CST);
#ifndef MUTANT_4 /* the store is seen late, and what goes meanwhile is remembered */
	fence(SEQ_CST);
#endif
	kernel_remembered = 0;
	use(KERNEL_ENTRY, &kernel_remembered, &kernel_flushed);
	come();
	change(CPUS, weak_and, 0, SEQ_CST);
	come();
	use(KERNEL_ENTRY, &kernel_remembered, &kernel_flushed);
}

/* The firmware: the other CPU forgets, and sees what we see. */
static void have_forget(long *tlb)
{
	weak_step();
	*tlb = 0;
	weak_learn(&weak_threads[COMER].known, &weak_this()->known);
}

static void flush(long value)
{
	long cpus;

	store(ENTRY, value, RELAXED);
#ifndef MUTANT_5 /* the entry may be seen after the bits */
	fence(SEQ_CST);
	cpus = load(CPUS, SEQ_CST);
	change(FRESH, weak_and, cpus, SEQ_CST);
#else
	cpus = load(CPUS, RELAXED);
	change(FRESH, weak_and, cpus, RELAXED);
#endif
#ifndef MUTANT_6 /* no second look */
	cpus |= load(CPUS, SEQ_CST);
#endif
	if (cpus & BIT) {
		have_forget(&remembered);
	}
	flushed = value;
}

static void flusher(void)
{
	store(KERNEL_ENTRY, 2, RELAXED);
	fence(SEQ_CST);
	if (load(ONLINE, RELAXED)) {
		have_forget(&kernel_remembered);
	}
	kernel_flushed = 2;
	flush(2);
	flush(3);
}

static void begin(void)
{
	remembered = kernel_remembered = 1;
	flushed = kernel_flushed = 1;
	weak_initial(ENTRY, 1);
	weak_initial(KERNEL_ENTRY, 1);
	weak_initial(FRESH, BIT);
}

int main(void)
{
	static const weak_function threads[] = {comer, flusher, NULL};

	return weak_run(begin, weak_nothing, threads);
}
