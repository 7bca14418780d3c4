// SPDX-License-Identifier: MIT
/*
 * The time namespace: what is added to the monotonic and boottime clocks. See time_namespaces(7).
 *
 * unshare(2) makes one for the children; a process enters it when it is forked, or by its next execve, and a thread by
 * setns(2). The offsets change until then, and never again. Kernel time has none: absolute times are translated where
 * they come in, times that are told where they go out. A program in another namespace than the first has a vDSO that
 * always asks the kernel.
 *
 * Locks   time_namespace.lock, a leaf.
 */
#pragma once

#include "core/namespace.h"
#include "core/spinlock.h"
#include "lib/compiler.h"
#include "lib/types.h"

struct namespace_set;
struct thread;

enum time_offset { TIME_OFFSET_MONOTONIC, TIME_OFFSET_BOOTTIME, TIME_OFFSETS };

struct time_namespace {
	struct namespace base; /* first */
	struct spinlock lock;  /* RANK_FS_INFO: a leaf */
	bool entered GUARDED_BY(lock);
	nsec_t offset[TIME_OFFSETS] GUARDED_BY(lock); /* once entered: I */
};

extern struct time_namespace first_time_namespace;

/* What `clock` (CLOCK_*) shows the running thread beyond kernel time; 0 for clocks that have no offset. */
nsec_t current_time_offset(int clock);
/* An absolute time of the running thread as kernel time, at least 1; NSEC_NEVER stays. */
nsec_t current_time_to_kernel(int clock, nsec_t when);

/* A thread's time namespace for children, with a reference; NULL: it has ended. */
struct time_namespace *time_for_children(struct thread *thread);
void time_offsets(struct time_namespace *time, nsec_t out[TIME_OFFSETS]);
/* Those of `which` (a bit each) all or none. -ERANGE: a clock would be before 0 or too far ahead; -EACCES: it was entered. */
int time_set_offsets(struct time_namespace *time, unsigned which,
		     const nsec_t offset[TIME_OFFSETS]) must_check;

/* Does a new process or program of this set's thread come into another time namespace? */
bool time_namespace_moves(const struct namespace_set *set);
/* An unpublished set moves into its time namespace for children. */
void time_namespace_move(struct namespace_set *set);
/* A program may run with this set from now on: its offsets stay. */
void time_namespace_entered(struct namespace_set *set);
