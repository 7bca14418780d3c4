// SPDX-License-Identifier: MIT
/*
 * R2, R5, R8: what a process used is given back before anybody can see that it has ended: a zombie, not yet reaped, holds no pipe, no
 * record lock, no folder (which can be unmounted), no memory. A child killed is as good as one that exits. And a file of its in /proc
 * that is open outlives it.
 * deadline: 40
 */
#include "raw.h"
#include "run_first.h"
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>

enum { ROUNDS = 15, FILES = 400, MEMORY = 24 << 20 };

static int ends[2], lock_fd, memory_fd, segment;
static bool by_signal;

static void end(void)
{
	if (by_signal) {
		raise(SIGKILL);
	}
	_exit(0);
}

/* Wait until it is a zombie, which it stays until reap(). */
static pid_t start_and_await(void (*body)(void))
{
	siginfo_t info = {0};
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		body();
		end();
	}
	CHECK_EQ(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(info.si_pid, child);
	return child;
}

static void reap(pid_t child)
{
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

/* Many files, so that closing them takes a while; the one that counts is closed last. */
static void hold_files(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};

	CHECK_EQ(fcntl(lock_fd, F_SETLK, &lock), 0);
	for (int i = 0; i < FILES; i++) {
		CHECK(open("lock", O_RDONLY) >= 0);
	}
	CHECK_EQ(dup2(ends[1], 900), 900);
	CHECK_EQ(dup2(lock_fd, 901), 901);
	close(ends[1]);
}

static void check_files(void)
{
	cpu_set_t before;

	for (int i = 0; i < ROUNDS; i++) {
		struct flock lock = {
			.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
		char byte;
		pid_t child;

		CHECK_EQ(pipe2(ends, O_NONBLOCK), 0);
		by_signal = i % 2;
		run_first(&before);
		child = start_and_await(hold_files);
		close(ends[1]);
		CHECK_EQ(read(ends[0], &byte, 1), 0); // the end, not EAGAIN
		CHECK_EQ(fcntl(lock_fd, F_SETLK, &lock), 0);
		lock.l_type = F_UNLCK;
		CHECK_EQ(fcntl(lock_fd, F_SETLK, &lock), 0);
		run_as_before(&before);
		reap(child);
		close(ends[0]);
	}
	ok("files");
}

static void enter_mount(void)
{
	CHECK_EQ(chdir("mounted"), 0);
}

static void check_folder(void)
{
	CHECK_EQ(mkdir("mounted", 0755), 0);
	for (int i = 0; i < ROUNDS; i++) {
		pid_t child;

		if (mount("none", "mounted", "tmpfs", 0, NULL)) {
			CHECK_EQ(errno, EPERM);
			say("# no right to mount here\n");
			return;
		}
		by_signal = i % 2;
		child = start_and_await(enter_mount);
		CHECK_EQ(umount("mounted"), 0);
		reap(child);
	}
	ok("folder");
}

/* Much memory, so that giving it up takes a while; what counts lies above it and goes last. */
static void hold_memory(void)
{
	char *memory;

	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, 0) !=
	      MAP_FAILED);
	close(memory_fd);
	if (segment >= 0) {
		CHECK(shmat(segment, NULL, 0) != (void *)-1);
	}
	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	CHECK(memory != MAP_FAILED);
	memset(memory, 1, MEMORY);
}

/* A seal against writing is refused while anybody could write through a mapping. */
static void check_memory(void)
{
	segment = shmget(IPC_PRIVATE, 4096, 0600);
	for (int i = 0; i < ROUNDS; i++) {
		struct shmid_ds status;
		pid_t child;

		memory_fd = memfd_create("memory", MFD_ALLOW_SEALING);
		CHECK(memory_fd >= 0);
		CHECK_EQ(ftruncate(memory_fd, 4096), 0);
		by_signal = i % 2;
		child = start_and_await(hold_memory);
		CHECK_EQ(fcntl(memory_fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
		if (segment >= 0) {
			CHECK_EQ(shmctl(segment, IPC_STAT, &status), 0);
			CHECK_EQ(status.shm_nattch, 0);
		}
		reap(child);
		close(memory_fd);
	}
	shmctl(segment, IPC_RMID, NULL);
	ok("memory");
}

static const char *const files[] = {"maps",    "smaps", "status", "stat",   "cmdline",
				    "environ", "auxv",  "limits", "mounts", "mem",
				    "wchan",   "fd",    "task",   "fdinfo", "statm"};
enum { FILES_OF_PROCESS = sizeof(files) / sizeof(files[0]) };

/* R3: what is open of a process that is gone can be read without harm; what takes its place in memory is not taken for it. */
static void check_left_open(void)
{
	int fds[FILES_OF_PROCESS];
	char path[64], text[256];
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		for (;;) {
			pause();
		}
	}
	for (int i = 0; i < FILES_OF_PROCESS; i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", child, files[i]);
		fds[i] = open(path, O_RDONLY);
	}
	CHECK_EQ(kill(child, SIGKILL), 0);
	reap(child);
	for (int i = 0; i < 50; i++) {
		by_signal = i % 2;
		reap(start_and_await(end));
	}
	for (int i = 0; i < FILES_OF_PROCESS; i++) {
		CHECK(fds[i] < 0 || read(fds[i], text, sizeof(text)) >= 0 ||
		      errno == ESRCH || errno == EISDIR || errno == EIO);
		close(fds[i]);
	}
	ok("left_open");
}

int main(void)
{
	struct rlimit limit = {1024, 1024};

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	lock_fd = open("lock", O_RDWR | O_CREAT, 0600);
	CHECK(lock_fd >= 0);
	check_files();
	check_folder();
	check_memory();
	check_left_open();
	return 0;
}
