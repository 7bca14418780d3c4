// SPDX-License-Identifier: MIT
/*
 * The locks themselves: a spinlock's word (kernel/core/spinlock.c, order.spinlock), and a mutex's (kernel/sync/mutex.c, order.mutex): free, or
 * its owner, with the flags "somebody may wait" and "given to you, who do not know yet".
 *
 * What must hold: one at a time has it, and sees what the one before did; nobody waits for ever.
 */
#include "weak.h"

enum { HELD, UNDER_SPINLOCK, OWNER, UNDER_MUTEX };
enum { FREE = 0, WAITERS = 1, HANDED = 2, FLAGS = 3, TURNS = 2 };

static struct weak_lock waiters; /* its lock; `line` is under it */
static int line[WEAK_THREADS], length;
static bool starved[WEAK_THREADS];

#ifdef MUTANT_1
#	define SPIN_TAKE RELAXED
#else
#	define SPIN_TAKE ACQUIRE
#endif
#ifdef MUTANT_2
#	define SPIN_GIVE RELAXED
#else
#	define SPIN_GIVE RELEASE
#endif
#ifdef MUTANT_3
#	define MUTEX_TAKE RELAXED
#else
#	define MUTEX_TAKE ACQUIRE
#endif
#ifdef MUTANT_4
#	define MUTEX_GIVE RELAXED
#else
#	define MUTEX_GIVE RELEASE
#endif

static bool held(long unused)
{
	return weak_cells[HELD].values[weak_cells[HELD].count - 1] == unused;
}

static void spin(void)
{
	while (exchange(HELD, 1, SPIN_TAKE)) {
		weak_wait(held, 0);
	}
	put(UNDER_SPINLOCK, look(UNDER_SPINLOCK) + 1);
	store(HELD, 0, SPIN_GIVE);
}

static long self_word(void)
{
	return (weak_self + 1) * 4;
}

static bool try_take(void)
{
	long seen = exchange_if(OWNER, FREE, self_word(), MUTEX_TAKE, RELAXED);

	while (!(seen & ~WAITERS)) {
		long was =
			exchange_if(OWNER, seen, self_word() | seen, MUTEX_TAKE, RELAXED);

		if (was == seen) {
			return true;
		}
		seen = was;
	}
	return false;
}

static bool take_or_announce(void)
{
	for (;;) {
		long seen = load(OWNER, RELAXED);

		if ((seen & ~FLAGS) == self_word()) {
			change(OWNER, weak_and, ~HANDED, ACQUIRE);
			return true;
		}
		if (!(seen & ~WAITERS)) {
			if (exchange_if(OWNER, seen, self_word() | WAITERS, MUTEX_TAKE,
					RELAXED) == seen) {
				return true;
			}
		} else if (seen & WAITERS ||
#ifdef MUTANT_5 /* says nothing: the owner's unlock looks for nobody */
			   true ||
#endif
			   exchange_if(OWNER, seen, seen | WAITERS, RELAXED, RELAXED) ==
				   seen) {
			return false;
		}
	}
}

static void leave_line(void)
{
	int at = 0;

	while (line[at] != weak_self) {
		at++;
	}
	memmove(&line[at], &line[at + 1], (size_t)(--length - at) * sizeof(line[0]));
}

static void mutex_lock(void)
{
	bool first_time = true;

	if (exchange_if(OWNER, FREE, self_word(), MUTEX_TAKE, RELAXED) == FREE ||
	    try_take()) {
		return;
	}
	take(&waiters);
	line[length++] = weak_self;
	while (!take_or_announce()) {
		starved[weak_self] = !first_time;
		first_time = false;
		give(&waiters);
		sleep_until_woken();
		take(&waiters);
	}
	leave_line();
	give(&waiters);
}

static void mutex_unlock(void)
{
	if (exchange_if(OWNER, self_word(), FREE, MUTEX_GIVE, RELAXED) == self_word()) {
		return;
	}
	take(&waiters);
	if (length == 0) {
		store(OWNER, FREE, MUTEX_GIVE);
	} else {
		store(OWNER, starved[line[0]] ? (line[0] + 1) * 4 | FLAGS : WAITERS,
		      MUTEX_GIVE);
#ifndef MUTANT_6 /* nobody is woken */
		wake(line[0]);
#endif
	}
	give(&waiters);
}

static void user(void)
{
	for (int i = 0; i < TURNS; i++) {
		spin();
		mutex_lock();
		put(UNDER_MUTEX, look(UNDER_MUTEX) + 1);
		mutex_unlock();
	}
}

static void begin(void)
{
	waiters = (struct weak_lock){0};
	length = 0;
	memset(starved, 0, sizeof(starved));
}

static void end(void)
{
	weak_self = 0;
	CHECK(weak_cells[UNDER_MUTEX].count == 3 * TURNS + 1);
	CHECK(weak_cells[UNDER_SPINLOCK].count == 3 * TURNS + 1);
}

int main(void)
{
	static const weak_function threads[] = {user, user, user, NULL};

	return weak_run(begin, end, threads);
}
