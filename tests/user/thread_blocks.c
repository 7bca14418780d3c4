// SPDX-License-Identifier: MIT
/*
 * B1, B2, B3, B5: the thread block: where it is, what is in it, that it stays there, who has which after clone, fork, vfork
 * and execve. Linux has none: skipped there.
 * libc: musl
 * deadline: 60
 */
#include "blocks.h"
#include "raw.h"
#include <sys/auxv.h>

enum { THREADS = 100, SLOTS_PER_PAGE = 8 };

static struct heddle_thread_block *first;

static void is_fresh(const struct heddle_thread_block *block)
{
	static const char zeros[HEDDLE_THREAD_BLOCK_SIZE];

	CHECK_EQ(block->self, (uintptr_t)block);
	CHECK_EQ((uintptr_t)block % HEDDLE_THREAD_BLOCK_SIZE, 0);
	CHECK_EQ(block->tid, thread_id());
	CHECK_EQ(block->node, 0);
	CHECK(!memcmp(block->message, zeros, sizeof(block->message)));
	CHECK(!memcmp(block->reserved_3, zeros, sizeof(block->reserved_3)));
	CHECK_EQ(block->context, 0);
	CHECK_EQ(block->reserved, 0);
}

/* Before anything has looked into a block: no memory is behind it. */
static void memory_comes_with_the_first_touch(void)
{
	void *page = block_page(first);
	unsigned char there = 2;

	CHECK_EQ(mincore(page, 4096, &there), 0);
	CHECK_EQ(there, 0);
	is_fresh(first);
	CHECK_EQ(mincore(page, 4096, &there), 0);
	CHECK_EQ(there, 1);
	ok("memory_comes_with_the_first_touch");
}

static struct heddle_thread_block *block_by_vdso(void)
{
	struct heddle_thread_block *(*function)(void) =
		(struct heddle_thread_block * (*)(void))
			vdso_function("__heddle_thread_block");

	CHECK(function);
	return function();
}

static void found_by_gs_and_vdso(void)
{
	CHECK(block_by_vdso() == first);
	CHECK(block_by_register() == first);
	ok("found_by_gs_and_vdso");
}

static void *own_block_by_register(void *unused)
{
	(void)unused;
	CHECK(block_by_register() == heddle_thread_block());
	CHECK(heddle_thread_block_kept() == heddle_thread_block());
	CHECK(heddle_thread_block_kept() == heddle_thread_block());
	return heddle_thread_block();
}

#ifdef __x86_64__
#	include <asm/prctl.h>

static void *says_gs(void *unused)
{
	unsigned long gs = 1;

	(void)unused;
	CHECK_EQ(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs), 0);
	return (void *)gs;
}

/* Its own as soon as it wants one; and then its threads have that, as on Linux. */
static void gs_is_the_programs(void)
{
	static uint64_t mine[2] = {4711, 0};
	void *result;

	CHECK(says_gs(NULL) == NULL);
	CHECK_EQ(pthread_join(start_thread(says_gs, NULL), &result), 0);
	CHECK(!result);
	CHECK_EQ(pthread_join(start_thread(own_block_by_register, NULL), &result), 0);
	CHECK(result && result != first);
	CHECK_EQ(syscall(SYS_arch_prctl, ARCH_SET_GS, mine), 0);
	CHECK(says_gs(NULL) == mine);
	CHECK_EQ((uintptr_t)block_by_register(), 4711);
	CHECK(heddle_thread_block() == first);
	CHECK(block_by_vdso() == first);
	CHECK_EQ(pthread_join(start_thread(says_gs, NULL), &result), 0);
	CHECK(result == mine);
	CHECK_EQ(syscall(SYS_arch_prctl, ARCH_SET_GS, 0), 0);
	CHECK(says_gs(NULL) == NULL);
	CHECK_EQ(syscall(SYS_arch_prctl, ARCH_SET_GS, first), 0);
	ok("gs_is_the_programs");
}
#else
/* No other machine has such a register. */
static void gs_is_the_programs(void)
{
}
#endif

static void shown_in_maps(void)
{
	struct block_area areas[4];

	CHECK(block_areas(areas, 4) >= 1);
	CHECK(areas[0].start <= (uintptr_t)first && (uintptr_t)first < areas[0].end);
	CHECK(strcmp(areas[0].rights, "rw-p") == 0);
	// Right below the data page of the vDSO.
	CHECK_EQ(areas[0].end, getauxval(AT_SYSINFO_EHDR) - 4096);
	ok("shown_in_maps");
}

static void nobody_takes_it_away(void)
{
	static const int refused[] = {MADV_DONTNEED,   MADV_FREE,       MADV_DONTFORK,
				      MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_DONTDUMP};
	char *page = block_page(first), *other;
	int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;

	first->context = 77;
	CHECK_ERRNO(munmap(page, 4096), EPERM);
	CHECK_ERRNO(munmap(page - 4096, 3 * 4096), EPERM);
	CHECK_ERRNO(mprotect(page, 4096, PROT_READ), EPERM);
	CHECK_ERRNO(mprotect(page, 4096, PROT_READ | PROT_WRITE), EPERM);
	CHECK_ERRNO((intptr_t)mremap(page, 4096, 8192, MREMAP_MAYMOVE), EPERM);
	CHECK_ERRNO((intptr_t)mmap(page, 4096, PROT_READ, anonymous | MAP_FIXED, -1, 0),
		    EPERM);
	CHECK_ERRNO((intptr_t)mmap(page, 4096, PROT_READ, anonymous | MAP_FIXED_NOREPLACE,
				   -1, 0),
		    EEXIST);
	other = mmap(NULL, 4096, PROT_READ, anonymous, -1, 0);
	CHECK(other != MAP_FAILED);
	CHECK_ERRNO(
		(intptr_t)mremap(other, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, page),
		EPERM);
	CHECK_EQ(munmap(other, 4096), 0);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		CHECK_ERRNO(madvise(page, 4096, refused[i]), EPERM);
	}
	CHECK_EQ(first->context, 77);
	CHECK_EQ(first->self, (uintptr_t)first);
	first->context = 0;
	ok("nobody_takes_it_away");
}

/* --- threads --- */

static pthread_barrier_t barrier;
static struct heddle_thread_block *seen[THREADS];
static pid_t tids[THREADS];

static void *one_of_many(void *argument)
{
	size_t i = (size_t)argument;

	seen[i] = heddle_thread_block();
	CHECK(heddle_thread_block_kept() == seen[i]);
	tids[i] = thread_id();
	is_fresh(seen[i]);
	seen[i]->context = i + 1;
	memset(seen[i]->message, (int)i + 1, sizeof(seen[i]->message));
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	CHECK_EQ(seen[i]->context, i + 1);
	CHECK_EQ(seen[i]->message[255], i + 1);
	CHECK_EQ(seen[i]->tid, tids[i]);
	return NULL;
}

static void each_thread_has_its_own(void)
{
	struct block_area areas[THREADS];
	pthread_t threads[THREADS];

	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (size_t i = 0; i < THREADS; i++) {
		threads[i] = start_thread(one_of_many, (void *)i);
	}
	pthread_barrier_wait(&barrier);
	for (size_t i = 0; i < THREADS; i++) {
		CHECK(seen[i] != first);
		CHECK_EQ(seen[i]->tid, tids[i]);
		for (size_t j = 0; j < i; j++) {
			CHECK(seen[i] != seen[j]);
			CHECK(seen[i]->generation != seen[j]->generation);
		}
	}
	CHECK_EQ(block_areas(areas, THREADS), THREADS / SLOTS_PER_PAGE + 1);
	CHECK(block_page(first) == (void *)areas[THREADS / SLOTS_PER_PAGE].start);
	pthread_barrier_wait(&barrier);
	for (size_t i = 0; i < THREADS; i++) {
		join_thread(threads[i]);
	}
	CHECK(block_areas(areas, THREADS) <= 2); // one is kept
	ok("each_thread_has_its_own");
}

static void *leaves_dirt(void *unused)
{
	struct heddle_thread_block *block = heddle_thread_block();

	(void)unused;
	is_fresh(block);
	memset(block, 0xff,
	       sizeof(*block)); // what the kernel wrote as well: it never reads that
	return block;
}

/* Given back before who joins knows; zeroed before the next one sees it. */
static void the_next_thread_has_it(void)
{
	void *block, *again;

	CHECK_EQ(pthread_join(start_thread(leaves_dirt, NULL), &block), 0);
	for (int i = 0; i < 200; i++) {
		CHECK_EQ(pthread_join(start_thread(leaves_dirt, NULL), &again), 0);
		CHECK(block == again);
	}
	ok("the_next_thread_has_it");
}

/* --- processes --- */

static struct heddle_thread_block *forker;

static void in_the_forked(void)
{
	struct block_area areas[4];
	struct heddle_thread_block *page = block_page(forker);

	CHECK(heddle_thread_block() == forker);
	CHECK(heddle_thread_block_kept() == forker);
	CHECK_EQ(forker->self, (uintptr_t)forker);
	CHECK_EQ(forker->tid, getpid());
	CHECK_EQ(forker->context, 9);
	CHECK_EQ(block_areas(areas, 4), 1);
	for (int i = 0; i < SLOTS_PER_PAGE; i++) {
		CHECK(page + i == forker || page[i].self == 0);
		CHECK(page + i == forker || page[i].context == 0);
	}
	forker->context = 10;
	CHECK_EQ(pthread_join(start_thread(own_block_by_register, NULL), NULL), 0);
}

static void *forks(void *unused)
{
	(void)unused;
	forker = heddle_thread_block();
	forker->context = 9;
	must_pass_in_child(in_the_forked);
	CHECK_EQ(forker->context, 9);
	CHECK_EQ(forker->tid, thread_id());
	return NULL;
}

static void fork_copies_the_callers(void)
{
	first->context = 8;
	join_thread(start_thread(forks, NULL));
	first->context = 0;
	ok("fork_copies_the_callers");
}

static int shares_memory(void *unused)
{
	(void)unused;
	seen[0] = heddle_thread_block();
	return block_by_register() == seen[0] && seen[0]->tid == (uint32_t)thread_id()
		       ? 0
		       : 1;
}

static void who_shares_memory_has_its_own(void)
{
	static char stack[32768] __attribute__((aligned(16)));
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
	};
	int status = -1;
	long child = clone3_call(&args, sizeof(args), shares_memory, NULL);

	CHECK(child > 0);
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK(seen[0] && seen[0] != first);
	CHECK_EQ(first->self, (uintptr_t)first);
	CHECK_EQ(first->tid, getpid());
	ok("who_shares_memory_has_its_own");
}

static void executes(void)
{
	char *const arguments[] = {"thread_blocks", "again", NULL};

	memset(first, 0xee, sizeof(*first));
	execv("/proc/self/exe", arguments);
	_exit(1);
}

static void *executes_in_a_thread(void *unused)
{
	(void)unused;
	memset(heddle_thread_block(), 0xdd, HEDDLE_THREAD_BLOCK_SIZE);
	executes();
	return NULL;
}

static void executes_as_another(void)
{
	for (int i = 0; i < 12; i++) {
		start_thread((void *(*)(void *))(uintptr_t)pause, NULL);
	}
	join_thread(start_thread(executes_in_a_thread, NULL));
}

static void execve_starts_anew(void)
{
	must_pass_in_child(executes);
	must_pass_in_child(executes_as_another);
	ok("execve_starts_anew");
}

static void after_execve(void)
{
	struct block_area areas[4];

	memory_comes_with_the_first_touch();
	CHECK_EQ((uintptr_t)first % 4096, 0); // the first slot of its page
	CHECK_EQ(first->tid, getpid());
	CHECK_EQ(block_areas(areas, 4), 1);
	CHECK(block_by_register() == first);
}

/* --- the CPU --- */

static void the_cpu_is_kept_true(void)
{
	cpu_set_t all, one;

	CHECK_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
	for (int round = 0; round < 20; round++) {
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
			if (!CPU_ISSET(cpu, &all)) {
				continue;
			}
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			CHECK_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
			CHECK_EQ(*(volatile uint32_t *)&first->cpu, cpu);
			CHECK_EQ(sched_getcpu(), cpu);
		}
	}
	CHECK_EQ(sched_setaffinity(0, sizeof(all), &all), 0);
	ok("the_cpu_is_kept_true");
}

int main(int argc, char **argv)
{
	first = heddle_thread_block();
	if (!first) {
		skip("Linux has no thread blocks");
	}
	if (argc > 1) {
		after_execve();
		return strcmp(argv[1], "again");
	}
	memory_comes_with_the_first_touch();
	found_by_gs_and_vdso();
	shown_in_maps();
	nobody_takes_it_away();
	gs_is_the_programs();
	the_next_thread_has_it();
	each_thread_has_its_own();
	fork_copies_the_callers();
	who_shares_memory_has_its_own();
	execve_starts_anew();
	the_cpu_is_kept_true();
	return 0;
}
