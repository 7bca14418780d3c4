// SPDX-License-Identifier: MIT
/* The parts of threads and processes that belong to signals. Guarded by process.signal_lock. */
#pragma once

#include "core/spinlock.h"
#include "lib/list.h"
#include "lib/types.h"

#define SIGNAL_COUNT 64
typedef u64 signal_mask; /* bit n-1: signal n */
#define SIGNAL_BIT(signal) (1ULL << ((signal) - 1))

struct signal_queue {
	signal_mask pending;
	struct list queued; /* struct queued_signal, oldest first */
};

struct signal_action {
	u64 handler, flags, restorer;
	signal_mask mask;
};

struct signal_handlers {
	_Atomic u32 users;
	struct spinlock lock;
	struct signal_action action[SIGNAL_COUNT];
};

struct thread_signals {
	signal_mask blocked;
	signal_mask saved_blocked; /* sigsuspend, ppoll, …: put back after the handler's frame is made */
	bool restore_blocked;
	struct signal_queue queue;
};
