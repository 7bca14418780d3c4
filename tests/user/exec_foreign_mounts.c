// SPDX-License-Identifier: MIT
/*
 * C7: set-uid bits and capabilities of a file count on mounts of the caller's own mount namespace only, and only where
 * the caller lives in the user namespace of who mounted the file system, or below it. Reached by a descriptor: a
 * memfd, a file among somebody else's mounts, one on a mount that was taken away. What /proc calls such a file is a path
 * all the same. Needs root.
 * deadline: 60
 */
#include "mounts.h"
#include "userns.h"
#include <sys/auxv.h>
#include <sys/xattr.h>

enum { REPORTED = 16, IS_ROOT = 1, SECURE = 2, CAPABLE = 4 };

static uint64_t permitted(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	CHECK_EQ(syscall(SYS_capget, &header, data), 0);
	return data[0].permitted | (uint64_t)data[1].permitted << 32;
}

static int report_self(void)
{
	return REPORTED | (geteuid() == 0 ? IS_ROOT : 0) |
	       (getauxval(AT_SECURE) ? SECURE : 0) | (permitted() ? CAPABLE : 0);
}

static void copy_program(int out)
{
	static char buffer[1 << 16];
	int in = open("/proc/self/exe", O_RDONLY);
	ssize_t size;

	CHECK(in >= 0 && out >= 0);
	while ((size = read(in, buffer, sizeof(buffer))) > 0) {
		CHECK_EQ(write(out, buffer, (size_t)size), size);
	}
	CHECK_EQ(fchmod(out, 04755), 0);
	close(in);
}

static void make_set_uid(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0755);

	copy_program(fd);
	close(fd);
}

static void make_capable(const char *name)
{
	struct vfs_cap_data data = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data = {{.permitted = 1u << CAP_KILL}},
	};

	make_set_uid(name);
	CHECK_EQ(chmod(name, 0755), 0);
	CHECK_EQ(setxattr(name, "security.capability", &data, sizeof(data), 0), 0);
}

/* What /proc calls the file: a path, as the program's own loader expects of /proc/self/exe. */
static void expect_name(int fd, const char *wanted)
{
	char link[64], name[PATH_MAX + 1] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	CHECK(readlink(link, name, PATH_MAX) > 0);
	if (strcmp(name, wanted) != 0) {
		say("%s is %s, not %s\n", link, name, wanted);
		_exit(1);
	}
}

/* What the program behind `fd` says of itself when somebody executes it; fd -1: "mnt/program". */
static int run(int fd)
{
	static char *const arguments[] = {(char *)"program", (char *)"report", NULL};
	static char *const environment[] = {NULL};
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		somebody();
		if (fd < 0) {
			execve("mnt/program", arguments, environment);
		} else {
			syscall(SYS_execveat, fd, "", arguments, environment,
				AT_EMPTY_PATH);
		}
		say("exec: errno %d\n", errno);
		_exit(1);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status));
	CHECK(WEXITSTATUS(status) & REPORTED);
	return WEXITSTATUS(status) & ~REPORTED;
}

static int open_path(const char *name)
{
	int fd = open(name, O_PATH);

	CHECK(fd >= 0);
	return fd;
}

static void check_own(void)
{
	int fd;

	make_folder("mnt");
	mount_tmpfs("mnt");
	make_set_uid("mnt/program");
	fd = open_path("mnt/program");
	CHECK_EQ(run(-1), IS_ROOT | SECURE | CAPABLE);
	CHECK_EQ(run(fd), IS_ROOT | SECURE | CAPABLE);
	close(fd);
	CHECK_EQ(unlink("mnt/program"), 0);
	make_capable("mnt/program");
	CHECK_EQ(run(-1), SECURE | CAPABLE);
	CHECK_EQ(umount("mnt"), 0);
	ok("own");
}

static void check_memfd(void)
{
	char name[64];
	int writable = memfd_create("program", 0), fd;

	copy_program(writable);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", writable);
	fd = open(name, O_RDONLY);
	CHECK(fd >= 0);
	close(writable);
	CHECK_EQ(run(fd), 0);
	close(fd);
	ok("memfd");
}

static void check_detached(void)
{
	int set_uid, capable;

	mount_tmpfs("mnt");
	make_set_uid("mnt/program");
	make_capable("mnt/capable");
	set_uid = open_path("mnt/program");
	capable = open_path("mnt/capable");
	CHECK_EQ(umount2("mnt", MNT_DETACH), 0);
	expect_name(set_uid, "/program");
	CHECK_EQ(run(set_uid), 0);
	CHECK_EQ(run(capable), 0);
	close(set_uid);
	close(capable);
	ok("detached");
}

/* A process among mounts of its own, where mnt has programs. Closing *end ends it. */
static pid_t start_elsewhere(unsigned long flags, int *end)
{
	int ready[2], go[2];
	char byte;
	pid_t child;

	CHECK_EQ(pipe(ready), 0);
	CHECK_EQ(pipe(go), 0);
	child = (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
	CHECK(child >= 0);
	if (child == 0) {
		close(go[1]);
		CHECK_EQ(read(go[0], &byte, 1), 1); // there is a uid_map now
		CHECK_EQ(setresuid(0, 0, 0), 0);
		mount_tmpfs("mnt");
		make_set_uid("mnt/program");
		CHECK_EQ(write(ready[1], "x", 1), 1);
		(void)!read(go[0], &byte, 1);
		_exit(0);
	}
	close(go[0]);
	*end = go[1];
	if (flags & CLONE_NEWUSER) {
		char name[64];

		snprintf(name, sizeof(name), "/proc/%d/uid_map", (int)child);
		CHECK_EQ(write_file(name, "0 0 65536"), 0);
		snprintf(name, sizeof(name), "/proc/%d/gid_map", (int)child);
		CHECK_EQ(write_file(name, "0 0 65536"), 0);
	}
	CHECK_EQ(write(go[1], "x", 1), 1);
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return child;
}

static void end_elsewhere(pid_t child, int end)
{
	close(end);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

static void check_other_namespace(void)
{
	char name[PATH_MAX + 64], here[PATH_MAX];
	int end, fd;
	pid_t child = start_elsewhere(CLONE_NEWNS, &end);

	CHECK(getcwd(here, sizeof(here)));
	snprintf(name, sizeof(name), "/proc/%d/root/%s/mnt/program", (int)child, here);
	fd = open_path(name);
	snprintf(name, sizeof(name), "%s/mnt/program", here);
	expect_name(fd, name);
	CHECK_EQ(run(fd), 0);
	close(fd);
	end_elsewhere(child, end);
	ok("other_namespace");
}

static int namespace_fd;

static void enter_and_run(void)
{
	char here[PATH_MAX];

	CHECK(getcwd(here, sizeof(here)));
	CHECK_EQ(setns(namespace_fd, CLONE_NEWNS), 0);
	CHECK_EQ(chdir(here), 0);
	CHECK_EQ(run(-1), 0);
}

/* Its mounts are those one sees, but who mounted the file system has less power than one's own namespace. */
static void check_other_owner(void)
{
	char name[64];
	int end;
	pid_t child = start_elsewhere(CLONE_NEWNS | CLONE_NEWUSER, &end);

	snprintf(name, sizeof(name), "/proc/%d/ns/mnt", (int)child);
	namespace_fd = open(name, O_RDONLY);
	CHECK(namespace_fd >= 0);
	must_pass_in_child(enter_and_run);
	close(namespace_fd);
	end_elsewhere(child, end);
	ok("other_owner");
}

int main(int count, char **arguments)
{
	if (count > 1 && strcmp(arguments[1], "report") == 0) {
		return report_self();
	}
	require_user_namespaces();
	umask(0);
	CHECK_EQ(chmod(".", 0755), 0);
	enter_world();
	CHECK_EQ(chmod(".", 0755), 0);
	check_own();
	check_memfd();
	check_detached();
	check_other_namespace();
	check_other_owner();
	return 0;
}
