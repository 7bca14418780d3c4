// SPDX-License-Identifier: MIT
/*
 * F1: priority inheritance: who holds a word acts by the most urgent of those who wait for it, along chains of any length; what
 * changes while they wait is carried on, also to other CPUs; rings are EDEADLK for who closes them.
 * What a thread acts by is the 18th field of its stat file.
 * deadline: 60
 */
#include "cpus.h"
#include "pi_futex.h"

enum { LONGEST = 120 };

#define ACTS_BY(tid, priority) WAIT_UNTIL_ASLEEP(acts_by(tid) == -1 - (priority))
#define ACTS_FAIR(tid)         WAIT_UNTIL_ASLEEP(acts_by(tid) == acts_fair())

/* As WAIT_UNTIL, for those who may be more urgent than what they wait for. */
#define WAIT_UNTIL_ASLEEP(condition) WAIT_UNTIL_BY(condition, usleep(500))

/*
 * Thread i holds words[i] and waits for words[i - 1], thread 0 for nobody but us: until `release` is its number or less. Each has
 * `priority`, 0 for none, of its own.
 */
static uint32_t words[LONGEST + 1];
static struct link {
	pthread_t thread;
	_Atomic pid_t tid;
	int priority;
	int operation; /* how it waits */
	const struct timespec *deadline;
	long result; /* of its wait */
	_Atomic bool ended;
} links[LONGEST];
static _Atomic int release_from;
static _Atomic bool holding[LONGEST];

static void *be_link(void *argument)
{
	struct link *self = argument;
	long me = self - links;

	become(self->priority ? SCHED_FIFO : SCHED_OTHER, self->priority);
	fast_lock(&words[me]);
	self->tid = thread_id();
	holding[me] = true;
	if (me) {
		errno = 0;
		self->result = futex(&words[me - 1], self->operation, 0, self->deadline,
				     NULL, 0);
		self->result = self->result ? errno : 0;
		if (!self->result) {
			CHECK_EQ(owner_of(&words[me - 1]), (uint32_t)self->tid);
			fast_unlock(&words[me - 1]);
		}
	}
	while (release_from > me) {
		usleep(500);
	}
	fast_unlock(&words[me]);
	self->ended = true;
	return NULL;
}

static void start_link(int i, int priority)
{
	links[i] =
		(struct link){.priority = priority, .operation = FUTEX_LOCK_PI_PRIVATE};
	holding[i] = false;
	links[i].thread = start_thread(be_link, &links[i]);
	WAIT_UNTIL_ASLEEP(holding[i] && (i == 0 || thread_state(links[i].tid) == 'S'));
}

static void start_links(int count)
{
	release_from = LONGEST;
	memset(words, 0, sizeof(words));
	for (int i = 0; i < count; i++) {
		start_link(i, 0);
	}
}

static void end_links(int count)
{
	release_from = 0;
	for (int i = 0; i < count; i++) {
		join_thread(links[i].thread);
	}
	for (int i = 0; i < count - 1; i++) { // for the last one's others may wait
		CHECK_EQ(words[i], 0);
	}
}

static void set_priority(int i, int priority)
{
	struct sched_param parameter = {.sched_priority = priority};

	CHECK_EQ(sched_setscheduler(links[i].tid, priority ? SCHED_FIFO : SCHED_OTHER,
				    &parameter),
		 0);
}

static void check_one_owner(void)
{
	start_links(1);
	ACTS_FAIR(links[0].tid);
	start_link(1, 10);
	ACTS_BY(links[0].tid, 10);
	CHECK_EQ(sched_getscheduler(links[0].tid), SCHED_OTHER); // its own it keeps
	set_priority(0, 5);
	ACTS_BY(links[0].tid, 10);
	set_priority(0, 20);
	ACTS_BY(links[0].tid, 20);
	set_priority(0, 0);
	ACTS_BY(links[0].tid, 10);
	end_links(2);
	ok("one_owner");
}

static void check_chain(int length)
{
	start_links(length);
	for (int i = 0; i < length; i++) {
		ACTS_FAIR(links[i].tid);
	}
	set_priority(length - 1, 30); // the last one's change goes all the way
	for (int i = 0; i < length; i++) {
		ACTS_BY(links[i].tid, 30);
	}
	set_priority(length / 2, 40); // in the middle: only what is behind it
	ACTS_BY(links[0].tid, 40);
	ACTS_BY(links[length - 1].tid, 30);
	set_priority(length - 1, 0);
	ACTS_BY(links[0].tid, 40);
	ACTS_FAIR(links[length - 1].tid);
	set_priority(length / 2, 0);
	for (int i = 0; i < length; i++) {
		ACTS_FAIR(links[i].tid);
	}
	end_links(length);
}

static void check_chains(void)
{
	check_chain(3);
	check_chain(4);
	check_chain(LONGEST);
	ok("chains");
}

/* ---- waiters come and go ---- */

static _Atomic pid_t waiter_tid;
static atomic_int wait_result;
static struct timespec wait_deadline;
static int wait_priority;

static void *wait_for_last(void *word)
{
	long result;

	become(SCHED_FIFO, wait_priority);
	waiter_tid = thread_id();
	result = futex(word, FUTEX_LOCK_PI2_PRIVATE, 0,
		       wait_deadline.tv_sec ? &wait_deadline : NULL, NULL, 0);
	wait_result = result ? errno : 0;
	if (!result) {
		CHECK_EQ(unlock_pi(word), 0);
	}
	return NULL;
}

static pthread_t start_waiting(uint32_t *word, int priority, int milliseconds)
{
	pthread_t thread;

	waiter_tid = wait_result = 0;
	wait_priority = priority;
	clock_gettime(CLOCK_MONOTONIC, &wait_deadline);
	wait_deadline.tv_nsec += milliseconds * 1000000l;
	wait_deadline.tv_sec += wait_deadline.tv_nsec / 1000000000;
	wait_deadline.tv_nsec %= 1000000000;
	if (!milliseconds) {
		wait_deadline.tv_sec = 0;
	}
	thread = start_thread(wait_for_last, word);
	return thread;
}

/* Who gives up takes back what it lent. */
static void check_deadline(void)
{
	pthread_t thread;

	start_links(3);
	thread = start_waiting(&words[2], 50, 1500);
	ACTS_BY(links[0].tid, 50);
	ACTS_BY(links[2].tid, 50);
	join_thread(thread);
	CHECK_EQ(wait_result, ETIMEDOUT);
	ACTS_FAIR(links[0].tid);
	ACTS_FAIR(links[2].tid);
	end_links(3);
	ok("deadline");
}

/* Of several that wait the most urgent counts; who is handed the word has what the others lend. */
static void check_several(void)
{
	pthread_t waiters[3];
	pid_t tids[3];
	static const int priorities[3] = {20, 40, 30};

	start_links(2);
	for (int i = 0; i < 3; i++) {
		waiters[i] = start_waiting(&words[1], priorities[i], 0);
		wait_until_sleeping(&waiter_tid);
		tids[i] = waiter_tid;
	}
	ACTS_BY(links[0].tid, 40);
	CHECK_EQ(acts_by(tids[0]), -21);
	CHECK_EQ(acts_by(tids[1]), -41);
	end_links(2);
	for (int i = 0; i < 3; i++) {
		join_thread(waiters[i]);
	}
	ok("several");
}

/* A thread that waits is ended by a signal: its process goes, and with it what it lent. */
static void check_killed(void)
{
	uint32_t *word = shared_page();
	pid_t child;

	CHECK_EQ(futex(word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
	child = fork();
	if (child == 0) {
		become(SCHED_FIFO, 60);
		futex(word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
		_exit(1);
	}
	ACTS_BY(thread_id(), 60);
	kill(child, SIGKILL);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	ACTS_FAIR(thread_id());
	CHECK_EQ(futex(word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
	ok("killed");
}

/* ---- what it is for ---- */

static _Atomic bool go, stop;
static _Atomic long hog_turns;

static void *hold_for_a_while(void *cpu)
{
	long long start = now_ns();

	pin(0, (unsigned)(uintptr_t)cpu);
	become(SCHED_OTHER, 0);
	fast_lock(&words[0]);
	holding[0] = true;
	while (!go) {
		CHECK(now_ns() - start < WAIT_LIMIT_NS);
	}
	for (volatile long i = 0; i < 1000000; i++) { // it needs the CPU for that
	}
	CHECK_EQ(hog_turns, 0);
	fast_unlock(&words[0]);
	return NULL;
}

static uint32_t gate;

static void *hog(void *cpu)
{
	long long start;

	pin(0, (unsigned)(uintptr_t)cpu);
	become(SCHED_FIFO, 30);
	waiter_tid = thread_id();
	CHECK_EQ(futex(&gate, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), 0);
	start = now_ns();
	while (!stop && now_ns() - start < 3000000000ll) {
		hog_turns++;
	}
	return NULL;
}

static pid_t urgent_tid;

/* When the urgent one waits: the hog may run, and then the owner may go on. */
static void *start_hog(void *unused)
{
	(void)unused;
	pin(0, 0);
	become(SCHED_FIFO, 60);
	while (thread_state(urgent_tid) != 'S' || !(word_of(&words[0]) & FUTEX_WAITERS)) {
		usleep(500);
	}
	CHECK_EQ(futex(&gate, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
	go = true;
	return NULL;
}

/* The owner is fair, on `cpu`, and the hog, on the same, is between it and us: we do not wait for him. */
static void check_no_inversion(int cpu)
{
	pthread_t owner, between, starter;

	go = stop = holding[0] = false;
	hog_turns = waiter_tid = 0;
	words[0] = 0;
	between = start_thread(hog, (void *)(uintptr_t)cpu);
	wait_until_sleeping(&waiter_tid);
	owner = start_thread(hold_for_a_while, (void *)(uintptr_t)cpu);
	WAIT_UNTIL_ASLEEP(holding[0]);
	starter = start_thread(start_hog, NULL);
	fast_lock(&words[0]);
	fast_unlock(&words[0]);
	stop = true;
	join_thread(owner);
	join_thread(between);
	join_thread(starter);
}

static void check_inversion(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	urgent_tid = thread_id();
	pin(0, 0);
	become(SCHED_FIFO, 50);
	for (int cpu = 0; cpu < cpus && cpu < 2; cpu++) {
		check_no_inversion(cpu);
	}
	become(SCHED_OTHER, 0);
	ok("no_inversion");
}

/* ---- rings ---- */

/* Thread i holds words[i] and waits for the next one's; the last for the first one's. */
static pthread_barrier_t barrier;
static int ring_length;
static atomic_int refused, ring_holding;
static _Atomic bool close_ring;
static _Atomic pid_t ring_tids[LONGEST];

static void *be_in_ring(void *argument)
{
	int me = (int)(uintptr_t)argument;
	int next = (me + 1) % ring_length;

	fast_lock(&words[me]);
	ring_tids[me] = thread_id();
	ring_holding++;
	if (me == ring_length - 1) {
		while (!close_ring) {
			usleep(500);
		}
	}
	if (lock_pi(&words[next])) {
		CHECK_EQ(errno, EDEADLK);
		refused++;
	} else {
		CHECK_EQ(unlock_pi(&words[next]), 0);
	}
	fast_unlock(&words[me]);
	return NULL;
}

/* The last one closes the ring when all others wait: it alone is refused. */
static void check_closed_ring(int length)
{
	pthread_t threads[LONGEST];

	memset(words, 0, sizeof(words));
	ring_length = length;
	close_ring = false;
	refused = ring_holding = 0;
	for (int i = length - 1; i >= 0; i--) { // each finds the next one's word taken
		int before = ring_holding;

		threads[i] = start_thread(be_in_ring, (void *)(uintptr_t)i);
		WAIT_UNTIL_ASLEEP(ring_holding == before + 1);
	}
	for (int i = 0; i < length - 1; i++) {
		wait_until_sleeping(&ring_tids[i]);
	}
	close_ring = true;
	for (int i = 0; i < length; i++) {
		join_thread(threads[i]);
	}
	for (int i = 0; i < length; i++) {
		CHECK_EQ(words[i], 0);
	}
	CHECK_EQ(refused, 1);
}

static void *close_together(void *argument)
{
	int me = (int)(uintptr_t)argument;
	int next = (me + 1) % ring_length;

	for (int round = 0; round < 100; round++) {
		fast_lock(&words[me]);
		pthread_barrier_wait(&barrier);
		if (lock_pi(&words[next])) {
			CHECK_EQ(errno, EDEADLK);
			refused++;
		} else {
			CHECK_EQ(unlock_pi(&words[next]), 0);
		}
		fast_unlock(&words[me]);
		pthread_barrier_wait(&barrier);
		CHECK(refused >=
		      round + 1); // at least one a round, or we would not be here
	}
	return NULL;
}

static void check_closed_together(int length)
{
	pthread_t threads[LONGEST];

	memset(words, 0, sizeof(words));
	ring_length = length;
	refused = 0;
	CHECK_EQ(pthread_barrier_init(&barrier, NULL, (unsigned)length), 0);
	for (int i = 0; i < length; i++) {
		threads[i] = start_thread(close_together, (void *)(uintptr_t)i);
	}
	for (int i = 0; i < length; i++) {
		join_thread(threads[i]);
	}
	for (int i = 0; i < length; i++) {
		CHECK_EQ(words[i], 0);
	}
	pthread_barrier_destroy(&barrier);
}

static void check_rings(void)
{
	check_closed_ring(2);
	check_closed_ring(3);
	check_closed_ring(LONGEST);
	ok("rings");
	check_closed_together(2);
	check_closed_together(5);
	ok("closed_together");
}

int main(void)
{
	if (geteuid() != 0) {
		skip("real-time priorities need rights");
	}
	check_one_owner();
	check_chains();
	check_deadline();
	check_several();
	check_killed();
	check_inversion();
	check_rings();
	return 0;
}
