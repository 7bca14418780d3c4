// SPDX-License-Identifier: MIT
/*
 * The time namespace.
 *
 * Owns      struct time_namespace.
 */
#include "process/namespace/time_namespace.h"

#include "lib/errno.h"
#include "mm/heap.h"
#include <linux/sched.h>

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
