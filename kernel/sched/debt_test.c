// SPDX-License-Identifier: MIT
/* Debts and loans on the simulated machine (F1): what threads act by follows who waits for whom; rings are found, of any length. */
#include "sched/debt.h"

#include "lib/string.h"
#include "machine.h"
#include <linux/sched.h>

enum { ENTITIES = 9, WORKERS = 3, STEPS = 60, LONGEST = 3000 };

static struct sched_entity entities[LONGEST];
static struct sched_debt debts[LONGEST]; /* debts[i] is that of entities[i] */
static struct sched_loan loans[LONGEST]; /* by which entities[i] waits */

static void set_up(int count)
{
	for (int i = 0; i < count; i++) {
		memset(&entities[i], 0, sizeof(entities[i]));
		sched_entity_init(&entities[i], 0);
		sched_debt_init(&debts[i]);
		EXPECT(sched_debt_begin(&debts[i], &entities[i]));
		loans[i] = (struct sched_loan){.lender = &entities[i]};
	}
}

static void wait_for(int who, int whom)
{
	sched_follow(sched_loan_give(&debts[whom], &loans[who]));
}

static void stop_waiting(int who)
{
	sched_follow(sched_loan_take_back(&loans[who]));
}

static struct sched_description description_of(int which)
{
	struct sched_description d;

	sched_describe(&entities[which], &d);
	return d;
}

static unsigned priority_of(int which)
{
	return description_of(which).acts_by.realtime_priority;
}

static void set_priority(int which, unsigned priority)
{
	EXPECT_EQ(sched_set_policy(&entities[which], priority ? SCHED_FIFO : SCHED_NORMAL,
				   priority, 0, false),
		  0);
}

/* ---- one thread ---- */

static void chains(void)
{
	set_up(4);
	for (int i = 1; i < 4; i++) {
		wait_for(i, i - 1);
	}
	set_priority(3, 30);
	EXPECT_EQ(priority_of(0), 30);
	set_priority(1, 40);
	EXPECT_EQ(priority_of(0), 40);
	EXPECT_EQ(priority_of(2), 30);
	stop_waiting(2); // and with it 3
	EXPECT_EQ(priority_of(1), 40);
	set_priority(1, 0);
	EXPECT_EQ(priority_of(0), 0);
	EXPECT_EQ(priority_of(2), 30);
	EXPECT_EQ(description_of(2).realtime_priority, 0); // its own
}

TEST(F1_chains_are_followed)
{
	EXPECT_EQ(host_machine_run(1, 1, chains), 0);
}

static void nice_values(void)
{
	set_up(3);
	EXPECT_EQ(sched_set_policy(&entities[0], SCHED_NORMAL, 0, 10, false), 0);
	EXPECT_EQ(sched_set_policy(&entities[2], SCHED_NORMAL, 0, -10, false), 0);
	wait_for(1, 0);
	EXPECT_EQ(description_of(0).acts_by.nice, 0);
	wait_for(2, 1);
	EXPECT_EQ(description_of(0).acts_by.nice, -10);
	EXPECT_EQ(description_of(0).nice, 10);
	stop_waiting(2);
	EXPECT_EQ(description_of(0).acts_by.nice, 0);
}

TEST(F1_nice_values_are_inherited)
{
	EXPECT_EQ(host_machine_run(1, 1, nice_values), 0);
}

/* By priority, then as they came; nice values do not count for that. Who has had his turn owes what the others lend. */
static void turns(void)
{
	static const unsigned priorities[] = {0, 0, 20, 40, 20, 0};
	static const int expected[] = {3, 2, 4, 1, 5};

	set_up(6);
	for (int i = 1; i < 6; i++) {
		set_priority(i, priorities[i]);
		wait_for(i, 0);
	}
	EXPECT_EQ(sched_set_policy(&entities[5], SCHED_NORMAL, 0, -5, false), 0);
	EXPECT_EQ(priority_of(0), 40);
	for (int i = 0; i < 5; i++) {
		struct sched_loan *next = sched_debt_next(&debts[0]);

		EXPECT(next == &loans[expected[i]]);
		sched_debt_pass(&debts[0], next);
		EXPECT_EQ(priority_of(0), 0); // it owes nothing any more
	}
	EXPECT(!sched_debt_next(&debts[0]));
}

TEST(F1_whose_turn_it_is)
{
	EXPECT_EQ(host_machine_run(1, 1, turns), 0);
}

static void rings(void)
{
	static const int lengths[] = {2, 3, 100, LONGEST};

	for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
		int length = lengths[i];

		set_up(length);
		for (int j = 1; j < length; j++) {
			wait_for(j, j - 1);
			EXPECT(!sched_is_deadlocked(&entities[j]));
		}
		set_priority(length - 1, 7);
		EXPECT_EQ(priority_of(0), 7);
		wait_for(0, length - 1);
		EXPECT(sched_is_deadlocked(&entities[0]));
		EXPECT(sched_is_deadlocked(&entities[length - 1]));
		stop_waiting(0);
		EXPECT(!sched_is_deadlocked(&entities[0]));
		EXPECT(!sched_is_deadlocked(&entities[length - 1]));
	}
}

TEST(F1_rings_of_any_length)
{
	EXPECT_EQ(host_machine_run(1, 1, rings), 0);
}

/* Who waits for a ring is not in it, and does not go round it for ever. */
static void ring_of_others(void)
{
	set_up(20);
	for (int i = 1; i < 20; i++) {
		wait_for(i, i - 1);
	}
	wait_for(0, 7);
	EXPECT(!sched_is_deadlocked(&entities[19]));
	EXPECT(!sched_is_deadlocked(&entities[8]));
	EXPECT(sched_is_deadlocked(&entities[7]));
	EXPECT(sched_is_deadlocked(&entities[3]));
}

TEST(F1_a_ring_of_others)
{
	EXPECT_EQ(host_machine_run(1, 1, ring_of_others), 0);
}

/* ---- several threads ---- */

static void one_step(int worker)
{
	int mine = worker + WORKERS * (int)(host_random() % (ENTITIES / WORKERS));

	if (host_random() % 2) {
		set_priority((int)(host_random() % ENTITIES),
			     (unsigned)(host_random() % 5));
	} else if (loans[mine].debt) {
		stop_waiting(mine);
	} else if (mine) {
		wait_for(mine, (int)(host_random() % (u64)mine));
	}
}

static void work(void *argument)
{
	for (int i = 0; i < STEPS; i++) {
		one_step((int)(u64)argument);
	}
	machine_finish();
}

static unsigned expected_priority(int which)
{
	unsigned best = entities[which].own.realtime_priority;

	for (int i = which + 1; i < ENTITIES; i++) {
		if (loans[i].debt == &debts[which]) {
			best = MAX(best, expected_priority(i));
		}
	}
	return best;
}

static void all_at_once(void)
{
	set_up(ENTITIES);
	for (u64 i = 0; i < WORKERS; i++) {
		(void)machine_start(work, i);
	}
	machine_wait_finished(WORKERS);
	for (int i = 0; i < ENTITIES; i++) {
		EXPECT_EQ(priority_of(i), expected_priority(i));
	}
}

TEST(F1_nothing_is_missed)
{
	EXPECT_EQ(host_machine_explore(3, 1, machine_seeds(60), all_at_once), 0);
}
