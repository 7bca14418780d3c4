// SPDX-License-Identifier: MIT
/*
 * C8, R11: pivot_root, chroot and fchdir: who moves, where ".." leads, what is refused.
 * libc: musl
 */
#include "mounts.h"

static int pivot_root(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

static bool at_root(void)
{
	char now[PATH_MAX];

	CHECK(syscall(SYS_getcwd, now, sizeof(now)) > 0);
	return strcmp(now, "/") == 0;
}

/* The caller's root becomes a tmpfs of its own: initial ramdisks cannot be pivoted. proc is mounted in it. */
static void enter_root(void)
{
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	mount_tmpfs("root");
	make_folder("root/proc");
	make_folder("root/new");
	make_folder("root/folder");
	CHECK_EQ(mount("proc", "root/proc", "proc", 0, NULL), 0);
	CHECK_EQ(chdir("root"), 0);
	CHECK_EQ(mount(".", "/", NULL, MS_MOVE, NULL), 0);
	CHECK_EQ(chroot("."), 0);
	CHECK_EQ(chdir("/"), 0);
	put("/old-root", "x");
	mount_tmpfs("/new");
	make_folder("/new/old");
	make_folder("/new/proc");
	put("/new/new-root", "x");
	CHECK_EQ(mount("/proc", "/new/proc", NULL, MS_BIND, NULL), 0);
}

static void pivot(void)
{
	struct mount_line root, old;

	enter_root();
	old = line_of("");
	CHECK_EQ(pivot_root("/new", "/new/old"), 0);
	CHECK(exists("/new-root") && exists("/old/old-root") && !exists("/old-root"));
	CHECK(at_root() &&
	      exists("new-root")); // the cwd was at the old root: it moved along
	root = line_of("");
	CHECK(root.id != old.id && root.parent == old.parent);
	old = line_of("old");
	CHECK_EQ(old.parent, root.id);
	CHECK_ERRNO(umount2("/old", 0), EBUSY); // proc is mounted in it
	CHECK_EQ(umount2("/old", MNT_DETACH), 0);
	CHECK(!exists("/old/old-root"));
	CHECK_EQ(rmdir("/old"), 0);
}

/* The way of containers: the new root over itself, then the old one away from over it. */
static void pivot_onto_itself(void)
{
	enter_root();
	CHECK_EQ(chdir("/new"), 0);
	CHECK_EQ(pivot_root(".", "."), 0);
	CHECK_EQ(umount2(".", MNT_DETACH), 0);
	CHECK_EQ(chdir("/"), 0);
	CHECK(exists("/new-root") && !exists("/old-root"));
}

static int ready[2], go_on[2];

static void expect_moved(const char *cwd, bool moved)
{
	char byte, now[PATH_MAX];

	CHECK_EQ(chdir(cwd), 0);
	CHECK_EQ(write(ready[1], "x", 1), 1);
	CHECK_EQ(read(go_on[0], &byte, 1), 1);
	CHECK(exists("/new-root") && !exists("/old-root"));
	CHECK(syscall(SYS_getcwd, now, sizeof(now)) > 0);
	CHECK_EQ(strcmp(now, moved ? "/" : "/old/folder"), 0);
	_exit(0);
}

/* A thread that shares nothing of where it stands with its process. */
static void *thread_elsewhere(void *result)
{
	char byte;

	CHECK_EQ(unshare(CLONE_FS), 0);
	CHECK_EQ(chdir("/"), 0);
	CHECK_EQ(write(ready[1], "x", 1), 1);
	CHECK_EQ(read(go_on[0], &byte, 1), 1);
	*(bool *)result = exists("/new-root") && exists("new-root");
	return NULL;
}

/* Everybody in the namespace whose root or cwd was the old root goes along; another cwd stays. */
static void pivot_others(void)
{
	pid_t children[2];
	bool moved = false;
	pthread_t thread;
	char bytes[3];
	int status;

	enter_root();
	CHECK(pipe(ready) == 0 && pipe(go_on) == 0);
	for (int i = 0; i < 2; i++) {
		children[i] = fork();
		CHECK(children[i] >= 0);
		if (children[i] == 0) {
			expect_moved(i ? "/folder" : "/", i == 0);
		}
	}
	thread = start_thread(thread_elsewhere, &moved);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(read(ready[0], bytes, 1), 1);
	}
	CHECK_EQ(pivot_root("/new", "/new/old"), 0);
	CHECK_EQ(write(go_on[1], bytes, 3), 3);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(waitpid(children[i], &status, 0), children[i]);
		CHECK_EQ(status, 0);
	}
	join_thread(thread);
	CHECK(moved);
}

/* Somebody in another namespace, at the original of that root, stays there. */
static void pivot_elsewhere(void)
{
	int status;
	pid_t child;

	enter_root();
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQ(unshare(CLONE_NEWNS), 0);
		CHECK_EQ(pivot_root("/new", "/new/old"), 0);
		CHECK(exists("/new-root"));
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK(exists("/old-root") && exists("/new/new-root"));
}

static void refusals(void)
{
	static char longest[PATH_MAX + 10];

	memset(longest, 'x', sizeof(longest) - 1);
	// The root of this namespace has nothing above it.
	CHECK_ERRNO(pivot_root("no-such", "/"), ENOENT);
	enter_root();
	put("/file", "x");
	make_folder("/new/deep");
	make_folder("/plain");
	CHECK_ERRNO(pivot_root("/file", "/new/old"), ENOTDIR);
	CHECK_ERRNO(pivot_root("/new", "/file"), ENOTDIR);
	CHECK_ERRNO(pivot_root("/new", "/no-such"), ENOENT);
	CHECK_ERRNO(pivot_root(longest, "/"), ENAMETOOLONG);
	CHECK_ERRNO(pivot_root(UNMAPPED_ADDRESS, "/"), EFAULT);
	CHECK_ERRNO(pivot_root("/new", UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(pivot_root("/", "/new/old"), EBUSY);
	CHECK_ERRNO(pivot_root("/new", "/folder"), EBUSY); // put_old on the root's mount
	CHECK_ERRNO(pivot_root("/plain", "/new/old"), EBUSY); // no mount of its own
	CHECK_ERRNO(pivot_root("/new/deep", "/new/old"), EINVAL);
	mount_tmpfs("/plain");
	CHECK_ERRNO(pivot_root("/new", "/plain"), EINVAL); // not below
	CHECK_EQ(mount(NULL, "/new", NULL, MS_SHARED, NULL), 0);
	CHECK_ERRNO(pivot_root("/new", "/new/old"), EINVAL);
	CHECK_EQ(mount(NULL, "/new", NULL, MS_PRIVATE, NULL), 0);
	CHECK_EQ(mount(NULL, "/", NULL, MS_SHARED, NULL), 0); // the parent of the new one
	CHECK_ERRNO(pivot_root("/new", "/new/old"), EINVAL);
	CHECK_EQ(mount(NULL, "/", NULL, MS_PRIVATE, NULL), 0);
	// A root that is no mount's.
	CHECK_EQ(mkdir("/jail", 0755), 0);
	CHECK_EQ(mkdir("/jail/new", 0755), 0);
	mount_tmpfs("/jail/new");
	make_folder("/jail/new/old");
	CHECK_EQ(chroot("/jail"), 0);
	CHECK_ERRNO(pivot_root("/new", "/new/old"), EINVAL);
}

static void removed_root(void)
{
	enter_root();
	CHECK_EQ(umount2("/new", MNT_DETACH), 0);
	make_folder("/gone");
	mount_tmpfs("/new");
	make_folder("/new/old");
	CHECK_EQ(chdir("/gone"), 0);
	CHECK_EQ(rmdir("/gone"), 0);
	CHECK_ERRNO(pivot_root(".", "/new/old"), ENOENT);
	CHECK_ERRNO(pivot_root("/new", "."), ENOENT);
}

static void check_chroot(void)
{
	int outside, folder;

	CHECK_EQ(mkdir("jail", 0755), 0);
	CHECK_EQ(mkdir("jail/in", 0755), 0);
	put("jail/file", "x");
	CHECK_ERRNO(chroot("no-such"), ENOENT);
	CHECK_ERRNO(chroot("jail/file"), ENOTDIR);
	CHECK_ERRNO(chroot(UNMAPPED_ADDRESS), EFAULT);
	outside = open(".", O_RDONLY | O_DIRECTORY);
	folder = open("jail/in", O_PATH | O_DIRECTORY);
	int file = open("jail/file", O_RDONLY);
	CHECK_EQ(chroot("jail"), 0);
	CHECK(exists("jail")); // the cwd stays outside
	char now[PATH_MAX];
	CHECK(syscall(SYS_getcwd, now, sizeof(now)) > 0);
	CHECK_EQ(strncmp(now, "(unreachable)/", 14), 0);
	CHECK_EQ(fchdir(folder), 0);
	CHECK(syscall(SYS_getcwd, now, sizeof(now)) > 0);
	CHECK_EQ(strcmp(now, "/in"), 0);
	CHECK_EQ(chdir("../../.."), 0);
	CHECK(at_root() && exists("file"));
	CHECK_EQ(fchdir(outside), 0);
	CHECK(exists("jail"));
	CHECK_ERRNO(fchdir(file), ENOTDIR);
	close(file);
	CHECK_ERRNO(fchdir(file), EBADF);
	CHECK_EQ(setuid(12345), 0);
	CHECK_ERRNO(chroot("/"), EPERM);
	CHECK_ERRNO(chroot("/no-such"), ENOENT);
}

int main(void)
{
	CHECK_EQ(chmod(".", 0755), 0);
	enter_world();
	CHECK_EQ(chmod(".", 0755), 0);
	make_folder("root");
	must_pass_in_child(pivot);
	ok("pivot");
	must_pass_in_child(pivot_onto_itself);
	ok("onto_itself");
	must_pass_in_child(pivot_others);
	ok("others");
	must_pass_in_child(pivot_elsewhere);
	ok("elsewhere");
	must_pass_in_child(refusals);
	ok("refusals");
	must_pass_in_child(removed_root);
	ok("removed_root");
	must_pass_in_child(check_chroot);
	ok("chroot");
	return 0;
}
