// SPDX-License-Identifier: MIT
/*
 * D4: no timer interrupts a CPU that is idle, or whose thread is alone there (Linux has its ticks there, unless it is told
 * nohz_full=); who shares a CPU is interrupted, and who sleeps. Timer slack: sleepers that may wait share one interrupt, none
 * wakes too soon or later than it allows, and real-time threads are not late. /proc/interrupts and /proc/stat count.
 * deadline: 40
 */
#include "cpus.h"
#include "raw.h"
#include <poll.h>
#include <sys/prctl.h>

enum { MILLISECOND = 1000000, SPAN = 400 * MILLISECOND, CPUS_MOST = 64 };
enum {
	FEW = 5,
	SLEEPERS = 8,
	ROUNDS = 5,
	SLEEPS = 15,
	SLACK = 60 * MILLISECOND,
	LATE = 300 * MILLISECOND
};

static unsigned cpus[CPUS_MOST];
static int cpu_count;
static atomic_int stop, started;

static bool is_heddle(void)
{
	return access("/proc/heddle", F_OK) == 0;
}

static bool is_timer_line(const char *line)
{
	return strstr(line, "Local timer interrupts") || strstr(line, "arch_timer") ||
	       strstr(line, "riscv-timer");
}

/* Of the line, the number in the column of `cpu`, which the first line names. */
static long long in_column(const char *header, const char *line, unsigned cpu)
{
	char name[16], *at = strchr(line, ':');
	const char *column = header;
	long long value = -1;

	CHECK(at);
	at++;
	snprintf(name, sizeof(name), "CPU%u", cpu);
	for (;;) {
		size_t length;

		column += strspn(column, " ");
		length = strcspn(column, " \n");
		CHECK(length);
		value = strtoll(at, &at, 10);
		if (length == strlen(name) && !memcmp(column, name, length)) {
			return value;
		}
		column += length;
	}
}

static long long timer_interrupts(unsigned cpu)
{
	char header[1024], line[2048];
	FILE *file = fopen("/proc/interrupts", "r");
	long long sum = 0;

	CHECK(file && fgets(header, sizeof(header), file));
	while (fgets(line, sizeof(line), file)) {
		if (is_timer_line(line)) {
			sum += in_column(header, line, cpu);
		}
	}
	fclose(file);
	return sum;
}

static long long all_interrupts(void)
{
	char line[256];
	FILE *file = fopen("/proc/stat", "r");
	long long count = -1;

	CHECK(file);
	while (count < 0 && fgets(line, sizeof(line), file)) {
		sscanf(line, "intr %lld", &count);
	}
	fclose(file);
	return count;
}

static void nap(long long ns)
{
	struct timespec time = {ns / 1000000000, ns % 1000000000};

	CHECK_EQ(nanosleep(&time, NULL), 0);
}

static void spin_for(long long ns)
{
	long long end = now_ns() + ns;

	while (now_ns() < end) {
	}
}

/* Each sleep ends by an interrupt. */
static void check_sleeps(void)
{
	long long before = timer_interrupts(cpus[0]), all = all_interrupts();

	for (int i = 0; i < 20; i++) {
		nap(2 * MILLISECOND);
	}
	CHECK(timer_interrupts(cpus[0]) - before >= 10);
	CHECK(all_interrupts() - all >= 10);
	ok("sleeps");
}

static void *spin(void *unused)
{
	(void)unused;
	atomic_store(&started, 1);
	while (!atomic_load(&stop)) {
	}
	return NULL;
}

static long long during_spin(void)
{
	long long before = timer_interrupts(cpus[0]);

	spin_for(SPAN);
	return timer_interrupts(cpus[0]) - before;
}

static void check_shared(void)
{
	pthread_t other = start_thread(spin, NULL);
	long long count;

	WAIT_UNTIL(atomic_load(&started));
	count = during_spin();
	atomic_store(&stop, 1);
	join_thread(other);
	say("# shared: %lld\n", count);
	CHECK(count >= 3);
	ok("shared");
}

/* The best of some: there are timers of the kernel's own, seconds apart. */
static void check_alone(void)
{
	long long least = INT64_MAX;

	for (int i = 0; i < 3; i++) {
		long long count = during_spin();

		least = count < least ? count : least;
	}
	say("# alone: %lld\n", least);
	CHECK(least <= FEW || !is_heddle());
	ok("alone");
}

static void check_idle(void)
{
	long long before[CPUS_MOST];

	for (int i = 0; i < cpu_count; i++) {
		before[i] = timer_interrupts(cpus[i]);
	}
	nap(SPAN);
	for (int i = 0; i < cpu_count; i++) {
		long long count = timer_interrupts(cpus[i]) - before[i];

		say("# idle: %lld on CPU %u\n", count, cpus[i]);
		CHECK(count <= FEW || !is_heddle());
	}
	ok("idle");
}

/* ---- slack ---- */

struct sleeper {
	pthread_t thread;
	long long until, woke;
	long long slack;
};

static void *sleep_until(void *argument)
{
	struct sleeper *me = argument;
	struct timespec time = {me->until / 1000000000, me->until % 1000000000};

	CHECK_EQ(prctl(PR_SET_TIMERSLACK, me->slack), 0);
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL), 0);
	me->woke = now_ns();
	return NULL;
}

/* Some that may wake from a time on, one after the other; how many interrupts that costs. */
static long long sleep_in_a_row(long long slack)
{
	struct sleeper sleepers[SLEEPERS];
	long long start = now_ns() + 50 * MILLISECOND, before, count;

	for (int i = 0; i < SLEEPERS; i++) {
		sleepers[i] = (struct sleeper){.until = start + i * 5 * MILLISECOND,
					       .slack = slack};
		sleepers[i].thread = start_thread(sleep_until, &sleepers[i]);
	}
	before = timer_interrupts(cpus[0]);
	for (int i = 0; i < SLEEPERS; i++) {
		join_thread(sleepers[i].thread);
		CHECK(sleepers[i].woke >= sleepers[i].until);
		CHECK(sleepers[i].woke <= sleepers[i].until + slack + LATE);
	}
	count = timer_interrupts(cpus[0]) - before;
	return count;
}

static int by_size(const void *a, const void *b)
{
	long long first = *(const long long *)a, second = *(const long long *)b;

	return (first > second) - (first < second);
}

static long long median_count(long long slack)
{
	long long counts[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		counts[i] = sleep_in_a_row(slack);
	}
	qsort(counts, ROUNDS, sizeof(counts[0]), by_size);
	return counts[ROUNDS / 2];
}

static void check_shared_wakeups(void)
{
	long long together = median_count(SLACK), apart = median_count(1);

	say("# %d sleepers: %lld interrupts with slack, %lld without\n", SLEEPERS,
	    together, apart);
	if (is_heddle()) {
		// Where the machine is slow their work takes slices, with slack or without.
		CHECK(together <= 4 || together <= apart / 2);
		CHECK(apart >= SLEEPERS - 2);
	}
	ok("shared_wakeups");
}

/* Of some sleeps, each a millisecond: how much longer one of them in the middle is, and the best. */
struct lateness {
	long long usual, least;
};

static struct lateness late(int (*wait_for_one)(void))
{
	long long times[SLEEPS];

	for (int i = 0; i < SLEEPS; i++) {
		long long start = now_ns();

		CHECK_EQ(wait_for_one(), 0);
		times[i] = now_ns() - start - MILLISECOND;
		CHECK(times[i] >= 0);
	}
	qsort(times, SLEEPS, sizeof(times[0]), by_size);
	say("# late: %lld us, least %lld\n", times[SLEEPS / 2] / 1000, times[0] / 1000);
	return (struct lateness){.usual = times[SLEEPS / 2], .least = times[0]};
}

static int by_nanosleep(void)
{
	return nanosleep(&(struct timespec){0, MILLISECOND}, NULL);
}

static int by_poll(void)
{
	return poll(NULL, 0, 1);
}

static int by_futex(void)
{
	uint32_t word = 0;
	struct timespec time = {0, MILLISECOND};

	CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 0, &time, NULL, 0), ETIMEDOUT);
	return 0;
}

/* Alone on an idle CPU a sleeper has nobody to share an interrupt with, and is as late as it allows. */
static void check_late(void)
{
	struct sched_param priority = {.sched_priority = 1};

	CHECK_EQ(prctl(PR_SET_TIMERSLACK, 10 * MILLISECOND), 0);
	if (is_heddle()) {
		CHECK(late(by_nanosleep).usual >= 9 * MILLISECOND);
		CHECK(late(by_poll).usual >= 9 * MILLISECOND);
		CHECK(late(by_futex).usual >= 9 * MILLISECOND);
	}
	if (sched_setscheduler(0, SCHED_FIFO, &priority)) {
		CHECK_EQ(errno, EPERM);
		return;
	}
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), 0);
	CHECK_EQ(prctl(PR_SET_TIMERSLACK, 10 * MILLISECOND), 0);
	CHECK(late(by_nanosleep).least < 9 * MILLISECOND);
	CHECK(late(by_poll).least < 9 * MILLISECOND);
	CHECK(late(by_futex).least < 9 * MILLISECOND);
	ok("late");
}

int main(void)
{
	cpu_count = list_cpus(cpus, CPUS_MOST);
	pin(0, cpus[0]);
	check_sleeps();
	check_shared();
	check_alone();
	check_idle();
	check_shared_wakeups();
	must_pass_in_child(check_late);
	return 0;
}
