// SPDX-License-Identifier: MIT
/* Sleeping reader-writer lock; a waiting writer keeps new readers out. Thread context. */
#pragma once

#include "core/lock_rank.h"
#include "core/spinlock.h"
#include "lib/compiler.h"
#include "sched/wait.h"

struct CAPABILITY("rwlock") rwlock {
	struct spinlock lock;
	s32 holders; /* -1: a writer; n > 0: readers */
	struct sched_entity *writer;
	struct list waiters; /* struct rwlock_waiter, in the order they came */
	u16 rank;
	const char *name;
};

void rwlock_init(struct rwlock *lock, enum lock_rank rank, const char *name);
void rwlock_lock_shared(struct rwlock *lock) ACQUIRES_SHARED(lock);
int rwlock_lock_shared_killable(struct rwlock *lock) must_check
	TRY_ACQUIRES_SHARED(0, lock);
bool rwlock_try_lock_shared(struct rwlock *lock) must_check
	TRY_ACQUIRES_SHARED(true, lock);
void rwlock_unlock_shared(struct rwlock *lock) RELEASES_SHARED(lock);
void rwlock_lock(struct rwlock *lock) ACQUIRES(lock);
int rwlock_lock_killable(struct rwlock *lock) must_check TRY_ACQUIRES(0, lock);
void rwlock_unlock(struct rwlock *lock) RELEASES(lock);
/*
 * A second lock of the same rank, for writing, ordered by the rule named at the call (a
 * directory before its child, …).
 */
void rwlock_lock_nested(struct rwlock *lock) ACQUIRES(lock);
void rwlock_assert_held(struct rwlock *lock) ASSERTS_HELD(lock); /* for writing */
void rwlock_assert_held_shared(struct rwlock *lock) ASSERTS_SHARED(lock); /* either way */
