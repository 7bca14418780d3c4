// SPDX-License-Identifier: MIT
/* Threads that hand their CPU to one another on the simulated machine (B6, T2, D2, D3). */
#include "core/percpu.h"
#include "core/spinlock.h"
#include "lib/errno.h"
#include "machine.h"
#include <linux/sched.h>

enum { PAIRS = 2, ROUNDS = 40, PASSES = 200 };

/* Two that take turns. */
struct table {
	struct spinlock lock;
	unsigned turn;
	struct sched_entity *_Atomic seat[2];
	_Atomic u64 passes;
};

static struct table tables[PAIRS];
static _Atomic bool stop;

/* Start two at each table; nobody keeps the test's thread from it. */
static void start_players(void (*body)(void *), unsigned count,
			  struct sched_entity *threads[])
{
	EXPECT_EQ(sched_set_policy(sched_current(), SCHED_FIFO, 60, 0, false), 0);
	for (unsigned i = 0; i < PAIRS; i++) {
		spin_init(&tables[i].lock, RANK_PORT, "table.lock");
	}
	for (u64 i = 0; i < count; i++) {
		threads[i] = machine_start(body, i);
		atomic_store(&tables[i / 2].seat[i % 2], threads[i]);
	}
}

static bool is_turn(struct table *table, unsigned me)
{
	bool mine;

	spin_lock(&table->lock);
	mine = table->turn == me;
	if (!mine) {
		sched_prepare_wait(THREAD_UNINTERRUPTIBLE);
	}
	spin_unlock(&table->lock);
	return mine;
}

/* The other one's turn; back when it is ours again. */
static void pass(struct table *table, unsigned me)
{
	spin_lock(&table->lock);
	table->turn = !me;
	sched_prepare_wait(THREAD_UNINTERRUPTIBLE);
	spin_unlock(&table->lock);
	atomic_fetch_add(&table->passes, 1);
	sched_hand_over(atomic_load(&table->seat[!me]));
	sched_finish_wait();
	while (!is_turn(table, me)) {
		sched_block(NSEC_NEVER);
		sched_finish_wait();
	}
}

static void sit_down(struct table *table, unsigned me)
{
	while (!atomic_load(&table->seat[0]) || !atomic_load(&table->seat[1])) {
		machine_sleep(1000);
	}
	while (!is_turn(table, me)) {
		sched_block(NSEC_NEVER);
		sched_finish_wait();
	}
}

static void get_up(struct table *table, unsigned me)
{
	spin_lock(&table->lock);
	table->turn = !me;
	spin_unlock(&table->lock);
	sched_wake(atomic_load(&table->seat[!me]));
	machine_finish();
	machine_sleep(NSEC_PER_SEC); /* stay, to be woken */
}

static void player(void *argument)
{
	u64 number = (u64)argument;
	struct table *table = &tables[number / 2];
	unsigned me = number % 2;

	sit_down(table, me);
	for (int i = 0; i < ROUNDS; i++) {
		pass(table, me);
	}
	get_up(table, me);
}

static void disturb(struct sched_entity *thread)
{
	struct cpumask mask = {0};

	switch (host_random() % 4) {
	case 0:
		cpumask_set(&mask, (unsigned)(host_random() % cpu_count()));
		EXPECT_EQ(sched_set_affinity(thread, &mask), 0);
		break;
	case 1:
		EXPECT_EQ(sched_set_policy(thread,
					   host_random() % 2 ? SCHED_BATCH : SCHED_NORMAL,
					   0, (int)(host_random() % 40) - 20, false),
			  0);
		break;
	case 2:
		EXPECT_EQ(sched_set_policy(thread, SCHED_FIFO,
					   1 + (unsigned)(host_random() % 3), 0, false),
			  0);
		break;
	default:
		(void)sched_wake(thread);
	}
}

static void played_and_disturbed(void)
{
	struct sched_entity *threads[2 * PAIRS];

	host_set_steps_max(6000000);
	start_players(player, ARRAY_SIZE(threads), threads);
	EXPECT_EQ(sched_set_policy(sched_current(), SCHED_NORMAL, 0, 0, false), 0);
	while (atomic_load(&machine_finished) < ARRAY_SIZE(threads)) {
		disturb(threads[host_random() % ARRAY_SIZE(threads)]);
		machine_sleep((nsec_t)(host_random() % 5000));
	}
	for (unsigned i = 0; i < PAIRS; i++) {
		EXPECT_EQ(atomic_load(&tables[i].passes), 2 * ROUNDS);
	}
}

TEST(B6_no_hand_over_is_lost)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(100), played_and_disturbed),
		  0);
}

/* ---- shares ---- */

static void endless_player(void *argument)
{
	unsigned me = (u64)argument % 2;

	sit_down(&tables[0], me);
	while (!atomic_load(&stop)) {
		for (int i = 0; i < 20; i++) {
			arch_cpu_relax();
		}
		pass(&tables[0], me);
	}
	get_up(&tables[0], me);
}

static void spin(void *argument)
{
	while (!atomic_load(&stop)) {
		arch_cpu_relax();
	}
	machine_finish();
	machine_sleep(NSEC_PER_SEC);
}

static u64 used_by(struct sched_entity *thread)
{
	u64 user, system;

	sched_cpu_time(thread, &user, &system);
	return user + system;
}

/* Two that pass the CPU to and fro are never ready both: a third has its half, and each is charged for what it ran. */
static void shared_by_three(void)
{
	struct sched_entity *threads[3];
	u64 used[3];

	host_set_step(2000);
	start_players(endless_player, 2, threads);
	threads[2] = machine_start(spin, 2);
	machine_sleep(NSEC_PER_SEC);
	for (unsigned i = 0; i < 3; i++) {
		used[i] = used_by(threads[i]);
	}
	atomic_store(&stop, true);
	machine_wait_finished(3);
	for (unsigned i = 0; i < 3; i++) {
		EXPECT(used[i] > 20 * (u64)NSEC_PER_SEC / 100);
	}
	EXPECT(used[2] > 40 * (u64)NSEC_PER_SEC / 100);
	EXPECT(atomic_load(&tables[0].passes) > PASSES);
}

TEST(B6_a_third_thread_has_its_share)
{
	for (u64 seed = 1; seed <= 4; seed++) {
		EXPECT_EQ(host_machine_run(1, seed, shared_by_three), 0);
	}
}

/* ---- who comes next ---- */

static struct sched_entity *target;
static _Atomic bool go;
static _Atomic unsigned next_place;
static unsigned places[2], target_cpu; /* of the target and of the one that waits */

static void target_body(void *argument)
{
	while (!atomic_load(&go)) {
		sched_prepare_wait(THREAD_UNINTERRUPTIBLE);
		if (!atomic_load(&go)) {
			sched_block(NSEC_NEVER);
		}
		sched_finish_wait();
	}
	target_cpu = arch_cpu_number();
	places[0] = atomic_fetch_add(&next_place, 1);
	machine_finish();
}

static void waiting_body(void *argument)
{
	places[1] = atomic_fetch_add(&next_place, 1);
	machine_finish();
}

static void giver_body(void *argument)
{
	sched_prepare_wait(THREAD_UNINTERRUPTIBLE);
	atomic_store(&go, true);
	sched_hand_over(target);
	sched_finish_wait();
	machine_finish();
}

/* The giver runs on this one CPU, and `waiting` waits for it: 0 for the fair class. Does the target come first? */
static bool target_first(unsigned giver, unsigned waiting, unsigned sleeper)
{
	const unsigned priority[3] = {sleeper, giver, waiting};
	void (*const body[3])(void *) = {target_body, giver_body, waiting_body};
	struct sched_entity *threads[3];

	EXPECT_EQ(sched_set_policy(sched_current(), SCHED_FIFO, 60, 0, false), 0);
	for (unsigned i = 0; i < 3; i++) {
		threads[i] = machine_start(body[i], i);
		EXPECT_EQ(sched_set_policy(threads[i],
					   priority[i] ? SCHED_FIFO : SCHED_NORMAL,
					   priority[i], 0, false),
			  0);
		if (i == 0) {
			target = threads[i];
			machine_sleep(NSEC_PER_MSEC); /* it sleeps */
		}
	}
	machine_sleep(NSEC_PER_MSEC);
	(void)sched_wake(threads[1]);
	machine_wait_finished(3);
	return places[0] < places[1];
}

static void past_less_urgent(void)
{
	EXPECT(target_first(20, 10, 20));
}

static void not_past_equals(void)
{
	EXPECT(!target_first(20, 20, 20));
}

static void not_past_more_urgent(void)
{
	EXPECT(!target_first(20, 10, 0));
}

TEST(B6_nobody_more_urgent_is_passed)
{
	EXPECT_EQ(host_machine_run(1, 1, past_less_urgent), 0);
	EXPECT_EQ(host_machine_run(1, 1, not_past_equals), 0);
	EXPECT_EQ(host_machine_run(1, 1, not_past_more_urgent), 0);
}

static void giver_on_0(void *argument)
{
	struct cpumask mask = {.bits = {1}};

	EXPECT_EQ(sched_set_affinity(sched_current(), &mask), 0);
	giver_body(argument);
}

/* The target sleeps on CPU 1 and may run on `allowed`; the giver runs on CPU 0. Where does the target go on? */
static unsigned cpu_of_target(u64 allowed)
{
	struct cpumask mask = {.bits = {2}};
	struct sched_entity *giver;

	target = machine_start(target_body, 0);
	EXPECT_EQ(sched_set_affinity(target, &mask), 0);
	machine_sleep(NSEC_PER_MSEC);
	mask.bits[0] = allowed;
	EXPECT_EQ(sched_set_affinity(target, &mask), 0);
	giver = machine_start(giver_on_0, 0);
	machine_wait_finished(1);
	(void)sched_wake(giver);
	machine_wait_finished(2);
	return target_cpu;
}

static void only_elsewhere(void)
{
	EXPECT_EQ(cpu_of_target(2), 1);
}

TEST(B6_only_where_it_may_run)
{
	for (u64 seed = 1; seed <= 20; seed++) {
		EXPECT_EQ(host_machine_run(2, seed, only_elsewhere), 0);
	}
}

/* A wake-up would take its own CPU, which is idle. */
static void comes_here(void)
{
	EXPECT_EQ(cpu_of_target(3), 0);
}

TEST(B6_it_goes_on_here)
{
	EXPECT_EQ(host_machine_run(2, 1, comes_here), 0);
}
