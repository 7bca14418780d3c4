// SPDX-License-Identifier: MIT
/*
 * Concurrency numbers on the simulated machine: of those on a CPU each has its own, and none is larger than it need be (N1, N2).
 */
#include "core/percpu.h"
#include "core/preempt.h"
#include "lib/string.h"
#include "machine.h"
#include "sched/concurrency.h"

enum { THREADS = 6, SETS = 2, LOOKS = 60 };

static struct concurrency_set sets[SETS];
static struct sched_entity *owners[SETS][MAX_CPUS];

/* While it keeps its CPU a number is its alone, whatever the others do. */
static void look(unsigned set)
{
	struct sched_entity **owner;
	u32 number;

	preempt_disable();
	number = sched_concurrency_number();
	EXPECT(number < MIN((unsigned)THREADS, cpu_count()));
	EXPECT(atomic_load(&sets[set].used) >> number & 1);
	owner = &owners[set][number];
	EXPECT(*owner == NULL);
	*owner = sched_current();
	for (u64 i = host_random() % 4; i > 0; i--) {
		arch_cpu_relax();
	}
	EXPECT(*owner == sched_current());
	*owner = NULL;
	preempt_enable();
}

/* A sleep that came true leaves its note (N4). */
static void sleep_and_find_note(void)
{
	struct sched_entity *self = sched_current();
	u64 switches = self->switches_voluntary;

	atomic_store(&self->return_work, 0);
	machine_sleep(1000);
	if (self->switches_voluntary > switches) {
		EXPECT_EQ(atomic_load(&self->return_work), 1);
	}
}

static void join_and_look(void *argument)
{
	unsigned set = (unsigned)(u64)argument % SETS;

	sched_join_concurrency(&sets[set], 1);
	for (int i = 0; i < LOOKS; i++) {
		look(set);
		switch (host_random() % 4) {
		case 0:
			machine_sleep((nsec_t)(host_random() % 3000));
			break;
		case 1:
			sched_yield_current();
			break;
		case 2:
			sleep_and_find_note();
			break;
		default:
			arch_cpu_relax();
		}
	}
	sched_join_concurrency(NULL, 0);
	machine_finish();
}

static void threads_share_numbers(void)
{
	memset(sets, 0, sizeof(sets));
	memset(owners, 0, sizeof(owners));
	host_set_steps_max(5000000);
	for (u64 i = 0; i < THREADS; i++) {
		machine_start(join_and_look, i);
	}
	machine_wait_finished(THREADS);
	for (unsigned i = 0; i < SETS; i++) {
		EXPECT_EQ(atomic_load(&sets[i].used), 0); // all have been given back
	}
}

TEST(a_number_is_one_threads_alone)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(100), threads_share_numbers),
		  0);
	EXPECT_EQ(host_machine_explore(1, 1, machine_seeds(30), threads_share_numbers),
		  0);
}
