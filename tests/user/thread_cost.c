// SPDX-License-Identifier: MIT
/*
 * S3: a thread that is blocked in futex costs the kernel at most 12 KiB: stack, control block, FPU area, tables, its share of
 * a page of thread blocks. What of that is user memory is here before. With HEDDLE_SOAK=N N times as many threads, as far as
 * they find room: 100 in 2 GiB are the 100,000 of S3. Linux keeps no ledger: skipped there.
 * deadline: 60
 */
#include "ledger.h"
#include "raw.h"
#include "settings.h"

#include <sys/sysinfo.h>

enum { THREADS = 1000, STACK = 4096, MOST = 12 * 1024, ROOM = 17 * 1024 };

static atomic_int arrived, may_end;
static pid_t *words;

static int block(void *unused)
{
	(void)unused;
	atomic_fetch_add(&arrived, 1);
	while (!atomic_load(&may_end)) {
		futex(&may_end, FUTEX_WAIT, 0, NULL, NULL, 0);
	}
	return 0;
}

static int how_many(void)
{
	const char *soak = getenv("HEDDLE_SOAK");
	long wanted = THREADS * (soak ? atol(soak) : 1), fit;
	struct sysinfo info;

	CHECK(sysinfo(&info) == 0);
	fit = (long)(info.freeram / ROOM);
	if (wanted > fit) {
		say("# room for %ld threads, not %ld\n", fit, wanted);
	}
	return (int)(wanted < fit ? wanted : fit);
}

/* 100,000 threads need more numbers than there are by default. */
static struct setting numbers = {.path = "/proc/sys/kernel/pid_max"};

static void *memory(size_t size)
{
	void *start = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(start != MAP_FAILED);
	memset(start, 1, size);
	return start;
}

static void start_all(char *stacks, int count)
{
	for (int i = 0; i < count; i++) {
		struct clone_args args =
			bare_thread(&words[i], stacks + (size_t)i * STACK, STACK);

		words[i] = -1;
		CHECK(clone3_call(&args, sizeof(args), block, NULL) > 0);
	}
	WAIT_UNTIL(atomic_load(&arrived) == count);
}

static void end_all(int count)
{
	atomic_store(&may_end, 1);
	futex(&may_end, FUTEX_WAKE, (uint32_t)count, NULL, NULL, 0);
	for (int i = 0; i < count; i++) {
		WAIT_UNTIL(__atomic_load_n(&words[i], __ATOMIC_SEQ_CST) == 0);
	}
}

int main(void)
{
	struct ledger before, now;
	char *stacks;
	long bytes;
	int count;

	ledger_required();
	count = how_many();
	change_setting(&numbers, "4194304");
	stacks = memory((size_t)count * STACK);
	words = memory((size_t)count * sizeof(*words));
	ledger_begin(&before);
	start_all(stacks, count);
	ledger_settle();
	ledger_read(&now);
	bytes = (ledger_live(&before, "free_frames") - ledger_live(&now, "free_frames")) *
		4096 / count;
	say("# %d threads, %ld bytes a thread\n", count, bytes);
	CHECK(bytes <= MOST);
	end_all(count);
	restore_setting(&numbers);
	ok("blocked_thread");
	return 0;
}
