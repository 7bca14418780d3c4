// SPDX-License-Identifier: MIT
/*
 * C7, C8, R6, R10: each allocation of a change of credentials fails once: set*id, groups, capabilities, new user
 * namespaces, their maps, setns, set-uid programs. What fails says ENOMEM (or, after the point of no
 * return, kills), changes nothing and leaves nothing. Heddle only.
 * deadline: 120
 */
#include "ledger.h"
#include "userns.h"
#include <sys/stat.h>
#include <sys/xattr.h>

enum { MOST = 300, RAN = 42 };

struct outcome {
	int result, reason;
	bool same; /* the credentials are what they were */
};

struct state {
	uid_t ids[6];
	int groups;
	uint64_t capabilities;
};

static int control = -1;
static struct other target;
static char map_name[64], namespace_name[64];
static struct outcome *outcome; // shared

static void arm(int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", n);

	CHECK_EQ(write(control, text, (size_t)length), length);
}

static void read_state(struct state *state)
{
	getresuid(&state->ids[0], &state->ids[1], &state->ids[2]);
	getresgid(&state->ids[3], &state->ids[4], &state->ids[5]);
	state->groups = getgroups(0, NULL);
	state->capabilities = effective_capabilities();
}

static int act_user(void)
{
	return setresuid(SOMEBODY, SOMEBODY, SOMEBODY);
}

static int act_group(void)
{
	return setregid(SOMEBODY, SOMEBODY);
}

static int act_groups(void)
{
	static gid_t many[1000];

	return (int)syscall(SYS_setgroups, 1000, many);
}

static int act_bounding(void)
{
	return prctl(PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0);
}

static int act_unshare(void)
{
	return unshare(CLONE_NEWUSER);
}

static int act_unshare_all(void)
{
	return unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |
		       CLONE_NEWNET | CLONE_FILES);
}

static int act_clone(void)
{
	long child = syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWUTS | SIGCHLD, NULL,
			     NULL, NULL, NULL);

	if (child == 0) {
		_exit(0);
	}
	if (child > 0) {
		syscall(SYS_wait4, child, NULL, 0, NULL);
	}
	return child < 0 ? -1 : 0;
}

static int act_map(void)
{
	int fd = open(map_name, O_WRONLY);

	return fd < 0 || write(fd, "0 0 1\n2 2 3\n7 7 7\n20 20 9\n40 40 1\n50 50 2", 43) <
				       0
		       ? -1
		       : 0;
}

static int act_enter(void)
{
	int fd = open(namespace_name, O_RDONLY);

	return fd < 0 ? -1 : setns(fd, CLONE_NEWUSER);
}

static int act_attribute(void)
{
	struct vfs_cap_data data = {.magic_etc = VFS_CAP_REVISION_2};

	return setxattr("program", "security.capability", &data, sizeof(data), 0);
}

static int act_program(void)
{
	execl("./program", "program", "run", NULL);
	return -1;
}

static const struct walk {
	const char *name;
	int (*act)(void);
	bool changes; /* the credentials, when it passes */
	int least;    /* allocations there must be */
} walks[] = {
	{"user", act_user, true, 2},        {"group", act_group, true, 1},
	{"groups", act_groups, true, 3},    {"bounding", act_bounding, false, 1},
	{"unshare", act_unshare, true, 2},  {"unshare_all", act_unshare_all, true, 8},
	{"clone", act_clone, false, 8},     {"map", act_map, false, 2},
	{"enter", act_enter, true, 2},      {"attribute", act_attribute, false, 1},
	{"program", act_program, false, 5},
};

static __attribute__((noinline)) void touch_memory(void)
{
	volatile char block[65536];

	for (size_t i = 0; i < sizeof(block); i += 4096) {
		block[i] = 1;
	}
}

/* Ends without another allocation that could matter: who has lost CAP_SYS_ADMIN cannot disarm. */
static void act_once(const struct walk *walk, int n)
{
	static struct state before, after;

	touch_memory();
	*outcome = (struct outcome){.result = 1};
	read_state(&before);
	read_state(&after);
	arm(n);
	outcome->result = walk->act();
	outcome->reason = errno;
	read_state(&after);
	outcome->same = memcmp(&before, &after, sizeof(before)) == 0;
	_exit(0);
}

/* false: it passed, the walk is over. */
static bool step(const struct walk *walk, int n)
{
	int status;
	pid_t child;
	bool failed;

	other_start(&target, CLONE_NEWUSER);
	snprintf(map_name, sizeof(map_name), "/proc/%d/uid_map", (int)target.pid);
	snprintf(namespace_name, sizeof(namespace_name), "/proc/%d/ns/user",
		 (int)target.pid);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		act_once(walk, n);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	other_end(&target);
	if (WIFSIGNALED(status)) { // a page of the program could not be had
		CHECK_EQ(WTERMSIG(status), SIGKILL);
		return true;
	}
	if (WEXITSTATUS(status) == RAN) {
		return false;
	}
	CHECK_EQ(WEXITSTATUS(status), 0);
	failed = outcome->result < 0;
	if (failed) {
		CHECK_EQ(outcome->reason, ENOMEM);
		CHECK(outcome->same);
	} else {
		CHECK_EQ(outcome->same, !walk->changes);
	}
	return failed;
}

static void run(const struct walk *walk)
{
	struct ledger before;
	int n = 1;

	CHECK(!step(walk, MOST)); // everything that stays is there
	ledger_begin(&before);
	while (step(walk, n)) {
		n++;
		CHECK(n < MOST);
	}
	ledger_expect(&before);
	if (n - 1 < walk->least) {
		say("%s: only %d allocations\n", walk->name, n - 1);
		_exit(1);
	}
	ok(walk->name);
}

static void copy_program(void)
{
	static char buffer[1 << 16];
	int in = open("/proc/self/exe", O_RDONLY),
	    out = open("program", O_WRONLY | O_CREAT, 0755);
	ssize_t size;

	CHECK(in >= 0 && out >= 0);
	while ((size = read(in, buffer, sizeof(buffer))) > 0) {
		CHECK_EQ(write(out, buffer, (size_t)size), size);
	}
	CHECK_EQ(fchmod(out, 06755), 0);
	close(in);
	close(out);
}

int main(int count, char **arguments)
{
	(void)arguments;
	if (count > 1) {
		return RAN;
	}
	ledger_required();
	copy_program();
	outcome = shared_page();
	control = open("/proc/heddle/fail_nth", O_WRONLY);
	CHECK(control >= 0);
	for (size_t i = 0; i < sizeof(walks) / sizeof(walks[0]); i++) {
		run(&walks[i]);
	}
	return 0;
}
