// SPDX-License-Identifier: MIT
/*
 * T1, T9, T12, R6, R10, C8: each allocation of clone and fork, with each namespace there is, fails
 * once, and the ledger is where it was;
 * so it is after thousands of detached threads. Only Heddle has the ledger: skipped on Linux.
 * deadline: 120
 */
#include "ledger.h"
#include "raw.h"

enum { MOST = 400 };

static bool areas_may_differ; /* libc keeps stacks of dead threads */
static int *passed;           /* shared: the clone under test did not fail */

/* Frames and bytes come in batches, and what is looked up stays cached; these are exact. */
static bool is_exact(const char *name)
{
	static const char *const kinds[] = {
		"thread",
		"process",
		"pid",
		"kernel_stacks",
		"vm_space",
		"vm_area",
		"file",
		"file_table",
		"fs_info",
		"credentials",
		"namespace_set",
		"user_account",
		"signal_handlers",
		"pid_namespace",
		"uts_namespace",
		"ipc_namespace",
		"net_namespace",
		"mount_namespace",
		"user_namespace",
		"cgroup_namespace",
		"mount",
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i], name) == 0) {
			return true;
		}
	}
	return false;
}

static bool ledger_is(const struct ledger *wanted, bool tell)
{
	struct ledger now;
	bool same = true;

	ledger_read(&now);
	for (int i = 0; i < now.count; i++) {
		const char *name = now.kind[i].name;
		long is = ledger_live(&now, name), was = ledger_live(wanted, name);

		if (is == was || !is_exact(name) ||
		    (areas_may_differ && strcmp(name, "vm_area") == 0)) {
			continue;
		}
		same = false;
		if (tell) {
			say("# %s: %ld, was %ld\n", name, is, was);
		}
	}
	return same;
}

/* The dead are freed by whoever runs next on their CPU: soon, not at once. */
static void expect_ledger(const struct ledger *wanted)
{
	long long start = now_ns();

	while (!ledger_is(wanted, false)) {
		if (now_ns() - start > 5 * 1000000000ll) {
			ledger_is(wanted, true);
			CHECK(!"the ledger is where it was");
		}
		sched_yield();
	}
}

static int end_at_once(void *unused)
{
	*passed = 1;
	return unused != NULL;
}

/* The stack is ours before an allocation is to fail. */
static __attribute__((noinline)) void touch_stack(void)
{
	volatile char block[65536];

	for (size_t i = 0; i < sizeof(block); i += 4096) {
		block[i] = 1;
	}
}

/* In a child: the n-th allocation of one clone fails. Ends with 0: so it said; 3: clone passed. */
static void clone_once(int n, uint64_t flags)
{
	static char stack[16384] __attribute__((aligned(16)));
	static pid_t word;
	struct clone_args args = {
		.flags = flags,
		.exit_signal = flags & CLONE_THREAD ? 0 : SIGCHLD,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
		.child_tid = (uintptr_t)&word,
		.pidfd = (uintptr_t)&word,
	};
	int fd = open("/proc/heddle/fail_nth", O_WRONLY);
	long result;

	CHECK(fd >= 0);
	memset(stack, 1, sizeof(stack));
	word = 1;
	touch_stack();
	*(volatile int *)passed = 0;
	fail_nth(fd, n);
	result = clone3_call(&args, sizeof(args), end_at_once, NULL);
	if (result > 0) {
		*passed = 1;
	}
	fail_nth(fd, 0);
	_exit(result > 0 ? 3 : result == -ENOMEM || result == -EAGAIN ? 0 : 1);
}

/* Returns how many allocations there were. */
static int fail_clones(uint64_t flags, const struct ledger *before)
{
	*passed = 0;
	for (int n = 1; n < MOST; n++) {
		int status;
		pid_t child = fork();

		CHECK(child >= 0);
		if (child == 0) {
			clone_once(n, flags);
		}
		CHECK_EQ(waitpid(child, &status, 0), child);
		if (WIFSIGNALED(status)) {
			// After fork each page is copied once more: what failed was such a copy.
			CHECK_EQ(WTERMSIG(status), SIGKILL);
			WAIT_UNTIL(*(volatile int *)passed);
		}
		if (*passed) {
			return n - 1;
		}
		CHECK_EQ(status, 0);
		expect_ledger(before);
	}
	CHECK(!"clone passes in the end");
	return 0;
}

static void check_failures(const char *name, uint64_t flags)
{
	struct ledger before, settled;
	int steps;

	ledger_begin(&before);
	fail_clones(flags, &before); // what is made once only is made now
	expect_ledger(&before);
	ledger_begin(&settled);
	ledger_read(&before);
	steps = fail_clones(flags, &before);
	say("# %s: %d allocations\n", name, steps);
	CHECK(steps >= 3);
	expect_ledger(&before); // the child of the last round is init's to reap
	ledger_expect(&settled);
	ok(name);
}

static void check_namespaces(void)
{
	const uint64_t all = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |
			     CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWPID;

	check_failures("pid_namespace", CLONE_NEWPID);
	check_failures("pid_namespace_vm", CLONE_NEWPID | CLONE_VM | CLONE_PIDFD);
	check_failures("mount_namespace", CLONE_NEWNS);
	check_failures("user_namespace", CLONE_NEWUSER);
	check_failures("uts_namespace", CLONE_NEWUTS);
	check_failures("ipc_namespace", CLONE_NEWIPC);
	check_failures("net_namespace", CLONE_NEWNET);
	check_failures("cgroup_namespace", CLONE_NEWCGROUP);
	check_failures("all_namespaces", all);
	check_failures("all_namespaces_pidfd", all | CLONE_VM | CLONE_PIDFD);
}

static void *do_nothing(void *unused)
{
	return unused;
}

/* T9: dead detached threads leave nothing. */
static void check_detached(void)
{
	struct ledger before;
	pthread_t thread;

	areas_may_differ = true;
	join_thread(start_thread(do_nothing, NULL));
	ledger_begin(&before);
	for (int i = 0; i < 500; i++) {
		CHECK_EQ(pthread_create(&thread, NULL, do_nothing, NULL), 0);
		CHECK_EQ(pthread_detach(thread), 0);
		if (i % 50 == 0) {
			sched_yield();
		}
	}
	expect_ledger(&before);
	ok("detached");
}

int main(void)
{
	ledger_required();
	passed = shared_page();
	check_failures("fork", 0);
	check_failures("vm", CLONE_VM);
	check_failures("pidfd", CLONE_VM | CLONE_PIDFD);
	check_failures("thread", CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FS |
					 CLONE_FILES | CLONE_SYSVSEM |
					 CLONE_CHILD_CLEARTID);
	check_namespaces();
	check_detached();
	return 0;
}
