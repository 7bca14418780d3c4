// SPDX-License-Identifier: MIT
/*
 * R5, R11: /proc/PID/cwd, root and exe lead to places and name them as they are now; they go with the
 * process; a cwd that was removed; names over mounts and from under another root.
 * libc: musl
 */
#include "raw.h"
#include <limits.h>
#include <sys/mount.h>
#include <sys/stat.h>

static char top[PATH_MAX / 4];

static void expect_link(pid_t pid, const char *link, const char *format, ...)
{
	char name[64], found[PATH_MAX], wanted[PATH_MAX];
	va_list args;
	ssize_t length;

	va_start(args, format);
	vsnprintf(wanted, sizeof(wanted), format, args);
	va_end(args);
	snprintf(name, sizeof(name), "/proc/%d/%s", (int)pid, link);
	length = readlink(name, found, sizeof(found) - 1);
	CHECK(length > 0);
	found[length] = 0;
	if (strcmp(found, wanted) != 0) {
		say("# %s is %s, not %s\n", name, found, wanted);
		CHECK(!"the link is right");
	}
}

struct other {
	pid_t pid;
	int until;
};

/* A child that does `prepare` and stays until told. */
static struct other start_other(void (*prepare)(void))
{
	int ready[2], until[2];
	struct other other;
	char byte;

	CHECK(pipe(ready) == 0 && pipe(until) == 0);
	other.pid = fork();
	CHECK(other.pid >= 0);
	if (other.pid == 0) {
		close(until[1]);
		prepare();
		CHECK_EQ(write(ready[1], "x", 1), 1);
		CHECK_EQ(read(until[0], &byte, 1), 0);
		_exit(0);
	}
	other.until = until[1];
	close(until[0]);
	close(ready[1]);
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return other;
}

static void end_other(struct other *other)
{
	int status;

	close(other->until);
	CHECK_EQ(waitpid(other->pid, &status, 0), other->pid);
	CHECK_EQ(status, 0);
}

static void go_into_folder(void)
{
	CHECK_EQ(chdir("a/b"), 0);
}

static void check_cwd(void)
{
	char name[64], now[PATH_MAX];
	struct stat direct, through;
	struct other other;

	CHECK_EQ(mkdir("a", 0755), 0);
	CHECK_EQ(mkdir("a/b", 0755), 0);
	other = start_other(go_into_folder);
	expect_link(other.pid, "cwd", "%s/a/b", top);
	CHECK_EQ(rename("a", "z"), 0);
	expect_link(other.pid, "cwd", "%s/z/b", top);
	snprintf(name, sizeof(name), "/proc/%d/cwd", (int)other.pid);
	CHECK(stat("z/b", &direct) == 0 && stat(name, &through) == 0);
	CHECK(direct.st_ino == through.st_ino && direct.st_dev == through.st_dev);
	CHECK_EQ(rmdir("z/b"), 0);
	expect_link(other.pid, "cwd", "%s/z/b (deleted)", top);
	CHECK_EQ(stat(name, &through), 0); // it is there still, without a name
	CHECK_EQ(through.st_nlink, 0);
	CHECK_EQ(chdir(name), 0);
	CHECK_ERRNO(syscall(SYS_getcwd, now, sizeof(now)), ENOENT);
	CHECK_ERRNO(mkdir("x", 0755), ENOENT);
	CHECK_EQ(chdir(top), 0);
	CHECK_EQ(rmdir("z"), 0);
	end_other(&other);
	CHECK_ERRNO(readlink(name, now, sizeof(now)), ENOENT);
	ok("cwd");
}

/* A zombie uses nothing: its cwd can be unmounted at once. */
static void check_zombie(void)
{
	char name[64], text[8];
	pid_t child;
	siginfo_t info;

	CHECK_EQ(mkdir("m", 0755), 0);
	CHECK_EQ(mount("none", "m", "tmpfs", 0, NULL), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK(chdir("m") == 0 && open("file", O_WRONLY | O_CREAT, 0600) >= 0);
		_exit(0);
	}
	CHECK_EQ(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	snprintf(name, sizeof(name), "/proc/%d/cwd", (int)child);
	CHECK_ERRNO(readlink(name, text, sizeof(text)), ENOENT);
	snprintf(name, sizeof(name), "/proc/%d/root", (int)child);
	CHECK_ERRNO(readlink(name, text, sizeof(text)), ENOENT);
	snprintf(name, sizeof(name), "/proc/%d/exe", (int)child);
	CHECK_ERRNO(readlink(name, text, sizeof(text)), ENOENT);
	snprintf(name, sizeof(name), "/proc/%d/mountinfo", (int)child);
	int fd = open(name, O_RDONLY); // refused here, or when there is something to read
	CHECK(fd < 0 ? errno == EINVAL : read(fd, text, 1) < 0 && errno == EINVAL);
	close(fd);
	CHECK_EQ(umount2("m", 0), 0);
	CHECK_EQ(rmdir("m"), 0);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	ok("zombie");
}

static void go_into_jail(void)
{
	CHECK_EQ(chroot("jail"), 0);
	CHECK_EQ(chdir("/in"), 0);
}

static void check_root(void)
{
	struct other other;
	char name[64];

	CHECK_EQ(mkdir("jail", 0755), 0);
	CHECK_EQ(mkdir("jail/in", 0755), 0);
	close(open("jail/file", O_WRONLY | O_CREAT, 0644));
	other = start_other(go_into_jail);
	expect_link(other.pid, "root", "%s/jail", top);
	expect_link(other.pid, "cwd", "%s/jail/in", top); // as the reader sees it
	snprintf(name, sizeof(name), "/proc/%d/root/file", (int)other.pid);
	CHECK_EQ(access(name, F_OK), 0);
	snprintf(name, sizeof(name), "/proc/%d/cwd/../file", (int)other.pid);
	CHECK_EQ(access(name, F_OK), 0);
	end_other(&other);
	expect_link(getpid(), "root", "/");
	ok("root");
}

static void check_exe(void)
{
	char from[PATH_MAX], name[64];
	struct stat mine, linked;
	ssize_t length;

	length = readlink("/proc/self/exe", from, sizeof(from) - 1);
	CHECK(length > 0);
	from[length] = 0;
	CHECK_EQ(stat(from, &mine), 0);
	CHECK_EQ(stat("/proc/self/exe", &linked), 0);
	CHECK(mine.st_ino == linked.st_ino && mine.st_dev == linked.st_dev);
	snprintf(name, sizeof(name), "/proc/%d/exe", (int)getpid());
	int fd = open(name, O_RDONLY);
	char magic[4];
	CHECK_EQ(read(fd, magic, 4), 4);
	CHECK_EQ(memcmp(magic, "\177ELF", 4), 0);
	close(fd);
	ok("exe");
}

/* chdir("..") of threads that share a cwd: a reader never sees a place that is none of those on the way. */
static atomic_int finished;

static void *go_up_and_down(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2000; i++) {
		CHECK_EQ(chdir(".."), 0);
		CHECK_EQ(chdir("one") == 0 || chdir("two") == 0 || errno == ENOENT, 1);
	}
	atomic_fetch_add(&finished, 1);
	return NULL;
}

static void check_shared(void)
{
	char found[PATH_MAX];
	pthread_t threads[2];

	CHECK_EQ(mkdir("s", 0755), 0);
	CHECK_EQ(mkdir("s/one", 0755), 0);
	CHECK_EQ(mkdir("s/one/two", 0755), 0);
	CHECK_EQ(mkdir("s/one/two/one", 0755), 0);
	CHECK_EQ(chdir("s/one/two/one"), 0);
	for (int i = 0; i < 2; i++) {
		threads[i] = start_thread(go_up_and_down, NULL);
	}
	while (atomic_load(&finished) < 2) {
		ssize_t length = readlink("/proc/self/cwd", found, sizeof(found) - 1);

		CHECK(length > 0);
		found[length] = 0;
		if (strncmp(found, top, strlen(top)) == 0) {
			const char *rest = found + strlen(top);
			CHECK(strcmp(rest, "") == 0 || strcmp(rest, "/s") == 0 ||
			      strcmp(rest, "/s/one") == 0 ||
			      strcmp(rest, "/s/one/two") == 0 ||
			      strcmp(rest, "/s/one/two/one") == 0);
		} else { // further up
			CHECK_EQ(strncmp(found, top, strlen(found)), 0);
		}
	}
	for (int i = 0; i < 2; i++) {
		join_thread(threads[i]);
	}
	CHECK_EQ(chdir(top), 0);
	ok("shared");
}

static void check_getcwd_errors(void)
{
	char small[4], fits[PATH_MAX];
	long length;

	length = syscall(SYS_getcwd, fits, sizeof(fits));
	CHECK_EQ(length, (long)strlen(top) + 1);
	CHECK_ERRNO(syscall(SYS_getcwd, small, 1), ERANGE);
	CHECK_ERRNO(syscall(SYS_getcwd, fits, strlen(top)), ERANGE);
	CHECK_EQ(syscall(SYS_getcwd, fits, strlen(top) + 1), length);
	CHECK_ERRNO(syscall(SYS_getcwd, NULL, sizeof(fits)), EFAULT);
	CHECK_ERRNO(chdir(UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(chdir(""), ENOENT);
	CHECK_ERRNO(chdir("/proc/self/exe"), ENOTDIR);
	CHECK_ERRNO(fchdir(-1), EBADF);
	ok("errors");
}

int main(void)
{
	CHECK(syscall(SYS_getcwd, top, sizeof(top)) > 0);
	check_cwd();
	check_exe();
	check_shared();
	check_getcwd_errors();
	if (geteuid() == 0 && unshare(CLONE_NEWNS) == 0) {
		CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
		check_zombie();
		check_root();
	}
	return 0;
}
