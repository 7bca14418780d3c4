// SPDX-License-Identifier: MIT
/*
 * T5: the registers of SVE: kept over preemption, never another thread's, at any length; the part beyond 128 bits is cleared by system
 * calls, for who uses it first, and by exec; fork and clone copy the rest. Without memory for them the program ends. Linux's
 * Documentation/arch/arm64/sve.rst has the rules.
 * deadline: 40
 */
#include "ledger.h"
#include "sve.h"
#include <sys/resource.h>

enum { THREADS = 6, ROUNDS = 8, LOOKS = 20, PREEMPTED = 6 };

static unsigned lengths[SVE_LENGTHS];
static int lengths_count;
static atomic_int stop, never;
static atomic_long preempted;

static void must_set_length(unsigned length)
{
	CHECK_EQ(prctl(PR_SVE_SET_VL, length) & PR_SVE_VL_LEN_MASK, length);
	CHECK_EQ(sve_length(), length);
}

static long involuntary_switches(void)
{
	struct rusage usage;

	CHECK_EQ(getrusage(RUSAGE_THREAD, &usage), 0);
	return usage.ru_nivcsw;
}

/* Until enough of them have been stopped in the middle of it: a busy host gives some CPUs no time for that. */
static void *keep_own(void *seed_pointer)
{
	unsigned seed = (unsigned)(uintptr_t)seed_pointer;
	unsigned length = lengths[seed % (unsigned)lengths_count];
	long long begun = now_ns();
	struct sve mine, seen;

	must_set_length(length);
	sve_make(&mine, length, seed);
	for (int i = 0; i < ROUNDS || (atomic_load(&preempted) < PREEMPTED &&
				       now_ns() - begun < WAIT_LIMIT_NS);
	     i++) {
		long before = involuntary_switches();

		sve_through_time(&mine, &seen, &never, sve_ticks_of_ms(3));
		CHECK(sve_same(&mine, &seen, length));
		atomic_fetch_add(&preempted, involuntary_switches() - before);
	}
	return NULL;
}

static void check_threads(void)
{
	pthread_t threads[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++) {
		threads[i] = start_thread(keep_own, (void *)(i + 1));
	}
	for (int i = 0; i < THREADS; i++) {
		join_thread(threads[i]);
	}
	CHECK(atomic_load(&preempted) >= PREEMPTED);
	ok("threads");
}

/* Whose registers others must not see. */
static void *spin(void *unused)
{
	static struct sve mine, seen;
	unsigned length = lengths[lengths_count - 1];

	(void)unused;
	must_set_length(length);
	sve_make(&mine, length, 5);
	while (!atomic_load(&stop)) {
		sve_through_time(&mine, &seen, &stop, sve_ticks_of_ms(1000));
		CHECK(sve_same(&mine, &seen, length));
	}
	return NULL;
}

static void expect_cut(const struct sve *in, const struct sve *out, unsigned length)
{
	struct sve wanted = *in;

	sve_cut(&wanted, length);
	CHECK(sve_same(&wanted, out, length));
	CHECK_EQ(sve_length(), length);
}

static void check_calls(void)
{
	struct timespec pause = {.tv_nsec = 300000};
	struct sve mine, seen;

	for (int i = 0; i < LOOKS; i++) {
		unsigned length = lengths[i % lengths_count];

		must_set_length(length);
		sve_make(&mine, length, (unsigned)i);
		CHECK(sve_through_call(&mine, &seen, SYS_getppid, 0, 0, 0) > 0);
		expect_cut(&mine, &seen, length);
		// Another thread of this CPU has its own in the registers meanwhile.
		CHECK_EQ(
			sve_through_call(&mine, &seen, SYS_nanosleep, (long)&pause, 0, 0),
			0);
		expect_cut(&mine, &seen, length);
	}
	ok("calls");
}

static void check_fork(void)
{
	unsigned length = lengths[lengths_count - 1];
	struct sve mine, seen;
	int status;
	long child;

	must_set_length(length);
	sve_make(&mine, length, 77);
	child = sve_through_call(&mine, &seen, SYS_clone, SIGCHLD, 0, 0);
	CHECK(child >= 0);
	expect_cut(&mine, &seen, length);
	if (child == 0) {
		_exit(0);
	}
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 0);
	ok("fork");
}

static struct sve in_thread;

static int look(void *unused)
{
	sve_store(&in_thread);
	return unused != NULL;
}

/* A thread that has used nothing yet looks. */
static void check_clone(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	static pid_t word;
	struct clone_args args = bare_thread(&word, stack, sizeof(stack));
	static const struct sve zero;
	unsigned length = lengths[lengths_count - 1];

	must_set_length(length);
	for (int i = 0; i < LOOKS; i++) {
		word = -1;
		memset(&in_thread, 0xff, sizeof(in_thread));
		CHECK(clone3_call(&args, sizeof(args), look, NULL) > 0);
		WAIT_UNTIL(__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0);
		// The low 128 bits are the C library's for all we know.
		sve_cut(&in_thread, length);
		for (unsigned n = 0; n < 32; n++) {
			memset(in_thread.byte + n * length, 0, SVE_UNIT);
		}
		CHECK(sve_same(&in_thread, &zero, length));
	}
	ok("clone");
}

/* What the C library's start leaves alone: the second half of vectors and predicates, FFR. */
static int is_fresh(void)
{
	static struct sve seen;
	unsigned length, i, bad = 0;
	const unsigned char *predicates;

	sve_store(&seen);
	length = sve_length();
	predicates = seen.byte + length * 32;
	for (i = length * 16; i < length * 32; i++) {
		bad |= seen.byte[i];
	}
	for (i = length; i < length / 8 * 17; i++) {
		bad |= predicates[i];
	}
	return bad != 0;
}

static void check_exec(void)
{
	char *arguments[] = {"x", "fresh", NULL}, *environment[] = {NULL};
	unsigned length = lengths[lengths_count - 1];
	struct sve mine, unused;
	pid_t child;
	int status;

	must_set_length(length);
	sve_make(&mine, length, 9);
	for (int i = 0; i < 3; i++) {
		child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			sve_through_call(&mine, &unused, SYS_execve,
					 (long)"/proc/self/exe", (long)arguments,
					 (long)environment);
			_exit(2);
		}
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(status, 0);
	}
	ok("exec");
}

/* All on one CPU, which another thread's registers are in. */
static void check_leaks(void)
{
	pthread_t spinner;
	cpu_set_t usable, one;

	CHECK_EQ(sched_getaffinity(0, sizeof(usable), &usable), 0);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	CHECK_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
	spinner = start_thread(spin, NULL);
	check_calls();
	check_fork();
	check_clone();
	check_exec();
	atomic_store(&stop, 1);
	join_thread(spinner);
	CHECK_EQ(sched_setaffinity(0, sizeof(usable), &usable), 0);
}

/* In a child that has used nothing of SVE: the n-th allocation fails, and its first instruction wants one. */
static int fail_first_use(int plan, const char *n)
{
	int status;
	long child = raw_call(SYS_clone, SIGCHLD, 0);

	if (child == 0) {
		register long x8 __asm__("x8") = SYS_write;
		register long x0 __asm__("x0") = plan;
		register long x1 __asm__("x1") = (long)n;
		register long x2 __asm__("x2") = 1;

		__asm__ volatile(".arch_extension sve\n\tsvc #0\n\trdvl x1, #1\n\t"
				 "sub x0, x0, #1\n\tmov x8, #94\n\tsvc #0"
				 : "+r"(x0), "+r"(x1), "+r"(x8)
				 : "r"(x2)
				 : "memory");
	}
	CHECK(child > 0);
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	return status;
}

/* One area, one allocation; the second has none to fail. */
static void check_no_memory(void)
{
	struct ledger before;
	int plan = open("/proc/heddle/fail_nth", O_RDWR | O_CLOEXEC), status;

	if (plan < 0) {
		say("# no plans of failing allocations: not Heddle\n");
		return;
	}
	CHECK_EQ(fail_first_use(plan, "9"), 0);
	ledger_begin(&before);
	status = fail_first_use(plan, "1");
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK_EQ(fail_first_use(plan, "9"), 0);
	ledger_expect(&before);
	close(plan);
	ok("no_memory");
}

static void *change_lengths(void *unused)
{
	for (int i = 0; i < lengths_count; i++) {
		must_set_length(lengths[i]);
	}
	return unused;
}

/* The areas of threads that grew go with them. */
static void check_no_leftovers(void)
{
	struct ledger before;

	if (access("/proc/heddle/ledger", R_OK)) {
		return;
	}
	join_thread(start_thread(change_lengths, NULL));
	ledger_begin(&before);
	for (int i = 0; i < 20; i++) {
		join_thread(start_thread(change_lengths, NULL));
	}
	ledger_expect(&before);
	ok("no_leftovers");
}

int main(int argc, char **argv)
{
	if (!have_sve()) {
		skip("a CPU without SVE");
	}
	if (argc > 1 && strcmp(argv[1], "fresh") == 0) {
		return is_fresh();
	}
	lengths_count = sve_lengths(lengths);
	say("# %d lengths, the longest of %u bytes\n", lengths_count,
	    lengths[lengths_count - 1]);
	check_threads();
	check_leaks();
	check_no_memory();
	check_no_leftovers();
	return 0;
}
