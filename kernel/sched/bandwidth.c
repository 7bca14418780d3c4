// SPDX-License-Identifier: MIT
/*
 * How much CPU time may be promised to deadline threads, and how much real-time ones may use (D2, sched(7)).
 *
 * bandwidth_used is the sum of server.bandwidth of all threads that have not ended: reserved under the thread's run queue's lock,
 * given back when its policy changes and by the last switch away from it. It is never more than the limits' share of all CPUs.
 */
#include "core/panic.h"
#include "lib/errno.h"
#include "sched/run_queue.h"

enum { BANDWIDTH_SHIFT = 20, RUNTIME_LEAST_NS = 1024 };
#define LONGEST_US 0x7fffffffl /* of the limits, as Linux's */

static struct spinlock bandwidth_lock = SPINLOCK_INIT(RANK_BANDWIDTH, "bandwidth_lock");
static u64 bandwidth_used;
static struct sched_limits limits = {
	.period_us = 1000000,
	.runtime_us = 950000,
	.deadline_period_min_us = 100,
	.deadline_period_max_us = 1 << 22,
};

static u64 ratio(u64 part, u64 whole)
{
	return (part << BANDWIDTH_SHIFT) / whole;
}

static unsigned cpus_online(void)
{
	unsigned cpus = 0;

	for (u64 online = place_online(); online; online &= online - 1) {
		cpus++;
	}
	return cpus;
}

/* What may be promised of a CPU, if there is a limit. */
static u64 most_of_cpu(const struct sched_limits *by)
{
	return ratio((u64)by->runtime_us, (u64)by->period_us);
}

/* What may be promised in all; UINT64_MAX: anything. */
static u64 bandwidth_most(const struct sched_limits *by)
{
	return by->runtime_us < 0 ? UINT64_MAX : most_of_cpu(by) * cpus_online();
}

/* Without a limit nothing is known of what is free: who reclaims pays by its bandwidth. */
void bandwidth_get_shares(struct bandwidth_shares *out)
{
	unsigned cpus = cpus_online();
	u64 flags = spin_lock_irq(&bandwidth_lock);

	if (limits.runtime_us <= 0) {
		out->most = out->free = 1ull << BANDWIDTH_SHIFT;
	} else {
		out->most = most_of_cpu(&limits);
		out->free =
			(out->most * cpus - MIN(bandwidth_used, out->most * cpus)) / cpus;
	}
	spin_unlock_irq(&bandwidth_lock, flags);
}

static bool is_valid(const struct sched_deadline *asked)
{
	u64 shortest = (u64)(limits.deadline_period_min_us * NSEC_PER_USEC);
	u64 longest = (u64)(limits.deadline_period_max_us * NSEC_PER_USEC);

	if (asked->runtime_ns < RUNTIME_LEAST_NS || asked->deadline_ns >> 63 ||
	    asked->period_ns >> 63) {
		return false;
	}
	return asked->runtime_ns <= asked->deadline_ns &&
	       asked->deadline_ns <= asked->period_ns && asked->period_ns >= shortest &&
	       asked->period_ns <= longest;
}

int sched_check_deadline(const struct sched_deadline *wanted)
{
	struct sched_deadline asked = *wanted;
	bool good;
	u64 flags;

	if (!asked.period_ns) {
		asked.period_ns = asked.deadline_ns;
	}
	flags = spin_lock_irq(&bandwidth_lock);
	good = is_valid(&asked);
	spin_unlock_irq(&bandwidth_lock, flags);
	return good ? 0 : -EINVAL;
}

static bool spans_all(const struct sched_entity *entity)
{
	return place_allowed(entity) == place_online();
}

int deadline_reserve(struct sched_entity *entity, const struct sched_deadline *asked)
{
	struct deadline_server *server = &entity->server;
	int error = 0;
	u64 wanted;

	spin_lock(&bandwidth_lock);
	wanted = is_valid(asked) ? ratio(asked->runtime_ns, asked->period_ns) : 0;
	if (!is_valid(asked)) {
		error = -EINVAL;
	} else if (limits.runtime_us >= 0 && (!spans_all(entity) || !limits.runtime_us)) {
		error = -EPERM;
	} else if (wanted != server->bandwidth &&
		   bandwidth_used - server->bandwidth + wanted >
			   bandwidth_most(&limits)) {
		error = -EBUSY;
	} else {
		bandwidth_used += wanted - server->bandwidth;
		server->bandwidth = wanted;
	}
	spin_unlock(&bandwidth_lock);
	return error;
}

void deadline_release(struct sched_entity *entity)
{
	spin_lock(&bandwidth_lock);
	ASSERT(bandwidth_used >= entity->server.bandwidth);
	bandwidth_used -= entity->server.bandwidth;
	entity->server.bandwidth = 0;
	spin_unlock(&bandwidth_lock);
}

void sched_get_limits(struct sched_limits *out)
{
	u64 flags = spin_lock_irq(&bandwidth_lock);

	*out = limits;
	spin_unlock_irq(&bandwidth_lock, flags);
}

static bool are_sensible(const struct sched_limits *new)
{
	return new->period_us > 0 &&
	       new->period_us <= LONGEST_US &&new->runtime_us >= -1 &&
	       new->runtime_us <= new->period_us &&new->deadline_period_min_us >= 0 &&
	       new->deadline_period_min_us <=
		       new->deadline_period_max_us &&new->deadline_period_max_us <=
		       UINT32_MAX;
}

int sched_set_limits(const struct sched_limits *new)
{
	int error = 0;
	u64 flags;

	if (!are_sensible(new)) {
		return -EINVAL;
	}
	flags = spin_lock_irq(&bandwidth_lock);
	if (bandwidth_used > bandwidth_most(new)) {
		error = -EBUSY;
	} else {
		limits = *new;
	}
	spin_unlock_irq(&bandwidth_lock, flags);
	return error;
}

bool bandwidth_binds(void)
{
	return READ_ONCE(limits.runtime_us) >= 0;
}
