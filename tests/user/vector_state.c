// SPDX-License-Identifier: MIT
/*
 * T5: RISC-V's vector registers: kept over preemption and moves to another CPU, never another thread's, reset at the first use of a thread,
 * a process and a program, given up by a system call, and nothing is left of them when threads and programs end.
 */
#include "ledger.h"
#include "vector.h"

enum { KEEPERS = 5, ROUNDS = 8, FRESH = 12, CHURN = 24 };

static atomic_int keepers_left, keeper_ids[KEEPERS];

static void *keep(void *number)
{
	unsigned own = (unsigned)(uintptr_t)number;
	struct vectors mine = vectors_new(), seen = vectors_new();

	atomic_store(&keeper_ids[own], thread_id());
	for (unsigned i = 0; i < ROUNDS; i++) {
		vectors_make(&mine, own * ROUNDS + i);
		vectors_put(&mine);
		spin_milliseconds(4);
		vectors_get(&seen);
		CHECK(vectors_same(&mine, &seen));
	}
	atomic_fetch_sub(&keepers_left, 1);
	return NULL;
}

static int nth_cpu(const cpu_set_t *usable, unsigned n)
{
	unsigned left = n % (unsigned)CPU_COUNT(usable);

	for (int cpu = 0;; cpu++) {
		if (CPU_ISSET(cpu, usable) && left-- == 0) {
			return cpu;
		}
	}
}

static void move(int id, int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	CHECK(id == 0 || sched_setaffinity(id, sizeof(one), &one) == 0 || errno == ESRCH);
}

/* All to the same CPU, then to the next: there they take turns. */
static void check_kept(void)
{
	pthread_t threads[KEEPERS];
	cpu_set_t usable;

	CHECK_EQ(sched_getaffinity(0, sizeof(usable), &usable), 0);
	atomic_store(&keepers_left, KEEPERS);
	for (uintptr_t i = 0; i < KEEPERS; i++) {
		threads[i] = start_thread(keep, (void *)i);
	}
	for (unsigned turn = 0; atomic_load(&keepers_left) > 0; turn++) {
		for (int i = 0; i < KEEPERS; i++) {
			move(atomic_load(&keeper_ids[i]), nth_cpu(&usable, turn));
		}
		usleep(1000);
	}
	for (int i = 0; i < KEEPERS; i++) {
		join_thread(threads[i]);
	}
	ok("kept");
}

static void check_system_call(void)
{
	struct vectors mine = vectors_new(), seen = vectors_new();

	for (unsigned i = 0; i < 20; i++) {
		vectors_make(&mine, i);
		vectors_put(&mine);
		CHECK_EQ(raw_call(i % 2 ? SYS_sched_yield : SYS_getuid, 0, 0), 0);
		vectors_get(&seen);
		CHECK(seen.type == TYPE_ILLEGAL && seen.length == 0);
		CHECK(vectors_all(&seen, 0) || vectors_all(&seen, 0xff));
	}
	free(mine.bytes);
	free(seen.bytes);
	ok("system_call");
}

static atomic_bool secret_over, secret_begun;

/* Its registers are those that the others on this CPU must not see. */
static void *hold_secret(void *unused)
{
	struct vectors secret = vectors_new(), seen = vectors_new();

	vectors_make(&secret, 91);
	vectors_put(&secret);
	atomic_store(&secret_begun, true);
	while (!atomic_load(&secret_over)) {
	}
	vectors_get(&seen);
	CHECK(vectors_same(&secret, &seen));
	return unused;
}

static void look_at_fresh(void)
{
	struct vectors seen = {.bytes = malloc(32 * 8192)};

	CHECK(seen.bytes != NULL);
	vectors_get(&seen);
	CHECK(vectors_fresh(&seen));
	free(seen.bytes);
}

static void *fresh_thread(void *unused)
{
	look_at_fresh();
	return unused;
}

static void become_fresh_program(void)
{
	struct vectors mine = vectors_new();

	vectors_make(&mine, 7);
	vectors_put(&mine);
	execl("/proc/self/exe", "x", "fresh", NULL);
	_exit(1);
}

/* While another's registers are in the CPU: it takes turns with a thread that does not let go. */
static void check_fresh(void)
{
	cpu_set_t usable;
	pthread_t secret;

	CHECK_EQ(sched_getaffinity(0, sizeof(usable), &usable), 0);
	move(thread_id(), nth_cpu(&usable, 0));
	secret = start_thread(hold_secret, NULL);
	WAIT_UNTIL(atomic_load(&secret_begun));
	for (int i = 0; i < FRESH; i++) {
		join_thread(start_thread(fresh_thread, NULL));
	}
	must_pass_in_child(look_at_fresh);
	must_pass_in_child(become_fresh_program);
	atomic_store(&secret_over, true);
	join_thread(secret);
	CHECK_EQ(sched_setaffinity(0, sizeof(usable), &usable), 0);
	ok("fresh");
}

static void churn(void)
{
	pthread_t threads[CHURN];

	for (int i = 0; i < CHURN; i++) {
		threads[i] = start_thread(fresh_thread, NULL);
	}
	for (int i = 0; i < CHURN; i++) {
		join_thread(threads[i]);
	}
	for (int i = 0; i < CHURN / 4; i++) {
		must_pass_in_child(look_at_fresh);
		must_pass_in_child(become_fresh_program);
	}
}

/* A process that ended before may be counted at the begin still, on a busy machine: that happens once, and what is left happens each time. */
static void check_ledger(void)
{
	struct ledger before;

	if (access("/proc/heddle/ledger", R_OK) == 0) {
		must_pass_in_child(churn);
		ledger_begin(&before);
		must_pass_in_child(churn);
		if (!ledger_becomes(&before, WAIT_LIMIT_NS / 10)) {
			ledger_begin(&before);
			must_pass_in_child(churn);
			ledger_expect(&before);
		}
	}
	ok("ledger");
}

int main(int argc, char **argv)
{
	if (!has_vectors()) {
		skip("a CPU without vectors");
	}
	if (argc > 1 && strcmp(argv[1], "fresh") == 0) {
		look_at_fresh();
		return 0;
	}
	check_kept();
	check_system_call();
	check_fresh();
	check_ledger();
	return 0;
}
