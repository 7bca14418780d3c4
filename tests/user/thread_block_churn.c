// SPDX-License-Identifier: MIT
/*
 * B4, B5: threads come and go, fork, share memory and execute, by chance, while one looks at every block: it is never shared,
 * dirty or lost. With HEDDLE_SOAK=N N times as long, HEDDLE_SEED=N another order. Linux has no blocks: skipped there.
 * deadline: 120
 */
#include "blocks.h"
#include "ledger.h"
#include "raw.h"

enum { WORKERS = 24, ROUNDS = 60, STACK = 32768 };

/* Who says to have which block; NULL: nobody just now. */
static _Atomic(struct heddle_thread_block *) claimed[WORKERS];
static _Atomic uint32_t claimed_tid[WORKERS];
static atomic_bool stop;
static atomic_long looks;
static char stacks[WORKERS][STACK] __attribute__((aligned(16)));

static uint32_t chance(uint64_t *state, uint32_t below)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33) % below;
}

static void clean(const struct heddle_thread_block *block)
{
	CHECK_EQ(block->self, (uintptr_t)block);
	CHECK_EQ(block->tid, thread_id());
	CHECK_EQ(block->context, 0);
	for (size_t i = 0; i < sizeof(block->message); i++) {
		CHECK_EQ(block->message[i], 0);
	}
}

/* A thread's or a process's whole life with one block. */
static void live(size_t who, uint64_t mark)
{
	struct heddle_thread_block *block = heddle_thread_block();
	int spins = (int)(mark % 50);

	clean(block);
	block->context = mark;
	memset(block->message, (int)mark | 1, sizeof(block->message));
	atomic_store(&claimed_tid[who], block->tid);
	CHECK(atomic_exchange(&claimed[who], block) == NULL);
	for (int i = 0; i < spins; i++) {
		sched_yield();
		CHECK_EQ(block->context, mark);
		CHECK_EQ(block->message[mark % 256], (unsigned char)(mark | 1));
	}
	CHECK(heddle_thread_block() == block);
	CHECK_EQ(block->tid, atomic_load(&claimed_tid[who]));
	CHECK(atomic_exchange(&claimed[who], NULL) == block);
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

static _Noreturn void in_the_forked(bool executes)
{
	struct heddle_thread_block *block = heddle_thread_block();
	char *const arguments[] = {"thread_block_churn", "look", NULL};

	CHECK_EQ(block->context, 4711);
	CHECK_EQ(block->tid, getpid());
	if (executes) {
		execv("/proc/self/exe", arguments);
		_exit(1);
	}
	_exit(0);
}

static void fork_once(bool executes)
{
	struct heddle_thread_block *block = heddle_thread_block();
	int status = -1;
	pid_t child;

	block->context = 4711;
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		in_the_forked(executes);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_EQ(block->context, 4711);
}

static void *work(void *argument)
{
	const struct life *own = argument;
	uint64_t state = own->mark;

	for (int i = 0; i < ROUNDS; i++) {
		struct life life = {own->who, chance(&state, 1u << 30)};

		switch (chance(&state, 8)) {
		case 0:
			fork_once(false);
			break;
		case 1:
			fork_once(true);
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

/* No two claims of one block at the same time; what is claimed says whose it is. */
static void *look(void *unused)
{
	(void)unused;
	while (!atomic_load(&stop)) {
		struct heddle_thread_block *seen[WORKERS];

		for (size_t i = 0; i < WORKERS; i++) {
			uint32_t tid = atomic_load(&claimed_tid[i]);

			seen[i] = atomic_load(&claimed[i]);
			for (size_t j = 0; seen[i] && j < i; j++) {
				// Both still there: so they were at once.
				CHECK(seen[j] != seen[i] ||
				      atomic_load(&claimed[j]) != seen[j] ||
				      atomic_load(&claimed[i]) != seen[i] ||
				      atomic_load(&claimed_tid[i]) != tid);
			}
			if (seen[i]) {
				uint32_t says = *(volatile uint32_t *)&seen[i]->tid;

				CHECK(says == tid ||
				      atomic_load(&claimed[i]) != seen[i] ||
				      atomic_load(&claimed_tid[i]) != tid);
			}
		}
		atomic_fetch_add(&looks, 1);
		sched_yield();
	}
	return NULL;
}

static void churn(uint64_t seed)
{
	struct life lives[WORKERS];
	pthread_t threads[WORKERS], looker;

	atomic_store(&stop, false);
	looker = start_thread(look, NULL);
	for (size_t i = 0; i < WORKERS; i++) {
		lives[i] = (struct life){i, seed * 1000 + i};
		threads[i] = start_thread(work, &lives[i]);
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
	struct block_area areas[4];
	struct ledger now;

	CHECK(block_areas(areas, 4) <= 2);
	ledger_read(&now);
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
		return strcmp(argv[1], "look");
	}
	ledger_read(&before);
	for (int i = 0; i < (soak ? atoi(soak) : 1); i++) {
		churn((seed ? strtoull(seed, NULL, 0) : 1) + (uint64_t)i);
		nothing_is_left(&before);
	}
	say("# %ld looks at %d blocks\n", atomic_load(&looks), WORKERS);
	ok("churn");
	return 0;
}
