// SPDX-License-Identifier: MIT
/*
 * F3: membarrier(2): commands, registrations and who inherits them; Dekker with the fence on one side only; restarted
 * sections.
 * deadline: 100
 * libc: musl
 */
#include "rseq.h"
#include <linux/membarrier.h>

enum {
	CPUS_MOST = 64,
	ROUNDS = 1000,
	SLOW_ROUNDS = 20,
	ALL_COMMANDS = 0x3ff,
	PRIVATE_ALL = MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |
		      MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE |
		      MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ,
	GET_REGISTRATIONS = 1 << 9,
};

static unsigned cpus[CPUS_MOST];
static int cpu_count;

static long call(int command, unsigned flags, int cpu)
{
	return syscall(SYS_membarrier, command, flags, cpu);
}

static void check_refusals(void)
{
	CHECK_EQ(call(MEMBARRIER_CMD_QUERY, 0, 0) & ALL_COMMANDS, ALL_COMMANDS);
	CHECK_ERRNO(call(MEMBARRIER_CMD_QUERY, 1, 0), EINVAL);
	CHECK_ERRNO(call(3, 0, 0), EINVAL);
	CHECK_ERRNO(call(-1, 0, 0), EINVAL);
	CHECK_ERRNO(call(1 << 20, 0, 0), EINVAL);
	CHECK_ERRNO(call(MEMBARRIER_CMD_GLOBAL, 1, 0), EINVAL);
	CHECK_ERRNO(call(MEMBARRIER_CMD_GLOBAL_EXPEDITED, 1, 0), EINVAL);
	CHECK_ERRNO(call(GET_REGISTRATIONS, 1, 0), EINVAL);
	for (int bit = 3; bit < 9; bit += 2) {
		CHECK_ERRNO(call(1 << bit, 0, 0), EPERM);
		CHECK_ERRNO(call(1 << bit, 2, 0), EINVAL);
		CHECK_ERRNO(call(1 << (bit + 1), 1, 0), EINVAL);
	}
	CHECK_ERRNO(call(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 1, 0), EINVAL);
	CHECK_ERRNO(call(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 1, 0), EINVAL);
	CHECK_ERRNO(call(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 1, 0), EPERM);
	CHECK_EQ(call(GET_REGISTRATIONS, 0, 0), 0);
	CHECK_EQ(call(MEMBARRIER_CMD_GLOBAL, 0, 0), 0);
	CHECK_EQ(call(MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0), 0); // for nobody
	ok("refusals");
}

/* Registering for one kind is not registering for another, whatever GET_REGISTRATIONS says. */
static void check_registrations(void)
{
	CHECK_EQ(call(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0), 0);
	CHECK_EQ(call(GET_REGISTRATIONS, 0, 0),
		 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE |
			 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
	CHECK_ERRNO(call(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), EPERM);
	CHECK_ERRNO(call(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0), EPERM);
	CHECK_EQ(call(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0), 0);
	CHECK_EQ(call(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0), 0);
	CHECK_EQ(call(GET_REGISTRATIONS, 0, 0), PRIVATE_ALL);
	CHECK_ERRNO(call(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), EPERM);
	CHECK_EQ(call(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0), 0);
	CHECK_EQ(call(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0), 0);
	CHECK_EQ(call(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 5), 0);
	CHECK_EQ(call(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0), 0);
	CHECK_EQ(call(GET_REGISTRATIONS, 0, 0),
		 PRIVATE_ALL | MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);
	CHECK_EQ(call(MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0), 0);
	CHECK_EQ(call(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0), 0);
	CHECK_EQ(call(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 1, (int)cpus[0]), 0);
	CHECK_EQ(call(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 1, 77777), 0);
	CHECK_EQ(call(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 1, -5), 0);
	ok("registrations");
}

static void check_child(void)
{
	CHECK_EQ(call(GET_REGISTRATIONS, 0, 0),
		 PRIVATE_ALL | MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);
	CHECK_EQ(call(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), 0);
	execl("/proc/self/exe", "membarrier", "executed", NULL);
	CHECK(false);
}

/* The program that check_child() starts. */
static int after_exec(void)
{
	CHECK_EQ(call(GET_REGISTRATIONS, 0, 0), 0);
	CHECK_ERRNO(call(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), EPERM);
	return 0;
}

/* ---- Dekker: of two stores at least one is seen by the other side ---- */

struct dekker {
	atomic_int x __attribute__((aligned(64)));
	atomic_int y __attribute__((aligned(64)));
	atomic_int round __attribute__((aligned(64))); /* the fast side may begin it */
	atomic_int done __attribute__((aligned(64)));
	int fast_saw;
};

/* Close together, but with only one CPU somebody has to give way. */
static void await_value(atomic_int *word, int value)
{
	for (int spins = 0; atomic_load(word) != value; spins++) {
		if (cpu_count == 1 || spins > 20000) {
			sched_yield();
		}
	}
}

static void fast_side(struct dekker *d, int rounds)
{
	for (int round = 1; round <= rounds; round++) {
		int saw;

		await_value(&d->round, round);
		atomic_store_explicit(&d->x, round, memory_order_relaxed);
		atomic_signal_fence(memory_order_seq_cst);
		saw = atomic_load_explicit(&d->y, memory_order_relaxed);
		d->fast_saw = saw;
		atomic_store(&d->done, round);
	}
}

/* Returns how often neither saw the other. command < 0: no barrier at all. */
static int slow_side(struct dekker *d, int command, int rounds)
{
	int missed = 0;

	for (int round = 1; round <= rounds; round++) {
		int saw;

		atomic_store(&d->round, round);
		for (int i = round % 200; i > 0; i--) { // as long as the news takes
			atomic_signal_fence(memory_order_seq_cst);
			__asm__ volatile("nop");
		}
		atomic_store_explicit(&d->y, round, memory_order_relaxed);
		atomic_signal_fence(memory_order_seq_cst);
		if (command >= 0) {
			CHECK_EQ(call(command, 0, 0), 0);
		}
		saw = atomic_load_explicit(&d->x, memory_order_relaxed);
		await_value(&d->done, round);
		missed += saw < round && d->fast_saw < round;
	}
	return missed;
}

struct fast_argument {
	struct dekker *dekker;
	int rounds;
};

static void *run_fast_side(void *argument)
{
	const struct fast_argument *fast = argument;

	pin(0, cpus[cpu_count > 1]);
	fast_side(fast->dekker, fast->rounds);
	return NULL;
}

static int run_dekker(int command, int rounds)
{
	struct dekker dekker = {0};
	struct fast_argument fast = {&dekker, rounds};
	pthread_t thread;
	int missed;

	pin(0, cpus[0]);
	thread = start_thread(run_fast_side, &fast);
	missed = slow_side(&dekker, command, rounds);
	join_thread(thread);
	return missed;
}

static void check_dekker(void)
{
	say("# without a barrier: %d of %d missed\n", run_dekker(-1, ROUNDS), ROUNDS);
	CHECK_EQ(run_dekker(MEMBARRIER_CMD_PRIVATE_EXPEDITED, ROUNDS), 0);
	CHECK_EQ(run_dekker(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, ROUNDS), 0);
	CHECK_EQ(run_dekker(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, ROUNDS), 0);
	CHECK_EQ(run_dekker(MEMBARRIER_CMD_GLOBAL_EXPEDITED, ROUNDS), 0);
	CHECK_EQ(run_dekker(MEMBARRIER_CMD_GLOBAL, SLOW_ROUNDS), 0);
	ok("dekker");
}

/* Two processes: the child that inherits the registration, or has none of its own and GLOBAL asks for none. */
static void check_dekker_of_processes(int command, int rounds)
{
	struct dekker *dekker = shared_page();
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		pin(0, cpus[cpu_count > 1]);
		fast_side(dekker, rounds);
		_exit(0);
	}
	pin(0, cpus[0]);
	CHECK_EQ(slow_side(dekker, command, rounds), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	munmap(dekker, 4096);
}

/* ---- restarted sections ---- */

static atomic_int inside, enough;
static volatile uint32_t closed;
static volatile long counter;
static __thread struct area area;

static void *wait_on_second_cpu(void *unused)
{
	(void)unused;
	pin(0, cpus[1]);
	use_own_area(&area);
	wait_for_abort(&area, &inside);
	return NULL;
}

static void check_restart(unsigned flags)
{
	pthread_t thread;

	atomic_store(&inside, 0);
	pin(0, cpus[0]);
	thread = start_thread(wait_on_second_cpu, NULL);
	while (!atomic_load(&inside)) {
	}
	CHECK_EQ(call(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, flags, (int)cpus[1]), 0);
	join_thread(thread);
}

/* It adds only while it finds the counter open, and looks inside of the section. */
static void *add_while_open(void *unused)
{
	(void)unused;
	pin(0, cpus[cpu_count > 1]);
	use_own_area(&area);
	atomic_store(&inside, 1);
	while (!atomic_load(&enough)) {
		if (!try_add(&area, &closed, 0, &counter, 200) && cpu_count == 1) {
			sched_yield();
		}
	}
	return NULL;
}

/* Closed, and everybody restarted: the counter stands still though nobody took a lock. */
static void check_closing(void)
{
	pthread_t thread;
	long changes = 0, last = 0;

	atomic_store(&inside, 0);
	atomic_store(&enough, 0);
	closed = 0;
	pin(0, cpus[0]);
	thread = start_thread(add_while_open, NULL);
	WAIT_UNTIL(atomic_load(&inside));
	for (int round = 0; round < 300 || changes < 10; round++) {
		long seen;

		closed = 1;
		CHECK_EQ(call(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ,
			      MEMBARRIER_CMD_FLAG_CPU, (int)cpus[cpu_count > 1]),
			 0);
		seen = counter;
		for (volatile int i = 0; i < 2000; i++) {
		}
		if (round % 10 == 0) {
			sched_yield();
		}
		CHECK_EQ(counter, seen);
		changes += seen != last;
		last = seen;
		closed = 0;
		if (cpu_count == 1) {
			usleep(100);
		} else {
			for (volatile int i = 0; i < 3000; i++) {
			}
		}
	}
	atomic_store(&enough, 1);
	join_thread(thread);
	say("# %ld added, in %ld rounds\n", (long)counter, changes);
	ok("closing");
}

int main(int count, char **arguments)
{
	(void)arguments;
	if (count > 1) {
		return after_exec();
	}
	cpu_count = list_cpus(cpus, CPUS_MOST);
	check_refusals();
	check_registrations();
	must_pass_in_child(check_child);
	ok("inheritance");
	check_dekker();
	check_dekker_of_processes(MEMBARRIER_CMD_GLOBAL_EXPEDITED, ROUNDS);
	check_dekker_of_processes(MEMBARRIER_CMD_GLOBAL, SLOW_ROUNDS);
	ok("dekker_of_processes");
	if (cpu_count > 1) {
		for (int round = 0; round < 50; round++) {
			check_restart(round % 2 ? MEMBARRIER_CMD_FLAG_CPU : 0);
		}
		ok("restart");
	}
	check_closing();
	return 0;
}
