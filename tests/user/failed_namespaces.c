// SPDX-License-Identifier: MIT
/*
 * Each allocation on the ways into namespaces fails once: unshare, clone, setns, nsfs. What fails
 * says ENOMEM, changes nothing and leaves nothing (R6, R10, C8). Heddle only.
 * deadline: 120
 */
#include "ledger.h"
#include "raw.h"
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#ifndef CLONE_NEWTIME
#	define CLONE_NEWTIME 0x80
#endif

enum {
	MOST = 400,
	ALL = CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWNS |
	      CLONE_NEWPID | CLONE_NEWTIME,
	FAILED_RIGHTLY = 0,
	PASSED = 3,
};

static const char *const links[] = {"uts",
				    "ipc",
				    "net",
				    "cgroup",
				    "mnt",
				    "user",
				    "time",
				    "time_for_children",
				    "pid_for_children"};
enum { LINKS = sizeof(links) / sizeof(links[0]) };

/* Of one walk: what is done, and what it needs that is made beforehand. */
struct walk {
	const char *name;
	int flags;
	int (*act)(const struct walk *walk);
	int least; /* allocations there must be */
};

static int target = -1; /* a descriptor, made before the fork */
static int control = -1;
static volatile int *passed;

static void read_links(unsigned long numbers[LINKS])
{
	for (int i = 0; i < LINKS; i++) {
		char path[64];
		struct stat status;

		snprintf(path, sizeof(path), "/proc/self/ns/%s", links[i]);
		numbers[i] = stat(path, &status) ? 0 : status.st_ino;
	}
}

static int act_unshare(const struct walk *walk)
{
	return unshare(walk->flags);
}

static int act_setns(const struct walk *walk)
{
	return setns(target, walk->flags);
}

static int be_nothing(void *unused)
{
	*passed = 1;
	return unused != NULL;
}

static int act_clone(const struct walk *walk)
{
	static char stack[16384] __attribute__((aligned(16)));
	struct clone_args args = {.flags = (uint64_t)walk->flags,
				  .exit_signal = SIGCHLD,
				  .stack = (uintptr_t)stack,
				  .stack_size = sizeof(stack)};
	long child;

	child = clone3_call(&args, sizeof(args), be_nothing, NULL);
	if (child < 0) {
		errno = (int)-child;
		return -1;
	}
	fail_nth(control, 0);
	CHECK_EQ(waitpid((pid_t)child, NULL, 0), child);
	return 0;
}

static int act_open(const struct walk *walk)
{
	(void)walk;
	return open("/proc/self/ns/uts", O_RDONLY) < 0 ? -1 : 0;
}

static int act_owner(const struct walk *walk)
{
	(void)walk;
	return ioctl(target, NS_GET_USERNS) < 0 ? -1 : 0;
}

/* The stack and our data are ours before an allocation is to fail. */
static __attribute__((noinline)) void touch_memory(void)
{
	volatile char block[65536];

	for (size_t i = 0; i < sizeof(block); i += 4096) {
		block[i] = 1;
	}
}

static void act_once(const struct walk *walk, int n)
{
	static unsigned long before[LINKS], after[LINKS];
	int result, reason;

	touch_memory();
	*passed = 0; // and so is the page that is shared
	read_links(before);
	read_links(after);
	fail_nth(control, n);
	result = walk->act(walk);
	reason = errno;
	if (result == 0) {
		_exit(PASSED); // armed still: in a new user namespace nobody may disarm
	}
	fail_nth(control, 0);
	CHECK(reason == ENOMEM || reason == EAGAIN);
	read_links(after);
	CHECK_EQ(memcmp(before, after, sizeof(before)), 0);
	_exit(FAILED_RIGHTLY);
}

/* Returns how many allocations there were. */
static int walk_through(const struct walk *walk, const struct ledger *before)
{
	for (int n = 1; n < MOST; n++) {
		int status;
		pid_t child;

		*passed = 0;
		child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			act_once(walk, n);
		}
		CHECK_EQ(waitpid(child, &status, 0), child);
		if (WIFSIGNALED(status)) {
			// After fork each page is copied once more: what failed was such a copy.
			CHECK_EQ(WTERMSIG(status), SIGKILL);
			WAIT_UNTIL(*passed);
		}
		if (before) {
			ledger_expect(before); // a child that is left is init's to reap
		}
		if (*passed || (WIFEXITED(status) && WEXITSTATUS(status) == PASSED)) {
			return n - 1;
		}
		CHECK_EQ(status, FAILED_RIGHTLY);
	}
	CHECK(!"it passes in the end");
	return 0;
}

static void check(const struct walk *walk)
{
	struct ledger before;
	int steps;

	touch_memory();
	walk_through(walk, NULL); // what is made once only is made now
	ledger_begin(&before);
	steps = walk_through(walk, &before);
	say("# %s: %d allocations\n", walk->name, steps);
	CHECK(steps >= walk->least);
	ok(walk->name);
}

static void check_by_file(const char *name, const char *link, int flags)
{
	struct walk walk = {name, flags, act_setns, 1};
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", link);
	target = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(target >= 0);
	check(&walk);
	close(target);
}

/* Into those of a child that waits in its own. */
static void check_by_pidfd(void)
{
	struct walk walk = {"setns_pidfd", ALL & ~CLONE_NEWPID, act_setns, 1};
	int ready[2], leave[2];
	char byte;
	pid_t child;

	CHECK_EQ(pipe2(ready, O_CLOEXEC), 0);
	CHECK_EQ(pipe2(leave, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		close(leave[1]);
		CHECK_EQ(unshare(ALL & ~CLONE_NEWPID), 0);
		CHECK_EQ(write(ready[1], "r", 1), 1);
		CHECK_EQ(read(leave[0], &byte, 1), 0);
		_exit(0);
	}
	close(leave[0]);
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	target = (int)syscall(SYS_pidfd_open, child, 0);
	CHECK(target >= 0);
	check(&walk);
	close(target);
	close(leave[1]);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

/* A time namespace is entered by fork: the child's data page is exchanged on the way. */
static void fork_into_time(void)
{
	struct walk walk = {"fork_into_time", 0, act_clone, 3};

	CHECK_EQ(unshare(CLONE_NEWTIME), 0);
	check(&walk);
}

int main(void)
{
	static const struct walk walks[] = {
		{"unshare_uts", CLONE_NEWUTS, act_unshare, 2},
		{"unshare_ipc", CLONE_NEWIPC, act_unshare, 2},
		{"unshare_net", CLONE_NEWNET, act_unshare, 2},
		{"unshare_cgroup", CLONE_NEWCGROUP, act_unshare, 2},
		{"unshare_time", CLONE_NEWTIME, act_unshare, 2},
		{"unshare_all", ALL, act_unshare, 8},
		{"unshare_with_user", ALL | CLONE_NEWUSER | CLONE_FILES, act_unshare, 9},
		{"clone_all", ALL, act_clone, 8},
		{"open", 0, act_open, 2},
	};
	struct walk owner = {"owner", 0, act_owner, 2};

	ledger_required();
	passed = shared_page();
	control = open("/proc/heddle/fail_nth", O_WRONLY | O_CLOEXEC);
	CHECK(control >= 0);
	for (size_t i = 0; i < sizeof(walks) / sizeof(walks[0]); i++) {
		check(&walks[i]);
	}
	target = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	check(&owner);
	close(target);
	check_by_file("setns_uts", "uts", CLONE_NEWUTS);
	check_by_file("setns_ipc", "ipc", CLONE_NEWIPC);
	check_by_file("setns_mnt", "mnt", CLONE_NEWNS);
	check_by_file("setns_time", "time", CLONE_NEWTIME);
	check_by_pidfd();
	must_pass_in_child(fork_into_time);
	return 0;
}
