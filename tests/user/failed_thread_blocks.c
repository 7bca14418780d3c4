// SPDX-License-Identifier: MIT
/*
 * B1, B4, B5, T12: memory runs out where thread blocks need it: a thread for whom a page more is wanted, also where the map grows;
 * the first touch of a block by the program and by a system call; fork; execve. Each allocation of each fails once, what was
 * there stays as it was, and the ledger is where it was. Linux has neither blocks nor a ledger: skipped there.
 * deadline: 120
 */
#include "blocks.h"
#include "ledger.h"
#include "raw.h"

enum { MOST = 400, SLOTS = 8, THREADS_MOST = 64, STACK = 4096, PASSED = 3 };

static struct heddle_thread_block *own; /* of the only thread */
static char stacks[THREADS_MOST + 1][STACK] __attribute__((aligned(16)));
static int for_ever;
static int *passed; /* shared: what was to fail did not */

static int open_plan(void)
{
	int fd = open("/proc/heddle/fail_nth", O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	ledger_touch_stack();
	memset(stacks, 1, sizeof(stacks));
	return fd;
}

/*
 * In a child each: the n-th allocation of `step` fails, for each n until it passes. It ends with 0 where it failed as it
 * should. Returns how many there were.
 */
static int fail_step(void (*step)(int plan, int n), int killed_by)
{
	for (int n = 1; n < MOST; n++) {
		int status;
		pid_t child = fork();

		CHECK(child >= 0);
		if (child == 0) {
			*(volatile int *)passed = 0;
			step(open_plan(), n);
			_exit(1);
		}
		CHECK_EQ(waitpid(child, &status, 0), child);
		if (WIFEXITED(status) && WEXITSTATUS(status) == PASSED) {
			return n - 1;
		}
		if (WIFSIGNALED(status)) {
			CHECK_EQ(WTERMSIG(status), killed_by);
		} else {
			CHECK_EQ(status, 0);
		}
		if (*(volatile int *)passed) {
			return n - 1;
		}
	}
	CHECK(!"it passes in the end");
	return 0;
}

/* Twice: what is made once only is made by then. */
static int walk(const char *name, void (*step)(int plan, int n), int killed_by)
{
	struct ledger before;
	int count;

	fail_step(step, killed_by);
	ledger_begin(&before);
	count = fail_step(step, killed_by);
	ledger_expect(&before);
	say("# %s: %d allocations\n", name, count);
	return count;
}

/* --- a thread more --- */

static int stay(void *unused)
{
	(void)unused;
	for (;;) {
		futex(&for_ever, FUTEX_WAIT, 0, NULL, NULL, 0);
	}
	return 0;
}

static long start_raw_thread(int i)
{
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			 CLONE_THREAD | CLONE_SYSVSEM,
		.stack = (uintptr_t)stacks[i],
		.stack_size = STACK,
	};

	return clone3_call(&args, sizeof(args), stay, NULL);
}

/* A thread where `taken` slots are: refused, nothing has changed, and then not refused. */
static void thread_beside(int plan, int n, int taken)
{
	struct block_area areas[1];
	long result;
	int pages;

	for (int i = 1; i < taken; i++) {
		CHECK(start_raw_thread(i) > 0);
	}
	own->context = 9;
	pages = block_areas(areas, 1);
	CHECK_EQ(pages, (taken + SLOTS - 1) / SLOTS);
	fail_nth(plan, n);
	result = start_raw_thread(taken);
	fail_nth(plan, 0);
	if (result > 0) {
		_exit(PASSED);
	}
	CHECK(result == -ENOMEM || result == -EAGAIN);
	// A page that is empty again may be kept, one.
	CHECK(block_areas(areas, 1) == pages || block_areas(areas, 1) == pages + 1);
	CHECK_EQ(own->context, 9);
	CHECK_EQ(own->self, (uintptr_t)own);
	CHECK(start_raw_thread(taken) > 0);
	CHECK_EQ(block_areas(areas, 1), taken / SLOTS + 1);
	_exit(0);
}

static void thread_in_a_page(int plan, int n)
{
	thread_beside(plan, n, 1);
}

static void thread_with_a_page(int plan, int n)
{
	thread_beside(plan, n, SLOTS);
}

static void thread_with_more_room(int plan, int n)
{
	thread_beside(plan, n, THREADS_MOST);
}

static void threads(void)
{
	CHECK(walk("thread", thread_in_a_page, SIGKILL) >= 3);
	CHECK(walk("thread and page", thread_with_a_page, SIGKILL) >= 3);
	CHECK(walk("thread, page and room", thread_with_more_room, SIGKILL) >= 3);
	ok("threads");
}

/* --- the first touch --- */

static void program_touches(int plan, int n)
{
	fail_nth(plan, n);
	CHECK_EQ(own->self, (uintptr_t)own);
	fail_nth(plan, 0);
	CHECK_EQ(own->tid, getpid());
	_exit(PASSED);
}

/* What fails may be this: asked again then. */
static bool has_failed(int plan)
{
	char text[64];
	int failed = -1;
	ssize_t length;

	do {
		length = pread(plan, text, sizeof(text) - 1, 0);
	} while (length < 0);
	text[length] = 0;
	CHECK_EQ(sscanf(text, "%*d %*d %*d %d", &failed), 1);
	return failed;
}

/* The copy may be tried once more, byte by byte: then it is as if nothing had been. */
static void call_touches(int plan, int n)
{
	struct timespec *place = (struct timespec *)own->message;
	bool failed;
	long result;

	fail_nth(plan, n);
	result = syscall(SYS_clock_getres, CLOCK_MONOTONIC, place);
	CHECK(result == 0 || errno == EFAULT);
	failed = has_failed(plan);
	fail_nth(plan, 0);
	CHECK_EQ(own->self, (uintptr_t)own);
	CHECK_EQ(own->tid, getpid());
	CHECK_EQ(place->tv_nsec, result == 0);
	_exit(failed ? 0 : PASSED);
}

static void touches(void)
{
	CHECK(walk("touch", program_touches, SIGKILL) >= 1);
	CHECK(walk("touch by a call", call_touches, 0) >= 1);
	ok("touches");
}

/* --- fork --- */

static void fork_fails(int plan, int n)
{
	pid_t child;

	fail_nth(plan, n);
	child = fork();
	if (child != 0) {
		*(volatile int *)passed =
			child > 0; // what fails from here on are copies of pages
		fail_nth(plan, 0);
	}
	if (child == 0) {
		CHECK(heddle_thread_block() == own);
		CHECK_EQ(own->tid, getpid());
		_exit(own->self != (uintptr_t)own);
	}
	if (child > 0) {
		int status;

		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(status, 0);
		_exit(PASSED);
	}
	CHECK(errno == ENOMEM || errno == EAGAIN);
	CHECK_EQ(own->self, (uintptr_t)own);
	CHECK_EQ(own->tid, getpid());
	_exit(0);
}

static void fork_of_a_touched_page(int plan, int n)
{
	own->context = 9;
	fork_fails(plan, n);
}

static void forks(void)
{
	CHECK(walk("fork, untouched", fork_fails, SIGKILL) >= 3);
	CHECK(walk("fork, touched", fork_of_a_touched_page, SIGKILL) >= 3);
	ok("forks");
}

/* --- execve --- */

static void exec_fails(int plan, int n)
{
	char *const arguments[] = {"failed_thread_blocks", "look", NULL};

	own->context = 9;
	fail_nth(plan, n);
	execv("/proc/self/exe", arguments);
	CHECK(errno == ENOMEM || errno == EAGAIN);
	fail_nth(plan, 0);
	CHECK(heddle_thread_block() == own);
	CHECK_EQ(own->context, 9);
	CHECK_EQ(own->tid, getpid());
	_exit(0);
}

/* The new program: its pages fail too, which is the end of it. */
static int after_exec(void)
{
	CHECK_EQ(own->context, 0);
	CHECK_EQ(own->tid, getpid());
	return PASSED;
}

static void execs(void)
{
	CHECK(walk("execve", exec_fails, SIGKILL) >= 10);
	ok("execs");
}

int main(int argc, char **argv)
{
	ledger_required();
	own = heddle_thread_block();
	CHECK(own);
	if (argc > 1) {
		return strcmp(argv[1], "look") ? 1 : after_exec();
	}
	passed = shared_page();
	threads();
	touches();
	forks();
	execs();
	return 0;
}
