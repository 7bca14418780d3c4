// SPDX-License-Identifier: MIT
/*
 * C8, R2, R6: processes that mount, bind, move, unmount, walk, rename, remove, change propagation, make and
 * leave namespaces and pivot, all at once in trees that hear of each other; in the end nothing is left.
 * A seed as the argument chooses another order. Linux has no ledger: there only the calls are made.
 * deadline: 90
 */
#include "ledger.h"
#include "mounts.h"

enum { WORKERS = 6, ROUNDS = 800, PLACES = 5 };

static uint64_t state;

static unsigned pick(unsigned count)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(state >> 33) % count;
}

/* A place in one of the trees, perhaps not there, perhaps through what others mount. */
static void choose(char *to, size_t size)
{
	static const char *const tops[] = {"a", "b", "c", "d", "p"};
	int length = snprintf(to, size, "%s", tops[pick(5)]);

	for (unsigned depth = pick(3); depth > 0; depth--) {
		length +=
			snprintf(to + length, size - (size_t)length, "/%u", pick(PLACES));
	}
}

static unsigned long choose_type(void)
{
	static const unsigned long types[] = {MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_SHARED,
					      MS_UNBINDABLE};

	return types[pick(5)] | (pick(3) == 0 ? MS_REC : 0);
}

static bool expected(int error)
{
	switch (error) {
	case EINVAL:
	case ENOENT:
	case EBUSY:
	case ELOOP:
	case EAGAIN:
	case ENOTDIR:
	case EEXIST:
	case ENOTEMPTY:
	case ENOSPC:
	case EXDEV:
	case EROFS:
	case ENOMEM:
		return true;
	default:
		return false;
	}
}

static void read_all(const char *name)
{
	char text[4096];
	int fd = open(name, O_RDONLY);

	CHECK(fd >= 0);
	while (read(fd, text, sizeof(text)) > 0) {
	}
	close(fd);
}

static int go(const char *name)
{
	if (chdir(name) != 0) {
		return -1;
	}
	(void)!access("../0/1/../../a", F_OK);
	// Back, though by now it may not be below.
	CHECK_EQ(fchdir(3), 0);
	return 0;
}

static int one_call(void)
{
	char x[64], y[64];

	choose(x, sizeof(x));
	choose(y, sizeof(y));
	switch (pick(16)) {
	case 0:
	case 1:
		return mount("none", x, "tmpfs", 0, "size=64k");
	case 2:
	case 3:
		return mount(x, y, NULL, MS_BIND, NULL);
	case 4:
		return mount(x, y, NULL, MS_BIND | (pick(4) == 0 ? MS_REC : 0), NULL);
	case 5:
		return mount(x, y, NULL, MS_MOVE, NULL);
	case 6:
		return mount(NULL, x, NULL, choose_type(), NULL);
	case 7:
	case 8:
		return umount2(x, MNT_DETACH);
	case 9:
		return umount2(x, 0);
	case 10:
		return umount2(x, MNT_EXPIRE);
	case 11:
		return mkdir(x, 0755);
	case 12:
		return rmdir(x);
	case 13:
		return rename(x, y);
	case 14:
		read_all("/proc/self/mountinfo");
		return 0;
	default:
		return go(x);
	}
}

static void work(unsigned worker)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY);

	CHECK_EQ(dup2(fd, 3), 3);
	state = state * (worker + 3) + worker;
	for (int i = 0; i < ROUNDS; i++) {
		if (one_call() != 0 && !expected(errno)) {
			CHECK(!"an error that one expects");
		}
		if (pick(40) == 0) {
			CHECK_EQ(unshare(CLONE_NEWNS), 0);
			close(fd);
			fd = open(".", O_RDONLY | O_DIRECTORY);
			CHECK_EQ(dup2(fd, 3), 3);
		}
		if (pick(10) == 0) { // it grows without bound else
			while (umount2("a", MNT_DETACH) == 0 ||
			       umount2("b", MNT_DETACH) == 0) {
			}
		}
	}
	_exit(0);
}

static void churn(void)
{
	static const char *const tops[] = {"a", "b", "c", "d", "p"};
	pid_t children[WORKERS];
	int status;

	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	mount_tmpfs("world");
	CHECK_EQ(chdir("world"), 0);
	for (int i = 0; i < 5; i++) {
		make_folder(tops[i]);
	}
	mount_tmpfs("a");
	make_folder("a/0");
	make_folder("a/0/1");
	CHECK_EQ(mount(NULL, "a", NULL, MS_SHARED, NULL), 0);
	CHECK_EQ(mount("a", "b", NULL, MS_BIND, NULL), 0);
	CHECK_EQ(mount("a", "c", NULL, MS_BIND, NULL), 0);
	CHECK_EQ(mount(NULL, "c", NULL, MS_SLAVE, NULL), 0);
	CHECK_EQ(mount(NULL, "c", NULL, MS_SHARED, NULL), 0);
	CHECK_EQ(mount("c", "d", NULL, MS_BIND, NULL), 0);
	for (unsigned i = 0; i < WORKERS; i++) {
		children[i] = fork();
		CHECK(children[i] >= 0);
		if (children[i] == 0) {
			work(i);
		}
	}
	for (int i = 0; i < WORKERS; i++) {
		CHECK_EQ(waitpid(children[i], &status, 0), children[i]);
		CHECK_EQ(status, 0);
	}
}

int main(int count, char **words)
{
	bool counted = access("/proc/heddle/ledger", R_OK) == 0;
	struct ledger before;

	if (geteuid() != 0) {
		skip("root mounts");
	}
	if (mkdir("world", 0755) != 0) {
		CHECK_EQ(errno, EEXIST);
	}
	for (uint64_t seed = 1; seed <= 4; seed++) {
		state = count > 1 ? strtoull(words[1], NULL, 0) : seed;
		if (counted) {
			ledger_begin(&before);
		}
		must_pass_in_child(churn);
		if (counted) {
			ledger_expect(&before);
		}
		say("ok seed_%d\n", (int)seed);
	}
	return 0;
}
