// SPDX-License-Identifier: MIT
/*
 * C8, R1: user namespaces: maps and who may write them, setgroups, nesting, clone and unshare with other namespaces,
 * setns, capabilities inside and towards outside, and every refusal. Needs root to be several users.
 * deadline: 60
 * libc: musl
 */
#include "userns.h"
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void enter(void)
{
	somebody();
	CHECK_EQ(unshare(CLONE_NEWUSER), 0);
}

/* ---- maps ---- */

static void fresh_namespace(void)
{
	gid_t groups[4];

	enter();
	CHECK(getuid() == 65534 && geteuid() == 65534 && getgid() == 65534);
	CHECK_EQ(getgroups(4, groups), 1);
	CHECK_EQ(groups[0], 65534);
	CHECK_EQ(effective_capabilities(), all_capabilities());
	CHECK_EQ(prctl(PR_GET_SECUREBITS), 0);
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 0); // as somebody() left it
	expect_file("/proc/self/uid_map", "");
	expect_file("/proc/self/gid_map", "");
	expect_file("/proc/self/projid_map", "");
	expect_file("/proc/self/setgroups", "allow\n");
	CHECK_ERRNO(setuid(0), EINVAL);
	CHECK_ERRNO(setresuid(-1, 5, -1), EINVAL);
	CHECK_ERRNO(setreuid(5, -1), EINVAL);
	CHECK_ERRNO(setgid(0), EINVAL);
	CHECK_ERRNO(setregid(-1, 0), EINVAL);
	CHECK_ERRNO(setgroups(0, NULL), EPERM); // there is no gid_map yet
	CHECK_ERRNO(chown(".", 0, -1), EINVAL);
}

static void own_map(void)
{
	static const char *const bad[] = {
		"",
		"0",
		"0 0",
		"0 12345 0",
		"0 12345 1 1",
		"x 12345 1",
		"0 1y 1",
		"0 12345 1\n\n",
		"4294967295 12345 1",
		"0,12345,1",
		"1 0 4294967295",
		"0 12345 1\n0 12346 1",
		"0 12345 1\n1 12345 1",
	};
	char text[64];
	int fd;

	somebody();
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0); // else the files are root's
	CHECK_EQ(unshare(CLONE_NEWUSER), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (bad[i][0]) {
			CHECK_EQ(write_file("/proc/self/uid_map", bad[i]), -EINVAL);
		}
	}
	CHECK_EQ(write_file("/proc/self/uid_map", "0 0 1"), -EPERM); // not one's own
	CHECK_EQ(write_file("/proc/self/uid_map", "0 12345 2"), -EPERM);
	fd = open("/proc/self/uid_map", O_RDWR);
	CHECK(fd >= 0);
	CHECK_EQ(lseek(fd, 1, SEEK_SET), 1);
	CHECK_ERRNO(write(fd, "0 12345 1", 9), EINVAL);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(write(fd, "  7\t12345 1  \n", 14), 14);
	CHECK_ERRNO(write(fd, "8 12345 1", 9), EINVAL); // no longer at the start
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_ERRNO(write(fd, "8 12345 1", 9), EPERM);
	close(fd);
	CHECK(getuid() == 7 && geteuid() == 7);
	expect_file("/proc/self/uid_map", "         7      12345          1\n");
	CHECK_EQ(write_file("/proc/self/gid_map", "0 12345 1"), -EPERM);
	CHECK_EQ(write_file("/proc/self/setgroups", "maybe"), -EINVAL);
	CHECK_EQ(write_file("/proc/self/setgroups", "deny and more"), -EINVAL);
	CHECK_EQ(write_file("/proc/self/setgroups", "allow"), 0);
	CHECK_EQ(write_file("/proc/self/setgroups", "deny\n"), 0);
	expect_file("/proc/self/setgroups", "deny\n");
	CHECK_EQ(write_file("/proc/self/setgroups", "allow"), -EPERM);
	CHECK_EQ(write_file("/proc/self/gid_map", "0 12345 1"), 0);
	CHECK_EQ(write_file("/proc/self/setgroups", "deny"), -EPERM);
	CHECK_EQ(getgid(), 0);
	CHECK_ERRNO(setgroups(0, NULL), EPERM);
	CHECK_EQ(write_file("/proc/self/projid_map", "0 5 9"), 0); // nobody minds
	CHECK_EQ(setuid(7), 0);
	CHECK_ERRNO(setuid(8), EINVAL);
	snprintf(text, sizeof(text), "/proc/%d/uid_map", (int)getppid());
	CHECK_EQ(write_file(text, "0 12345 1"), -EACCES);
	CHECK_EQ(write_file("/proc/1/uid_map", "0 0 1"), -EACCES);
}

static void many_extents(void)
{
	static char text[341 * 12 + 1];
	struct other other;
	char name[64];
	int at = 0;

	other_start(&other, CLONE_NEWUSER);
	snprintf(name, sizeof(name), "/proc/%d/uid_map", (int)other.pid);
	for (int i = 0; i < 341; i++) {
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%d %d 1\n", i * 2,
			       1700 - i * 3);
	}
	CHECK_EQ(write_file(name, text), -EINVAL);
	text[strlen(text) - strlen("680 680 1\n")] = 0;
	CHECK_EQ(write_file(name, text), 0);
	snprintf(name, sizeof(name), "/proc/%d/gid_map", (int)other.pid);
	CHECK_EQ(write_file(name,
			    "0 100 5\n10 200 1\n20 300 1\n30 400 1\n40 500 1\n50 600 7"),
		 0);
	expect_file(name, "         0        100          5\n"
			  "        10        200          1\n"
			  "        20        300          1\n"
			  "        30        400          1\n"
			  "        40        500          1\n"
			  "        50        600          7\n");
	other_end(&other);
	// A page full is too much for one write, whatever is in it.
	other_start(&other, CLONE_NEWUSER);
	snprintf(name, sizeof(name), "/proc/%d/uid_map", (int)other.pid);
	char *page = malloc(4097);

	memset(page, ' ', 4096);
	memcpy(page, "0 0 1", 5);
	page[4096] = 0;
	CHECK_EQ(write_file(name, page), -EINVAL);
	page[4095] = 0;
	CHECK_EQ(write_file(name, page), 0);
	free(page);
	other_end(&other);
}

/* Not the creator, not a privileged user: nobody else. */
static struct other target;

static void stranger(void)
{
	char name[64];

	become(OTHER);
	snprintf(name, sizeof(name), "/proc/%d/uid_map", (int)target.pid);
	CHECK_EQ(write_file(name, "0 12346 1"), -EACCES);
}

static void stranger_with_descriptor(void)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/uid_map", (int)target.pid);
	fd = open(name, O_WRONLY); // opened by root, written by somebody else
	CHECK(fd >= 0);
	become(OTHER);
	CHECK_ERRNO(write(fd, "0 0 2", 5), EPERM);
}

static void writers(void)
{
	char name[64];

	other_start(&target, CLONE_NEWUSER);
	must_pass_in_child(stranger);
	must_pass_in_child(stranger_with_descriptor);
	snprintf(name, sizeof(name), "/proc/%d/uid_map", (int)target.pid);
	CHECK_EQ(write_file(name, "0 100000 65536"), 0);
	expect_file(name, "         0     100000      65536\n");
	other_end(&target);
}

/* ---- nesting ---- */

static void nest(void)
{
	int level = 0;

	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
	while (unshare(CLONE_NEWUSER) == 0) {
		level++;
		CHECK_EQ(write_file("/proc/self/uid_map", "0 0 1"), 0);
		CHECK_EQ(write_file("/proc/self/setgroups", "deny"), 0);
		CHECK_EQ(write_file("/proc/self/gid_map", "0 0 1"), 0);
	}
	CHECK_EQ(errno, ENOSPC);
	CHECK_EQ(level, 33);
}

static void unmapped_creator(void)
{
	enter();
	CHECK_ERRNO(unshare(CLONE_NEWUSER), EPERM); // there is no name for who it is
}

/* ---- refusals ---- */

static void *idle(void *argument)
{
	for (;;) {
		pause();
	}
	return argument;
}

static void with_threads(void)
{
	int own = open("/proc/self/ns/user", O_RDONLY);

	CHECK(own >= 0);
	CHECK_ERRNO(setns(own, CLONE_NEWUSER), EINVAL); // already there
	start_thread(idle, NULL);
	CHECK_ERRNO(unshare(CLONE_NEWUSER), EINVAL);
	other_start(&target, CLONE_NEWUSER);
	CHECK_ERRNO(setns(target.namespace_fd, CLONE_NEWUSER), EINVAL);
	other_end(&target);
}

static int sleeper(void *argument)
{
	(void)argument;
	pause();
	return 0;
}

static void bad_flags(void)
{
	static char stack[16384] __attribute__((aligned(16)));
	pid_t child;

	CHECK_ERRNO(clone(sleeper, stack + sizeof(stack),
			  CLONE_NEWUSER | CLONE_FS | SIGCHLD, NULL),
		    EINVAL);
	CHECK_ERRNO(clone(sleeper, stack + sizeof(stack),
			  CLONE_NEWUSER | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, NULL),
		    EINVAL);
	child = clone(sleeper, stack + sizeof(stack), CLONE_FS | SIGCHLD, NULL);
	CHECK(child > 0);
	other_start(&target, CLONE_NEWUSER);
	CHECK_ERRNO(setns(target.namespace_fd, CLONE_NEWUSER),
		    EINVAL);                 // the fs is shared
	CHECK_EQ(unshare(CLONE_NEWUSER), 0); // this takes an fs of its own
	kill(child, SIGKILL);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	other_end(&target);
}

static void chrooted(void)
{
	CHECK_EQ(mkdir("jail", 0755), 0);
	CHECK_EQ(chroot("jail"), 0);
	CHECK_ERRNO(unshare(CLONE_NEWUSER), EPERM);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL),
		    EPERM);
}

/* ---- setns ---- */

static void owner_enters(void)
{
	int outside = open("/proc/self/ns/user", O_RDONLY);
	char name[64];

	somebody();
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
	other_start(&target, CLONE_NEWUSER);
	snprintf(name, sizeof(name), "/proc/%d/uid_map", (int)target.pid);
	CHECK_EQ(write_file(name, "3 12345 1"), 0);
	CHECK_EQ(effective_capabilities(), 0);
	CHECK_EQ(setns(target.namespace_fd, CLONE_NEWUSER), 0);
	CHECK_EQ(effective_capabilities(), all_capabilities());
	CHECK_EQ(getuid(), 3);
	CHECK_ERRNO(setns(outside, CLONE_NEWUSER), EPERM); // there is no way back
	CHECK_ERRNO(setns(target.namespace_fd, CLONE_NEWUSER), EINVAL);
	other_end(&target);
}

static void stranger_enters(void)
{
	other_start(&target, CLONE_NEWUSER);
	become(OTHER);
	CHECK_ERRNO(setns(target.namespace_fd, CLONE_NEWUSER), EPERM);
}

/* ---- capabilities ---- */

static void inside_and_outside(void)
{
	struct rlimit limit;
	struct stat status;

	somebody();
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
	CHECK_EQ(unshare(CLONE_NEWUSER | CLONE_NEWUTS), 0); // user first, then the other
	become_root_of_own();
	CHECK_EQ(effective_capabilities(), all_capabilities());
	CHECK_EQ(sethostname("inside", 6), 0);
	CHECK_ERRNO(mknod("device", S_IFCHR | 0600, 0x103), EPERM); // the machine's
	CHECK_ERRNO(settimeofday(&(struct timeval){1, 0}, NULL), EPERM);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_max++;
	CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &limit), EPERM);
	CHECK_EQ(stat("/", &status), 0);
	CHECK_EQ(status.st_uid, 65534); // root's, who has no name here
	CHECK_ERRNO(chmod("/", 0755), EPERM);
	CHECK_ERRNO(open("roots", O_RDONLY), EACCES); // no overriding for others' files
	CHECK_EQ(chmod("closed-own", 0), 0);
	CHECK(open("closed-own", O_RDWR) >= 0); // but for one's own
	CHECK_EQ(stat("closed-own", &status), 0);
	CHECK(status.st_uid == 0 && status.st_gid == 0);
	CHECK_ERRNO(chown("closed-own", 1, -1), EINVAL);
	CHECK_ERRNO(kill(getppid(), 0), EPERM);
	CHECK_EQ(mkdir("mine/jail", 0755), 0);
	CHECK_EQ(chroot("mine/jail"), 0);
}

static void hostname_outside(void)
{
	enter();
	CHECK_ERRNO(sethostname("outside", 7), EPERM);
	CHECK_EQ(unshare(CLONE_NEWUTS), 0); // here it may
	CHECK_EQ(sethostname("outside", 7), 0);
}

static void exec_loses(void)
{
	enter(); // no map: not root of anything after execve
	execl("/proc/self/exe", "self", "report-none", NULL);
	_exit(2);
}

static void exec_keeps(void)
{
	somebody();
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
	CHECK_EQ(unshare(CLONE_NEWUSER), 0);
	become_root_of_own();
	execl("/proc/self/exe", "self", "report-all", NULL);
	_exit(2);
}

static void prepare_files(void)
{
	int fd = open("roots", O_CREAT | O_WRONLY, 0600);

	close(fd);
	fd = open("closed-own", O_CREAT | O_WRONLY, 0600);
	CHECK_EQ(fchown(fd, SOMEBODY, SOMEBODY), 0);
	close(fd);
	CHECK_EQ(mkdir("mine", 0755), 0);
	CHECK_EQ(chown("mine", SOMEBODY, SOMEBODY), 0);
}

int main(int count, char **arguments)
{
	static const struct {
		const char *name;
		void (*body)(void);
	} cases[] = {
		{"fresh_namespace", fresh_namespace},
		{"own_map", own_map},
		{"many_extents", many_extents},
		{"writers", writers},
		{"nest", nest},
		{"unmapped_creator", unmapped_creator},
		{"with_threads", with_threads},
		{"bad_flags", bad_flags},
		{"chrooted", chrooted},
		{"owner_enters", owner_enters},
		{"stranger_enters", stranger_enters},
		{"inside_and_outside", inside_and_outside},
		{"hostname_outside", hostname_outside},
		{"exec_loses", exec_loses},
		{"exec_keeps", exec_keeps},
	};

	if (count > 1) {
		bool none = strcmp(arguments[1], "report-none") == 0;

		CHECK_EQ(effective_capabilities(), none ? 0 : all_capabilities());
		return 0;
	}
	require_user_namespaces();
	umask(0);
	CHECK_EQ(chmod(".", 0777), 0);
	prepare_files();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		must_pass_in_child(cases[i].body);
		ok(cases[i].name);
	}
	return 0;
}
