// SPDX-License-Identifier: MIT
/*
 * F3: critical sections of rseq(2) are aborted by signals, preemption and moves, and only then does a counter for each CPU (or
 * each concurrency number) that many threads and their handlers add to without a lock come out exact.
 * HEDDLE_SOAK=n: n rounds of all of it.
 * deadline: 60
 * libc: musl
 */
#include "rseq.h"
#include <ucontext.h>

enum { CPUS_MOST = 64, THREADS = 8, LINGER = 4000, USUAL_ROUNDS = 4 };
/* In each round. */
enum { TRIES = 5, ADDITIONS = 400, SIGNALS = 50 };
/* Of sigevent.sigev_notify_thread_id, which the C libraries name differently. */
enum { THREAD_ID_OFFSET = 16 };

struct counter {
	volatile long value;
} __attribute__((aligned(64)));

struct worker {
	pthread_t thread;
	bool by_number; /* counters by concurrency number, not by CPU */
	long added, aborted;
	volatile long handled;
	atomic_int begun;
};

static unsigned cpus[CPUS_MOST];
static int cpu_count;
static long aborts; /* of sums */
static struct counter counters[CPU_SETSIZE];
static struct worker workers[THREADS];
static __thread struct area area;
static __thread struct worker *self;

/* ---- one abort at a time ---- */

static atomic_int inside, enough;
static volatile pid_t waiter_tid;
static int handled_at_abort;

/* Whatever was interrupted: if it was a section, it has been left before we are called. */
static void look_from_handler(int signal, siginfo_t *info, void *context)
{
	uint32_t before;

	(void)signal;
	(void)info;
	CHECK_EQ(area.section, 0);
	memcpy(&before, (char *)saved_ip(context) - 4, 4);
	handled_at_abort += before == SIGNATURE;
}

static void *wait_in_section(void *unused)
{
	(void)unused;
	use_own_area(&area);
	waiter_tid = thread_id();
	wait_for_abort(&area, &inside);
	CHECK_EQ(area.section, 0);
	CHECK_EQ(area.cpu_id, asked_cpu());
	return NULL;
}

/* Nobody else needs run for this one: a timer sends the signal. */
static void *wait_for_timer(void *unused)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
	struct itimerspec soon = {.it_value.tv_nsec = 1000000,
				  .it_interval.tv_nsec = 3000000};
	pid_t own = thread_id();
	timer_t timer;

	memcpy((char *)&event + THREAD_ID_OFFSET, &own, sizeof(own));
	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	CHECK_EQ(timer_settime(timer, 0, &soon, NULL), 0);
	wait_in_section(unused);
	CHECK_EQ(timer_delete(timer), 0);
	return NULL;
}

static void check_signal_aborts(void)
{
	struct sigaction action = {.sa_sigaction = look_from_handler,
				   .sa_flags = SA_SIGINFO};

	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < TRIES; i++) {
		join_thread(start_thread(wait_for_timer, NULL));
	}
	say("# %d signals found an abort so far\n", handled_at_abort);
	ok("signal_aborts");
}

static void *only_run(void *unused)
{
	(void)unused;
	while (!atomic_load(&enough)) {
	}
	return NULL;
}

/* Two on one CPU: the one in the section does not keep it. */
static void check_preemption_aborts(void)
{
	pthread_t other;

	pin(0, cpus[0]);
	atomic_store(&enough, 0);
	other = start_thread(only_run, NULL);
	for (int i = 0; i < TRIES; i++) {
		join_thread(start_thread(wait_in_section, NULL));
	}
	atomic_store(&enough, 1);
	join_thread(other);
	ok("preemption_aborts");
}

/* Stays until it has been moved, whatever ended its section. */
static void *wait_for_move(void *unused)
{
	pin(0, cpus[1]);
	wait_in_section(unused);
	while (!atomic_load(&enough)) {
	}
	CHECK_EQ(area.cpu_id, cpus[0]);
	return NULL;
}

static void check_move_aborts(void)
{
	if (cpu_count < 2) {
		return;
	}
	pin(0, cpus[0]);
	for (int i = 0; i < TRIES; i++) {
		pthread_t thread;

		atomic_store(&inside, 0);
		atomic_store(&enough, 0);
		thread = start_thread(wait_for_move, NULL);
		while (!atomic_load(&inside)) {
		}
		pin(waiter_tid, cpus[0]);
		atomic_store(&enough, 1);
		join_thread(thread);
	}
	ok("move_aborts");
}

/* ---- sums ---- */

/* cpu_id is looked at inside the section again; the number of one's own cannot change in it. */
static void add_one(struct worker *worker, long linger)
{
	volatile uint32_t *id = worker->by_number ? &area.mm_cid : &area.cpu_id;

	for (;;) {
		uint32_t wanted = *id;

		CHECK(wanted < CPU_SETSIZE);
		if (try_add(&area, id, wanted, &counters[wanted].value, linger)) {
			return;
		}
		worker->aborted++;
	}
}

/* It may have come between any two instructions of a section that adds to the same counter. */
static void add_from_handler(int signal)
{
	(void)signal;
	add_one(self, 0);
	self->handled++;
}

static void *work(void *argument)
{
	struct worker *worker = argument;

	self = worker;
	use_own_area(&area);
	atomic_store(&worker->begun, 1);
	for (long i = 0; i < ADDITIONS || !atomic_load(&enough); i++) {
		add_one(worker, LINGER);
		worker->added++;
		if (i % 64 == 0) {
			pin(0, cpus[(size_t)i / 64 % (size_t)cpu_count]);
			CHECK_EQ(area.cpu_id, cpus[(size_t)i / 64 % (size_t)cpu_count]);
		}
	}
	return NULL;
}

static long count_handled(void)
{
	long handled = 0;

	for (int i = 0; i < THREADS; i++) {
		handled += workers[i].handled;
	}
	return handled;
}

/* A signal for each that works, again and again, until so many have been handled. */
static long send_signals(long wanted)
{
	long sent = 0;

	while (count_handled() < wanted) {
		for (int i = 0; i < THREADS; i++) {
			if (atomic_load(&workers[i].begun)) {
				CHECK_EQ(pthread_kill(workers[i].thread, SIGUSR2), 0);
				sent++;
			}
		}
		usleep(200);
	}
	atomic_store(&enough, 1);
	return sent;
}

static void check_sum(const char *name, bool by_number)
{
	long sum = 0, expected = 0, aborted = 0, sent;

	memset(counters, 0, sizeof(counters));
	memset(workers, 0, sizeof(workers));
	atomic_store(&enough, 0);
	for (int i = 0; i < THREADS; i++) {
		workers[i].by_number = by_number;
		workers[i].thread = start_thread(work, &workers[i]);
	}
	sent = send_signals(SIGNALS);
	for (int i = 0; i < THREADS; i++) {
		join_thread(workers[i].thread);
		expected += workers[i].added + workers[i].handled;
		aborted += workers[i].aborted;
	}
	for (int i = 0; i < CPU_SETSIZE; i++) {
		sum += counters[i].value;
	}
	say("# %ld added, %ld of them by handlers of %ld signals, %ld aborts\n", expected,
	    count_handled(), sent, aborted);
	CHECK_EQ(sum, expected);
	aborts += aborted;
	ok(name);
}

/* Numbers are compact: below the threads there are, and below the CPUs. */
static void *check_number(void *unused)
{
	(void)unused;
	use_own_area(&area);
	for (int i = 0; i < 2000; i++) {
		uint32_t number = area.mm_cid;

		CHECK(number < 3);
		CHECK(number < (uint32_t)sysconf(_SC_NPROCESSORS_CONF));
		if (i % 20 == 0) {
			usleep(10);
		}
	}
	return NULL;
}

static void check_numbers(void)
{
	pthread_t first = start_thread(check_number, NULL),
		  second = start_thread(check_number, NULL);

	join_thread(first);
	join_thread(second);
	ok("numbers");
}

static void run_round(const cpu_set_t *all)
{
	check_signal_aborts();
	check_preemption_aborts();
	check_move_aborts();
	CHECK_EQ(sched_setaffinity(0, sizeof(*all), all), 0);
	check_numbers();
	check_sum("sum_by_cpu", false);
	check_sum("sum_by_number", true);
}

int main(void)
{
	const char *soak = getenv("HEDDLE_SOAK");
	long rounds = soak ? atol(soak) : USUAL_ROUNDS;
	cpu_set_t all;

	CHECK(rounds > 0);
	CHECK_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
	cpu_count = list_cpus(cpus, CPUS_MOST);
	signal(SIGUSR2, add_from_handler);
	for (long round = 0; round < rounds; round++) {
		run_round(&all);
	}
	CHECK(handled_at_abort > 0);
	CHECK(aborts > 0);
	return 0;
}
