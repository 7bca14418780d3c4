// SPDX-License-Identifier: MIT
/*
 * R10: the ledger counts: what is made shows as exactly so many more of each kind, and is gone again in the end; and rounds of the
 * ways to end, among threads too, leave it where it was. Only on Heddle.
 * deadline: 60
 */
#include "ledger.h"
#include "raw.h"

enum {
	SOME = 5,
	PAGES = 40,
	ROUNDS = 20,
	EVERY_SPACE = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |
		      CLONE_NEWNET | CLONE_NEWCGROUP | 0x80
};

struct kinds {
	const char *name;
	long more;
};

static bool has_more(const struct ledger *before, const struct kinds *kinds, bool tell)
{
	struct ledger now;
	bool right = true;

	ledger_settle();
	ledger_read(&now);
	for (; kinds->name; kinds++) {
		long more =
			ledger_live(&now, kinds->name) - ledger_live(before, kinds->name);

		right = right && more == kinds->more;
		if (tell && more != kinds->more) {
			say("# %s: %ld more, not %ld\n", kinds->name, more, kinds->more);
		}
	}
	return right;
}

/* What somebody else ended or began just now is counted a moment later. */
static void expect_more(const struct ledger *before, const struct kinds *kinds)
{
	long long start = now_ns();

	while (!has_more(before, kinds, false)) {
		if (now_ns() - start > WAIT_LIMIT_NS) {
			has_more(before, kinds, true);
			CHECK(!"the ledger counts them");
		}
		sched_yield();
	}
}

/* ---- what is made, and held ---- */

static int ready[2], leave[2];

static void await_ready(int count)
{
	char byte;

	while (count-- > 0) {
		CHECK_EQ(read(ready[0], &byte, 1), 1);
	}
}

static void stay(void)
{
	char byte;

	CHECK_EQ(write(ready[1], "r", 1), 1);
	CHECK_EQ(read(leave[0], &byte, 1), 1);
}

static void end_all(const struct ledger *before, pid_t *children)
{
	int status;

	for (int i = 0; i < SOME; i++) {
		CHECK_EQ(write(leave[1], "l", 1), 1);
	}
	for (int i = 0; children && i < SOME; i++) {
		CHECK_EQ(waitpid(children[i], &status, 0), children[i]);
		CHECK_EQ(status, 0);
	}
	ledger_expect(before);
}

static void fork_some(pid_t *children, int flags)
{
	for (int i = 0; i < SOME; i++) {
		children[i] = fork();
		CHECK(children[i] >= 0);
		if (children[i] == 0) {
			CHECK_EQ(unshare(flags), 0);
			stay();
			_exit(0);
		}
	}
	await_ready(SOME);
}

static void *nothing(void *unused)
{
	return unused;
}

/* What is made once only is made now. */
static void warm(void)
{
	pid_t children[SOME];

	join_thread(start_thread(nothing, NULL));
	fork_some(children, EVERY_SPACE);
	for (int i = 0; i < SOME; i++) {
		CHECK_EQ(write(leave[1], "l", 1), 1);
	}
	for (int i = 0; i < SOME; i++) {
		CHECK_EQ(waitpid(children[i], NULL, 0), children[i]);
	}
}

static void check_processes(void)
{
	static const struct kinds kinds[] = {{"process", SOME},
					     {"thread", SOME},
					     {"pid", SOME},
					     {"kernel_stacks", SOME},
					     {"vm_space", SOME},
					     {"file_table", SOME},
					     {"fs_info", SOME},
					     {"credentials", 0},
					     {"namespace_set", 0},
					     {"signal_handlers", SOME},
					     {"user_account", 0},
					     {"file", 0},
					     {NULL, 0}};
	struct ledger before;
	pid_t children[SOME];

	ledger_begin(&before);
	fork_some(children, 0);
	expect_more(&before, kinds);
	end_all(&before, children);
	ok("processes");
}

static int stay_raw(void *unused)
{
	(void)unused;
	stay();
	return 0;
}

static void check_threads(void)
{
	static const struct kinds kinds[] = {
		{"thread", SOME},     {"pid", SOME},   {"kernel_stacks", SOME},
		{"process", 0},       {"vm_space", 0}, {"file_table", 0},
		{"fs_info", 0},       {"vm_area", 0},  {"signal_handlers", 0},
		{"namespace_set", 0}, {NULL, 0}};
	static char stacks[SOME][16384] __attribute__((aligned(16)));
	static pid_t words[SOME];
	struct ledger before;

	memset(stacks, 1, sizeof(stacks));
	ledger_begin(&before);
	for (int i = 0; i < SOME; i++) {
		struct clone_args args =
			bare_thread(&words[i], stacks[i], sizeof(stacks[i]));

		words[i] = -1;
		CHECK(clone3_call(&args, sizeof(args), stay_raw, NULL) > 0);
	}
	await_ready(SOME);
	expect_more(&before, kinds);
	end_all(&before, NULL);
	ok("threads");
}

static void check_namespaces(void)
{
	static const struct kinds kinds[] = {
		{"namespace_set", SOME},  {"uts_namespace", SOME},
		{"ipc_namespace", SOME},  {"net_namespace", SOME},
		{"user_namespace", SOME}, {"cgroup_namespace", SOME},
		{"time_namespace", SOME}, {"mount_namespace", SOME},
		{"process", SOME},        {NULL, 0}};
	struct ledger before;
	pid_t children[SOME];

	ledger_begin(&before);
	fork_some(children, EVERY_SPACE);
	expect_more(&before, kinds);
	end_all(&before, children);
	ok("namespaces");
}

static void check_memory_and_files(void)
{
	static const struct kinds pages[] = {
		{"frames", PAGES}, {"vm_area", 0}, {NULL, 0}};
	static const struct kinds areas[] = {{"vm_area", 1}, {"frames", 0}, {NULL, 0}};
	static const struct kinds files[] = {{"file", SOME}, {"frames", 0}, {NULL, 0}};
	struct ledger before;
	char *memory = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	int fds[SOME];

	CHECK(memory != MAP_FAILED);
	CHECK_EQ(madvise(memory, PAGES * 4096, MADV_DONTNEED), 0);
	ledger_begin(&before); // the tables stay
	memset(memory, 1, PAGES * 4096);
	expect_more(&before, pages);
	CHECK_EQ(madvise(memory, PAGES * 4096, MADV_DONTNEED), 0);
	ledger_expect(&before);
	CHECK_EQ(mprotect(memory + 4096, PAGES * 4096 - 4096, PROT_READ), 0);
	expect_more(&before, areas);
	CHECK_EQ(munmap(memory, PAGES * 4096), 0);
	ledger_begin(&before);
	for (int i = 0; i < SOME; i++) {
		fds[i] = open("/dev/null", O_RDONLY);
		CHECK(fds[i] >= 0);
	}
	expect_more(&before, files);
	for (int i = 0; i < SOME; i++) {
		close(fds[i]);
	}
	ledger_expect(&before);
	ok("memory_and_files");
}

/* ---- ways to end ---- */

static void *spin(void *unused)
{
	for (;;) {
		sched_yield();
	}
	return unused;
}

static void crash(void)
{
	start_thread(spin, NULL);
	*(volatile int *)UNMAPPED_ADDRESS = 1;
}

static void *execute(void *unused)
{
	char *arguments[] = {"x", "leaf", NULL};

	execv("/proc/self/exe", arguments);
	return unused;
}

static void exec_by_thread(void)
{
	start_thread(spin, NULL);
	start_thread(execute, NULL);
	spin(NULL);
}

/* Twice: the second time by one that leads since the first. */
static void exec_by_thread_again(void)
{
	char *arguments[] = {"x", "again", NULL};

	execv("/proc/self/exe", arguments);
}

static void kill_in_namespaces(void)
{
	CHECK_EQ(unshare(EVERY_SPACE), 0);
	CHECK_EQ(setsid() > 0, 1);
	start_thread(spin, NULL);
	raise(SIGKILL);
}

static void leave_threads(void)
{
	start_thread(spin, NULL);
	syscall(SYS_exit_group, 0);
}

static void check_ends(const char *name, void (*body)(void), int wanted)
{
	struct ledger before;

	CHECK_EQ(in_child(body), wanted);
	ledger_begin(&before);
	for (int i = 0; i < ROUNDS; i++) {
		CHECK_EQ(in_child(body), wanted);
	}
	ledger_expect(&before);
	ok(name);
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		if (strcmp(argv[1], "again") == 0) {
			exec_by_thread();
		}
		return 7;
	}
	ledger_required();
	CHECK_EQ(pipe(ready), 0);
	CHECK_EQ(pipe(leave), 0);
	warm();
	check_processes();
	check_threads();
	check_namespaces();
	check_memory_and_files();
	check_ends("crash", crash, SIGSEGV);
	check_ends("exec_by_thread", exec_by_thread, 7 << 8);
	check_ends("exec_by_thread_again", exec_by_thread_again, 7 << 8);
	check_ends("kill_in_namespaces", kill_in_namespaces, SIGKILL);
	check_ends("leave_threads", leave_threads, 0);
	return 0;
}
