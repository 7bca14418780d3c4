// SPDX-License-Identifier: MIT
/*
 * R2, R6, R10, C8: each allocation of unshare(CLONE_NEWNS), clone, setns, mount, bind, move and
 * pivot_root fails once: nothing has changed then, and when the process is gone the ledger is where it
 * was; so the last of a namespace takes its mounts down. Only Heddle has the ledger: skipped on Linux.
 * deadline: 120
 */
#include "ledger.h"
#include "mounts.h"

enum { MOST = 400, PASSES = 3, TEXT_MAX = 16384 };

struct operation {
	const char *name;
	int (*run)(void); /* 0, or -1 with errno */
	void (*prepare)(void);
};

static char before[TEXT_MAX], after[TEXT_MAX];
static int other_namespace;

static void read_mounts(char *text)
{
	int fd = open("/proc/self/mountinfo", O_RDONLY);
	ssize_t length, total = 0;

	CHECK(fd >= 0);
	while ((length = read(fd, text + total, (size_t)(TEXT_MAX - 1 - total))) > 0) {
		total += length;
	}
	CHECK_EQ(length, 0);
	text[total] = 0;
	close(fd);
}

/* w: a tmpfs; w/a shared, w/b its peer, w/c its slave and shared, w/d peer of that; w/t a tree of two. */
static void build_world(void)
{
	const char *names[] = {"w/a", "w/b", "w/c", "w/d", "w/t", "w/up", "w/new"};

	CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	mount_tmpfs("w");
	for (int i = 0; i < 7; i++) {
		make_folder(names[i]);
	}
	mount_tmpfs("w/a");
	make_folder("w/a/sub");
	CHECK_EQ(mount(NULL, "w/a", NULL, MS_SHARED, NULL), 0);
	CHECK_EQ(mount("w/a", "w/b", NULL, MS_BIND, NULL), 0);
	CHECK_EQ(mount("w/a", "w/c", NULL, MS_BIND, NULL), 0);
	CHECK_EQ(mount(NULL, "w/c", NULL, MS_SLAVE, NULL), 0);
	CHECK_EQ(mount(NULL, "w/c", NULL, MS_SHARED, NULL), 0);
	CHECK_EQ(mount("w/c", "w/d", NULL, MS_BIND, NULL), 0);
	mount_tmpfs("w/t");
	make_folder("w/t/in");
	mount_tmpfs("w/t/in");
}

static int run_unshare(void)
{
	return unshare(CLONE_NEWNS);
}

static int run_clone(void)
{
	struct clone_args args = {.flags = CLONE_NEWNS, .exit_signal = SIGCHLD};
	long child = syscall(SYS_clone3, &args, sizeof(args));

	if (child == 0) {
		_exit(0);
	}
	return child < 0 ? -1 : 0;
}

static int run_setns(void)
{
	return setns(other_namespace, CLONE_NEWNS);
}

static int run_mount(void)
{
	return mount("none", "w/a/sub", "tmpfs", 0, "size=1m");
}

static int run_overlay(void)
{
	return mount("none", "w/a/sub", "overlay", 0, "lowerdir=w/t");
}

static int run_proc(void)
{
	return mount("none", "w/a/sub", "proc", 0, NULL);
}

static int run_devpts(void)
{
	return mount("none", "w/a/sub", "devpts", 0, NULL);
}

static int run_bind(void)
{
	return mount("w/t", "w/a/sub", NULL, MS_BIND | MS_REC, NULL);
}

static int run_move(void)
{
	return mount("w/t", "w/a/sub", NULL, MS_MOVE, NULL);
}

static int run_unmount(void)
{
	return umount2("w/a/sub", 0);
}

static int run_detach(void)
{
	return umount2("w", MNT_DETACH);
}

static void prepare_unmount(void)
{
	mount_tmpfs("w/a/sub");
}

static void prepare_pivot(void)
{
	mount_tmpfs("w/new");
	make_folder("w/new/old");
	make_folder("w/new/proc");
	make_folder("w/proc");
	CHECK_EQ(mount("/proc", "w/proc", NULL, MS_BIND | MS_REC, NULL), 0);
	CHECK_EQ(mount("/proc", "w/new/proc", NULL, MS_BIND | MS_REC, NULL), 0);
	CHECK_EQ(chroot("w"), 0);
	CHECK_EQ(chdir("/"), 0);
}

static int run_pivot(void)
{
	return (int)syscall(SYS_pivot_root, "/new", "/new/old");
}

static const struct operation operations[] = {
	{"unshare", run_unshare, NULL}, {"clone", run_clone, NULL},
	{"setns", run_setns, NULL},     {"mount", run_mount, NULL},
	{"overlay", run_overlay, NULL}, {"proc", run_proc, NULL},
	{"devpts", run_devpts, NULL},   {"bind", run_bind, NULL},
	{"move", run_move, NULL},       {"unmount", run_unmount, prepare_unmount},
	{"detach", run_detach, NULL},   {"pivot", run_pivot, prepare_pivot},
};

/* In a child. Ends with 0: it failed and nothing changed; 3: it passed. */
static void fail_operation(const struct operation *operation, int n)
{
	int fd = open("/proc/heddle/fail_nth", O_WRONLY | O_CLOEXEC), result, error;
	struct stat was, is;

	CHECK(fd >= 0);
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	build_world();
	if (operation->prepare) {
		operation->prepare();
	}
	CHECK_EQ(stat("/proc/self/ns/mnt", &was), 0);
	read_mounts(after);
	read_mounts(before);
	fail_nth(fd, n);
	result = operation->run();
	error = errno;
	fail_nth(fd, 0);
	if (result == 0) {
		while (wait(NULL) > 0) {
		}
		_exit(3);
	}
	errno = error;
	CHECK_EQ(error, ENOMEM);
	read_mounts(after);
	CHECK_EQ(strcmp(before, after), 0);
	CHECK_EQ(stat("/proc/self/ns/mnt", &is), 0);
	CHECK_EQ(was.st_ino, is.st_ino);
	CHECK(operation->run == run_pivot ? exists("/new/old") : exists("w/t/in"));
	_exit(0);
}

static void check(const struct operation *operation)
{
	struct ledger start;
	int passes = 0, failures = 0;

	ledger_begin(&start);
	for (int n = 1; n < MOST && passes < PASSES; n++) {
		int status;
		pid_t child = fork();

		CHECK(child >= 0);
		if (child == 0) {
			fail_operation(operation, n);
		}
		CHECK_EQ(waitpid(child, &status, 0), child);
		if (!WIFSIGNALED(status)) {
			CHECK(WIFEXITED(status));
			CHECK(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 3);
			passes = WEXITSTATUS(status) == 3 ? passes + 1 : 0;
			failures += WEXITSTATUS(status) == 0;
		} else {
			CHECK_EQ(WTERMSIG(status), SIGKILL); // a page after fork
		}
		ledger_expect(&start);
	}
	CHECK_EQ(passes, PASSES);
	say("# %s: %d allocations\n", operation->name, failures);
	ok(operation->name);
}

int main(void)
{
	pid_t holder;
	int ends[2], ready[2];
	char byte, name[64];

	ledger_required();
	if (mkdir("w", 0755) != 0) {
		CHECK_EQ(errno, EEXIST);
	}
	CHECK(pipe(ends) == 0 && pipe(ready) == 0);
	holder = fork();
	if (holder == 0) {
		close(ends[1]);
		CHECK_EQ(unshare(CLONE_NEWNS), 0);
		CHECK_EQ(write(ready[1], "x", 1), 1);
		CHECK_EQ(read(ends[0], &byte, 1), 0);
		_exit(0);
	}
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	snprintf(name, sizeof(name), "/proc/%d/ns/mnt", (int)holder);
	other_namespace = open(name, O_RDONLY);
	CHECK(other_namespace >= 0);
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		check(&operations[i]);
	}
	close(ends[1]);
	CHECK_EQ(waitpid(holder, NULL, 0), holder);
	return 0;
}
