// SPDX-License-Identifier: MIT
/*
 * R8: the order in which a process gives up what it uses, as others see it while it does so: memory before semaphores, files
 * before places, places before the terminal, the terminal before namespaces, and all of it before the end is
 * told. Each first thing takes a while; who sees the second done looks at the first at once. The other steps: robust_list,
 * thread_ids, semaphore_undo, exit_order. R2, R5: frames, mounts and namespaces are free when wait returns.
 * deadline: 60
 */
#include "ledger.h"
#include "raw.h"
#include "sysv.h"
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>

enum { ROUNDS = 12, FILES = 500, MEMBERS = 40, MEMORY = 24 << 20 };

static int ends[2];

static bool on_heddle(void)
{
	return access("/proc/heddle/ledger", F_OK) == 0;
}

/* What a link of the process says, or -1 when there is nothing any more. */
static ssize_t look_at(pid_t pid, const char *link)
{
	char path[64], target[256];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, link);
	return readlink(path, target, sizeof(target));
}

static void expect_nothing(pid_t pid, const char *link)
{
	CHECK_ERRNO(look_at(pid, link), ENOENT);
}

static void end_child(pid_t child)
{
	int status;

	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

static pid_t start(void)
{
	pid_t child = fork();

	CHECK(child >= 0);
	return child;
}

static void hold_much_memory(void)
{
	char *memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	memset(memory, 1, MEMORY);
}

/* ---- marked as ending, then all the rest ---- */

static void hold_many_files(void)
{
	for (int i = 0; i < FILES; i++) {
		CHECK(open("/proc/self/stat", O_RDONLY) >= 0);
	}
}

/* C3: who is on its way out takes no signals any more: its status stays what it said. Giving up the memory takes a while. */
static void check_killed_while_ending(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		int status;
		pid_t child = start();

		if (child == 0) {
			hold_much_memory();
			syscall(SYS_exit, 3);
		}
		WAIT_UNTIL(look_at(child, "exe") < 0);
		CHECK_EQ(kill(child, SIGKILL), 0);
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(status, 3 << 8);
	}
	ok("killed_while_ending");
}

/* ---- memory, then semaphores ---- */

static void check_memory_before_undo(void)
{
	int set = new_set(1);

	for (int i = 0; i < ROUNDS; i++) {
		int file = memfd_create("memory", MFD_ALLOW_SEALING);
		pid_t child;

		CHECK_EQ(ftruncate(file, 4096), 0);
		set_value(set, 0, 1);
		child = start();
		if (child == 0) {
			CHECK_EQ(one_op(set, 0, -1, SEM_UNDO), 0);
			CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file,
				   0) != MAP_FAILED);
			close(file);
			hold_much_memory();
			_exit(0);
		}
		WAIT_UNTIL(value_of(set, 0) == 0);
		WAIT_UNTIL(value_of(set, 0) == 1);
		// Refused while anybody could write through a mapping.
		CHECK_EQ(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE), 0);
		end_child(child);
		close(file);
	}
	remove_set(set);
	ok("memory_before_undo");
}

/* Not only unmapped: the frames are free when the end can be seen. */
static void check_frames(void)
{
	for (int i = 0; on_heddle() && i < ROUNDS; i++) {
		struct ledger before, now;
		siginfo_t info;
		pid_t child;

		ledger_read(&before);
		child = start();
		if (child == 0) {
			CHECK(mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
				   0) != MAP_FAILED);
			ledger_read(&now);
			CHECK(ledger_live(&now, "frames") >
			      ledger_live(&before, "frames") + MEMORY / 4096);
			raise(i % 2 ? SIGKILL : SIGTERM);
		}
		CHECK_EQ(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
		ledger_read(&now);
		CHECK(info.si_code == CLD_KILLED);
		CHECK(ledger_live(&now, "frames") < ledger_live(&before, "frames") + 100);
		CHECK_EQ(waitpid(child, NULL, 0), child);
	}
	ok("frames");
}

/* ---- files, then places ---- */

static void check_files_before_places(void)
{
	for (int i = 0; i < 3 * ROUNDS; i++) {
		char byte;
		pid_t child;

		CHECK_EQ(pipe2(ends, O_NONBLOCK), 0);
		child = start();
		if (child == 0) {
			hold_many_files();
			CHECK_EQ(dup2(ends[1], 900), 900);
			close(ends[1]);
			_exit(0);
		}
		close(ends[1]);
		WAIT_UNTIL(look_at(child, "cwd") < 0);
		expect_nothing(child, "fd/900");
		// Linux closes what it took out of the table later, but before wait returns.
		CHECK(!on_heddle() || read(ends[0], &byte, 1) == 0);
		end_child(child);
		CHECK_EQ(read(ends[0], &byte, 1), 0);
		close(ends[0]);
	}
	ok("files_before_places");
}

/* ---- places, then the terminal ---- */

static volatile sig_atomic_t hung_up;

static void note_hangup(int signal)
{
	hung_up = signal == SIGHUP;
}

/* In the foreground with the leader, which is gone when the hang-up comes. */
static void be_member(pid_t leader)
{
	sigset_t none;

	sigemptyset(&none);
	CHECK_EQ(write(ends[1], "r", 1), 1);
	while (!hung_up) {
		sigsuspend(&none);
	}
	expect_nothing(leader, "cwd");
	expect_nothing(leader, "fd/0");
	_exit(0);
}

/* A session of its own with the terminal and a foreground of many. */
static void lead(int slave, pid_t *members)
{
	sigset_t hangup;
	char byte;

	CHECK(setsid() > 0);
	CHECK_EQ(ioctl(slave, TIOCSCTTY, 0), 0);
	signal(SIGHUP, note_hangup);
	sigemptyset(&hangup);
	sigaddset(&hangup, SIGHUP);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &hangup, NULL), 0);
	for (int i = 0; i < MEMBERS; i++) {
		pid_t leader = getpid();

		members[i] = start();
		if (members[i] == 0) {
			be_member(leader);
		}
	}
	for (int i = 0; i < MEMBERS; i++) {
		CHECK_EQ(read(ends[0], &byte, 1), 1);
	}
	_exit(0);
}

static void check_places_before_terminal(void)
{
	pid_t *members = shared_page();

	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	for (int i = 0; i < 4; i++) {
		int master, slave, status;
		pid_t leader;

		CHECK_EQ(openpty(&master, &slave, NULL, NULL, NULL), 0);
		CHECK_EQ(pipe(ends), 0);
		leader = start();
		if (leader == 0) {
			close(master);
			lead(slave, members);
		}
		close(slave);
		for (int j = 0; j < MEMBERS + 1; j++) {
			CHECK(waitpid(-1, &status, 0) > 0);
			CHECK_EQ(status, 0);
		}
		close(master);
		close(ends[0]);
		close(ends[1]);
	}
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	ok("places_before_terminal");
}

/* ---- the terminal, then namespaces ---- */

/* The seventh field of stat; 0: none. */
static int terminal_of(pid_t pid)
{
	char path[64], text[512], *at;
	int fd, number = -1;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	length = read(fd, text, sizeof(text) - 1);
	CHECK(length > 0);
	text[length] = 0;
	close(fd);
	at = strrchr(text, ')');
	CHECK(at && sscanf(at + 1, " %*c %*d %*d %*d %d", &number) == 1);
	return number;
}

/* Where one may: many mounts, so that each copy of the namespace takes a while to go. */
static void make_mounts(int count)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		return;
	}
	for (int i = 0; i < count; i++) {
		if (mount("none", ".", "tmpfs", 0, NULL)) {
			return;
		}
	}
}

static void check_terminal_before_namespaces(void)
{
	int master, slave;
	char byte;

	for (int i = 0; i < ROUNDS; i++) {
		pid_t child;

		CHECK_EQ(openpty(&master, &slave, NULL, NULL, NULL), 0);
		CHECK_EQ(pipe(ends), 0);
		child = start();
		if (child == 0) {
			CHECK(setsid() > 0);
			CHECK_EQ(ioctl(slave, TIOCSCTTY, 0), 0);
			signal(SIGHUP, SIG_IGN);
			(void)!unshare(CLONE_NEWNS | CLONE_NEWUTS);
			CHECK_EQ(write(ends[1], "r", 1), 1);
			_exit(0);
		}
		CHECK_EQ(read(ends[0], &byte, 1), 1);
		WAIT_UNTIL(look_at(child, "ns/uts") < 0);
		CHECK_EQ(terminal_of(child), 0);
		end_child(child);
		close(master);
		close(slave);
		close(ends[0]);
		close(ends[1]);
	}
	ok("terminal_before_namespaces");
}

/* ---- namespaces, then a zombie ---- */

/* What was in them is gone too: who leaves last takes it down himself (R2). */
static void check_namespaces_before_zombie(void)
{
	struct ledger before, now;

	for (int i = 0; i < ROUNDS; i++) {
		siginfo_t info;
		pid_t child;

		if (on_heddle()) {
			ledger_read(&before);
		}
		child = start();
		if (child == 0) {
			make_mounts(60);
			_exit(0);
		}
		CHECK_EQ(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
		if (on_heddle()) {
			ledger_read(&now);
			CHECK_EQ(ledger_live(&now, "mount"),
				 ledger_live(&before, "mount"));
			CHECK_EQ(ledger_live(&now, "namespace_set"),
				 ledger_live(&before, "namespace_set"));
		}
		expect_nothing(child, "ns/uts");
		end_child(child);
	}
	ok("namespaces_before_zombie");
}

/* ---- queued signals, then the end ---- */

/* How many signals of this user are queued: the first number of SigQ. */
static int queued_signals(void)
{
	static char text[4096];
	int fd = open("/proc/self/status", O_RDONLY), number = -1;
	ssize_t length = read(fd, text, sizeof(text) - 1);
	char *at;

	CHECK(length > 0);
	text[length] = 0;
	close(fd);
	at = strstr(text, "\nSigQ:");
	CHECK(at && sscanf(at + 6, "%d", &number) == 1);
	return number;
}

static void leave_queued(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	for (int i = 0; i < 1000; i++) {
		CHECK_EQ(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}), 0);
	}
}

static void be_somebody(void)
{
	CHECK_EQ(setresuid(24391, 24391, 24391), 0); // nobody else is
	CHECK_EQ(queued_signals(), 0);
	for (int i = 0; i < ROUNDS; i++) {
		must_pass_in_child(leave_queued);
		CHECK_EQ(queued_signals(), 0);
	}
}

/* What it had queued counts for nobody any more. */
static void check_queued_signals(void)
{
	if (geteuid() == 0) {
		must_pass_in_child(be_somebody);
	}
	ok("queued_signals");
}

static void check_among_mounts(void)
{
	make_mounts(200);
	check_terminal_before_namespaces();
}

int main(void)
{
	own_ipc_namespace();
	check_killed_while_ending();
	check_memory_before_undo();
	check_frames();
	check_files_before_places();
	check_places_before_terminal();
	must_pass_in_child(check_among_mounts);
	check_queued_signals();
	check_namespaces_before_zombie();
	return 0;
}
