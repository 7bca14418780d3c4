// SPDX-License-Identifier: MIT
/*
 * SVE (T5): vector registers longer than 128 bits, predicates, and FFR; of a length that each thread chooses. Decision 0018.
 *
 * Owns      the lengths there are, the default one; of struct arch_thread: sve_live, sve_length, sve_next, sve_inherit, sve_room.
 * Context   those fields are the thread's own: it changes them with interrupts off, or its maker before it is published.
 *
 * A thread's state of SVE is live from its first instruction of SVE on, which traps; its area is made then. It ends with what
 * leaves nothing but zeros in it: a switch away inside a system call, another length, a signal frame without it, exec.
 *
 * Invariants
 *   V1  Programs may use SVE on this CPU iff the running thread's state is live; the CPU's length is then the thread's.
 *   V2  While it is live the thread's area has room for it: sve_room >= sve_length.
 *   V3  Who becomes live finds zeros beyond the low 128 bits of each vector, in predicates and FFR (sve_flush()), or what
 *       sve_load() brings: each register is written whole, at the thread's own length, so nothing of another thread's is left.
 *   V4  Inside a system call all of that is zeros (sve_flush() at its door), so that saving the low 128 bits saves it.
 */
#include "arch/aarch64/instructions.h"
#include "arch/aarch64/port.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/thread.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <linux/prctl.h>
#include <stdatomic.h>

enum {
	UNIT = 16,           /* lengths are multiples of it, in bytes */
	LONGEST_UNITS = 16,  /* that a CPU can have */
	LONGEST_ASKED = 8192 /* that a program may ask for */
};

#define CPACR_FPU       (3UL << 20)
#define CPACR_SVE_HERE  (1UL << 16)
#define CPACR_SVE_BELOW (1UL << 17)

#define LIST_16 "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15"
#define LIST_32 LIST_16 ", 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31"
#define FOR_EACH(list, instruction) ".irp n, " list "\n\t" instruction "\n\t.endr\n\t"
#define BEGIN                       ".arch_extension simd\n\t.arch_extension sve\n\t"

/* Bit n: every CPU can have n + 1 units. 0: some CPU has no SVE. */
static _Atomic u32 lengths;
static _Atomic u32 wanted_default = 64;

static void set_length(u32 length)
{
	if (READ_REGISTER(ZCR_EL1) != length / UNIT - 1) {
		WRITE_REGISTER(ZCR_EL1, length / UNIT - 1);
	}
	instruction_barrier();
}

static u32 length_now(void)
{
	u64 length;

	__asm__ volatile(BEGIN "rdvl %0, #1" : "=r"(length));
	return (u32)length;
}

/* A length that a CPU does not have is the next shorter one to it. */
static u32 lengths_here(void)
{
	u32 found = 0;

	for (u32 units = LONGEST_UNITS; units > 0; units--) {
		set_length(units * UNIT);
		units = length_now() / UNIT;
		found |= 1U << (units - 1);
	}
	return found;
}

void sve_init_cpu(bool first)
{
	bool there = (READ_REGISTER("id_aa64pfr0_el1") >> 32 & 15) != 0;
	u32 here = 0;

	WRITE_REGISTER("cpacr_el1", CPACR_FPU | (there ? CPACR_SVE_HERE : 0));
	instruction_barrier();
	if (there) {
		here = lengths_here();
	}
	if (first) {
		atomic_store(&lengths, here);
	} else {
		atomic_fetch_and(&lengths, here);
	}
}

/* The longest that there is and that is not longer, in bytes; 0: no SVE. */
static u32 fitting(u32 length)
{
	u32 all = atomic_load_explicit(&lengths, memory_order_relaxed);
	u32 units = MIN(length / UNIT, (u32)LONGEST_UNITS);
	u32 fit = all & (u32)((1UL << units) - 1);

	if (all == 0) {
		return 0;
	}
	return fit != 0 ? (32 - (u32)__builtin_clz(fit)) * UNIT
			: ((u32)__builtin_ctz(all) + 1) * UNIT;
}

u32 sve_longest(void)
{
	return fitting(LONGEST_ASKED);
}

size_t sve_state_size(u32 length)
{
	return 32 * (size_t)length + 17 * (size_t)length / 8;
}

/* V1, for the running thread. Interrupts off. */
static void allow(bool live)
{
	WRITE_REGISTER("cpacr_el1",
		       CPACR_FPU | CPACR_SVE_HERE | (live ? CPACR_SVE_BELOW : 0));
}

void sve_switch(const struct arch_thread *prev, const struct arch_thread *next)
{
	if (prev->sve_live != next->sve_live) {
		allow(next->sve_live);
	}
}

void sve_begin(struct arch_thread *thread)
{
	thread->sve_live = true;
	allow(true);
	set_length(thread->sve_length);
}

void sve_end(struct arch_thread *thread)
{
	if (thread->sve_live) {
		thread->sve_live = false;
		allow(false);
	}
}

/* V3, V4. A write of the low 128 bits clears the rest. */
void sve_flush(void)
{
	__asm__ volatile(BEGIN FOR_EACH(LIST_32, "mov v\\n\\().16b, v\\n\\().16b")
				 FOR_EACH(LIST_16, "pfalse p\\n\\().b") "wrffr p0.b" ::
					 : "memory");
}

void sve_save(const struct arch_thread *thread)
{
	u8 *vectors = sve_state(thread->fpu);
	u8 *predicates = vectors + 32 * (size_t)thread->sve_length;

	__asm__ volatile(
		BEGIN FOR_EACH(LIST_32, "str z\\n, [%0, #\\n, mul vl]") FOR_EACH(
			LIST_16,
			"str p\\n, [%1, #\\n, mul vl]") "rdffr p0.b\n\tstr p0, [%1, #16, "
							"mul vl]\n\tldr p0, [%1]" ::"r"(
								vectors),
		"r"(predicates)
		: "memory");
}

void sve_load(const struct arch_thread *thread)
{
	const u8 *vectors = sve_state(thread->fpu);
	const u8 *predicates = vectors + 32 * (size_t)thread->sve_length;

	set_length(thread->sve_length);
	__asm__ volatile(
		BEGIN "ldr p0, [%1, #16, mul vl]\n\twrffr p0.b\n\t" FOR_EACH(
			LIST_32, "ldr z\\n, [%0, #\\n, mul vl]")
			FOR_EACH(LIST_16, "ldr p\\n, [%1, #\\n, mul vl]")::"r"(vectors),
		"r"(predicates)
		: "memory");
}

int sve_make_room(struct arch_thread *thread)
{
	struct fpu_area *fresh, *old;
	u64 flags;

	if (thread->sve_room >= thread->sve_length) {
		return 0;
	}
	fresh = heap_allocate(sizeof(*fresh) + sve_state_size(thread->sve_length));
	if (fresh == NULL) {
		return -ENOMEM;
	}
	/* What the old one holds is in the CPU. */
	flags = arch_irq_save();
	old = thread->fpu;
	thread->fpu = fresh;
	thread->sve_room = thread->sve_length;
	arch_irq_restore(flags);
	heap_free(old);
	return 0;
}

int sve_first_use(struct arch_thread *thread)
{
	int error = sve_make_room(thread);
	u64 flags;

	if (error == 0) {
		flags = arch_irq_save();
		sve_begin(thread);
		sve_flush();
		arch_irq_restore(flags);
	}
	return error;
}

void sve_exec(struct arch_thread *thread)
{
	sve_end(thread);
	thread->sve_length =
		thread->sve_next != 0 ? thread->sve_next : (u16)sve_default();
	if (!thread->sve_inherit) {
		thread->sve_next = 0;
	}
}

static bool may_be_asked(u64 length)
{
	return length != 0 && length % UNIT == 0 && length <= LONGEST_ASKED;
}

static long describe(const struct arch_thread *thread, u32 length)
{
	return length | (thread->sve_inherit ? PR_SVE_VL_INHERIT : 0);
}

/* The low 128 bits stay, and are in the CPU. */
static void change_length(struct arch_thread *thread, u32 length)
{
	u64 flags = arch_irq_save();

	if (length != thread->sve_length) {
		sve_end(thread);
		thread->sve_length = (u16)length;
	}
	arch_irq_restore(flags);
}

static long set_vector_length(struct arch_thread *thread, u64 wanted)
{
	u64 flags = wanted & ~(u64)PR_SVE_VL_LEN_MASK;
	u32 length = wanted & PR_SVE_VL_LEN_MASK;

	if (flags & ~(u64)(PR_SVE_VL_INHERIT | PR_SVE_SET_VL_ONEXEC) ||
	    !may_be_asked(length)) {
		return -EINVAL;
	}
	length = fitting(length);
	thread->sve_next = flags != 0 ? (u16)length : 0;
	thread->sve_inherit = (flags & PR_SVE_VL_INHERIT) != 0;
	if (!(flags & PR_SVE_SET_VL_ONEXEC)) {
		change_length(thread, length);
	}
	return describe(thread, length);
}

long sve_option(struct arch_thread *thread, int option, u64 argument)
{
	if (sve_longest() == 0) {
		return -EINVAL;
	}
	switch (option) {
	case PR_SVE_SET_VL:
		return set_vector_length(thread, argument);
	case PR_SVE_GET_VL:
		return describe(thread, thread->sve_length);
	}
	return -EINVAL;
}

u32 sve_default(void)
{
	return fitting(atomic_load(&wanted_default));
}

int sve_set_default(u64 length)
{
	if (!may_be_asked(length)) {
		return -EINVAL;
	}
	atomic_store(&wanted_default, (u32)length);
	return 0;
}
