// SPDX-License-Identifier: MIT
/*
 * D2: SCHED_DEADLINE: parameters and who may ask for them, what is promised in all, throttling, sched_yield, SIGXCPU, fork, affinity,
 * and that it comes before the highest real-time priority, by inheritance too. Needs CAP_SYS_NICE.
 * deadline: 40
 * oracle: guest
 */
#include "raw.h"
#include <sys/prctl.h>
#include <sys/resource.h>

enum { DEADLINE = 6, MILLISECOND = 1000000, SOMEBODY = 1000 };
enum { RESET_ON_FORK = 1, OVERRUN = 4, KEEP_POLICY = 8, KEEP_PARAMS = 16 };

struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

enum { SIZE_FIRST = 48 };

static struct attributes every(uint64_t runtime, uint64_t deadline, uint64_t period)
{
	return (struct attributes){
		.size = sizeof(struct attributes),
		.policy = DEADLINE,
		.runtime = runtime,
		.deadline = deadline,
		.period = period,
	};
}

static long set(pid_t thread, const struct attributes *a)
{
	return syscall(SYS_sched_setattr, thread, a, 0);
}

static long get(pid_t thread, struct attributes *a)
{
	return syscall(SYS_sched_getattr, thread, a, sizeof(*a), 0);
}

static void take(uint64_t runtime_ms, uint64_t period_ms, uint64_t flags)
{
	struct attributes a = every(runtime_ms * MILLISECOND, period_ms * MILLISECOND, 0);

	a.flags = flags;
	CHECK_EQ(set(0, &a), 0);
}

static int set_policy(int policy, int priority)
{
	struct sched_param parameters = {.sched_priority = priority};

	return (int)syscall(SYS_sched_setscheduler, 0, policy, &parameters);
}

static long long cpu_ns(void)
{
	struct timespec now;

	CHECK_EQ(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static void expect_refused(uint64_t runtime, uint64_t deadline, uint64_t period)
{
	struct attributes a = every(runtime, deadline, period);

	CHECK_ERRNO(set(0, &a), EINVAL);
}

static void bad_parameters(void)
{
	struct attributes a = every(MILLISECOND, 10 * MILLISECOND, 0);

	expect_refused(1023, MILLISECOND, MILLISECOND);
	expect_refused(MILLISECOND, 0, MILLISECOND);
	expect_refused(MILLISECOND + 1, MILLISECOND, 2 * MILLISECOND);
	expect_refused(1024, 2 * MILLISECOND, MILLISECOND);
	expect_refused(MILLISECOND, 1ull << 63, 0);
	expect_refused(MILLISECOND, 2 * MILLISECOND, 1ull << 63 | 2 * MILLISECOND);
	expect_refused(10000, 99000, 0);                       // shortest: 100 µs
	expect_refused(MILLISECOND, 4200ull * MILLISECOND, 0); // longest: 4.19 s
	a.priority = 1;
	CHECK_ERRNO(set(0, &a), EINVAL);
	a.priority = 0;
	a.flags = 1ull << 40;
	CHECK_ERRNO(set(0, &a), EINVAL);
	a.flags = 0;
	CHECK_ERRNO(set(0x3ffffff, &a), ESRCH);
	CHECK_ERRNO(set(-1, &a), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_setattr, 0, &a, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_setattr, 0, NULL, 0), EINVAL);
	CHECK_ERRNO(set_policy(DEADLINE, 0), EINVAL);
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER);
}

static void sizes(void)
{
	union {
		struct attributes a;
		unsigned char bytes[8192];
	} u = {.a = every(MILLISECOND, 10 * MILLISECOND, 0)};

	u.a.size = SIZE_FIRST - 1;
	CHECK_ERRNO(set(0, &u.a), E2BIG);
	CHECK(u.a.size >= sizeof(u.a));
	u.a.size = 4097;
	CHECK_ERRNO(set(0, &u.a), E2BIG);
	u.a.size = 4096;
	u.bytes[4000] = 1;
	CHECK_ERRNO(set(0, &u.a), E2BIG);
	CHECK(u.a.size >= sizeof(u.a) && u.a.size < 4096);
	u.bytes[4000] = 0;
	u.a.size = 4096;
	CHECK_EQ(set(0, &u.a), 0);
	u.a.size = 0; // the first size there was
	CHECK_EQ(set(0, &u.a), 0);
	u.a.size = SIZE_FIRST;
	CHECK_EQ(set(0, &u.a), 0);
}

static long priority_in_stat(void)
{
	char text[2000];
	int fd = open("/proc/self/stat", O_RDONLY), field = 2;
	ssize_t length = read(fd, text, sizeof(text) - 1);
	char *at;

	CHECK(length > 0);
	text[length] = 0;
	close(fd);
	for (at = strrchr(text, ')'); field < 18; field++) {
		at = strchr(at + 1, ' ');
		CHECK(at);
	}
	return strtol(at, NULL, 10);
}

static void reads_back(void)
{
	struct attributes a = every(MILLISECOND, 8 * MILLISECOND, 10 * MILLISECOND);
	struct sched_param parameters = {.sched_priority = 7};
	struct timespec interval = {1, 1};

	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 3), 0);
	CHECK_EQ(set(0, &a), 0);
	memset(&a, 0xff, sizeof(a));
	CHECK_EQ(get(0, &a), 0);
	CHECK_EQ(a.size, sizeof(a));
	CHECK_EQ(a.policy, DEADLINE);
	CHECK_EQ(a.flags, 0);
	CHECK_EQ(a.nice, 0);
	CHECK_EQ(a.priority, 0);
	CHECK_EQ(a.runtime, MILLISECOND);
	CHECK_EQ(a.deadline, 8 * MILLISECOND);
	CHECK_EQ(a.period, 10 * MILLISECOND);
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), DEADLINE);
	CHECK_EQ(syscall(SYS_sched_getparam, 0, &parameters), 0);
	CHECK_EQ(parameters.sched_priority, 0);
	CHECK_ERRNO(syscall(SYS_sched_setparam, 0, &parameters), EINVAL);
	CHECK_EQ(sched_rr_get_interval(0, &interval), 0);
	CHECK(interval.tv_sec == 0 && interval.tv_nsec == 0);
	CHECK_EQ(priority_in_stat(), -101);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 5), 0);
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), DEADLINE);
	a = (struct attributes){.size = sizeof(a), .flags = KEEP_POLICY | KEEP_PARAMS};
	CHECK_EQ(set(0, &a), 0);
	CHECK_EQ(get(0, &a), 0);
	CHECK_EQ(a.runtime, MILLISECOND);
	CHECK_EQ(set_policy(SCHED_OTHER, 0), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 5);
	CHECK_EQ(get(0, &a), 0);
	CHECK_EQ(a.runtime, 0);
}

static void without_right(void)
{
	struct attributes a = every(MILLISECOND, 10 * MILLISECOND, 0);

	CHECK_EQ(setresuid(SOMEBODY, SOMEBODY, SOMEBODY), 0);
	CHECK_ERRNO(set(0, &a), EPERM);
	a.runtime = 1;
	CHECK_ERRNO(set(0, &a), EINVAL);
}

static void affinity(void)
{
	struct attributes a = every(MILLISECOND, 10 * MILLISECOND, 0);
	cpu_set_t all, one;

	CHECK_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
	if (CPU_COUNT(&all) < 2) {
		say("# one CPU\n");
		return;
	}
	CPU_ZERO(&one);
	for (int cpu = CPU_SETSIZE; --cpu >= 0;) {
		if (CPU_ISSET(cpu, &all)) {
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
		}
	}
	CHECK_EQ(set(0, &a), 0);
	CHECK_ERRNO(sched_setaffinity(0, sizeof(one), &one), EBUSY);
	CHECK_EQ(sched_setaffinity(0, sizeof(all), &all), 0);
	CHECK_EQ(set_policy(SCHED_OTHER, 0), 0);
	CHECK_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
	CHECK_ERRNO(set(0, &a), EPERM);
}

static void *return_policy(void *unused)
{
	(void)unused;
	return (void *)syscall(SYS_sched_getscheduler, 0);
}

static void ordinary(void)
{
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER);
}

static void forks(void)
{
	pthread_t thread;
	void *policy;

	take(1, 10, 0);
	CHECK_ERRNO(fork(), EAGAIN);
	CHECK_EQ(pthread_create(&thread, NULL, return_policy, NULL), EAGAIN);
	take(1, 10, RESET_ON_FORK);
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), DEADLINE | 0x40000000);
	must_pass_in_child(ordinary);
	CHECK_EQ(pthread_create(&thread, NULL, return_policy, NULL), 0);
	CHECK_EQ(pthread_join(thread, &policy), 0);
	CHECK_EQ((long)policy, SCHED_OTHER);
}

/* ---- what is promised in all ---- */

enum { TWO_FIFTHS = 40, MOST = 200 };

/* A child that is promised two fifths of a CPU, until its pipe closes. 0: it was not. */
static pid_t reserve(int stay[2])
{
	struct attributes a = every(TWO_FIFTHS * 100000, 100 * 100000, 0);
	int answer[2];
	pid_t child;
	char byte;

	CHECK_EQ(pipe(answer), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(stay[1]);
		if (set(0, &a) < 0) {
			CHECK_EQ(errno, EBUSY);
			_exit(0);
		}
		CHECK_EQ(write(answer[1], "x", 1), 1);
		(void)!read(stay[0], &byte, 1);
		_exit(0);
	}
	close(answer[1]);
	if (read(answer[0], &byte, 1) != 1) {
		CHECK_EQ(waitpid(child, NULL, 0), child);
		child = 0;
	}
	close(answer[0]);
	return child;
}

static int reserve_all(void)
{
	pid_t children[MOST];
	int stay[2], count = 0;

	CHECK_EQ(pipe(stay), 0);
	while (count < MOST && (children[count] = reserve(stay)) != 0) {
		count++;
	}
	close(stay[0]);
	close(stay[1]);
	for (int i = 0; i < count; i++) {
		CHECK_EQ(waitpid(children[i], NULL, 0), children[i]);
	}
	return count;
}

static void admission(void)
{
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	int count = reserve_all();

	say("# %d for %d CPUs\n", count, cpus);
	CHECK(count >= cpus * 90 / TWO_FIFTHS && count <= cpus * 95 / TWO_FIFTHS);
	for (int i = 0; i < 5; i++) {
		WAIT_UNTIL(reserve_all() == count); // all of it was given back
	}
}

static long long limit(const char *name)
{
	char path[100], text[32];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	length = read(fd, text, sizeof(text) - 1);
	CHECK(length > 0);
	text[length] = 0;
	close(fd);
	return strtoll(text, NULL, 10);
}

static int set_limit(const char *name, const char *value)
{
	char path[100];
	int fd, result;

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
	fd = open(path, O_WRONLY);
	CHECK(fd >= 0);
	result = (int)write(fd, value, strlen(value));
	close(fd);
	return result;
}

/* Of a machine that is ours. */
static void limits(void)
{
	struct attributes a = every(50 * MILLISECOND, 100 * MILLISECOND, 0);

	CHECK_EQ(limit("sched_rt_runtime_us"), 950000);
	CHECK_EQ(limit("sched_rt_period_us"), 1000000);
	CHECK_EQ(limit("sched_deadline_period_min_us"), 100);
	CHECK_EQ(limit("sched_deadline_period_max_us"), 4194304);
	CHECK_EQ(set(0, &a), 0);
	CHECK_ERRNO(set_limit("sched_rt_runtime_us", "10000"), EBUSY);
	CHECK_ERRNO(set_limit("sched_rt_runtime_us", "1000001"), EINVAL);
	CHECK_ERRNO(set_limit("sched_rt_runtime_us", "-2"), EINVAL);
	CHECK_ERRNO(set_limit("sched_rt_period_us", "0"), EINVAL);
	CHECK_ERRNO(set_limit("sched_rt_runtime_us", "many"), EINVAL);
	CHECK_EQ(limit("sched_rt_runtime_us"), 950000);
	CHECK_EQ(set_limit("sched_rt_runtime_us", "-1"), 2);
	CHECK_EQ(limit("sched_rt_runtime_us"), -1);
	a.runtime = 100 * MILLISECOND;
	CHECK_EQ(set(0, &a), 0); // nobody is refused
	a.runtime = MILLISECOND;
	CHECK_EQ(set(0, &a), 0);
	CHECK_EQ(set_limit("sched_rt_runtime_us", "950000\n"), 7);
	CHECK_EQ(set_limit("sched_deadline_period_min_us", "200000"), 6);
	CHECK_ERRNO(set(0, &a), EINVAL);
	CHECK_ERRNO(set_limit("sched_deadline_period_max_us", "199999"), EINVAL);
	CHECK_EQ(set_limit("sched_deadline_period_min_us", "100"), 3);
}

/* ---- the server ---- */

/* What the machine stood still for counts as used, and no scheduler can help it. */
static void throttling(void)
{
	long long began, used, last, stood = 0;

	take(20, 100, 0);
	began = now_ns();
	used = cpu_ns();
	for (last = used; now_ns() - began < 500 * MILLISECOND;) {
		long long now = cpu_ns();

		stood += now - last > 4 * MILLISECOND ? now - last : 0;
		last = now;
	}
	used = cpu_ns() - used;
	say("# %lld ms of %lld\n", used / MILLISECOND, (now_ns() - began) / MILLISECOND);
	CHECK(used >= 30 * MILLISECOND);
	CHECK(used - stood <= (now_ns() - began) / 4 + 40 * MILLISECOND);
}

static void yields(void)
{
	long long began;

	take(5, 20, 0);
	CHECK_EQ(sched_yield(), 0);
	began = now_ns();
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(sched_yield(), 0);
	}
	CHECK(now_ns() - began >= 75 * MILLISECOND);
}

static atomic_int overruns;

static void count_overrun(int signal)
{
	(void)signal;
	atomic_fetch_add(&overruns, 1);
}

static void overrun(void)
{
	struct attributes a;
	long long began;

	CHECK(signal(SIGXCPU, count_overrun) != SIG_ERR);
	take(5, 20, OVERRUN);
	CHECK_EQ(get(0, &a), 0);
	CHECK_EQ(a.flags, OVERRUN);
	began = now_ns();
	while (atomic_load(&overruns) < 2) {
		CHECK(now_ns() - began < WAIT_LIMIT_NS);
	}
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(sched_yield(), 0); // gives it up: no overrun
	}
	take(5, 20, 0);
	CHECK_EQ(sched_yield(), 0);
	CHECK_EQ(sched_yield(), 0);
	atomic_store(&overruns, 0); // the one that may have been on its way has come
	began = now_ns();
	while (now_ns() - began < 60 * MILLISECOND) {
	}
	CHECK_EQ(atomic_load(&overruns), 0);
}

/* ---- before the real-time ---- */

enum { MOST_CPUS = 64 };

static atomic_int spinning, enough;
static pthread_t spinners[MOST_CPUS];
static int cpus;

static void *spin(void *unused)
{
	(void)unused;
	atomic_fetch_add(&spinning, 1);
	while (!atomic_load(&enough)) {
	}
	return NULL;
}

static void doze(void)
{
	struct timespec moment = {0, MILLISECOND};

	nanosleep(&moment, NULL);
}

/* One real-time thread a CPU; the caller comes before them. */
static void start_spinners(void)
{
	cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	CHECK(cpus <= MOST_CPUS);
	CHECK_EQ(set_policy(SCHED_FIFO, 50), 0);
	for (int i = 0; i < cpus; i++) {
		spinners[i] = start_thread(spin, NULL);
	}
	CHECK_EQ(set_policy(SCHED_FIFO, 60), 0);
	while (atomic_load(&spinning) < cpus) {
		doze();
	}
}

static void stop_spinners(void)
{
	atomic_store(&enough, 1);
	for (int i = 0; i < cpus; i++) {
		join_thread(spinners[i]);
	}
}

static void before_realtime(void)
{
	long long began;

	start_spinners();
	take(5, 20, 0);
	began = now_ns();
	for (int i = 0; i < 20; i++) {
		doze();
	}
	began = now_ns() - began;
	stop_spinners();
	say("# 20 times 1 ms: %lld ms\n", began / MILLISECOND);
	CHECK(began < 3000ll * MILLISECOND); // behind them it would be a second each time
}

static pthread_mutex_t mutex;
static atomic_int owned, work;

/* Fair: it goes on only with what it inherits. */
static void *own(void *unused)
{
	long long end;

	(void)unused;
	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
	atomic_store(&owned, 1);
	while (!atomic_load(&work)) {
	}
	end = cpu_ns() + 20 * MILLISECOND;
	while (cpu_ns() < end) {
	}
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	return NULL;
}

static void inherits(void)
{
	pthread_mutexattr_t kind;
	pthread_t owner;
	long long began;

	CHECK_EQ(pthread_mutexattr_init(&kind), 0);
	CHECK_EQ(pthread_mutexattr_setprotocol(&kind, PTHREAD_PRIO_INHERIT), 0);
	CHECK_EQ(pthread_mutex_init(&mutex, &kind), 0);
	owner = start_thread(own, NULL);
	WAIT_UNTIL(atomic_load(&owned));
	start_spinners();
	take(5, 50, 0);
	began = now_ns();
	atomic_store(&work, 1);
	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
	began = now_ns() - began;
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	stop_spinners();
	join_thread(owner);
	say("# the lock after %lld ms\n", began / MILLISECOND);
	CHECK(began < 800 * MILLISECOND); // real-time threads may take 950 of a second
}

int main(void)
{
	struct attributes a = every(MILLISECOND, 100 * MILLISECOND, 0);

	if (set(0, &a) < 0) {
		say("# sched_setattr: %s\n", strerror(errno));
		skip("SCHED_DEADLINE is not allowed here");
	}
	CHECK_EQ(set_policy(SCHED_OTHER, 0), 0);
	must_pass_in_child(bad_parameters);
	must_pass_in_child(sizes);
	must_pass_in_child(reads_back);
	ok("parameters");
	must_pass_in_child(without_right);
	must_pass_in_child(affinity);
	must_pass_in_child(forks);
	ok("rights");
	must_pass_in_child(admission);
	must_pass_in_child(limits);
	ok("admission");
	must_pass_in_child(throttling);
	must_pass_in_child(yields);
	must_pass_in_child(overrun);
	ok("server");
	must_pass_in_child(before_realtime);
	must_pass_in_child(inherits);
	ok("urgent");
	return 0;
}
