// SPDX-License-Identifier: MIT
/*
 * C3, C8: init of a pid namespace: the orphans it reaps, the signals it is spared and those it is not,
 * its end that takes everybody along, and reboot.
 * deadline: 60
 */
#include "pid_namespace.h"
#include <poll.h>
#include <sys/prctl.h>
#include <sys/reboot.h>

/* ---- init as the reaper ---- */

static void leave_orphan(int reaper)
{
	pid_t middle = fork(), orphan;
	int ends[2];
	char byte;

	CHECK(middle >= 0);
	if (middle == 0) {
		CHECK_EQ(pipe(ends), 0);
		orphan = fork();
		CHECK(orphan >= 0);
		if (orphan == 0) {
			close(ends[1]);
			CHECK_EQ(read(ends[0], &byte, 1), 0); // the parent has gone
			WAIT_UNTIL(getppid() == reaper);
			_exit(9);
		}
		_exit(0);
	}
	CHECK_EQ(wait_for(middle), 0);
}

static void init_reaps(void)
{
	int status;

	leave_orphan(1);
	CHECK(waitpid(-1, &status, 0) > 0);
	CHECK_EQ(status, 9 << 8);
	CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
}

static void subreaper_inside(void)
{
	pid_t subreaper = fork();

	CHECK(subreaper >= 0);
	if (subreaper == 0) {
		int status;

		CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
		leave_orphan(2);
		CHECK(waitpid(-1, &status, 0) > 0);
		CHECK_EQ(status, 9 << 8);
		_exit(0);
	}
	CHECK_EQ(wait_for(subreaper), 0);
}

static void check_reaper(void)
{
	// A subreaper outside must not get what is init's.
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	CHECK_EQ(as_init(init_reaps), 0);
	CHECK_EQ(as_init(subreaper_inside), 0);
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG), ECHILD);
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	ok("reaper");
}

/* ---- signals to init ---- */

static void attack_init(void)
{
	for (int signal = 1; signal < 65; signal++) {
		if (signal != SIGUSR1 && signal != 32 && signal != 33) {
			CHECK_EQ(kill(1, signal), 0);
		}
	}
	CHECK_EQ(syscall(SYS_tgkill, 1, 1, SIGKILL), 0);
	CHECK_EQ(syscall(SYS_tkill, 1, SIGSTOP), 0);
	CHECK_ERRNO(kill(-1, SIGTERM), ESRCH);
}

static void be_attacked(void)
{
	CHECK_EQ(in_child(attack_init), 0);
	CHECK_EQ(kill(1, SIGKILL), 0);
	CHECK_EQ(kill(1, SIGSTOP), 0);
	CHECK_EQ(raise(SIGTERM), 0);
}

static void *wait_for_senders(void *unused)
{
	(void)unused;
	catch_with_sender(SIGUSR1);
	say_ready();
	WAIT_UNTIL(seen_pid == 0 && seen_code == SI_USER); // from outside
	seen_pid = -1;
	say_ready();
	WAIT_UNTIL(seen_pid == 0 && seen_code == SI_QUEUE);
	CHECK_EQ(kill(1, SIGUSR1), 0);
	CHECK_EQ(seen_pid, 1);
	pid_t child = fork();
	if (child == 0) {
		_exit(kill(1, SIGUSR1));
	}
	WAIT_UNTIL(seen_pid == 2);
	CHECK_EQ(wait_for(child), 0);
	return NULL;
}

static void check_signals_from_inside(void)
{
	CHECK_EQ(as_init(be_attacked), 0);
	ok("signals_from_inside");
}

static void check_signals_from_outside(void)
{
	pid_t init;

	CHECK_EQ(pipe(ready), 0);
	init = fork_with(CLONE_NEWPID);
	if (init == 0) {
		wait_for_senders(NULL);
		say_ready();
		for (;;) {
			pause();
		}
	}
	await_ready();
	CHECK_EQ(kill(init, SIGTERM), 0); // no handler: lost, whoever sends it
	CHECK_EQ(kill(init, SIGUSR1), 0);
	await_ready();
	CHECK_EQ(sigqueue(init, SIGUSR1, (union sigval){.sival_int = 5}), 0);
	await_ready();
	CHECK_EQ(kill(init, SIGSEGV), 0);
	CHECK_EQ(kill(init, SIGSTOP), 0);
	int status;
	CHECK_EQ(waitpid(init, &status, WUNTRACED), init);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	CHECK_EQ(kill(init, SIGCONT), 0);
	CHECK_EQ(waitpid(init, &status, WCONTINUED), init);
	CHECK(WIFCONTINUED(status));
	CHECK_EQ(kill(init, SIGKILL), 0);
	CHECK_EQ(wait_for(init), SIGKILL);
	close(ready[0]);
	close(ready[1]);
	ok("signals_from_outside");
}

static void fault_as_init(void)
{
	*(volatile int *)UNMAPPED_ADDRESS = 1;
}

static void check_own_faults(void)
{
	CHECK_EQ(as_init(fault_as_init) & 0x7f, SIGSEGV);
	ok("own_faults");
}

/* A child that announces its end with SIGKILL does not end init. */
static void die_with_kill(void)
{
	pid_t child = (pid_t)syscall(SYS_clone, SIGKILL, 0, 0, 0, 0);

	if (child == 0) {
		_exit(0);
	}
	CHECK_EQ(child, 2);
	CHECK_EQ(waitpid(child, NULL, __WALL), child);
}

static void check_exit_signal(void)
{
	CHECK_EQ(as_init(die_with_kill), 0);
	ok("exit_signal");
}

static void leave_init_behind(void)
{
	pid_t own = getpid(), init = fork_with(CLONE_NEWPID);

	if (init == 0) {
		CHECK_EQ(prctl(PR_SET_PDEATHSIG, SIGKILL), 0);
		say_ready();
		for (;;) {
			pause();
		}
	}
	CHECK(own != init);
	await_ready();
	_exit(0);
}

static void check_parent_death(void)
{
	int status;

	CHECK_EQ(pipe(ready), 0);
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	must_pass_in_child(leave_init_behind);
	CHECK(waitpid(-1, &status, 0) > 0); // the signal of a parent outside is heeded
	CHECK_EQ(status, SIGKILL);
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	close(ready[0]);
	close(ready[1]);
	ok("parent_death");
}

/* ---- the end ---- */

static int pipe_end[2], go_on[2];

static void *sleep_for_ever(void *unused)
{
	for (;;) {
		pause();
	}
	return unused;
}

/* Init with zombies, sleepers, threads, a session of its own, a nested namespace; then it leaves. */
static void leave_a_crowd(void)
{
	for (int i = 0; i < 4; i++) {
		pid_t child = fork_with(i == 3 ? CLONE_NEWPID : 0);

		CHECK(child >= 0);
		if (child == 0) {
			if (i == 1) {
				setsid();
			}
			if (i == 2) {
				_exit(0); // a zombie
			}
			signal(SIGTERM, SIG_IGN);
			start_thread(sleep_for_ever, NULL);
			if (fork() == 0) {
				sleep_for_ever(NULL);
			}
			say_ready();
			sleep_for_ever(NULL);
		}
	}
	for (int i = 0; i < 3; i++) {
		await_ready();
	}
}

static void *leave_from_thread(void *unused)
{
	syscall(SYS_exit_group, 4);
	return unused;
}

static void leave_as_thread(void)
{
	leave_a_crowd();
	start_thread(sleep_for_ever, NULL);
	start_thread(leave_from_thread, NULL);
	sleep_for_ever(NULL);
}

static void *leave_last(void *unused)
{
	char text[16] = {0};

	// In /proc as it was mounted outside we have another number.
	CHECK(readlink("/proc/self", text, sizeof(text) - 1) > 0);
	WAIT_UNTIL(thread_state(atoi(text)) == 'Z');
	syscall(SYS_exit, 3);
	return unused;
}

/* The leader goes first, the last thread ends the namespace. */
static void leave_leader_first(void)
{
	leave_a_crowd();
	start_thread(leave_last, NULL);
	syscall(SYS_exit, 0);
}

/* When wait returns, nobody inside holds anything any more. */
static void end_with(void (*body)(void), int wanted)
{
	struct pollfd poll_end;
	char byte;

	CHECK_EQ(pipe(pipe_end), 0);
	CHECK_EQ(pipe(ready), 0);
	pid_t init = fork_with(CLONE_NEWPID);
	CHECK(init >= 0);
	if (init == 0) {
		close(pipe_end[0]);
		body();
		_exit(0);
	}
	close(pipe_end[1]);
	CHECK_EQ(wait_for(init), wanted);
	poll_end = (struct pollfd){.fd = pipe_end[0], .events = POLLIN};
	CHECK_EQ(poll(&poll_end, 1, 0), 1);
	CHECK_EQ(read(pipe_end[0], &byte, 1), 0);
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
	close(pipe_end[0]);
	close(ready[0]);
	close(ready[1]);
}

static void kill_self_from_outside(void)
{
	leave_a_crowd();
	CHECK_EQ(write(go_on[1], "k", 1), 1);
	sleep_for_ever(NULL);
}

static void check_end(void)
{
	char byte;

	end_with(leave_a_crowd, 0);
	end_with(leave_as_thread, 4 << 8);
	end_with(leave_leader_first, 3 << 8);
	CHECK_EQ(pipe(go_on), 0);
	CHECK_EQ(pipe(ready), 0);
	pid_t init = fork_with(CLONE_NEWPID);
	if (init == 0) {
		kill_self_from_outside();
	}
	CHECK_EQ(read(go_on[0], &byte, 1), 1);
	CHECK_EQ(kill(init, SIGKILL), 0);
	CHECK_EQ(wait_for(init), SIGKILL);
	close(go_on[0]);
	close(go_on[1]);
	close(ready[0]);
	close(ready[1]);
	ok("end");
}

/* ---- reboot ---- */

static void reboot_child(void)
{
	CHECK_ERRNO(syscall(SYS_reboot, 0, 0, RB_AUTOBOOT, 0), EINVAL);
	CHECK_ERRNO(reboot(RB_ENABLE_CAD), EINVAL);
	CHECK_ERRNO(reboot(RB_DISABLE_CAD), EINVAL);
	reboot(RB_AUTOBOOT);
	_exit(1);
}

static void reboot_namespace(void)
{
	(void)in_child(reboot_child);
	sleep_for_ever(NULL);
}

static void halt_namespace(void)
{
	reboot(RB_POWER_OFF);
	_exit(1);
}

static void check_reboot(void)
{
	CHECK_EQ(as_init(reboot_namespace), SIGHUP);
	CHECK_EQ(as_init(halt_namespace), SIGINT);
	ok("reboot");
}

int main(void)
{
	require_pid_namespaces();
	check_reaper();
	check_signals_from_inside();
	check_signals_from_outside();
	check_own_faults();
	check_exit_signal();
	check_parent_death();
	check_end();
	check_reboot();
	return 0;
}
