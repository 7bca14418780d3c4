// SPDX-License-Identifier: MIT
/*
 * The time namespace: what is added to the monotonic and boottime clocks. See time_namespaces(7).
 *
 * Locks   time_namespace.lock, a leaf. The offsets change until the first process has entered, and never again.
 */
#pragma once

#include "core/namespace.h"
#include "core/spinlock.h"
#include "lib/compiler.h"
#include "lib/types.h"

enum time_offset { TIME_OFFSET_MONOTONIC, TIME_OFFSET_BOOTTIME, TIME_OFFSETS };

struct time_namespace {
	struct namespace base; /* first */
	struct spinlock lock;  /* RANK_FS_INFO: a leaf */
	bool entered GUARDED_BY(lock);
	nsec_t offset[TIME_OFFSETS] GUARDED_BY(lock);
};

extern struct time_namespace first_time_namespace;
