// SPDX-License-Identifier: MIT
/*
 * C7 and issue part 6: what an unprivileged user may do with files, signals and identities;
 * sticky folders, set-id bits, chown. Needs root to become somebody else.
 * libc: musl
 */
#include "raw.h"
#include <grp.h>
#include <sys/resource.h>
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
	return 0;
}
