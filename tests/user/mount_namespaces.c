// SPDX-License-Identifier: MIT
/*
 * C8, R1, R5, R11: mount namespaces by clone, unshare and setns: cwd and root move to the copies,
 * nothing done in one is seen in the other, refusals; /proc/PID/{mounts,mountinfo,mountstats} are those
 * of that process, as its root shows them.
 * libc: musl
 */
#include "cpus.h"
#include "mounts.h"

static ino_t namespace_of(const char *process)
{
	char name[64];
	struct stat status;

	snprintf(name, sizeof(name), "/proc/%s/ns/mnt", process);
	CHECK_EQ(stat(name, &status), 0);
	return status.st_ino;
}

static bool thread_sees(pid_t pid, const char *place)
{
	char name[64];
	struct mount_line line;

	snprintf(name, sizeof(name), "/proc/%d/mountinfo", (int)pid);
	return find_line(name, place, &line);
}

static char here[PATH_MAX / 2];

static void in_own_namespace(void)
{
	struct stat before, after;
	struct mount_line old = line_of(""), new;
	ino_t number = namespace_of("self");
	int fd;

	CHECK_EQ(stat(".", &before), 0);
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	CHECK(namespace_of("self") != number);
	CHECK_EQ(stat(".", &after), 0);
	CHECK(before.st_ino == after.st_ino && before.st_dev == after.st_dev);
	new = line_of("");
	CHECK(new.id != old.id);
	// The cwd is in the copy: what is mounted by its name is found below it, and busy keeps the copy.
	mount_tmpfs("sub");
	put("sub/mine", "x");
	CHECK(exists("sub/mine"));
	fd = open("sub", O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0);
	CHECK_ERRNO(umount2("sub", 0), EBUSY);
	close(fd);
	CHECK_ERRNO(umount2(".", 0), EBUSY);
	CHECK_ERRNO(umount2(here, 0), EBUSY);
}

static void check_unshare(void)
{
	make_folder("sub");
	must_pass_in_child(in_own_namespace);
	CHECK(!exists("sub/mine") && !is_mounted("sub"));
	CHECK_EQ(rmdir("sub"), 0);
	ok("unshare");
}

static void in_jail(void)
{
	struct stat root;
	struct mount_line line;

	CHECK_EQ(chroot("jail"), 0);
	CHECK_EQ(chdir("/"), 0);
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	CHECK_EQ(stat("/", &root), 0);
	CHECK(exists("/inside"));
	mount_tmpfs("/on");
	CHECK_EQ(mount("/proc", "/proc", "proc", 0, NULL), 0);
	CHECK(find_line("/proc/self/mountinfo", "/on", &line));
	CHECK(!find_line("/proc/self/mountinfo", here, &line));
	CHECK(find_line("/proc/self/mountinfo", "/", &line));
}

static void check_root(void)
{
	make_folder("jail");
	mount_tmpfs("jail");
	put("jail/inside", "x");
	make_folder("jail/on");
	make_folder("jail/proc");
	must_pass_in_child(in_jail);
	CHECK(!is_mounted("jail/on") && !is_mounted("jail/proc"));
	CHECK_EQ(umount2("jail", 0), 0);
	CHECK_EQ(rmdir("jail"), 0);
	ok("root");
}

static int go_on[2], done[2];

static int child_of_clone(void *unused)
{
	char byte;

	(void)unused;
	mount_tmpfs("sub");
	put("sub/childs", "x");
	CHECK_EQ(write(done[1], "x", 1), 1);
	CHECK_EQ(read(go_on[0], &byte, 1), 1);
	return 0;
}

static char stack[65536] __attribute__((aligned(16)));

static void check_clone(void)
{
	struct clone_args args = {.flags = CLONE_NEWNS, .exit_signal = SIGCHLD};
	char byte, name[64], full[PATH_MAX];
	int status;
	pid_t child;

	CHECK(pipe(go_on) == 0 && pipe(done) == 0);
	make_folder("sub");
	args.stack = (uintptr_t)stack;
	args.stack_size = sizeof(stack);
	args.flags |= CLONE_VM;
	child = (pid_t)clone3_call(&args, sizeof(args), child_of_clone, NULL);
	CHECK(child > 0);
	CHECK_EQ(read(done[0], &byte, 1), 1);
	CHECK(!exists("sub/childs") && !is_mounted("sub"));
	snprintf(full, sizeof(full), "%s/sub", here);
	CHECK(thread_sees(child, full) && !thread_sees(getpid(), full));
	// Through its root one sees its mounts, and its cwd is in them.
	snprintf(name, sizeof(name), "/proc/%d/cwd/sub/childs", (int)child);
	CHECK(exists(name));
	snprintf(name, sizeof(name), "/proc/%d/ns/mnt", (int)child);
	CHECK_EQ(write(go_on[1], "x", 1), 1);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_EQ(rmdir("sub"), 0);
	ok("clone");
}

/* A process in a namespace of its own with something mounted on sub; it ends when its pipe does. */
static pid_t start_holder(int *hold)
{
	int ends[2], ready[2];
	pid_t child;
	char byte;

	CHECK(pipe(ends) == 0 && pipe(ready) == 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(ends[1]);
		CHECK_EQ(unshare(CLONE_NEWNS), 0);
		mount_tmpfs("sub");
		put("sub/holders", "x");
		CHECK_EQ(write(ready[1], "x", 1), 1);
		CHECK_EQ(read(ends[0], &byte, 1), 0);
		_exit(0);
	}
	close(ends[0]);
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	*hold = ends[1];
	return child;
}

static int holders_namespace;
static pid_t holder;

static void enter_holder(void)
{
	char now[PATH_MAX], name[PATH_MAX + 64];
	struct stat status;

	CHECK_ERRNO(setns(holders_namespace, CLONE_NEWUTS), EINVAL);
	CHECK_EQ(setns(holders_namespace, CLONE_NEWNS), 0);
	CHECK(getcwd(now, sizeof(now)));
	CHECK_EQ(strcmp(now, "/"), 0);
	snprintf(name, sizeof(name), "%s/sub/holders", here);
	CHECK(exists(name));
	CHECK_EQ(fstat(holders_namespace, &status), 0);
	CHECK_EQ(namespace_of("self"), status.st_ino);
	// From inside another one, mounts of the first cannot be touched.
	snprintf(name, sizeof(name), "/proc/%d/cwd", (int)getppid());
	CHECK_ERRNO(mount("none", name, "tmpfs", 0, NULL), EINVAL);
	CHECK_ERRNO(umount2(name, MNT_DETACH), EINVAL);
	CHECK_ERRNO(mount(name, "/", NULL, MS_BIND, NULL), EINVAL);
}

static void *sit(void *word)
{
	while (!atomic_load((atomic_int *)word)) {
		sched_yield();
	}
	return NULL;
}

/* The fs information is shared with a thread: then there is no going to another root. */
static void shared_places(void)
{
	static atomic_int stop;
	pthread_t thread = start_thread(sit, &stop);

	CHECK_ERRNO(setns(holders_namespace, CLONE_NEWNS), EINVAL);
	// But unshare makes them its own.
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	CHECK_EQ(setns(holders_namespace, CLONE_NEWNS), 0);
	atomic_store(&stop, 1);
	join_thread(thread);
}

/* How the other one that shares the places sees them. */
static void *tell_places(void *word)
{
	unsigned long before = namespace_of("thread-self");
	char now[PATH_MAX];

	sit(word);
	CHECK(getcwd(now, sizeof(now)));
	CHECK_EQ(strcmp(now, "/"), 0);
	CHECK_EQ(namespace_of("thread-self"), before);
	return NULL;
}

/* With other kinds everybody who shares the places is moved, but only the caller is in the namespace. */
static void shared_places_and_more(void)
{
	static atomic_int stop;
	int pidfd = (int)syscall(SYS_pidfd_open, holder, 0);
	unsigned long before = namespace_of("thread-self"), own;
	char name[PATH_MAX + 64], now[PATH_MAX];
	pthread_t thread = start_thread(tell_places, &stop);

	CHECK(pidfd >= 0);
	CHECK_ERRNO(setns(pidfd, CLONE_NEWNS), EINVAL);
	CHECK_EQ(setns(pidfd, CLONE_NEWUTS), 0);
	CHECK(getcwd(now, sizeof(now)));
	CHECK_EQ(strcmp(now, here), 0);
	CHECK_EQ(setns(pidfd, CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC), 0);
	own = namespace_of("thread-self");
	CHECK(own != before);
	snprintf(name, sizeof(name), "%s/sub/holders", here);
	CHECK(exists(name));
	CHECK(getcwd(now, sizeof(now)));
	CHECK_EQ(strcmp(now, "/"), 0);
	atomic_store(&stop, 1);
	join_thread(thread);
	close(pidfd);
}

static void without_rights(void)
{
	CHECK_EQ(setuid(12345), 0);
	CHECK_ERRNO(setns(holders_namespace, CLONE_NEWNS), EPERM);
	CHECK_ERRNO(unshare(CLONE_NEWNS), EPERM);
	CHECK_ERRNO(mount("none", "/", "tmpfs", 0, NULL), EPERM);
	CHECK_ERRNO(mount("none", "/no-such", "tmpfs", 0, NULL), ENOENT);
	CHECK_ERRNO(umount2("/", 0), EPERM);
	CHECK_ERRNO(umount2("/no-such", 0), ENOENT);
	CHECK_ERRNO(syscall(SYS_pivot_root, "/no-such", "/no-such"), EPERM);
	CHECK_ERRNO(chroot("/"), EPERM);
}

static void check_setns(void)
{
	char name[64];
	int hold, status;

	make_folder("sub");
	holder = start_holder(&hold);
	snprintf(name, sizeof(name), "/proc/%d/ns/mnt", (int)holder);
	holders_namespace = open(name, O_RDONLY);
	CHECK(holders_namespace >= 0);
	must_pass_in_child(enter_holder);
	must_pass_in_child(shared_places);
	must_pass_in_child(shared_places_and_more);
	must_pass_in_child(without_rights);
	close(hold);
	CHECK_EQ(waitpid(holder, &status, 0), holder);
	// The descriptor alone keeps it.
	CHECK_EQ(status, 0);
	struct stat ns;
	CHECK_EQ(fstat(holders_namespace, &ns), 0);
	must_pass_in_child(enter_holder);
	close(holders_namespace);
	CHECK_EQ(rmdir("sub"), 0);
	ok("setns");
}

/* A namespace as a file: bound to a name it is kept, and entered by it. */
static void enter_by_name(void)
{
	int fd = open("kept", O_RDONLY);
	char name[PATH_MAX + 64];

	CHECK(fd >= 0);
	CHECK_EQ(setns(fd, CLONE_NEWNS), 0);
	snprintf(name, sizeof(name), "%s/sub/holders", here);
	CHECK(exists(name));
}

static void check_bound(void)
{
	char name[64];
	int hold, status;
	struct mount_line line;

	make_folder("sub");
	put("kept", "");
	holder = start_holder(&hold);
	snprintf(name, sizeof(name), "/proc/%d/ns/mnt", (int)holder);
	CHECK_EQ(mount(name, "kept", NULL, MS_BIND, NULL), 0);
	CHECK_ERRNO(mount("/proc/self/ns/mnt", "sub", NULL, MS_BIND, NULL), EINVAL);
	close(hold);
	CHECK_EQ(waitpid(holder, &status, 0), holder);
	line = line_of("kept");
	CHECK_EQ(strcmp(line.type, "nsfs"), 0);
	CHECK_EQ(strncmp(line.root, "mnt:[", 5), 0);
	must_pass_in_child(enter_by_name);
	CHECK_EQ(umount2("kept", 0), 0);
	CHECK_EQ(unlink("kept"), 0);
	CHECK_EQ(rmdir("sub"), 0);
	ok("bound");
}

static void check_refusals(void)
{
	struct clone_args args = {.flags = CLONE_NEWNS | CLONE_FS,
				  .exit_signal = SIGCHLD};
	int fd = open("/dev/null", O_RDONLY);

	CHECK_ERRNO(syscall(SYS_clone3, &args, sizeof(args)), EINVAL);
	CHECK_ERRNO(setns(fd, CLONE_NEWNS), EINVAL);
	close(fd);
	CHECK_ERRNO(setns(fd, CLONE_NEWNS), EBADF);
	ok("refusals");
}

static void check_texts(void)
{
	char text[512];
	bool found = false;
	FILE *file;

	make_folder("a b");
	mount_tmpfs("a b");
	file = fopen("/proc/self/mounts", "r");
	CHECK(file);
	while (fgets(text, sizeof(text), file)) {
		found = found || (strstr(text, "/a\\040b tmpfs rw,relatime") &&
				  strncmp(text, "none ", 5) == 0);
	}
	fclose(file);
	CHECK(found);
	file = fopen("/proc/self/mountstats", "r");
	CHECK(file);
	found = false;
	while (fgets(text, sizeof(text), file)) {
		found = found || (strncmp(text, "device none mounted on ", 23) == 0 &&
				  strstr(text, "/a\\040b with fstype tmpfs"));
	}
	fclose(file);
	CHECK(found);
	CHECK_EQ(umount2("a b", 0), 0);
	CHECK_EQ(rmdir("a b"), 0);
	ok("texts");
}

/* In a user namespace of one's own: much can be mounted, but nothing taken away from what it covers. */
static void with_less_power(void)
{
	struct mount_line line;

	CHECK_EQ(setuid(12345), 0);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
		_exit(TEST_SKIPPED);
	}
	line = line_of("lock");
	CHECK(relation(&line, "shared:") == 0 && relation(&line, "master:") > 0);
	CHECK_ERRNO(umount2("lock", 0), EINVAL);
	CHECK_ERRNO(umount2("lock", MNT_DETACH), EINVAL);
	CHECK_ERRNO(mount("lock", "sub", NULL, MS_MOVE, NULL), EINVAL);
	CHECK_ERRNO(mount(NULL, "lock", NULL, MS_REMOUNT | MS_BIND, NULL), EPERM);
	CHECK_ERRNO(mount(NULL, "lock", NULL,
			  MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NODEV | MS_NOATIME, NULL),
		    EPERM);
	CHECK_EQ(mount(NULL, "lock", NULL,
		       MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NODEV | MS_NOEXEC, NULL),
		 0);
	CHECK_ERRNO(mount(NULL, "lock", NULL, MS_REMOUNT | MS_RDONLY | MS_NODEV, NULL),
		    EPERM);
	CHECK_ERRNO(mount(".", "sub", NULL, MS_BIND, NULL), EINVAL); // what lock covers
	CHECK_EQ(mount(".", "sub", NULL, MS_BIND | MS_REC, NULL), 0);
	CHECK_ERRNO(umount2("sub/lock", 0), EINVAL);
	CHECK_EQ(umount2("sub", MNT_DETACH), 0);
	CHECK_EQ(mount("none", "sub", "tmpfs", 0, NULL), 0);
	CHECK_EQ(umount2("sub", 0), 0);
	CHECK_ERRNO(mount("none", "sub", "devtmpfs", 0, NULL), EPERM);
	CHECK_ERRNO(mount("none", "sub", "no-such", 0, NULL), ENODEV);
	// What is mounted on top is one's own; the lock is not.
	CHECK_EQ(mount("none", "lock", "tmpfs", 0, NULL), 0);
	CHECK_EQ(umount2("lock", 0), 0);
	CHECK(is_mounted("lock"));
}

static void check_power(void)
{
	int status;

	make_folder("sub");
	make_folder("lock");
	CHECK_EQ(chmod(".", 0755), 0);
	mount_tmpfs("lock");
	CHECK_EQ(mount(NULL, "lock", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NODEV,
		       NULL),
		 0);
	CHECK_EQ(mount(NULL, "lock", NULL, MS_SHARED, NULL), 0);
	status = in_child(with_less_power);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != TEST_SKIPPED) {
		CHECK_EQ(status, 0);
		ok("power");
	}
	CHECK_EQ(umount2("lock", 0), 0);
	CHECK_EQ(rmdir("lock"), 0);
	CHECK_EQ(rmdir("sub"), 0);
}

/* Each namespace is held by a mount in the one before it: all of them go with the first. */
static void check_chain(void)
{
	enum { LONG = 200 };

	if (access("/proc/heddle/ledger", F_OK) != 0) {
		return; // the oracle would take its time
	}
	put("next", "");
	int status, ends[2];
	char byte;
	CHECK_EQ(pipe(ends), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		for (int i = 0; i < LONG; i++) {
			int older;

			CHECK_EQ(unshare(CLONE_NEWNS), 0);
			older = open("/proc/self/ns/mnt", O_RDONLY);
			CHECK(older >= 0);
			CHECK_EQ(unshare(CLONE_NEWNS), 0);
			int newer = open("/proc/self/ns/mnt", O_RDONLY);
			char name[64];

			CHECK_EQ(setns(older, CLONE_NEWNS), 0);
			snprintf(name, sizeof(name), "/proc/self/fd/%d", newer);
			CHECK_EQ(chdir(here), 0);
			CHECK_EQ(mount(name, "next", NULL, MS_BIND, NULL), 0);
			CHECK_EQ(setns(newer, CLONE_NEWNS), 0);
			CHECK_EQ(chdir(here), 0);
			close(older);
			close(newer);
		}
		_exit(0);
	}
	close(ends[1]);
	CHECK_EQ(read(ends[0], &byte, 1), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_EQ(unlink("next"), 0);
	ok("chain");
}

int main(void)
{
	CHECK_EQ(chmod(".", 0755), 0);
	if (!getenv("HEDDLE_TEST_GUEST")) {
		/*
		 * Linux refuses to bind a namespace to a name in one that is not older (a loop), and tells older from younger by
		 * a number; since 6.18 each CPU gives numbers out of its own stock.
		 */
		pin(0, (unsigned)sched_getcpu());
	}
	enter_world();
	CHECK(getcwd(here, sizeof(here)));
	check_unshare();
	check_root();
	check_clone();
	check_setns();
	check_bound();
	check_refusals();
	check_texts();
	check_power();
	check_chain();
	return 0;
}
