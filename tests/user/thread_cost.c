// SPDX-License-Identifier: MIT
/*
 * S3: a thread that is blocked in futex costs the kernel at most 12 KiB: stack, control block, FPU area, tables, its share of
 * a page of thread blocks. What of that is user memory is here before. Linux keeps no ledger: skipped there.
 * deadline: 60
 */
#include "ledger.h"
#include "raw.h"

enum { THREADS = 1000, STACK = 4096, MOST = 12 * 1024 };

static atomic_int arrived, may_end;
static pid_t words[THREADS];

static int block(void *unused)
{
	(void)unused;
	atomic_fetch_add(&arrived, 1);
	while (!atomic_load(&may_end)) {
		futex(&may_end, FUTEX_WAIT, 0, NULL, NULL, 0);
	}
	return 0;
}

static void start_all(char *stacks)
{
	for (int i = 0; i < THREADS; i++) {
		struct clone_args args = {
			.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
				 CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID,
			.child_tid = (uintptr_t)&words[i],
			.stack = (uintptr_t)(stacks + i * STACK),
			.stack_size = STACK,
		};

		words[i] = -1;
		CHECK(clone3_call(&args, sizeof(args), block, NULL) > 0);
	}
	WAIT_UNTIL(atomic_load(&arrived) == THREADS);
}

int main(void)
{
	char *stacks = mmap(NULL, THREADS * STACK, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct ledger before, now;
	long bytes;

	ledger_required();
	CHECK(stacks != MAP_FAILED);
	memset(stacks, 1, THREADS * STACK);
	memset(words, 1, sizeof(words));
	ledger_begin(&before);
	start_all(stacks);
	ledger_settle();
	ledger_read(&now);
	bytes = (ledger_live(&before, "free_frames") - ledger_live(&now, "free_frames")) *
		4096 / THREADS;
	say("# %ld bytes a thread\n", bytes);
	CHECK(bytes <= MOST);
	atomic_store(&may_end, 1);
	futex(&may_end, FUTEX_WAKE, THREADS, NULL, NULL, 0);
	for (int i = 0; i < THREADS; i++) {
		WAIT_UNTIL(__atomic_load_n(&words[i], __ATOMIC_SEQ_CST) == 0);
	}
	ok("blocked_thread");
	return 0;
}
