// SPDX-License-Identifier: MIT
/*
 * C7 and issue part 6: what an unprivileged user may do with files, signals and identities;
 * sticky folders, set-id bits, chown. Needs root to become somebody else.
 * libc: musl
 */
#include "raw.h"
#include <grp.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

enum { SOMEBODY = 12345, OTHER = 12346 };

static pid_t root_child;

static void make(const char *name, uid_t owner, gid_t group, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0);
	CHECK_EQ(fchown(fd, owner, group), 0);
	CHECK_EQ(fchmod(fd, mode), 0);
	close(fd);
}

static void become(uid_t user, gid_t group, gid_t extra)
{
	CHECK_EQ(setgroups(1, &extra), 0);
	CHECK_EQ(setresgid(group, group, group), 0);
	CHECK_EQ(setresuid(user, user, user), 0);
}

static void act_as_somebody(void)
{
	struct stat status;

	become(SOMEBODY, SOMEBODY, OTHER);
	CHECK_ERRNO(open("root-only", O_RDONLY), EACCES);
	CHECK(open("readable", O_RDONLY) >= 0);
	CHECK_ERRNO(open("readable", O_WRONLY), EACCES);
	CHECK_ERRNO(open("own-none", O_RDONLY),
		    EACCES);                 // the owner's bits decide, not the others'
	CHECK(open("group", O_RDONLY) >= 0); // by the supplementary group
	CHECK_ERRNO(open("closed/x", O_RDONLY), EACCES);
	CHECK_ERRNO(open("new", O_WRONLY | O_CREAT, 0600), EACCES);
	CHECK_ERRNO(chmod("readable", 0777), EPERM);
	CHECK_ERRNO(chown("readable", SOMEBODY, SOMEBODY), EPERM);
	CHECK_ERRNO(unlink("readable"), EACCES);
	CHECK_ERRNO(unlink("sticky/root-file"), EPERM);
	CHECK(open("sticky/mine", O_WRONLY | O_CREAT, 0600) >= 0);
	CHECK_EQ(unlink("sticky/mine"), 0);
	CHECK_ERRNO(setuid(0), EPERM);
	CHECK_ERRNO(setgroups(0, NULL), EPERM);
	CHECK_ERRNO(kill(root_child, SIGTERM), EPERM);
	CHECK_ERRNO(kill(1, 0), EPERM);
	CHECK_ERRNO(chroot("/"), EPERM);
	CHECK_ERRNO(setpriority(PRIO_PROCESS, 0, -5), EACCES);
	CHECK_EQ(chmod("own-none", 02755), 0);
	CHECK_EQ(stat("own-none", &status), 0);
	CHECK_EQ(status.st_mode & 07777,
		 0755); // not of the file's group: the set-gid bit goes
	CHECK_EQ(getuid(), SOMEBODY);
	CHECK_EQ(access("root-only", R_OK), -1);
}

static void check_files(void)
{
	make("root-only", 0, 0, 0600);
	make("readable", 0, 0, 0644);
	make("own-none", SOMEBODY, 0, 0077);
	make("group", 0, OTHER, 0640);
	CHECK_EQ(mkdir("closed", 0700), 0);
	make("closed/x", SOMEBODY, SOMEBODY, 0777);
	CHECK_EQ(mkdir("sticky", 0777), 0);
	CHECK_EQ(chmod("sticky", 01777), 0);
	make("sticky/root-file", 0, 0, 0666);
	root_child = fork();
	if (root_child == 0) {
		for (;;) {
			pause();
		}
	}
	must_pass_in_child(act_as_somebody);
	kill(root_child, SIGKILL);
	CHECK_EQ(waitpid(root_child, NULL, 0), root_child);
	ok("files");
}

static void check_identities_in_child(void)
{
	uid_t real, effective, saved;

	CHECK_EQ(setresuid(-1, SOMEBODY, -1), 0);
	CHECK_EQ(getresuid(&real, &effective, &saved), 0);
	CHECK(real == 0 && effective == SOMEBODY && saved == 0);
	CHECK_ERRNO(open("root-only", O_RDONLY), EACCES);
	CHECK_EQ(access("root-only", R_OK), 0); // access() asks for the real user
	CHECK_EQ(seteuid(0), 0);
	CHECK(open("root-only", O_RDONLY) >= 0);
	CHECK_EQ(setuid(SOMEBODY), 0);
	CHECK_ERRNO(seteuid(0), EPERM);
	CHECK_EQ(getresuid(&real, &effective, &saved), 0);
	CHECK(real == SOMEBODY && effective == SOMEBODY && saved == SOMEBODY);
}

static void check_set_id_cleared(void)
{
	struct stat status;

	make("set-id", 0, 0, 06755);
	CHECK_EQ(chown("set-id", SOMEBODY, SOMEBODY), 0);
	CHECK_EQ(stat("set-id", &status), 0);
	CHECK(status.st_uid == SOMEBODY && status.st_gid == SOMEBODY);
	CHECK_EQ(status.st_mode & 07777, 0755);
	CHECK_EQ(chown("set-id", -1, 0), 0);
	CHECK_EQ(stat("set-id", &status), 0);
	CHECK(status.st_uid == SOMEBODY && status.st_gid == 0);
	ok("set_id_cleared");
}

/* ---- what writing takes away ---- */

enum {
	BY_WRITE,
	BY_ALLOCATE,
	BY_PUNCH,
	BY_COPY,
	BY_SENDFILE,
	BY_TRUNCATE,
	BY_FTRUNCATE,
	BY_OPEN,
	CHANGES
};

static void change(int how, int fd)
{
	int from = open("readable-data", O_RDONLY);

	CHECK(from >= 0);
	switch (how) {
	case BY_WRITE:
		CHECK_EQ(write(fd, "x", 1), 1);
		break;
	case BY_ALLOCATE:
		CHECK_EQ(fallocate(fd, 0, 0, 100), 0);
		break;
	case BY_PUNCH:
		CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1),
			 0);
		break;
	case BY_COPY:
		CHECK_EQ(copy_file_range(from, NULL, fd, NULL, 3, 0), 3);
		break;
	case BY_SENDFILE:
		CHECK_EQ(sendfile(fd, from, NULL, 3), 3);
		break;
	case BY_TRUNCATE:
		CHECK_EQ(truncate("set-id", 10), 0);
		break;
	case BY_FTRUNCATE:
		CHECK_EQ(ftruncate(fd, 0), 0);
		break;
	case BY_OPEN:
		CHECK(open("set-id", O_WRONLY | O_TRUNC) >= 0);
		break;
	}
}

/* The bits of a file of root's with `mode` after that, by somebody or by root; opened by the other one. */
static int bits_after(int how, mode_t mode, uid_t opener, uid_t by)
{
	struct stat status;
	int word;
	pid_t child;

	make("set-id", 0, 0, mode);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQ(setgroups(0, NULL), 0);
		CHECK_EQ(setegid(opener), 0);
		CHECK_EQ(seteuid(opener), 0);
		int fd = open("set-id", O_RDWR);

		CHECK(fd >= 0);
		CHECK_EQ(seteuid(0), 0);
		CHECK_EQ(setegid(by), 0);
		CHECK_EQ(seteuid(by), 0);
		change(how, fd);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &word, 0), child);
	CHECK_EQ(word, 0);
	CHECK_EQ(stat("set-id", &status), 0);
	return status.st_mode & 07777;
}

static void check_writes(void)
{
	make("readable-data", 0, 0, 0644);
	CHECK_EQ(truncate("readable-data", 100), 0);
	for (int how = 0; how < CHANGES; how++) {
		CHECK_EQ(bits_after(how, 06777, SOMEBODY, SOMEBODY), 0777);
		CHECK_EQ(bits_after(how, 06777, 0, SOMEBODY), 0777);
		CHECK_EQ(bits_after(how, 06777, SOMEBODY, 0), 06777);
		CHECK_EQ(bits_after(how, 02666, 0, SOMEBODY), 0666);
	}
	ok("writes");
}

int main(void)
{
	if (geteuid() != 0) {
		skip("needs root to become somebody else");
	}
	umask(0);
	CHECK_EQ(chmod(".", 0755), 0);
	check_files();
	must_pass_in_child(check_identities_in_child);
	ok("identities");
	check_set_id_cleared();
	check_writes();
	return 0;
}
