// SPDX-License-Identifier: MIT
/*
 * Lock ranks, checked (debug builds only).
 *
 * An interrupt may come while any lock that interrupts do not take is held, whatever its rank: it starts a stack of its own
 * above what is there. (Locks that interrupts take are held with interrupts off only, or "taken twice" says so.)
 * A stack is changed with interrupts off: an interrupt pushes and pops on the same CPU's stack.
 * Locks may be released in any order, so an entry is taken out of the middle if need be.
 */
#include "core/lock_check.h"

#if HEDDLE_DEBUG
#	include "arch/irq.h"
#	include "core/log.h"
#	include "core/panic.h"
#	include "core/percpu.h"
#	include "core/preempt.h"

DEFINE_PER_CPU(struct held_locks, cpu_held);

struct held_locks *lock_check_cpu(void)
{
	return this_cpu(cpu_held);
}

static void check_order(const struct held_locks *held, const void *lock,
			enum lock_rank rank, const char *name, bool nested)
{
	for (unsigned i = 0; i < held->count; i++) {
		const struct held_lock *other = &held->entry[i];

		if (other->lock == lock) {
			panic("lock %s taken twice", name);
		}
		if (i >= held->base && rank != RANK_NONE &&
		    (other->rank > rank || (other->rank == rank && !nested))) {
			panic("lock order: %s (rank %d) taken while %s (rank %d) is held",
			      name, (int)rank, other->name, other->rank);
		}
	}
}

void lock_check_acquire(struct held_locks *held, const void *lock, enum lock_rank rank,
			const char *name, bool nested)
{
	if (panic_in_progress()) {
		return;
	}
	u64 flags = arch_irq_save();

	check_order(held, lock, rank, name, nested);
	if (held->count >= HELD_LOCKS_MAX) {
		panic("too many locks held, at %s", name);
	}
	held->entry[held->count] = (struct held_lock){lock, name, (u16)rank};
	held->count++;
	arch_irq_restore(flags);
}

void lock_check_release(struct held_locks *held, const void *lock)
{
	if (panic_in_progress()) {
		return;
	}
	u64 flags = arch_irq_save();
	unsigned i = held->count;

	while (i > 0 && held->entry[i - 1].lock != lock) {
		i--;
	}
	if (i == 0) {
		panic("lock %p released but not held", lock);
	}
	for (; i < held->count; i++) {
		held->entry[i - 1] = held->entry[i];
	}
	held->count--;
	arch_irq_restore(flags);
}

unsigned lock_check_interrupt_begin(void)
{
	struct held_locks *held = lock_check_cpu();
	unsigned base = held->base;

	held->base = held->count;
	return base;
}

void lock_check_interrupt_end(unsigned base)
{
	lock_check_cpu()->base = base;
}

bool lock_check_holds(const struct held_locks *held, const void *lock)
{
	if (panic_in_progress()) {
		return true;
	}
	for (unsigned i = 0; i < held->count; i++) {
		if (held->entry[i].lock == lock) {
			return true;
		}
	}
	return false;
}

bool lock_check_free(void)
{
	return lock_check_cpu()->count == 0;
}

void lock_check_may_sleep(const char *what)
{
	if (panic_in_progress() || preempt_enabled()) {
		return;
	}
	const struct held_locks *held = lock_check_cpu();

	if (held->count > 0) {
		panic("%s may sleep, but %s is held", what,
		      held->entry[held->count - 1].name);
	}
	panic("%s may sleep, but preemption is off (%u)", what, arch_preempt_count());
}

static void report(const char *whose, const struct held_locks *held)
{
	for (unsigned i = 0; i < held->count && i < HELD_LOCKS_MAX; i++) {
		log_line(LOG_EMERGENCY, "  %s holds %s (%p, rank %d)", whose,
			 held->entry[i].name, held->entry[i].lock, held->entry[i].rank);
	}
}

void lock_check_report(const struct held_locks *thread_held)
{
	report("this CPU", lock_check_cpu());
	if (thread_held) {
		report("the thread", thread_held);
	}
}
#endif
