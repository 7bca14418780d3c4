// SPDX-License-Identifier: MIT
/*
 * F1, R10: memory runs out where a futex needs it: a table for a new address space's words, the words of futex_waitv, a word with
 * priority inheritance that is waited for first, and where waiters are moved to one. Each allocation of each fails once: ENOMEM, or the
 * call does without; the word is as it was, and the ledger too. Linux has no ledger: skipped there.
 * deadline: 60
 */
#include "ledger.h"
#include "pi_futex.h"

enum { MOST = 60, PASSED = 3 };

static const struct timespec past = {1, 0};
static uint32_t *word; /* shared: the parent's */
static uint32_t private_word;
static int plan_fd;

/* The next allocation but n fails, or all pass: then true. */
static long with_failure(int n, long (*call)(void), bool *passed)
{
	char state[256] = "";
	int number;
	long nth, counted, failed = 0, result;

	fail_nth(plan_fd, n);
	result = call();
	result = result < 0 ? -errno : result;
	// Where the call made fewer it is this read that fails.
	if (pread(plan_fd, state, sizeof(state) - 1, 0) > 0) {
		CHECK_EQ(
			sscanf(state, "%d %ld %ld %ld", &number, &nth, &counted, &failed),
			4);
	}
	fail_nth(plan_fd, 0);
	*passed = !failed;
	return result;
}

static long wait_plainly(void)
{
	return futex(&private_word, FUTEX_WAIT_BITSET_PRIVATE, 0, &past, NULL, 1);
}

static long wait_for_any(void)
{
	struct futex_waitv list[3];

	for (int i = 0; i < 3; i++) {
		list[i] = (struct futex_waitv){.uaddr = (uintptr_t)&private_word,
					       .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG};
	}
	return syscall(SYS_futex_waitv, list, 3, 0, &past, CLOCK_MONOTONIC);
}

static long wait_to_lock(void)
{
	return futex(word, FUTEX_LOCK_PI, 0, &past, NULL, 0);
}

static long move_nobody(void)
{
	return futex(&private_word, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, word, 0);
}

static const struct {
	const char *name;
	long (*call)(void);
	long result;  /* when all pass */
	bool refused; /* ENOMEM when not */
} steps[] = {
	{"wait", wait_plainly, -ETIMEDOUT, false},
	{"waitv", wait_for_any, -ETIMEDOUT, true},
	{"lock", wait_to_lock, -ETIMEDOUT, true},
	{"move", move_nobody, 0, true},
};

/* In a new address space each time. Returns how many allocations there were. */
static int walk(int step)
{
	for (int n = 1; n < MOST; n++) {
		int status = -1;
		pid_t child = fork();

		CHECK(child >= 0);
		if (child == 0) {
			bool passed;
			long result;

			plan_fd = open("/proc/heddle/fail_nth", O_RDWR | O_CLOEXEC);
			CHECK(plan_fd >= 0);
			// What is touched first costs memory of its own, and EFAULT.
			ledger_touch_stack();
			__atomic_fetch_or(word, 0, __ATOMIC_SEQ_CST);
			private_word = 0;
			result = with_failure(n, steps[step].call, &passed);
			CHECK(result == steps[step].result ||
			      (!passed && steps[step].refused && result == -ENOMEM));
			CHECK_EQ(owner_of(word), (uint32_t)getppid());
			CHECK_EQ(steps[step].call(), steps[step].result < 0 ? -1 : 0);
			_exit(passed ? PASSED : 0);
		}
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK(WIFEXITED(status));
		if (WEXITSTATUS(status) == PASSED) {
			return n - 1;
		}
		CHECK_EQ(status, 0);
	}
	CHECK(!"it passes in the end");
	return 0;
}

static void check_step(int step)
{
	struct ledger before;
	int count;

	walk(step);
	ledger_begin(&before);
	count = walk(step);
	ledger_expect(&before);
	CHECK(count > 0);
	say("# %s: %d allocations\n", steps[step].name, count);
	ok(steps[step].name);
}

int main(void)
{
	ledger_required();
	word = shared_page();
	*word = (uint32_t)getpid();
	for (int i = 0; i < (int)(sizeof(steps) / sizeof(steps[0])); i++) {
		check_step(i);
	}
	return 0;
}
