// SPDX-License-Identifier: MIT
/*
 * D2: what threads that spin on one CPU get of it, by nice value and policy, is within 5 % of what the weights of Linux say.
 * Their CPU time is looked at now and then, as a slice more or less is much of a short time: wrong weights stay wrong.
 * Negative nice values need CAP_SYS_NICE.
 * deadline: 40
 */
#include "cpus.h"
#include <sys/resource.h>

enum { MOST = 3, TOLERANCE = 5 /* percent */ };
enum {
	MILLISECOND = 1000000,
	STEP_NS = 100 * MILLISECOND,
	GIVE_UP = 8 /* times the shortest */
};

struct member {
	int policy, nice;
	int weight;

	clockid_t clock;
	long long before, used;
	pthread_t thread;
};

struct group {
	const char *name;
	long long shortest_ms; /* of CPU time: 5 % of the least share are some slices */
	struct member members[MOST];
};

static struct group groups[] = {
	{"nice",
	 1500,
	 {{SCHED_OTHER, 0, 1024}, {SCHED_OTHER, 5, 335}, {SCHED_OTHER, 10, 110}}},
	{"batch",
	 500,
	 {{SCHED_BATCH, 0, 1024}, {SCHED_OTHER, 0, 1024}, {SCHED_BATCH, 5, 335}}},
	{"idle", 500, {{SCHED_IDLE, 0, 3}, {SCHED_OTHER, 19, 15}, {SCHED_IDLE, 10, 3}}},
	{"negative", 500, {{SCHED_OTHER, -5, 3121}, {SCHED_OTHER, 0, 1024}}},
};

static atomic_int ready, stop;

static void *spin(void *argument)
{
	struct member *me = argument;
	struct sched_param none = {0};

	CHECK_EQ(pthread_getcpuclockid(pthread_self(), &me->clock), 0);
	CHECK_EQ(setpriority(PRIO_PROCESS, (id_t)thread_id(), me->nice), 0);
	CHECK_EQ(sched_setscheduler(0, me->policy, &none), 0);
	atomic_fetch_add(&ready, 1);
	while (!atomic_load(&stop)) {
	}
	return NULL;
}

static long long used_of(const struct member *member)
{
	struct timespec now;

	CHECK_EQ(clock_gettime(member->clock, &now), 0);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* Since `before`; returns the sum. */
static long long look(struct group *group)
{
	long long sum = 0;

	for (int i = 0; i < MOST && group->members[i].weight; i++) {
		group->members[i].used =
			used_of(&group->members[i]) - group->members[i].before;
		sum += group->members[i].used;
	}
	return sum;
}

static bool as_weights_say(const struct group *group, long long sum)
{
	long long weights = 0;

	for (int i = 0; i < MOST; i++) {
		weights += group->members[i].weight;
	}
	for (int i = 0; i < MOST && group->members[i].weight; i++) {
		long long due = sum * group->members[i].weight / weights;

		if (llabs(group->members[i].used - due) * 100 > due * TOLERANCE) {
			return false;
		}
	}
	return true;
}

static void tell(const struct group *group, long long sum)
{
	say("# %s:", group->name);
	for (int i = 0; i < MOST && group->members[i].weight; i++) {
		say(" %lld", group->members[i].used / 1000);
	}
	say(" of %lld us\n", sum / 1000);
}

static void pause_for(long ns)
{
	const struct timespec time = {0, ns};

	CHECK_EQ(nanosleep(&time, NULL), 0);
}

static void measure(struct group *group)
{
	long long shortest = group->shortest_ms * MILLISECOND, sum;

	look(group);
	for (int i = 0; i < MOST; i++) {
		group->members[i].before = group->members[i].used;
	}
	do {
		pause_for(STEP_NS);
		sum = look(group);
		if (sum > GIVE_UP * shortest) {
			tell(group, sum);
			CHECK(!"within 5 %");
		}
	} while (sum < shortest || !as_weights_say(group, sum));
	tell(group, sum);
}

static void share(struct group *group)
{
	int count = 0;

	atomic_store(&ready, 0);
	atomic_store(&stop, 0);
	for (; count < MOST && group->members[count].weight; count++) {
		group->members[count].thread = start_thread(spin, &group->members[count]);
	}
	WAIT_UNTIL_BY(atomic_load(&ready) == count, pause_for(MILLISECOND));
	measure(group);
	atomic_store(&stop, 1);
	for (int i = 0; i < count; i++) {
		join_thread(group->members[i].thread);
	}
	ok(group->name);
}

static bool may_be_negative(void)
{
	if (setpriority(PRIO_PROCESS, 0, -1) < 0) {
		CHECK_EQ(errno, EACCES);
		return false;
	}
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 0), 0);
	return true;
}

int main(void)
{
	bool negative = may_be_negative();
	unsigned cpu;

	CHECK_EQ(list_cpus(&cpu, 1), 1);
	pin(0, cpu);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (groups[i].members[0].nice >= 0 || negative) {
			share(&groups[i]);
		}
	}
	return 0;
}
