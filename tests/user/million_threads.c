// SPDX-License-Identifier: MIT
/*
 * D5: what it costs to create, to wake and to end a thread does not grow with the number of threads of the process. All are blocked
 * in futex, each on a word of its own, or all on one. With HEDDLE_SOAK=N N times as many, as far as they find room: 50 in 16 GiB
 * are the million (250 where instructions are not counted).
 * deadline: 60
 * counted: yes
 */
#include "ledger.h"
#include "raw.h"
#include "settings.h"
#include <sys/sysinfo.h>

enum {
	BATCH = 1000,
	COUNTED = 20 * BATCH,
	NOT_COUNTED = 4 * BATCH,
	STACK = 4096,
	LIBRARY_STACK = 131072,
	ROOM = 15 * 1024,
	FEW_ROUNDS = 9,
	MOST_BATCHES = 4096,
	GROWTH_MOST = 150, /* percent */
	END = -1,
};

struct one {
	_Atomic int word;
	pid_t alive; /* 0: ended */
};

enum what { CREATE, WAKE, WAKE_ALL, ENDING, WHATS };
static const char *const names[] = {"create", "wake", "wake all", "end"};

/* Nanoseconds a thread, the median of the batches. */
struct costs {
	long long of[WHATS];
};

static struct one *all;
static char *stacks;
static _Atomic int gate, arrived, expected;

static void wait_while(_Atomic int *word, int value)
{
	while (atomic_load(word) == value) {
		futex(word, FUTEX_WAIT_PRIVATE, (uint32_t)value, NULL, NULL, 0);
	}
}

static void arrive(void)
{
	if (atomic_fetch_add(&arrived, 1) + 1 == atomic_load(&expected)) {
		futex(&arrived, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
}

/* Blocked on the word of its own, then on the gate, and so on; END at its own word ends it. */
static int live(void *argument)
{
	struct one *me = argument;

	for (int round = 0;; round++) {
		int at_gate = atomic_load(&gate);

		arrive();
		wait_while(&me->word, round);
		if (atomic_load(&me->word) == END) {
			return 0;
		}
		arrive();
		wait_while(&gate, at_gate);
	}
}

static void await_arrivals(int count)
{
	int now;

	while ((now = atomic_load(&arrived)) != count) {
		futex(&arrived, FUTEX_WAIT_PRIVATE, (uint32_t)now, NULL, NULL, 0);
	}
}

static void expect(int count)
{
	atomic_store(&arrived, 0);
	atomic_store(&expected, count);
}

static void create_batch(int first)
{
	expect(BATCH);
	for (int i = first; i < first + BATCH; i++) {
		struct clone_args args =
			bare_thread(&all[i].alive, stacks + (size_t)i * STACK, STACK);

		atomic_store(&all[i].word, 0);
		all[i].alive = 1;
		CHECK(clone3_call(&args, sizeof(args), live, &all[i]) > 0);
	}
	await_arrivals(BATCH);
}

static void tell(struct one *one, int value)
{
	atomic_store(&one->word, value);
	CHECK(futex(&one->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) >= 0);
}

static void wake_batch(int first)
{
	expect(BATCH);
	for (int i = first; i < first + BATCH; i++) {
		tell(&all[i], atomic_load(&all[i].word) + 1);
	}
	await_arrivals(BATCH);
}

static void end_batch(int first)
{
	for (int i = first; i < first + BATCH; i++) {
		tell(&all[i], END);
	}
	for (int i = first; i < first + BATCH; i++) {
		while (__atomic_load_n(&all[i].alive, __ATOMIC_SEQ_CST)) {
			futex(&all[i].alive, FUTEX_WAIT, 1, NULL, NULL, 0);
		}
	}
}

/* From their own words to the gate was wake_batch; this is back, all at once. Nanoseconds a thread. */
static long long wake_all(int count)
{
	long long start = now_ns();

	expect(count);
	atomic_fetch_add(&gate, 1);
	CHECK(futex(&gate, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0) >= 0);
	await_arrivals(count);
	return (now_ns() - start) / count;
}

static int by_size(const void *a, const void *b)
{
	long long first = *(const long long *)a, second = *(const long long *)b;

	return (first > second) - (first < second);
}

static long long median(long long *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), by_size);
	return values[count / 2];
}

/* The batches from `first` up to `end`, all threads of them; the median, a thread. */
static long long each_batch(void (*act)(int first), int first, int end)
{
	static long long times[MOST_BATCHES];
	int count = 0;

	for (int at = first; at < end; at += BATCH) {
		long long start = now_ns();

		act(at);
		times[count++] = (now_ns() - start) / BATCH;
	}
	return median(times, count);
}

/* The last tenth of those created, and the first tenth of those ended, tell what it costs among so many. */
static struct costs among(int count)
{
	int tenth = count / BATCH > 10 ? count / BATCH / 10 * BATCH : BATCH;
	struct costs costs;

	each_batch(create_batch, 0, count - tenth);
	costs.of[CREATE] = each_batch(create_batch, count - tenth, count);
	costs.of[WAKE] = each_batch(wake_batch, 0, count);
	costs.of[WAKE_ALL] = wake_all(count);
	costs.of[ENDING] = each_batch(end_batch, 0, tenth);
	each_batch(end_batch, tenth, count);
	return costs;
}

static struct costs among_few(void)
{
	struct costs rounds[FEW_ROUNDS], costs;

	for (int i = 0; i < FEW_ROUNDS; i++) {
		rounds[i] = among(BATCH);
	}
	for (int what = 0; what < WHATS; what++) {
		long long times[FEW_ROUNDS];

		for (int i = 0; i < FEW_ROUNDS; i++) {
			times[i] = rounds[i].of[what];
		}
		costs.of[what] = median(times, FEW_ROUNDS);
	}
	return costs;
}

static int how_many(void)
{
	const char *soak = getenv("HEDDLE_SOAK");
	long sample = getenv("HEDDLE_COUNTED") ? COUNTED : NOT_COUNTED, fit;
	long wanted = sample * (soak ? atol(soak) : 1);
	struct sysinfo info;

	CHECK_EQ(sysinfo(&info), 0);
	fit = (long)(info.freeram / ROOM);
	if (wanted > fit) {
		say("# room for %ld threads, not %ld\n", fit, wanted);
	}
	return (int)(wanted < fit ? wanted : fit) / BATCH * BATCH;
}

/* Room for a million threads: numbers, and areas for the stacks of the library's. */
static struct setting numbers = {.path = "/proc/sys/kernel/pid_max"};
static struct setting areas = {.path = "/proc/sys/vm/max_map_count"};

static void *room(size_t size)
{
	void *start = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(start != MAP_FAILED);
	memset(start, 1, size);
	return start;
}

static void *pass_gate(void *at_gate)
{
	arrive();
	wait_while(&gate, (int)(intptr_t)at_gate);
	return at_gate;
}

/* With the C library's threads, a tenth as many. */
static void library_threads(int count)
{
	pthread_t *threads = room((size_t)count * sizeof(*threads));
	int closed = atomic_load(&gate);
	pthread_attr_t attributes;
	void *result;

	CHECK_EQ(pthread_attr_init(&attributes), 0);
	CHECK_EQ(pthread_attr_setstacksize(&attributes, LIBRARY_STACK), 0);
	expect(count);
	for (int i = 0; i < count; i++) {
		CHECK_EQ(pthread_create(&threads[i], &attributes, pass_gate,
					(void *)(intptr_t)closed),
			 0);
	}
	await_arrivals(count);
	atomic_fetch_add(&gate, 1);
	CHECK(futex(&gate, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0) >= 0);
	for (int i = 0; i < count; i++) {
		CHECK_EQ(pthread_join(threads[i], &result), 0);
		CHECK_EQ((intptr_t)result, closed);
	}
	say("# %d threads of the library\n", count);
	ok("library_threads");
}

int main(void)
{
	int count = how_many();
	struct costs few, many;

	if (getenv("HEDDLE_TEST_GUEST")) {
		change_setting(&numbers, "4194304");
		change_setting(&areas, "4194304");
	}
	all = room((size_t)count * sizeof(*all));
	stacks = room((size_t)count * STACK);
	among(BATCH); // what is made once only is made now
	few = among_few();
	many = among(count);
	for (int what = 0; what < WHATS; what++) {
		say("# %s: %lld ns among %d, %lld ns among %d threads\n", names[what],
		    few.of[what], BATCH, many.of[what], count);
		if (getenv("HEDDLE_COUNTED")) {
			CHECK(many.of[what] * 100 <= few.of[what] * GROWTH_MOST);
		}
	}
	ok("costs");
	CHECK_EQ(munmap(stacks, (size_t)count * STACK), 0);
	library_threads(count / 10);
	if (getenv("HEDDLE_TEST_GUEST")) {
		restore_setting(&numbers);
		restore_setting(&areas);
	}
	return 0;
}
