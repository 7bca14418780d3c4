// SPDX-License-Identifier: MIT
/*
 * The time namespace: offsets, and who comes into which.
 *
 * Owns      struct time_namespace.
 */
#include "process/namespace/time_namespace.h"

#include "lib/errno.h"
#include "mm/heap.h"
#include "process/current.h"
#include "process/namespace/namespace.h"
#include "process/resources.h"
#include "time/clock.h"
#include <linux/sched.h>
#include <linux/time.h>

OBJECT_CACHE(time_cache, time_namespace);

static int time_copy(struct namespace *from, struct namespace *owner,
		     struct namespace **out);

static struct time_namespace *time_of(struct namespace *namespace)
{
	return container_of(namespace, struct time_namespace, base);
}

static void time_destroy(struct namespace *namespace)
{
	object_free(&time_cache, time_of(namespace));
}

static const struct namespace_operations time_operations = {
	.kind = NAMESPACE_TIME,
	.name = "time",
	.clone_flag = CLONE_NEWTIME,
	.copy = time_copy,
	.destroy = time_destroy,
};

struct time_namespace first_time_namespace = {
	.base = NAMESPACE_FIRST(&time_operations, NAMESPACE_NUMBER_TIME),
	.lock = SPINLOCK_INIT(RANK_FS_INFO, "time_namespace.lock"),
	.entered = true,
};

static int time_copy(struct namespace *from, struct namespace *owner,
		     struct namespace **out)
{
	struct time_namespace *old = time_of(from), *time = object_allocate(&time_cache);
	nsec_t monotonic, boottime;

	if (!time) {
		return -ENOMEM;
	}
	namespace_init(&time->base, &time_operations, owner);
	spin_init(&time->lock, RANK_FS_INFO, "time_namespace.lock");
	spin_lock(&old->lock);
	monotonic = old->offset[TIME_OFFSET_MONOTONIC];
	boottime = old->offset[TIME_OFFSET_BOOTTIME];
	spin_unlock(&old->lock);
	spin_lock(&time->lock);
	time->offset[TIME_OFFSET_MONOTONIC] = monotonic;
	time->offset[TIME_OFFSET_BOOTTIME] = boottime;
	spin_unlock(&time->lock);
	*out = &time->base;
	return 0;
}

static struct time_namespace *slot_of(const struct namespace_set *set,
				      enum namespace_slot slot)
{
	return time_of(set->slot[slot]);
}

/* Of the namespace the thread is in, which was entered: its offsets need no lock any more. */
NO_THREAD_SAFETY nsec_t current_time_offset(int clock)
{
	const struct time_namespace *time =
		slot_of(current_namespaces(), NAMESPACE_SLOT_TIME);

	switch (clock) {
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
		return time->offset[TIME_OFFSET_MONOTONIC];
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		return time->offset[TIME_OFFSET_BOOTTIME];
	}
	return 0;
}

nsec_t current_time_to_kernel(int clock, nsec_t when)
{
	nsec_t offset = current_time_offset(clock);

	if (when == NSEC_NEVER || offset == 0) {
		return when;
	}
	// What lies before the kernel's own start has passed; what overflows never comes.
	return offset < 0 ? nsec_add(when, -offset) : MAX(when - offset, (nsec_t)1);
}

struct time_namespace *time_for_children(struct thread *thread)
{
	struct namespace *found =
		thread_get_namespace(thread, NAMESPACE_SLOT_TIME_FOR_CHILDREN);

	return found ? time_of(found) : NULL;
}

void time_offsets(struct time_namespace *time, nsec_t out[TIME_OFFSETS])
{
	spin_lock(&time->lock);
	for (unsigned i = 0; i < TIME_OFFSETS; i++) {
		out[i] = time->offset[i];
	}
	spin_unlock(&time->lock);
}

/* The clock must neither be negative now nor come near its end while the machine runs. */
static bool in_range(nsec_t offset)
{
	nsec_t shown = nsec_add(clock_monotonic(), offset);

	return shown >= 0 && shown <= NSEC_NEVER / 2;
}

int time_set_offsets(struct time_namespace *time, unsigned which,
		     const nsec_t offset[TIME_OFFSETS])
{
	int err = 0;

	for (unsigned i = 0; i < TIME_OFFSETS; i++) {
		if ((which & 1u << i) && !in_range(offset[i])) {
			return -ERANGE;
		}
	}
	spin_lock(&time->lock);
	if (time->entered) {
		err = -EACCES;
	}
	for (unsigned i = 0; i < TIME_OFFSETS && !err; i++) {
		if (which & 1u << i) {
			time->offset[i] = offset[i];
		}
	}
	spin_unlock(&time->lock);
	return err;
}

bool time_namespace_moves(const struct namespace_set *set)
{
	return set->slot[NAMESPACE_SLOT_TIME] !=
	       set->slot[NAMESPACE_SLOT_TIME_FOR_CHILDREN];
}

void time_namespace_move(struct namespace_set *set)
{
	namespace_set_replace(set, NAMESPACE_SLOT_TIME,
			      set->slot[NAMESPACE_SLOT_TIME_FOR_CHILDREN]);
}

void time_namespace_entered(struct namespace_set *set)
{
	struct time_namespace *time = slot_of(set, NAMESPACE_SLOT_TIME);

	if (time != &first_time_namespace) {
		spin_lock(&time->lock);
		time->entered = true;
		spin_unlock(&time->lock);
	}
}
