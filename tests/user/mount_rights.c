// SPDX-License-Identifier: MIT
/*
 * C8: what somebody who is root of a user namespace may mount: proc only with a pid namespace of his own, sysfs with a network
 * namespace, mqueue with one of IPC; and proc not while parts of the one he can see are covered, or it is read-only, so that
 * another would show more. Whiteouts are everybody's to make. On a file system of his a device node opens nothing, whoever made
 * it there.
 * libc: musl
 */
#include "mounts.h"
#include "userns.h"
#include <sys/sysmacros.h>

enum { SPACES = CLONE_NEWUSER | CLONE_NEWNS };

static void become_root_with(int spaces)
{
	somebody();
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0); // else its maps are not its own
	CHECK_EQ(unshare(SPACES | spaces), 0);
	become_root_of_own();
	mount_tmpfs("mine");
	CHECK_EQ(chdir("mine"), 0);
	make_folder("at");
}

static int mount_type(const char *type, unsigned long flags)
{
	return mount("none", "at", type, flags, NULL);
}

static void without_namespaces(void)
{
	become_root_with(0);
	CHECK_ERRNO(mount_type("proc", 0), EPERM);
	CHECK_ERRNO(mount_type("sysfs", 0), EPERM);
	CHECK_ERRNO(mount_type("mqueue", 0), EPERM);
}

/* A child is the first in the pid namespace: only there is it his. */
static void in_child_of_namespace(void (*body)(void))
{
	become_root_with(CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC);
	must_pass_in_child(body);
}

static void mount_all(void)
{
	CHECK_EQ(mount_type("proc", 0), 0);
	CHECK(exists("at/1/stat"));
	CHECK_EQ(umount2("at", 0), 0);
	CHECK_EQ(mount_type("sysfs", 0), 0);
	CHECK_EQ(umount2("at", 0), 0);
	CHECK_EQ(mount_type("mqueue", 0), 0);
	CHECK_EQ(umount2("at", 0), 0);
}

static void with_namespaces(void)
{
	in_child_of_namespace(mount_all);
}

static void refused(void)
{
	CHECK_ERRNO(mount_type("proc", 0), EPERM);
	CHECK_ERRNO(mount_type("proc", MS_RDONLY), EPERM);
	CHECK_EQ(mount_type("sysfs", 0), 0);
}

/* What is over a part of /proc came with the mounts of a namespace with more power. */
static void while_covered(void)
{
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	mount_tmpfs("/proc/sys");
	in_child_of_namespace(refused);
}

/* Its maps cannot be written through it, nor are they needed. */
static void read_only_too(void)
{
	CHECK_EQ(chdir("mine"), 0);
	CHECK_ERRNO(mount_type("proc", 0), EPERM);
	CHECK_EQ(mount_type("proc", MS_RDONLY), 0);
	CHECK_ERRNO(mount(NULL, "at", NULL, MS_REMOUNT | MS_BIND, NULL), EPERM);
}

static void while_read_only(void)
{
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	CHECK_EQ(mount(NULL, "/proc", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	somebody();
	CHECK_EQ(unshare(SPACES | CLONE_NEWPID), 0);
	must_pass_in_child(read_only_too);
}

/* His own cover hides nothing from him: he can take it away. */
static void cover_and_mount(void)
{
	CHECK_EQ(mount_type("proc", 0), 0);
	mount_tmpfs("at/sys");
	make_folder("other");
	CHECK_EQ(mount("none", "other", "proc", 0, NULL), 0);
}

static void covered_by_oneself(void)
{
	in_child_of_namespace(cover_and_mount);
}

static void make_whiteouts(void)
{
	struct stat status;

	become_root_with(0);
	CHECK_EQ(mknod("white", S_IFCHR | 0600, makedev(0, 0)), 0);
	CHECK_EQ(stat("white", &status), 0);
	CHECK(S_ISCHR(status.st_mode) && status.st_rdev == 0);
	CHECK_ERRNO(mknod("black", S_IFBLK | 0600, makedev(0, 0)), EPERM);
	CHECK_ERRNO(mknod("null", S_IFCHR | 0600, makedev(1, 3)), EPERM);
}

/* ---- devices ---- */

static int ready[2], made[2];

/* Says that the file system is there, and waits for the node. */
static void find_device(void)
{
	char byte;

	become_root_with(0);
	CHECK_EQ(write(ready[1], "r", 1), 1);
	CHECK_EQ(read(made[0], &byte, 1), 1);
	CHECK(exists("null"));
	CHECK_ERRNO(open("null", O_RDONLY), EACCES);
	CHECK_ERRNO(open("null", O_WRONLY), EACCES);
	CHECK(open("null", O_PATH) >= 0);
	CHECK_EQ(close(open("bound", O_CREAT | O_WRONLY, 0600)), 0);
	CHECK_EQ(mount("/dev/null", "bound", NULL, MS_BIND, NULL), 0);
	CHECK(open("bound", O_RDWR) >= 0); // that one is of the machine's
	CHECK_EQ(mount("none", "at", "devpts", 0, "newinstance,ptmxmode=0666"), 0);
	CHECK(open("at/ptmx", O_RDWR) >= 0);
}

/* Root of the machine, but for the user: what it makes there has an owner the file system knows. */
static void become_mapped(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	CHECK_EQ(setresgid(-1, SOMEBODY, -1), 0);
	CHECK_EQ(setresuid(-1, SOMEBODY, -1), 0);
	CHECK_EQ(syscall(SYS_capget, &header, data), 0);
	data[0].effective = data[0].permitted;
	data[1].effective = data[1].permitted;
	CHECK_EQ(syscall(SYS_capset, &header, data), 0);
}

static void make_device(void)
{
	char name[64], byte;
	pid_t child;
	int status;

	CHECK(pipe(ready) == 0 && pipe(made) == 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		find_device();
		_exit(0);
	}
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	become_mapped();
	snprintf(name, sizeof(name), "/proc/%d/cwd/null", (int)child);
	CHECK_EQ(mknod(name, S_IFCHR | 0666, makedev(1, 3)), 0);
	CHECK_ERRNO(open(name, O_RDONLY), EACCES);
	CHECK_EQ(write(made[1], "m", 1), 1);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

int main(void)
{
	require_user_namespaces();
	enter_world();
	make_folder("mine");
	make_folder("mine/at");
	must_pass_in_child(without_namespaces);
	ok("namespaces of others");
	must_pass_in_child(with_namespaces);
	ok("one's own namespaces");
	must_pass_in_child(while_covered);
	ok("parts covered");
	must_pass_in_child(while_read_only);
	ok("read-only");
	must_pass_in_child(covered_by_oneself);
	ok("covered by oneself");
	must_pass_in_child(make_whiteouts);
	ok("whiteouts");
	must_pass_in_child(make_device);
	ok("devices");
	return 0;
}
