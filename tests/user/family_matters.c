// SPDX-License-Identifier: MIT
/*
 * C1, C2, C4: what ties parents and children: a vfork whose parent is killed, execve by a thread that is
 * not the leader, PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, groups that become orphans.
 * deadline: 40
 */
#include "raw.h"
#include <dirent.h>
#include <poll.h>
#include <sys/prctl.h>

static int ready[2], hold[2], program;

static void open_pipes(void)
{
	CHECK_EQ(pipe(ready), 0);
	CHECK_EQ(pipe(hold), 0);
}

static void close_pipes(void)
{
	close(ready[0]);
	close(ready[1]);
	close(hold[0]);
	close(hold[1]);
}

static void say_ready(void)
{
	CHECK_EQ(write(ready[1], "r", 1), 1);
}

static void await_ready(void)
{
	char byte;

	CHECK_EQ(read(ready[0], &byte, 1), 1);
}

static void sleep_for_ever(void)
{
	for (;;) {
		pause();
	}
}

/* ---- vfork ---- */

static volatile int *note;

/* The middle one is killed while its vfork child holds it: it ends at once, the child goes on in the memory they shared. */
static void check_killed_vfork(void)
{
	int status;
	pid_t middle;
	char byte;

	note = shared_page();
	open_pipes();
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	middle = fork();
	CHECK(middle >= 0);
	if (middle == 0) {
		static volatile int own = 1;

		if (vfork() == 0) {
			own = 2;
			syscall(SYS_write, ready[1], "r", 1);
			syscall(SYS_close, hold[1]);
			syscall(SYS_read, hold[0], &byte, 1);
			note[0] = own;
			syscall(SYS_exit_group, 6);
		}
		note[1] = 1; // never
		_exit(1);
	}
	await_ready();
	CHECK_EQ(kill(middle, SIGTERM), 0); // any signal that ends it
	CHECK_EQ(waitpid(middle, &status, 0), middle);
	CHECK_EQ(status, SIGTERM);
	CHECK_EQ(waitpid(-1, &status, WNOHANG),
		 0); // the other one is ours now, and lives
	close(hold[1]);
	CHECK(waitpid(-1, &status, 0) > 0);
	CHECK_EQ(status, 6 << 8);
	CHECK_EQ(note[0], 2);
	CHECK_EQ(note[1], 0);
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	close_pipes();
	ok("killed_vfork");
}

static volatile sig_atomic_t handled;

static void note_signal(int signal)
{
	(void)signal;
	handled++;
}

/* A handler of the waiting parent runs only when the child has let go. */
static void check_signalled_vfork(void)
{
	pid_t child;
	int status;

	handled = 0;
	signal(SIGUSR1, note_signal);
	child = vfork();
	if (child == 0) {
		syscall(SYS_kill, syscall(SYS_getppid), SIGUSR1);
		syscall(SYS_exit_group, handled ? 1 : 0);
	}
	CHECK(child > 0);
	CHECK_EQ(handled, 1);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	ok("signalled_vfork");
}

/* ---- execve by a thread ---- */

static int count_tasks(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	int count = 0;

	CHECK(tasks != NULL);
	while ((entry = readdir(tasks))) {
		count += entry->d_name[0] != '.';
	}
	closedir(tasks);
	return count;
}

/* The program that was executed: it is the process it was told to be, alone. */
static int after_exec(const char *wanted)
{
	CHECK_EQ(getpid(), atoi(wanted));
	CHECK_EQ(thread_id(), atoi(wanted));
	CHECK_EQ(count_tasks(), 1);
	CHECK_EQ(syscall(SYS_tgkill, getpid(), getpid(), 0), 0);
	return 21;
}

static void *execute(void *unused)
{
	char number[16];

	(void)unused;
	snprintf(number, sizeof(number), "%d", (int)getpid());
	say_ready();
	// Not by /proc/self/exe, which is the leader's and may be gone.
	syscall(SYS_execveat, program, "",
		(char *[]){"family_matters", "after-exec", number, NULL}, environ,
		AT_EMPTY_PATH);
	_exit(1);
}

static void *sleep_in_thread(void *unused)
{
	(void)unused;
	sleep_for_ever();
	return NULL;
}

static void *spin_in_thread(void *unused)
{
	for (volatile unsigned i = 0;; i++) {
	}
	return unused;
}

static void execute_by_thread(bool leader_left)
{
	for (int i = 0; i < 3; i++) {
		start_thread(i ? sleep_in_thread : spin_in_thread, NULL);
	}
	start_thread(execute, NULL);
	if (leader_left) {
		syscall(SYS_exit, 5);
	}
	sleep_for_ever();
}

/* From outside it is one process all along: one end, one status, its pidfd silent until then. */
static void check_exec_by_thread(void)
{
	for (int i = 0; i < 20; i++) {
		struct pollfd one = {.events = POLLIN};
		siginfo_t info;
		pid_t child;
		int status;

		open_pipes();
		child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			execute_by_thread(i % 2);
		}
		one.fd = (int)syscall(SYS_pidfd_open, child, 0);
		await_ready();
		CHECK_EQ(poll(&one, 1, -1), 1);
		CHECK_EQ(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
		CHECK_EQ(info.si_status, 21);
		CHECK_EQ(waitpid(-1, &status, __WALL), child);
		CHECK_EQ(status, 21 << 8);
		CHECK_ERRNO(waitpid(-1, &status, __WALL), ECHILD);
		close(one.fd);
		close_pipes();
	}
	ok("exec_by_thread");
}

static atomic_int arrived;

/* Both are there before either begins: while one executes, making the other may be refused with EAGAIN. */
static void *execute_with_other(void *unused)
{
	atomic_fetch_add(&arrived, 1);
	WAIT_UNTIL(atomic_load(&arrived) == 2);
	return execute(unused);
}

/* Two at once: one wins, the other is gone with the rest. */
static void check_exec_by_two(void)
{
	for (int i = 0; i < 20; i++) {
		int status;
		pid_t child;

		open_pipes();
		child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			start_thread(execute_with_other, NULL);
			start_thread(execute_with_other, NULL);
			sleep_for_ever();
		}
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(status, 21 << 8);
		close_pipes();
	}
	ok("exec_by_two");
}

/* ---- PR_SET_PDEATHSIG ---- */

static int death_signal(void)
{
	int signal = -1;

	CHECK_EQ(prctl(PR_GET_PDEATHSIG, &signal), 0);
	return signal;
}

static void grandchild_has_none(void)
{
	CHECK_EQ(death_signal(), 0);
}

static void check_death_signal_values(void)
{
	CHECK_EQ(death_signal(), 0);
	CHECK_ERRNO(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_PDEATHSIG, -1), EINVAL);
	CHECK_ERRNO(prctl(PR_GET_PDEATHSIG, UNMAPPED_ADDRESS), EFAULT);
	CHECK_EQ(prctl(PR_SET_PDEATHSIG, SIGUSR1), 0);
	CHECK_EQ(death_signal(), SIGUSR1);
	must_pass_in_child(grandchild_has_none);
	CHECK_EQ(prctl(PR_SET_PDEATHSIG, 0), 0);
	CHECK_EQ(death_signal(), 0);
	ok("death_signal_values");
}

/* Ends with 8 if exactly one signal has come by the time the parent's death is told by the end of the pipe. */
static void await_death_of_parent(void)
{
	char byte;

	handled = 0;
	signal(SIGUSR1, note_signal);
	CHECK_EQ(prctl(PR_SET_PDEATHSIG, SIGUSR1), 0);
	close(hold[1]);
	say_ready();
	CHECK_EQ(read(hold[0], &byte, 1), 0);
	CHECK_EQ(handled, 1);
	_exit(8);
}

static void leave_child(void)
{
	if (fork() == 0) {
		await_death_of_parent();
	}
	await_ready();
}

static sigset_t only_usr1(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return set;
}

static void *await_in_thread(void *unused)
{
	sigset_t set = only_usr1();

	(void)unused;
	CHECK_EQ(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
	await_death_of_parent();
	return NULL;
}

/* Any thread of the child may ask, for the process. */
static void leave_child_with_threads(void)
{
	sigset_t set = only_usr1();

	if (fork() == 0) {
		CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
		join_thread(start_thread(await_in_thread, NULL));
	}
	await_ready();
}

static void *fork_and_leave(void *child)
{
	*(pid_t *)child = fork();
	if (*(pid_t *)child == 0) {
		await_death_of_parent();
	}
	await_ready();
	return NULL;
}

static void expect_one_signal(pid_t child)
{
	int status;

	close(hold[1]);
	CHECK(waitpid(child, &status, 0) > 0);
	CHECK_EQ(status, 8 << 8);
	close_pipes();
}

/* The parent that counts is the thread that forked; its end is told once, also when it is the last thread's. */
static void check_death_signal(void)
{
	pid_t child;

	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	for (int i = 0; i < 200; i++) {
		open_pipes();
		must_pass_in_child(leave_child);
		expect_one_signal(-1);
	}
	open_pipes();
	must_pass_in_child(leave_child_with_threads);
	expect_one_signal(-1);
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	open_pipes();
	join_thread(start_thread(fork_and_leave, &child));
	WAIT_UNTIL(count_tasks() == 1);
	expect_one_signal(child);
	ok("death_signal");
}

/* ---- subreapers ---- */

static int is_subreaper(void)
{
	int value = -1;

	CHECK_EQ(prctl(PR_GET_CHILD_SUBREAPER, &value), 0);
	return value;
}

static void child_is_none(void)
{
	CHECK_EQ(is_subreaper(), 0);
}

/* An orphan of the third generation, whose next living ancestor that asked is `reaper`. */
static void make_orphan(pid_t reaper)
{
	pid_t middle = fork();

	CHECK(middle >= 0);
	if (middle == 0) {
		pid_t parent = getpid();

		if (fork() == 0) {
			WAIT_UNTIL(getppid() != parent);
			_exit(getppid() == reaper ? 4 : 5);
		}
		_exit(0);
	}
	CHECK_EQ(waitpid(middle, NULL, 0), middle);
}

static void check_subreapers(void)
{
	int status;
	pid_t inner;

	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 7), 0);
	CHECK_EQ(is_subreaper(), 1);
	CHECK_ERRNO(prctl(PR_GET_CHILD_SUBREAPER, UNMAPPED_ADDRESS), EFAULT);
	must_pass_in_child(child_is_none);
	make_orphan(getpid());
	CHECK(waitpid(-1, &status, 0) > 0);
	CHECK_EQ(status, 4 << 8);
	inner = fork();
	CHECK(inner >= 0);
	if (inner == 0) {
		CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
		make_orphan(getpid());
		CHECK(waitpid(-1, &status, 0) > 0);
		CHECK_EQ(status, 4 << 8);
		_exit(0);
	}
	CHECK_EQ(waitpid(inner, &status, 0), inner);
	CHECK_EQ(status, 0);
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	CHECK_EQ(is_subreaper(), 0);
	ok("subreapers");
}

/* ---- orphaned groups ---- */

static volatile sig_atomic_t hangups, continues;

static void note_orphan_signal(int signal)
{
	hangups += signal == SIGHUP;
	continues += signal == SIGCONT;
}

/* In a session of its own: the parent leaves, the group of its stopped child has nobody to continue it. */
static void leave_stopped_group(void)
{
	int status;
	pid_t child;

	CHECK(setsid() > 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQ(setpgid(0, 0), 0);
		signal(SIGHUP, note_orphan_signal);
		signal(SIGCONT, note_orphan_signal);
		CHECK_EQ(raise(SIGSTOP), 0);
		WAIT_UNTIL(hangups == 1 && continues == 1);
		CHECK_EQ(raise(SIGTSTP),
			 0); // nobody could continue it: it is not stopped
		_exit(3);
	}
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK(WIFSTOPPED(status));
}

static void leave_running_group(void)
{
	pid_t child;

	CHECK(setsid() > 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		pid_t parent = getppid();

		CHECK_EQ(setpgid(0, 0), 0);
		signal(SIGHUP, note_orphan_signal);
		signal(SIGCONT, note_orphan_signal);
		say_ready();
		WAIT_UNTIL(getppid() != parent);
		_exit(hangups || continues ? 1 : 3);
	}
	await_ready();
}

static void check_orphaned_groups(void)
{
	int status;

	open_pipes();
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	must_pass_in_child(leave_stopped_group);
	CHECK(waitpid(-1, &status, 0) > 0);
	CHECK_EQ(status, 3 << 8);
	must_pass_in_child(leave_running_group);
	CHECK(waitpid(-1, &status, 0) > 0);
	CHECK_EQ(status, 3 << 8);
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	close_pipes();
	ok("orphaned_groups");
}

int main(int count, char **arguments)
{
	if (count == 3) {
		return after_exec(arguments[2]);
	}
	program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	CHECK(program >= 0);
	check_killed_vfork();
	check_signalled_vfork();
	check_exec_by_thread();
	check_exec_by_two();
	check_death_signal_values();
	check_death_signal();
	check_subreapers();
	check_orphaned_groups();
	return 0;
}
