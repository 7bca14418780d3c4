// SPDX-License-Identifier: MIT
/*
 * C8: ids that cross the border of a user namespace: files, signals, wait, sockets, /proc, auxiliary vector; set-uid
 * programs and capabilities of files inside. The namespace maps 0 to 20000 … for 1000 ids; root is outside of it.
 * Needs root. deadline: 60
 */
#include "userns.h"
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>

enum { BASE = 20000, RANGE = 1000 };

static int to_child[2], to_parent[2];

static void tell(int fd)
{
	CHECK_EQ(write(fd, "x", 1), 1);
}

static void await(int fd)
{
	char byte;

	CHECK_EQ(read(fd, &byte, 1), 1);
}

static void child_tells(void)
{
	tell(to_parent[1]);
}

static void child_awaits(void)
{
	await(to_child[0]);
}

/* A child in a namespace of its own that maps BASE…; it runs `body` as its root. */
static pid_t start_inside(void (*body)(void))
{
	char name[64];
	pid_t child;

	CHECK_EQ(pipe(to_child), 0);
	CHECK_EQ(pipe(to_parent), 0);
	child = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL,
			       NULL);
	CHECK(child >= 0);
	if (child == 0) {
		child_awaits();
		CHECK_EQ(setgroups(0, NULL), 0);
		CHECK_EQ(setresgid(0, 0, 0), 0);
		CHECK_EQ(setresuid(0, 0, 0), 0);
		body();
		_exit(0);
	}
	snprintf(name, sizeof(name), "/proc/%d/uid_map", (int)child);
	CHECK_EQ(write_file(name, "0 20000 1000"), 0);
	snprintf(name, sizeof(name), "/proc/%d/gid_map", (int)child);
	CHECK_EQ(write_file(name, "0 20000 1000"), 0);
	tell(to_child[1]);
	return child;
}

static void end_inside(pid_t child)
{
	int status;

	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	for (int i = 0; i < 2; i++) {
		close(to_child[i]);
		close(to_parent[i]);
	}
}

/* ---- files ---- */

static void files_inside(void)
{
	struct stat status;
	int fd;

	CHECK_EQ(stat("inside", &status), 0);
	CHECK(status.st_uid == 5 && status.st_gid == 6);
	CHECK_EQ(stat("outside", &status), 0);
	CHECK(status.st_uid == 65534 && status.st_gid == 65534);
	CHECK_EQ(chown("inside", 7, 8), 0);
	CHECK_ERRNO(chown("inside", RANGE, -1), EINVAL);
	CHECK_ERRNO(chown("inside", -1, RANGE), EINVAL);
	CHECK_ERRNO(chown("outside", 0, 0), EPERM);
	CHECK_ERRNO(chmod("half", 0700), EPERM);
	fd = open("made", O_CREAT | O_RDWR | O_EXCL, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK(status.st_uid == 0 && status.st_gid == 0);
	CHECK_EQ(setfsuid(3), 0);
	fd = open("made-too", O_CREAT | O_RDWR | O_EXCL, 0600);
	CHECK(fd >= 0);
	CHECK_ERRNO(setresuid(RANGE, -1, -1), EINVAL);
	CHECK_EQ(setresuid(-1, 999, -1), 0);
	CHECK_EQ(setfsuid(RANGE), 999); // no such user: nothing happens
	CHECK_EQ(geteuid(), 999);
}

static void make(const char *name, uid_t uid, gid_t gid)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0600);

	CHECK(fd >= 0);
	CHECK_EQ(fchown(fd, uid, gid), 0);
	close(fd);
}

static void expect_owner(const char *name, uid_t uid, gid_t gid)
{
	struct stat status;

	CHECK_EQ(stat(name, &status), 0);
	CHECK_EQ(status.st_uid, uid);
	CHECK_EQ(status.st_gid, gid);
}

static void check_files(void)
{
	make("inside", BASE + 5, BASE + 6);
	make("outside", 0, 0);
	make("half", 0, BASE);
	end_inside(start_inside(files_inside));
	expect_owner("inside", BASE + 7, BASE + 8);
	expect_owner("made", BASE, BASE);
	expect_owner("made-too", BASE + 3, BASE);
	ok("files");
}

/* ---- signals and wait ---- */

static void block(int signal, sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, signal);
	CHECK_EQ(sigprocmask(SIG_BLOCK, set, NULL), 0);
}

/* A signal from outside, then one back, then a child of one's own. */
static void signals_inside(void)
{
	sigset_t set;
	siginfo_t info;

	CHECK_EQ(setresuid(4, 4, 4), 0);
	CHECK_ERRNO(kill(getppid(), SIGUSR1), EPERM);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	child_tells();
	CHECK_EQ(sigwaitinfo(&set, &info), SIGUSR1);
	CHECK_EQ(info.si_uid, 65534); // root outside
	child_tells();
	CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN);
	CHECK_EQ(info.si_uid, 9); // who is inside by this name
	CHECK_EQ(info.si_value.sival_int, 77);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGUSR1);
	CHECK_EQ(info.si_uid, 4);
	child_awaits();
}

static void queue_as_nine(void)
{
	// Set by hand: kill and sigqueue give the real uid.
	CHECK_EQ(setresuid(BASE + 9, 0, 0), 0);
}

static void check_signals(void)
{
	siginfo_t info;
	pid_t child, queuer;
	sigset_t set;

	block(SIGCHLD, &set);
	child = start_inside(signals_inside);
	await(to_parent[0]);
	CHECK_EQ(kill(child, SIGUSR1), 0);
	await(to_parent[0]);
	queuer = fork();
	if (queuer == 0) {
		queue_as_nine();
		CHECK_EQ(sigqueue(child, SIGRTMIN, (union sigval){.sival_int = 77}), 0);
		_exit(0);
	}
	CHECK_EQ(waitid(P_PID, (id_t)queuer, &info, WEXITED), 0);
	CHECK_EQ(info.si_uid, BASE + 9);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGCHLD);
	CHECK(info.si_pid == queuer && info.si_uid == BASE + 9);
	tell(to_child[1]);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGCHLD);
	CHECK(info.si_pid == child && info.si_uid == BASE + 4);
	CHECK_EQ(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(info.si_status, 0);
	CHECK_EQ(info.si_uid, BASE + 4);
	end_inside(child);
	ok("signals");
}

static void waits_inside(void)
{
	siginfo_t info;
	sigset_t set;
	pid_t child;

	block(SIGCHLD, &set);
	child = fork();
	if (child == 0) {
		CHECK_EQ(setresuid(6, 6, 6), 0);
		_exit(0);
	}
	CHECK_EQ(sigwaitinfo(&set, &info), SIGCHLD);
	CHECK(info.si_pid == child && info.si_uid == 6);
	CHECK_EQ(waitid(P_PID, (id_t)child, &info, WEXITED), 0);
	CHECK_EQ(info.si_uid, 6);
}

static void check_waits(void)
{
	end_inside(start_inside(waits_inside));
	ok("waits");
}

/* ---- sockets ---- */

static int pair[2];

static ssize_t send_as(int fd, struct ucred identity)
{
	char control[CMSG_SPACE(sizeof(identity))] = {0};
	struct iovec vector = {(void *)"x", 1};
	struct msghdr message = {.msg_iov = &vector,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_CREDENTIALS;
	header->cmsg_len = CMSG_LEN(sizeof(identity));
	memcpy(CMSG_DATA(header), &identity, sizeof(identity));
	return sendmsg(fd, &message, 0);
}

static struct ucred receive(int fd)
{
	char control[CMSG_SPACE(sizeof(struct ucred))], byte;
	struct iovec vector = {&byte, 1};
	struct msghdr message = {.msg_iov = &vector,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct ucred identity;

	CHECK_EQ(recvmsg(fd, &message, 0), 1);
	CHECK_EQ(CMSG_FIRSTHDR(&message)->cmsg_type, SCM_CREDENTIALS);
	memcpy(&identity, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(identity));
	return identity;
}

static void sockets_inside(void)
{
	struct ucred identity;
	socklen_t size = sizeof(identity);

	CHECK_EQ(getsockopt(pair[1], SOL_SOCKET, SO_PEERCRED, &identity, &size), 0);
	CHECK(identity.uid == 65534 && identity.gid == 65534);
	CHECK_EQ(send_as(pair[1], (struct ucred){getpid(), 3, 4}), 1);
	CHECK_ERRNO(send_as(pair[1], (struct ucred){getpid(), RANGE, 4}), EINVAL);
	CHECK_ERRNO(send_as(pair[1], (struct ucred){getpid(), 3, RANGE}), EINVAL);
	identity = receive(pair[1]);
	CHECK(identity.uid == 65534 && identity.gid == 65534);
	identity = receive(pair[1]);
	CHECK(identity.uid == 11 && identity.gid == 12);
}

static void check_sockets(void)
{
	struct ucred identity;
	int on = 1;
	pid_t child;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	CHECK_EQ(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	child = start_inside(sockets_inside);
	identity = receive(pair[0]);
	CHECK(identity.uid == BASE + 3 && identity.gid == BASE + 4);
	CHECK_EQ(send_as(pair[0], (struct ucred){getpid(), 0, 0}), 1);
	CHECK_EQ(send_as(pair[0], (struct ucred){getpid(), BASE + 11, BASE + 12}), 1);
	end_inside(child);
	ok("sockets");
}

/* ---- /proc ---- */

static void status_line(pid_t pid, const char *key, char *out, size_t size)
{
	char name[64], line[256];
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/status", (int)pid);
	file = fopen(name, "r");
	CHECK(file);
	out[0] = 0;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, strlen(key)) == 0) {
			snprintf(out, size, "%s", line);
		}
	}
	fclose(file);
}

static void proc_inside(void)
{
	char line[256];
	gid_t groups[2] = {30, 40};

	CHECK_EQ(setgroups(2, groups), 0);
	CHECK_EQ(setresuid(5, 0, 0), 0);
	status_line(getpid(), "Uid:", line, sizeof(line));
	CHECK_EQ(strcmp(line, "Uid:\t5\t0\t0\t0\n"), 0);
	status_line(getpid(), "Groups:", line, sizeof(line));
	CHECK_EQ(strcmp(line, "Groups:\t30 40 \n"), 0);
	status_line(getppid(), "Uid:", line, sizeof(line));
	CHECK_EQ(strcmp(line, "Uid:\t65534\t65534\t65534\t65534\n"), 0);
	expect_file("/proc/self/uid_map", "         0      20000       1000\n");
	child_tells();
	child_awaits();
}

static void check_proc(void)
{
	char line[256];
	struct stat status;
	pid_t child = start_inside(proc_inside);

	await(to_parent[0]);
	status_line(child, "Uid:", line, sizeof(line));
	CHECK_EQ(strcmp(line, "Uid:\t20005\t20000\t20000\t20000\n"), 0);
	snprintf(line, sizeof(line), "/proc/%d", (int)child);
	CHECK_EQ(stat(line, &status), 0);
	CHECK_EQ(status.st_uid, BASE);
	tell(to_child[1]);
	end_inside(child);
	ok("proc");
}

/* ---- programs ---- */

struct seen {
	uid_t uid, euid, auxv_euid;
	uint64_t capabilities;
};

static int report(void)
{
	struct seen seen = {getuid(), geteuid(), (uid_t)getauxval(AT_EUID),
			    effective_capabilities()};

	CHECK_EQ(write(200, &seen, sizeof(seen)), sizeof(seen));
	return 0;
}

static void copy_program(const char *to, uid_t uid, mode_t mode)
{
	static char buffer[1 << 16];
	int in = open("/proc/self/exe", O_RDONLY),
	    out = open(to, O_WRONLY | O_CREAT, 0755);
	ssize_t size;

	CHECK(in >= 0 && out >= 0);
	while ((size = read(in, buffer, sizeof(buffer))) > 0) {
		CHECK_EQ(write(out, buffer, (size_t)size), size);
	}
	CHECK_EQ(fchown(out, uid, uid), 0);
	CHECK_EQ(fchmod(out, mode), 0);
	close(in);
	close(out);
}

static struct seen run_as_two(const char *program)
{
	struct seen seen;
	int ends[2];
	pid_t child;

	CHECK_EQ(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		CHECK_EQ(dup2(ends[1], 200), 200);
		CHECK_EQ(setresuid(2, 2, 2), 0);
		execl(program, program, "report", NULL);
		_exit(1);
	}
	CHECK_EQ(read(ends[0], &seen, sizeof(seen)), sizeof(seen));
	CHECK_EQ(waitpid(child, NULL, 0), child);
	close(ends[0]);
	close(ends[1]);
	return seen;
}

static void programs_inside(void)
{
	struct vfs_cap_data two = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data = {{1u << CAP_KILL, 0}, {0, 0}},
	};
	struct vfs_ns_cap_data back;
	struct seen seen;

	seen = run_as_two(
		"./set-uid-outside"); // its owner has no name: the bit is nothing
	CHECK(seen.uid == 2 && seen.euid == 2 && seen.capabilities == 0);
	seen = run_as_two("./set-uid-inside");
	CHECK(seen.uid == 2 && seen.euid == 0 && seen.auxv_euid == 0);
	CHECK_EQ(seen.capabilities, all_capabilities());
	// A namespace's root gives files capabilities that count in its namespace.
	CHECK_EQ(setxattr("plain", "security.capability", &two, sizeof(two), 0), 0);
	CHECK_EQ(getxattr("plain", "security.capability", &back, sizeof(back)),
		 sizeof(two));
	CHECK_EQ(memcmp(&back, &two, sizeof(two)), 0);
	CHECK_ERRNO(setxattr("outside", "security.capability", &two, sizeof(two), 0),
		    EPERM);
	seen = run_as_two("./plain");
	CHECK_EQ(seen.capabilities, 1u << CAP_KILL);
	seen = run_as_two("./other-root");
	CHECK_EQ(seen.capabilities, 0);
	CHECK_ERRNO(getxattr("other-root", "security.capability", &back, sizeof(back)),
		    EOVERFLOW);
}

static void check_programs(void)
{
	struct vfs_ns_cap_data three = {
		.magic_etc = VFS_CAP_REVISION_3 | VFS_CAP_FLAGS_EFFECTIVE,
		.data = {{1u << CAP_KILL, 0}, {0, 0}},
		.rootid = 555,
	};
	pid_t child;

	copy_program("set-uid-outside", 0, 04755);
	copy_program("set-uid-inside", BASE, 04755);
	copy_program("plain", BASE, 0755);
	copy_program("other-root", BASE, 0755);
	if (setxattr("other-root", "security.capability", &three, sizeof(three), 0)) {
		say("# no attributes here\n");
		return;
	}
	child = start_inside(programs_inside);
	end_inside(child);
	memset(&three, 0, sizeof(three));
	CHECK_EQ(getxattr("plain", "security.capability", &three, sizeof(three)),
		 sizeof(three));
	CHECK_EQ(three.rootid, BASE);
	CHECK_EQ(three.magic_etc, VFS_CAP_REVISION_3 | VFS_CAP_FLAGS_EFFECTIVE);
	ok("programs");
}

/* ---- who a tmpfs belongs to ---- */

static void expect_mount(const char *options, uid_t uid, gid_t gid)
{
	CHECK_EQ(mount("none", "mounted", "tmpfs", 0, options), 0);
	expect_owner("mounted", uid, gid);
	CHECK_EQ(umount("mounted"), 0);
}

static void expect_bad_mount(const char *options)
{
	CHECK_ERRNO(mount("none", "mounted", "tmpfs", 0, options), EINVAL);
}

/* The line of /proc/mounts has it as the first namespace writes it. */
static void expect_in_mounts(const char *wanted)
{
	FILE *mounts = fopen("/proc/self/mounts", "r");
	char line[4096];
	bool found = false;

	CHECK(mounts);
	while (fgets(line, sizeof(line), mounts)) {
		found = found ||
			(strstr(line, "/mounted tmpfs ") && strstr(line, wanted));
	}
	fclose(mounts);
	CHECK(found);
}

/* Inside, 0 is SOMEBODY and there is nobody else. */
static void mount_inside(void)
{
	struct stat status;

	somebody();
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0); // else its maps are not its own
	CHECK_EQ(unshare(CLONE_NEWUSER | CLONE_NEWNS), 0);
	become_root_of_own();
	expect_mount("", 0, 0);
	expect_mount("uid=0,gid=0,mode=700", 0, 0);
	expect_bad_mount("uid=12345");
	expect_bad_mount("uid=1");
	expect_bad_mount("gid=1");
	expect_bad_mount("uid=4294967295");
	CHECK_EQ(mount("none", "mounted", "tmpfs", 0, "uid=0,gid=0"), 0);
	expect_in_mounts(",uid=12345,gid=12345");
	CHECK_ERRNO(mount("none", "mounted", "tmpfs", MS_REMOUNT, "uid=1"), EINVAL);
	CHECK_EQ(mount("none", "mounted", "tmpfs", MS_REMOUNT, "uid=0,size=1m"), 0);
	CHECK_EQ(mkdir("mounted/folder", 0755), 0);
	CHECK_EQ(stat("mounted/folder", &status), 0);
	CHECK_EQ(status.st_uid, 0);
}

static void mount_outside(void)
{
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	CHECK_EQ(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	expect_mount("", 0, 0);
	expect_mount("uid=77,gid=88", 77, 88);
	expect_mount("gid=88", 0, 88);
	expect_bad_mount("uid=4294967295");
	expect_bad_mount("gid=4294967296");
	expect_bad_mount("uid=-1");
	CHECK_EQ(setfsgid(66), 0);
	CHECK_EQ(setfsuid(55), 0);
	expect_mount("", 55, 66); // whoever mounts it
	expect_mount("uid=77", 77, 66);
}

static void check_mounts(void)
{
	CHECK_EQ(mkdir("mounted", 0777), 0);
	must_pass_in_child(mount_inside);
	must_pass_in_child(mount_outside);
	CHECK_EQ(rmdir("mounted"), 0);
	ok("mounts");
}

int main(int count, char **arguments)
{
	if (count > 1 && strcmp(arguments[1], "report") == 0) {
		return report();
	}
	require_user_namespaces();
	umask(0);
	CHECK_EQ(chmod(".", 0777), 0);
	check_files();
	check_signals();
	check_waits();
	check_sockets();
	check_proc();
	check_programs();
	check_mounts();
	return 0;
}
