// SPDX-License-Identifier: MIT
/*
 * R11: the current folder is a place, not a string; chdir of threads that share it is atomic;
 * umask affects every create; chroot.
 * libc: musl
 */
#include "raw.h"
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static char top[512];

static bool at(const char *suffix)
{
	char expected[600], now[600];

	snprintf(expected, sizeof(expected), "%s%s", top, suffix);
	CHECK(syscall(SYS_getcwd, now, sizeof(now)) > 0);
	return strcmp(expected, now) == 0;
}

static void check_renamed_and_removed(void)
{
	char now[64];

	CHECK_EQ(mkdir("a", 0755), 0);
	CHECK_EQ(mkdir("a/b", 0755), 0);
	CHECK_EQ(chdir("a/b"), 0);
	CHECK(at("/a/b"));
	CHECK_EQ(rename("../../a", "../../c"), 0);
	CHECK(at("/c/b"));
	CHECK_EQ(rmdir("../b"), 0);
	CHECK_ERRNO(syscall(SYS_getcwd, now, sizeof(now)), ENOENT);
	CHECK_ERRNO(open("x", O_WRONLY | O_CREAT, 0600), ENOENT);
	CHECK_EQ(chdir(".."), 0);
	CHECK(at("/c"));
	CHECK_EQ(chdir(".."), 0);
	CHECK_EQ(rmdir("c"), 0);
	ok("renamed_and_removed");
}

static void *go_up(void *unused)
{
	(void)unused;
	for (int i = 0; i < 25; i++) {
		CHECK_EQ(chdir(".."), 0);
	}
	return NULL;
}

/*
 * Two threads go up 25 folders each. Each move is whole, though one may be lost to the other's
 * (Linux looks up first and stores then): the end is 25 to 50 levels up, and a real folder.
 */
static void check_shared_moves(void)
{
	pthread_t one, two;

	CHECK_EQ(mkdir("deep", 0755), 0);
	CHECK_EQ(chdir("deep"), 0);
	for (int i = 0; i < 50; i++) {
		CHECK_EQ(mkdir("d", 0755), 0);
		CHECK_EQ(chdir("d"), 0);
	}
	one = start_thread(go_up, NULL);
	two = start_thread(go_up, NULL);
	join_thread(one);
	join_thread(two);
	char now[1024];
	CHECK(syscall(SYS_getcwd, now, sizeof(now)) > 0);
	CHECK_EQ(strncmp(now, top, strlen(top)), 0);
	const char *rest = now + strlen(top) + strlen("/deep");
	CHECK(strlen(rest) <= 25 * strlen("/d"));
	for (; *rest; rest += 2) {
		CHECK_EQ(strncmp(rest, "/d", 2), 0);
	}
	CHECK_EQ(chdir(top), 0);
	ok("shared_moves");
}

static void expect_mode(const char *name, mode_t wanted)
{
	struct stat status;

	CHECK_EQ(stat(name, &status), 0);
	CHECK_EQ(status.st_mode & 07777, wanted);
}

/* Files without a name, sockets, nodes, and queues are created too. */
static void check_umask_of_others(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "masked-socket"};
	int unbound = socket(AF_UNIX, SOCK_STREAM, 0), queue, nameless;
	struct stat status;

	close(creat("masked-creat", 0777));
	expect_mode("masked-creat", 0750);
	CHECK_EQ(mknod("masked-node", S_IFREG | 0666, 0), 0);
	expect_mode("masked-node", 0640);
	CHECK_EQ(bind(unbound, (struct sockaddr *)&address, sizeof(address)), 0);
	expect_mode("masked-socket", 0750);
	close(unbound);
	nameless = open(".", O_TMPFILE | O_RDWR, 0666);
	CHECK(nameless >= 0 || errno == EOPNOTSUPP);
	if (nameless >= 0) {
		CHECK_EQ(fstat(nameless, &status), 0);
		CHECK_EQ(status.st_mode & 07777, 0640);
		close(nameless);
	}
	queue = (int)syscall(SYS_mq_open, "heddle-masked", O_CREAT | O_EXCL | O_RDWR,
			     0666, NULL);
	CHECK(queue >= 0 || errno == ENOSYS || errno == EACCES);
	if (queue >= 0) {
		CHECK_EQ(fstat(queue, &status), 0);
		CHECK_EQ(status.st_mode & 07777, 0640);
		CHECK_EQ(syscall(SYS_mq_unlink, "heddle-masked"), 0);
		close(queue);
	}
	CHECK_EQ(symlink("nowhere", "masked-link"), 0);
	CHECK_EQ(lstat("masked-link", &status), 0);
	CHECK_EQ(status.st_mode & 07777, 0777); // not that
}

static void check_umask(void)
{
	struct stat status;

	CHECK_EQ(umask(0027) & ~0777, 0);
	close(open("masked", O_WRONLY | O_CREAT | O_EXCL, 0666));
	CHECK_EQ(stat("masked", &status), 0);
	CHECK_EQ(status.st_mode & 07777, 0640);
	CHECK_EQ(mkdir("masked-folder", 0777), 0);
	CHECK_EQ(stat("masked-folder", &status), 0);
	CHECK_EQ(status.st_mode & 07777, 0750);
	CHECK_EQ(mkfifo("masked-fifo", 0666), 0);
	CHECK_EQ(stat("masked-fifo", &status), 0);
	CHECK_EQ(status.st_mode & 07777, 0640);
	check_umask_of_others();
	CHECK_EQ(umask(01777), 0027);
	CHECK_EQ(umask(0022), 0777);
	ok("umask");
}

static void live_in_new_root(void)
{
	struct stat root, up;

	CHECK_EQ(chroot("jail"), 0);
	CHECK_EQ(chdir("/"), 0);
	CHECK_EQ(stat("/", &root), 0);
	CHECK_EQ(stat("/..", &up), 0);
	CHECK(root.st_ino == up.st_ino);
	CHECK_EQ(access("/inside", F_OK), 0);
	CHECK_EQ(access("/../../inside", F_OK), 0);
	CHECK_ERRNO(access("/proc/self/exe/x", F_OK), ENOENT);
}

static void check_root(void)
{
	if (geteuid() != 0) {
		return;
	}
	CHECK_EQ(mkdir("jail", 0755), 0);
	close(open("jail/inside", O_WRONLY | O_CREAT, 0644));
	must_pass_in_child(live_in_new_root);
	CHECK_ERRNO(access("/inside", F_OK), ENOENT);
	ok("root");
}

int main(void)
{
	CHECK(syscall(SYS_getcwd, top, sizeof(top)) > 0);
	check_renamed_and_removed();
	check_shared_moves();
	check_umask();
	check_root();
	return 0;
}
