// SPDX-License-Identifier: MIT
/*
 * B4, B5: threads come and go, fork, share memory and execute, by chance, while one looks at every block: it is never shared,
 * dirty or lost, and says whose it is. With HEDDLE_SOAK=N N times as long, HEDDLE_SEED=N another order. Linux has no
 * blocks: skipped there.
 * deadline: 120
 */
#include "blocks.h"
#include "ledger.h"
#include "raw.h"
#include <sys/uio.h>

enum {
	WORKERS = 24,
	ROUNDS = 30,
	STACK = 32768,
	AT_ONCE = 2 * WORKERS +
		  2, /* workers, who lives for them, main, the one that looks */
	PAGES_MOST =
		AT_ONCE / 8 + 2, /* the last one not full, and the one that is kept */
	MARK = 4711,
};

/* Who says to have which block; NULL: nobody just now. `turn` is odd while the rest holds. */
struct claim {
	_Atomic(struct heddle_thread_block *) block;
	_Atomic uint32_t tid;
	_Atomic uint64_t generation;
	_Atomic uint64_t turn;
};

static struct claim claims[WORKERS];
static uint64_t last_generation[WORKERS]; /* the worker's own */
static atomic_bool stop;
static atomic_long looks, lives;
static char stacks[WORKERS][STACK] __attribute__((aligned(16)));

static uint32_t chance(uint64_t *state, uint32_t below)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33) % below;
}

/* --- what a block says --- */

static void says_who(const struct heddle_thread_block *block)
{
	CHECK_EQ(block->self, (uintptr_t)block);
	CHECK_EQ((uintptr_t)block % HEDDLE_THREAD_BLOCK_SIZE, 0);
	CHECK_EQ(block->tid, thread_id());
	CHECK_EQ(block->node, 0);
	CHECK(block->generation > 0);
}

static void clean(const struct heddle_thread_block *block)
{
	struct heddle_thread_block copy = *block;
	const unsigned char *bytes = (const unsigned char *)&copy;

	says_who(block);
	copy.self = copy.generation = 0;
	copy.tid = copy.cpu = 0;
	for (size_t i = 0; i < sizeof(copy); i++) {
		CHECK_EQ(bytes[i], 0);
	}
}

/* Asked before and after: if these agree, so does the block, but for a thread that went away and came back. */
static void says_where(const struct heddle_thread_block *block)
{
	for (int tries = 0; tries < 1000; tries++) {
		unsigned before, says, after;

		CHECK_EQ(syscall(SYS_getcpu, &before, NULL, NULL), 0);
		says = *(const volatile uint32_t *)&block->cpu;
		CHECK_EQ(syscall(SYS_getcpu, &after, NULL, NULL), 0);
		if (before == says && says == after) {
			return;
		}
	}
	CHECK(!"the block says on which CPU the thread runs");
}

/* --- lives with one block --- */

static void claim(size_t who, struct heddle_thread_block *block)
{
	struct claim *own = &claims[who];

	CHECK_EQ(atomic_load(&own->turn) % 2, 0);
	atomic_store(&own->block, block);
	atomic_store(&own->tid, block->tid);
	atomic_store(&own->generation, block->generation);
	atomic_fetch_add(&own->turn, 1);
}

static void unclaim(size_t who, const struct heddle_thread_block *block)
{
	struct claim *own = &claims[who];

	CHECK(atomic_load(&own->block) == block);
	CHECK_EQ(atomic_fetch_add(&own->turn, 1) % 2, 1);
}

/* A thread's or a process's whole life. */
static void live(size_t who, uint64_t mark)
{
	struct heddle_thread_block *block = heddle_thread_block();
	unsigned char letter = (unsigned char)(mark | 1);
	uint64_t generation;
	int spins = (int)(mark % 50);

	clean(block);
	generation = block->generation;
	CHECK(generation > last_generation[who]);
	last_generation[who] = generation;
	block->context = mark;
	memset(block->message, letter, sizeof(block->message));
	claim(who, block);
	for (int i = 0; i < spins; i++) {
		sched_yield();
		CHECK_EQ(block->context, mark);
		CHECK_EQ(block->message[(mark + (unsigned)i) % 256], letter);
	}
	CHECK(heddle_thread_block() == block);
	says_who(block);
	says_where(block);
	CHECK_EQ(block->generation, generation);
	unclaim(who, block);
	atomic_fetch_add(&lives, 1);
}

struct life {
	size_t who;
	uint64_t mark;
};

static void *as_thread(void *argument)
{
	const struct life *life = argument;

	live(life->who, life->mark);
	return NULL;
}

static int sharing_memory(void *argument)
{
	as_thread(argument);
	return 0;
}

/* A process that shares the memory for its life only. */
static void share(struct life *life)
{
	struct clone_args args = {
		.flags = CLONE_VM,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stacks[life->who],
		.stack_size = STACK,
	};
	int status = -1;
	long child = clone3_call(&args, sizeof(args), sharing_memory, life);

	CHECK(child > 0);
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 0);
}

/* --- processes with memory of their own --- */

enum way {
	ENDS,
	EXECUTES,
	HAS_THREADS,
	DIES_AMONG_THREADS,
	EXECUTES_AMONG_THREADS,
	WAYS
};

static _Noreturn void execute(void)
{
	char *const arguments[] = {"thread_block_churn", "look", NULL};

	execv("/proc/self/exe", arguments);
	_exit(1);
}

static void *wait_for_end(void *unused)
{
	clean(heddle_thread_block());
	pause();
	return unused;
}

static void *execute_in_a_thread(void *unused)
{
	clean(heddle_thread_block());
	memset(heddle_thread_block(), 0xdd, HEDDLE_THREAD_BLOCK_SIZE);
	execute();
	return unused;
}

/* Nobody has a block but the thread that forked. */
static void alone_in_the_page(const struct heddle_thread_block *block)
{
	const unsigned char *page = block_page(block);

	for (size_t i = 0; i < 4096; i += sizeof(uint64_t)) {
		bool own = i / HEDDLE_THREAD_BLOCK_SIZE ==
			   (uintptr_t)block % 4096 / HEDDLE_THREAD_BLOCK_SIZE;

		CHECK(own || *(const uint64_t *)(page + i) == 0);
	}
}

static _Noreturn void in_the_forked(const struct heddle_thread_block *block, enum way way,
				    uint64_t generation)
{
	struct life life = {0, MARK};

	CHECK(heddle_thread_block() == block);
	CHECK_EQ(block->context, MARK);
	says_who(block);
	CHECK(block->generation > generation);
	alone_in_the_page(block);
	if (way == ENDS) {
		_exit(0);
	}
	if (way == EXECUTES) {
		execute();
	}
	memset(claims, 0, sizeof(claims)); // they are the parent's
	last_generation[0] = block->generation;
	join_thread(start_thread(as_thread, &life));
	if (way == HAS_THREADS) {
		_exit(0);
	}
	start_thread(wait_for_end, NULL);
	start_thread(wait_for_end, NULL);
	if (way == EXECUTES_AMONG_THREADS) {
		join_thread(start_thread(execute_in_a_thread, NULL));
	}
	kill(getpid(), SIGKILL);
	_exit(1);
}

static void fork_once(enum way way)
{
	struct heddle_thread_block *block = heddle_thread_block();
	uint64_t generation = block->generation;
	int status = -1;
	pid_t child;

	block->context = MARK;
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		in_the_forked(block, way, generation);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, way == DIES_AMONG_THREADS ? SIGKILL : 0);
	CHECK_EQ(block->context, MARK);
	CHECK_EQ(block->generation, generation);
	says_who(block);
}

static void *work(void *argument)
{
	const struct life *own = argument;
	uint64_t state = own->mark;

	for (int i = 0; i < ROUNDS; i++) {
		struct life life = {own->who, chance(&state, 1u << 30)};

		switch (chance(&state, 8)) {
		case 0:
		case 1:
			fork_once((enum way)chance(&state, WAYS));
			break;
		case 2:
			share(&life);
			break;
		default:
			join_thread(start_thread(as_thread, &life));
		}
	}
	return NULL;
}

/* --- the one that looks --- */

struct seen {
	struct heddle_thread_block *block; /* NULL: nobody's */
	uint64_t turn, generation;
};

/* It may be gone by now, and its page as well. */
static bool copy_block(const struct heddle_thread_block *from,
		       struct heddle_thread_block *to)
{
	struct iovec here = {to, sizeof(*to)}, there = {(void *)from, sizeof(*from)};

	return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == sizeof(*to);
}

/* What one has claimed says whose it is, as long as it is claimed. */
static struct seen look_at(struct claim *claim)
{
	struct seen seen = {.turn = atomic_load(&claim->turn)};
	struct heddle_thread_block *block = atomic_load(&claim->block), says;
	uint64_t generation = atomic_load(&claim->generation);
	uint32_t tid = atomic_load(&claim->tid);
	bool there = seen.turn % 2 && copy_block(block, &says);

	if (seen.turn % 2 == 0 || atomic_load(&claim->turn) != seen.turn) {
		return seen;
	}
	CHECK(there);
	CHECK_EQ(says.tid, tid);
	CHECK_EQ(says.self, (uintptr_t)block);
	CHECK_EQ(says.generation, generation);
	seen.block = block;
	seen.generation = generation;
	return seen;
}

/* Two that are claimed at the same time are two. */
static void look_at_all(void)
{
	struct seen seen[WORKERS];

	for (size_t i = 0; i < WORKERS; i++) {
		seen[i] = look_at(&claims[i]);
		for (size_t j = 0; seen[i].block && j < i; j++) {
			bool at_once = seen[j].block &&
				       atomic_load(&claims[j].turn) == seen[j].turn &&
				       atomic_load(&claims[i].turn) == seen[i].turn;

			CHECK(!at_once || seen[i].block != seen[j].block);
			CHECK(!at_once || seen[i].generation != seen[j].generation);
		}
	}
}

static void *look(void *unused)
{
	struct block_area areas[1];

	for (unsigned i = 0; !atomic_load(&stop); i++) {
		look_at_all();
		CHECK(i % 64 || block_areas(areas, 1) <= PAGES_MOST);
		atomic_fetch_add(&looks, 1);
		sched_yield();
	}
	return unused;
}

static void churn(uint64_t seed)
{
	struct life own[WORKERS];
	pthread_t threads[WORKERS], looker;

	atomic_store(&stop, false);
	looker = start_thread(look, NULL);
	for (size_t i = 0; i < WORKERS; i++) {
		own[i] = (struct life){i, seed * 1000 + i};
		threads[i] = start_thread(work, &own[i]);
	}
	for (size_t i = 0; i < WORKERS; i++) {
		join_thread(threads[i]);
	}
	atomic_store(&stop, true);
	join_thread(looker);
}

/* One block is left, this thread's, and the pages of the others are gone but for one. */
static void nothing_is_left(const struct ledger *before)
{
	struct block_area areas[1];
	struct ledger now;

	CHECK(block_areas(areas, 1) <= 2);
	WAIT_UNTIL((ledger_read(&now), ledger_live(&now, "thread_block") ==
					       ledger_live(before, "thread_block")));
}

int main(int argc, char **argv)
{
	const char *soak = getenv("HEDDLE_SOAK"), *seed = getenv("HEDDLE_SEED");
	struct ledger before;
	struct heddle_thread_block *block = heddle_thread_block();

	if (!block) {
		skip("Linux has no thread blocks");
	}
	if (argc > 1) {
		clean(block);
		says_where(block);
		return strcmp(argv[1], "look");
	}
	ledger_begin(&before);
	for (int i = 0; i < (soak ? atoi(soak) : 1); i++) {
		churn((seed ? strtoull(seed, NULL, 0) : 1) + (uint64_t)i);
		nothing_is_left(&before);
	}
	say("# %ld lives, %ld looks\n", atomic_load(&lives), atomic_load(&looks));
	ok("churn");
	return 0;
}
