// SPDX-License-Identifier: MIT
/*
 * C7, R7, C2: what execve does to credentials: set-uid and set-gid programs, capabilities of files, root, ambient,
 * securebits, no_new_privs, nosuid mounts, a shared fs; AT_SECURE and the ids in the auxiliary vector; dumpable,
 * the death signal, RLIMIT_NPROC. The program runs itself and reports. Needs root.
 * deadline: 60
 */
#include "raw.h"
#include "tracer.h"
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>

enum { SOMEBODY = 12345, OTHER = 12346, GROUP = 12347, REPORT_FD = 200 };

struct report {
	uid_t uid, euid, suid, gid, egid, sgid;
	uint64_t effective, permitted, inheritable;
	long secure, auxv_uid, auxv_euid, auxv_gid, auxv_egid;
	int dumpable, death_signal, securebits, ambient_kill;
};

static uint64_t all;
static struct report last;
static char program[64] = "./program";

static uint64_t bit(int capability)
{
	return 1ull << capability;
}

static void get_sets(struct report *out)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	CHECK_EQ(syscall(SYS_capget, &header, data), 0);
	out->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	out->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	out->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
}

static void set_inheritable(uint64_t inheritable)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	CHECK_EQ(syscall(SYS_capget, &header, data), 0);
	data[0].inheritable = (uint32_t)inheritable;
	data[1].inheritable = (uint32_t)(inheritable >> 32);
	CHECK_EQ(syscall(SYS_capset, &header, data), 0);
}

static int report_self(void)
{
	struct report now = {0};

	CHECK_EQ(getresuid(&now.uid, &now.euid, &now.suid), 0);
	CHECK_EQ(getresgid(&now.gid, &now.egid, &now.sgid), 0);
	get_sets(&now);
	now.secure = (long)getauxval(AT_SECURE);
	now.auxv_uid = (long)getauxval(AT_UID);
	now.auxv_euid = (long)getauxval(AT_EUID);
	now.auxv_gid = (long)getauxval(AT_GID);
	now.auxv_egid = (long)getauxval(AT_EGID);
	now.dumpable = prctl(PR_GET_DUMPABLE);
	prctl(PR_GET_PDEATHSIG, &now.death_signal);
	now.securebits = prctl(PR_GET_SECUREBITS);
	now.ambient_kill = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0);
	CHECK_EQ(write(REPORT_FD, &now, sizeof(now)), sizeof(now));
	return 0;
}

/* Run the program in a child after `before`; its report is in `last`, or the errno of execve is the result. */
static int run(void (*before)(void))
{
	int ends[2], status;
	pid_t child;
	ssize_t got;

	CHECK_EQ(pipe(ends), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		char *arguments[] = {program, (char *)"report", NULL};
		char *environment[] = {NULL};

		CHECK_EQ(dup2(ends[1], REPORT_FD), REPORT_FD);
		before();
		execve(program, arguments, environment);
		_exit(errno);
	}
	close(ends[1]);
	got = read(ends[0], &last, sizeof(last));
	close(ends[0]);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status));
	CHECK(got == sizeof(last) ? WEXITSTATUS(status) == 0 : WEXITSTATUS(status) != 0);
	return WEXITSTATUS(status);
}

static void copy_program(const char *to)
{
	static char buffer[1 << 16];
	int in = open("/proc/self/exe", O_RDONLY), out;
	ssize_t size;

	unlink(to);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL, 0755);
	CHECK(in >= 0 && out >= 0);
	while ((size = read(in, buffer, sizeof(buffer))) > 0) {
		CHECK_EQ(write(out, buffer, (size_t)size), size);
	}
	CHECK_EQ(fchmod(out, 0755), 0);
	close(in);
	close(out);
}

static void prepare(uid_t uid, gid_t gid, mode_t mode)
{
	copy_program(program);
	CHECK_EQ(chown(program, uid, gid), 0);
	CHECK_EQ(chmod(program, mode), 0);
}

static void set_file_capability(uint32_t version, uint64_t permitted,
				uint64_t inheritable, uint32_t root)
{
	struct vfs_ns_cap_data data = {
		.magic_etc = version,
		.data = {{(uint32_t)permitted, (uint32_t)inheritable},
			 {(uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)}},
		.rootid = root,
	};
	size_t size = (version & VFS_CAP_REVISION_MASK) == VFS_CAP_REVISION_3
			      ? XATTR_CAPS_SZ_3
			      : XATTR_CAPS_SZ_2;

	prepare(0, 0, 0755);
	CHECK_EQ(setxattr(program, "security.capability", &data, size, 0), 0);
}

static void nothing(void)
{
}

static void somebody(void)
{
	CHECK_EQ(setgroups(0, NULL), 0);
	CHECK_EQ(setresgid(SOMEBODY, SOMEBODY, SOMEBODY), 0);
	CHECK_EQ(setresuid(SOMEBODY, SOMEBODY, SOMEBODY), 0);
}

static void expect_plain_somebody(void)
{
	CHECK(last.uid == SOMEBODY && last.euid == SOMEBODY && last.suid == SOMEBODY);
	CHECK(last.effective == 0 && last.permitted == 0);
	CHECK_EQ(last.secure, 0);
}

/* ---- root ---- */

static void only_real_root(void)
{
	CHECK_EQ(setresuid(0, SOMEBODY, SOMEBODY), 0);
}

static void no_root(void)
{
	CHECK_EQ(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_KEEP_CAPS), 0);
	set_inheritable(bit(CAP_KILL));
}

static void smaller_bounding(void)
{
	CHECK_EQ(prctl(PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0), 0);
	set_inheritable(bit(CAP_KILL));
}

static void check_root(void)
{
	prepare(0, 0, 0755);
	CHECK_EQ(run(nothing), 0);
	CHECK(last.effective == all && last.permitted == all && last.secure == 0);
	CHECK_EQ(last.dumpable, 1);
	CHECK_EQ(run(only_real_root), 0);
	CHECK(last.effective == 0 && last.permitted == all);
	CHECK(last.uid == 0 && last.euid == SOMEBODY);
	CHECK_EQ(last.dumpable, 0); // the two ids differ
	CHECK_EQ(run(no_root), 0);
	CHECK(last.effective == 0 && last.permitted == 0);
	CHECK_EQ(last.inheritable, bit(CAP_KILL));
	CHECK_EQ(last.securebits, SECBIT_NOROOT); // keeping ends at exec
	CHECK_EQ(run(smaller_bounding), 0);
	CHECK_EQ(last.permitted, all & ~bit(CAP_CHOWN));
	CHECK_EQ(run(somebody), 0);
	expect_plain_somebody();
	ok("root");
}

/* ---- set-uid and set-gid ---- */

static void somebody_without_new(void)
{
	somebody();
	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
}

static void somebody_with_death_signal(void)
{
	somebody();
	CHECK_EQ(prctl(PR_SET_PDEATHSIG, SIGUSR1), 0);
}

static void check_set_id(void)
{
	prepare(0, 0, 04755);
	CHECK_EQ(run(somebody), 0);
	CHECK(last.uid == SOMEBODY && last.euid == 0 && last.suid == 0);
	CHECK(last.effective == all && last.permitted == all);
	CHECK(last.secure == 1 && last.dumpable == 0);
	CHECK(last.auxv_uid == SOMEBODY && last.auxv_euid == 0);
	CHECK(last.auxv_gid == SOMEBODY && last.auxv_egid == SOMEBODY);
	CHECK_EQ(run(somebody_with_death_signal), 0);
	CHECK_EQ(last.death_signal, 0);
	CHECK_EQ(run(somebody_without_new), 0);
	expect_plain_somebody();
	CHECK_EQ(run(nothing), 0); // root is root
	CHECK(last.secure == 0 && last.effective == all);
	prepare(OTHER, 0, 04755);
	CHECK_EQ(run(somebody), 0);
	CHECK(last.euid == OTHER && last.suid == OTHER && last.permitted == 0);
	CHECK_EQ(last.secure, 1);
	CHECK_EQ(run(nothing), 0); // root gives its effective capabilities away
	CHECK(last.uid == 0 && last.euid == OTHER && last.effective == 0);
	prepare(0, GROUP, 02755);
	CHECK_EQ(run(somebody), 0);
	CHECK(last.gid == SOMEBODY && last.egid == GROUP && last.sgid == GROUP);
	CHECK(last.euid == SOMEBODY && last.secure == 1 && last.auxv_egid == GROUP);
	prepare(0, GROUP, 02745); // without group execute it is no set-gid
	CHECK_EQ(run(somebody), 0);
	CHECK(last.egid == SOMEBODY && last.secure == 0);
	prepare(0, 0, 0755);
	CHECK_EQ(run(somebody_with_death_signal), 0);
	CHECK_EQ(last.death_signal, SIGUSR1); // an ordinary program keeps it
	ok("set_id");
}

/* ---- capabilities of files ---- */

static void somebody_inheriting(void)
{
	CHECK_EQ(prctl(PR_SET_KEEPCAPS, 1), 0);
	somebody();
	set_inheritable(bit(CAP_KILL) | bit(CAP_FOWNER));
}

static void somebody_ambient(void)
{
	somebody_inheriting();
	CHECK_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0), 0);
}

static void somebody_bounded(void)
{
	CHECK_EQ(prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0), 0);
	somebody();
}

static void check_file_capabilities(void)
{
	const uint32_t two = VFS_CAP_REVISION_2, effective = VFS_CAP_FLAGS_EFFECTIVE;

	set_file_capability(two | effective, bit(CAP_KILL), 0, 0);
	CHECK_EQ(run(somebody), 0);
	CHECK(last.euid == SOMEBODY && last.permitted == bit(CAP_KILL));
	CHECK(last.effective == bit(CAP_KILL) && last.secure == 1 && last.dumpable == 0);
	CHECK_EQ(run(somebody_without_new), 0);
	CHECK_EQ(last.permitted, 0);
	CHECK_EQ(run(somebody_bounded), EPERM); // it would not get what it needs
	CHECK_EQ(run(somebody_ambient), 0);
	CHECK(last.ambient_kill == 0 && last.permitted == bit(CAP_KILL));
	CHECK_EQ(run(nothing), 0); // for root it makes no difference
	CHECK(last.permitted == all && last.effective == all);
	set_file_capability(two, bit(CAP_KILL), 0, 0);
	CHECK_EQ(run(somebody), 0);
	CHECK(last.permitted == bit(CAP_KILL) && last.effective == 0);
	CHECK_EQ(run(somebody_bounded), 0);
	CHECK_EQ(last.permitted, 0);
	set_file_capability(two | effective, 0, bit(CAP_FOWNER) | bit(CAP_CHOWN), 0);
	CHECK_EQ(run(somebody_inheriting), 0);
	CHECK(last.permitted == bit(CAP_FOWNER) && last.effective == bit(CAP_FOWNER));
	set_file_capability(VFS_CAP_REVISION_3 | effective, bit(CAP_KILL), 0, SOMEBODY);
	CHECK_EQ(run(somebody), 0); // for the namespaces of another root
	CHECK(last.permitted == 0 && last.secure == 0);
	prepare(0, 0, 0755);
	CHECK_EQ(run(somebody_ambient), 0);
	CHECK(last.permitted == bit(CAP_KILL) && last.effective == bit(CAP_KILL));
	CHECK(last.ambient_kill == 1 && last.secure == 0);
	CHECK_EQ(run(somebody_inheriting), 0);
	CHECK(last.permitted == 0 &&
	      last.inheritable == (bit(CAP_KILL) | bit(CAP_FOWNER)));
	ok("file_capabilities");
}

static void check_set_id_with_capabilities(void)
{
	set_file_capability(VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE, bit(CAP_KILL),
			    0, 0);
	CHECK_EQ(chmod(program, 04755), 0);
	CHECK_EQ(run(somebody), 0); // set-uid root, but only what the file names
	CHECK(last.euid == 0 && last.permitted == bit(CAP_KILL) && last.secure == 1);
	ok("set_id_with_capabilities");
}

static void check_attribute(void)
{
	struct vfs_cap_data data = {.magic_etc = VFS_CAP_REVISION_2};
	char back[64];

	prepare(SOMEBODY, SOMEBODY, 0755);
	CHECK_ERRNO(setxattr(program, "security.capability", &data, sizeof(data) - 1, 0),
		    EINVAL);
	data.magic_etc = 0x05000000;
	CHECK_ERRNO(setxattr(program, "security.capability", &data, sizeof(data), 0),
		    EINVAL);
	data.magic_etc = VFS_CAP_REVISION_2;
	CHECK_EQ(setxattr(program, "security.capability", &data, sizeof(data), 0), 0);
	CHECK_EQ(getxattr(program, "security.capability", back, sizeof(back)),
		 sizeof(data));
	CHECK_EQ(chown(program, OTHER, -1), 0); // goes like the set-id bits
	CHECK_ERRNO(getxattr(program, "security.capability", back, sizeof(back)),
		    ENODATA);
	CHECK_EQ(setxattr(program, "security.capability", &data, sizeof(data), 0), 0);
	CHECK_EQ(truncate(program, 100), 0);
	CHECK_ERRNO(getxattr(program, "security.capability", back, sizeof(back)),
		    ENODATA);
	CHECK_EQ(setxattr(program, "security.capability", &data, sizeof(data), 0), 0);
	int fd = open(program, O_WRONLY);

	CHECK_EQ(write(fd, "x", 1), 1);
	close(fd);
	CHECK_ERRNO(getxattr(program, "security.capability", back, sizeof(back)),
		    ENODATA);
	CHECK_EQ(chown(program, SOMEBODY, -1), 0);
	pid_t child = fork();

	if (child == 0) {
		somebody();
		CHECK_ERRNO(
			setxattr(program, "security.capability", &data, sizeof(data), 0),
			EPERM);
		_exit(0);
	}
	int status;

	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	ok("attribute");
}

/* ---- where privilege is refused (R7) ---- */

static int sharer_end[2];

static int keep_sharing(void *argument)
{
	char byte;

	(void)argument;
	close(sharer_end[1]);
	(void)!read(sharer_end[0], &byte, 1); // until the exec has happened, or failed
	return 0;
}

/* Another process that has our root and working directory. */
static void somebody_sharing_fs(void)
{
	static char stack[16384] __attribute__((aligned(16)));

	somebody();
	CHECK_EQ(fcntl(sharer_end[1], F_SETFD, FD_CLOEXEC), 0);
	CHECK(clone(keep_sharing, stack + sizeof(stack), CLONE_FS | SIGCHLD, NULL) > 0);
	close(sharer_end[0]);
}

static void *idle(void *argument)
{
	for (;;) {
		pause();
	}
	return argument;
}

static void somebody_with_threads(void)
{
	somebody();
	start_thread(idle, NULL);
	start_thread(idle, NULL);
}

static void check_shared_fs(void)
{
	prepare(0, 0, 04755);
	CHECK_EQ(pipe(sharer_end), 0);
	CHECK_EQ(run(somebody_sharing_fs), 0);
	CHECK(last.euid == SOMEBODY && last.suid == SOMEBODY && last.permitted == 0);
	CHECK_EQ(last.secure, 1); // it wanted to be more
	close(sharer_end[0]);
	close(sharer_end[1]);
	CHECK_EQ(run(somebody_with_threads), 0); // those share it too, but they end
	CHECK(last.euid == 0 && last.secure == 1);
	ok("shared_fs");
}

static void somebody_traced(void)
{
	pid_t tracee = getpid();
	int ready[2];
	char byte;

	somebody();
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
	CHECK_EQ(pipe(ready), 0);
	if (fork() == 0) {
		trace_to_the_end(tracee, ready[1]);
	}
	close(ready[1]);
	CHECK_EQ(read(ready[0], &byte, 1), 1);
}

static void check_traced(void)
{
	prepare(0, 0, 04755);
	CHECK_EQ(run(somebody_traced), 0);
	CHECK(last.euid == SOMEBODY && last.permitted == 0 && last.secure == 1);
	ok("traced");
}

static void check_nosuid(void)
{
	if (mkdir("mnt", 0755) || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("x", "mnt", "tmpfs", MS_NOSUID, "mode=755")) {
		say("# no mounts here: nosuid is not looked at\n");
		return;
	}
	strcpy(program, "./mnt/program");
	prepare(0, 0, 04755);
	CHECK_EQ(run(somebody), 0);
	expect_plain_somebody();
	set_file_capability(VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE, bit(CAP_KILL),
			    0, 0);
	CHECK_EQ(run(somebody), 0);
	expect_plain_somebody();
	strcpy(program, "./program");
	CHECK_EQ(umount("mnt"), 0);
	ok("nosuid");
}

/* ---- vfork: the memory is the parent's ---- */

static void check_vfork(void)
{
	int ends[2], status;
	pid_t child;

	prepare(0, 0, 04755);
	CHECK_EQ(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		char *arguments[] = {program, (char *)"report", NULL};
		pid_t inner;

		somebody();
		CHECK_EQ(dup2(ends[1], REPORT_FD), REPORT_FD);
		prctl(PR_SET_DUMPABLE, 1);
		inner = vfork();
		if (inner == 0) {
			execve(program, arguments, NULL);
			_exit(1);
		}
		CHECK_EQ(waitpid(inner, &status, 0), inner);
		CHECK_EQ(status, 0);
		CHECK(getuid() == SOMEBODY && geteuid() == SOMEBODY);
		CHECK_EQ(prctl(PR_GET_DUMPABLE), 1); // the program's memory was its own
		CHECK_ERRNO(setuid(0), EPERM);
		_exit(0);
	}
	CHECK_EQ(read(ends[0], &last, sizeof(last)), sizeof(last));
	CHECK(last.euid == 0 && last.secure == 1 && last.dumpable == 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	close(ends[0]);
	close(ends[1]);
	ok("vfork");
}

static void check_dumpable(void)
{
	prepare(0, 0, 0711);
	CHECK_EQ(run(somebody), 0); // what one may not read one may not look into either
	CHECK_EQ(last.dumpable, 0);
	ok("dumpable");
}

/* ---- RLIMIT_NPROC ---- */

static void somebody_with_too_many(void)
{
	struct rlimit one = {1, 1};

	// More processes of the same user than there may be, which root could overstep.
	CHECK_EQ(setrlimit(RLIMIT_NPROC, &one), 0);
	somebody(); // does not fail for that
	CHECK_ERRNO(fork(), EAGAIN);
}

static pid_t start_somebody(void)
{
	int ends[2];
	char byte;
	pid_t child;

	CHECK_EQ(pipe(ends), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		somebody();
		CHECK_EQ(write(ends[1], "x", 1), 1);
		for (;;) {
			pause();
		}
	}
	CHECK_EQ(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	close(ends[1]);
	return child;
}

/* Two of them are more than the one allowed before a third becomes this user. */
static void check_process_limit(void)
{
	pid_t children[2];

	prepare(0, 0, 0755);
	children[0] = start_somebody();
	children[1] = start_somebody();
	CHECK_EQ(run(somebody_with_too_many), EAGAIN);
	for (int i = 0; i < 2; i++) {
		kill(children[i], SIGKILL);
		CHECK_EQ(waitpid(children[i], NULL, 0), children[i]);
	}
	CHECK_EQ(run(somebody), 0);
	expect_plain_somebody();
	ok("process_limit");
}

int main(int count, char **arguments)
{
	struct report now;

	if (count > 1 && strcmp(arguments[1], "report") == 0) {
		return report_self();
	}
	if (geteuid() != 0) {
		skip("needs root to make set-uid programs");
	}
	get_sets(&now);
	all = now.permitted;
	umask(0);
	CHECK_EQ(chmod(".", 0755), 0);
	check_root();
	check_set_id();
	check_file_capabilities();
	check_set_id_with_capabilities();
	check_attribute();
	check_shared_fs();
	check_traced();
	check_vfork();
	check_dumpable();
	check_process_limit();
	check_nosuid();
	return 0;
}
