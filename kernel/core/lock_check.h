// SPDX-License-Identifier: MIT
/*
 * The rank check behind every lock (debug builds; empty otherwise).
 * Spinlocks are kept on a per-CPU stack, sleeping locks on one in the thread (struct held_locks).
 */
#pragma once

#include "core/lock_rank.h"
#include "lib/types.h"

enum { HELD_LOCKS_MAX = 16 };

struct held_lock {
	const void *lock;
	const char *name;
	u16 rank;
};

#if HEDDLE_DEBUG
struct held_locks {
	unsigned count;
	unsigned
		base; /* below: of what an interrupt came into; its own locks are not ranked against them */
	struct held_lock entry[HELD_LOCKS_MAX];
};

void lock_check_acquire(struct held_locks *held, const void *lock, enum lock_rank rank,
			const char *name, bool nested);
void lock_check_release(struct held_locks *held, const void *lock);
/* Is it on that stack? */
bool lock_check_holds(const struct held_locks *held, const void *lock);
/* The running CPU's spinlocks. */
struct held_locks *lock_check_cpu(void);
/* Around an interrupt that came in kernel mode, interrupts off. What begin returns is end's. */
unsigned lock_check_interrupt_begin(void);
void lock_check_interrupt_end(unsigned base);
/* Does this CPU hold no spinlock? */
bool lock_check_free(void);
/* Panics if this CPU holds a spinlock or preemption is off: called by everything that may sleep. */
void lock_check_may_sleep(const char *what);
/* Print what this CPU (and the given thread, or NULL) holds; for panic. */
void lock_check_report(const struct held_locks *thread_held);
#else
struct held_locks {
	unsigned count;
};

static inline void lock_check_acquire(struct held_locks *held, const void *lock,
				      enum lock_rank rank, const char *name, bool nested)
{
}

static inline void lock_check_release(struct held_locks *held, const void *lock)
{
}

static inline bool lock_check_holds(const struct held_locks *held, const void *lock)
{
	return true;
}

static inline struct held_locks *lock_check_cpu(void)
{
	return (struct held_locks *)0;
}

static inline unsigned lock_check_interrupt_begin(void)
{
	return 0;
}

static inline void lock_check_interrupt_end(unsigned base)
{
}

static inline bool lock_check_free(void)
{
	return true;
}

static inline void lock_check_may_sleep(const char *what)
{
}

static inline void lock_check_report(const struct held_locks *thread_held)
{
}
#endif
