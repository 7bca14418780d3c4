// SPDX-License-Identifier: MIT
/*
 * R4, R5: who looks at a process in /proc changes nothing for it. A process executes itself over and over as a set-uid program,
 * which is refused while somebody shares its places; enters its mount namespace, which is too; and leaves a table
 * of descriptors nobody shares, which must stay as it is, with the record locks that it owns. Two readers go over all that it has
 * meanwhile. And what is open of a process when it ends keeps nothing of it. Needs root to make set-uid programs.
 * deadline: 60
 */
#include "readers.h"
#include <dirent.h>
#include <sys/mount.h>
#include <sys/stat.h>

enum { SOMEBODY = 12345, ROUNDS = 40, AGAIN = 200, LOCK_FD = 100 };

static char program[512];

/* ---- what is looked at ---- */

/* The lock is there still, for a child of ours to see. */
static void expect_locked(void)
{
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};

		CHECK_EQ(fcntl(LOCK_FD, F_GETLK, &lock), 0);
		CHECK_EQ(lock.l_type, F_WRLCK);
		CHECK_EQ(lock.l_pid, getppid());
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

static void execute_as_somebody(int round, const char *enters)
{
	char number[16];
	char *arguments[] = {program, number, program, (char *)enters, NULL};
	char *environment[] = {NULL};

	snprintf(number, sizeof(number), "%d", round);
	CHECK_EQ(setresuid(SOMEBODY, SOMEBODY, SOMEBODY), 0);
	execve(program, arguments, environment);
	_exit(99);
}

static int one_round(int round, const char *enters)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	int space;

	CHECK_EQ(getuid(), SOMEBODY);
	CHECK_EQ(geteuid(), 0); // nobody shares our places
	if (round == ROUNDS) {
		CHECK_EQ(fcntl(LOCK_FD, F_SETLK, &lock), 0);
	}
	expect_locked();
	for (int i = 0; i < AGAIN; i++) {
		CHECK_EQ(unshare(CLONE_FILES), 0); // nobody shares it: it stays
	}
	expect_locked(); // once lost is lost
	space = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	CHECK(space >= 0);
	for (int i = 0; enters[0] == 'y' && i < AGAIN; i++) {
		CHECK_EQ(setns(space, CLONE_NEWNS), 0);
	}
	close(space);
	if (round > 0) {
		execute_as_somebody(round - 1, enters);
	}
	return 0;
}

/* ---- readers ---- */

static atomic_int *looked_at; /* in a shared page: the number of who is looked at */

static void look_at_text(int process, const char *name)
{
	char text[1024];
	int fd = openat(process, name, O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && read(fd, text, sizeof(text)) > 0) {
	}
	close(fd);
}

static void look_at_links(int process, const char *name)
{
	char target[256];
	int fd = openat(process, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	long links = 0;

	while (folder && (entry = readdir(folder))) {
		links += readlinkat(dirfd(folder), entry->d_name, target,
				    sizeof(target)) > 0;
	}
	if (folder) {
		closedir(folder);
	}
}

static void read_for_ever(int reader)
{
	char path[64], target[256];
	int process;

	WAIT_UNTIL(atomic_load(looked_at));
	snprintf(path, sizeof(path), "/proc/%d", atomic_load(looked_at));
	process = open(path, O_RDONLY | O_DIRECTORY);
	CHECK(process >= 0);
	while (!atomic_load(&readers->stop)) {
		for (int i = 0; i < 10; i++) {
			if (readlinkat(process, reader ? "cwd" : "root", target,
				       sizeof(target)) < 0) {
				break;
			}
			look_at_links(process, "fd");
		}
		look_at_links(process, "ns");
		look_at_text(process, "fdinfo/100");
		look_at_text(process, "maps");
		look_at_text(process, "status");
		look_at_text(process, "mountinfo");
		atomic_fetch_add(&readers->looked[reader], 1);
	}
}

/* ---- the test ---- */

static void copy_program(void)
{
	static char block[1 << 16];
	int from = open("/proc/self/exe", O_RDONLY), to;
	ssize_t size;

	CHECK(getcwd(program, sizeof(program) - 16) != NULL);
	strcat(program, "/watched-set-uid");
	to = open(program, O_WRONLY | O_CREAT | O_EXCL, 0700);
	CHECK(from >= 0 && to >= 0);
	while ((size = read(from, block, sizeof(block))) > 0) {
		CHECK_EQ(write(to, block, (size_t)size), size);
	}
	CHECK_EQ(fchmod(to, 04755), 0);
	close(from);
	close(to);
	CHECK_EQ(chmod(".", 0755), 0);
}

static void try_to_enter(void)
{
	int space = open("/proc/self/ns/mnt", O_RDONLY);

	_exit(space < 0 || setns(space, CLONE_NEWNS) != 0);
}

static void run_target(void)
{
	const char *enters = in_child(try_to_enter) ? "no" : "yes";

	CHECK_EQ(dup2(open("lock", O_RDWR | O_CREAT, 0666), LOCK_FD), LOCK_FD);
	atomic_store(looked_at, getpid());
	readers_await(0);
	execute_as_somebody(ROUNDS, enters);
}

static void check_watched(void)
{
	int status;

	readers_start(read_for_ever);
	status = in_child(run_target);
	for (int i = 0; i < READERS; i++) {
		CHECK(atomic_load(&readers->looked[i]) > 2);
	}
	readers_stop();
	CHECK_EQ(status, 0);
	ok("watched");
}

static void hold(int write_end)
{
	CHECK_EQ(chdir("held"), 0);
	CHECK_EQ(dup2(write_end, 50), 50);
	atomic_store(looked_at, getpid());
	for (;;) {
		pause();
	}
}

/* Whatever is open of it: the directories, and its places as places without being opened. */
static void check_left_open(void)
{
	static const char *const names[] = {"fd",        "fdinfo", "task", "ns",   "maps",
					    "mountinfo", "status", "cwd",  "fd/50"};
	int ends[2], process, opened[9];
	char path[64], byte, entries[256];
	pid_t child;

	CHECK_EQ(mkdir("held", 0755), 0);
	CHECK_EQ(pipe2(ends, O_NONBLOCK), 0);
	atomic_store(looked_at, 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		hold(ends[1]);
	}
	WAIT_UNTIL(atomic_load(looked_at));
	close(ends[1]);
	snprintf(path, sizeof(path), "/proc/%d", (int)child);
	process = open(path, O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < 9; i++) {
		int flags = i < 7 ? O_RDONLY : O_PATH | O_NOFOLLOW;

		opened[i] = openat(process, names[i], flags);
		CHECK(opened[i] >= 0);
		if (i < 4) {
			CHECK(syscall(SYS_getdents64, opened[i], entries, 64) > 0);
		}
	}
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_EQ(read(ends[0], &byte, 1), 0);
	CHECK_EQ(rmdir("held"), 0);
	for (int i = 0; i < 9; i++) {
		close(opened[i]);
	}
	close(process);
	close(ends[0]);
	ok("left_open");
}

int main(int argc, char **argv)
{
	if (argc == 4) {
		CHECK(strlen(argv[2]) < sizeof(program));
		strcpy(program, argv[2]);
		return one_round(atoi(argv[1]), argv[3]);
	}
	if (geteuid() != 0) {
		skip("needs root to make set-uid programs");
	}
	looked_at = shared_page();
	check_left_open();
	copy_program();
	umask(0);
	atomic_store(looked_at, 0);
	check_watched();
	return 0;
}
