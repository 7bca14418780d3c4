// SPDX-License-Identifier: MIT
/*
 * C8: ways into pid namespaces that are there: setns by /proc/PID/ns/pid and by pidfd, for children
 * only, inward only; those who came that way when the namespace ends; /proc/PID/ns/pid_for_children.
 * deadline: 40
 */
#include "pid_namespace.h"
#include <sys/prctl.h>

static int open_namespace(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
	return open(path, O_RDONLY);
}

static int open_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* The inode that tells namespaces apart, from the link's text. */
static unsigned long number_of(pid_t pid, const char *name)
{
	char path[64], text[64] = {0};

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
	CHECK(readlink(path, text, sizeof(text) - 1) > 0);
	CHECK(strncmp(text, "pid:[", 5) == 0);
	return strtoul(text + 5, NULL, 10);
}

static int hold[2];

/* Init of a new namespace, alive until hold[1] is closed. */
static pid_t start_holder(void)
{
	pid_t init;
	char byte;

	CHECK_EQ(pipe(hold), 0);
	init = fork_with(CLONE_NEWPID);
	CHECK(init >= 0);
	if (init == 0) {
		close(hold[1]);
		if (read(hold[0], &byte, 1) < 0) {
			_exit(1);
		}
		_exit(0);
	}
	close(hold[0]);
	return init;
}

static void end_holder(pid_t init)
{
	close(hold[1]);
	CHECK_EQ(wait_for(init), 0);
}

static void *do_nothing(void *unused)
{
	return unused;
}

static void fork_inside(int expected)
{
	pthread_t thread;
	pid_t own = getpid(), child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		_exit(getpid() == expected && getppid() == 0 ? 0 : 1);
	}
	CHECK(child != expected);
	CHECK_EQ(wait_for(child), 0);
	CHECK_EQ(getpid(), own);
	CHECK_EQ(pthread_create(&thread, NULL, do_nothing, NULL), EINVAL);
	CHECK_ERRNO(unshare(CLONE_NEWPID), EINVAL);
}

static pid_t holder;

static void enter_by_link(void)
{
	int inner = open_namespace(holder, "pid"), own = open_namespace(getpid(), "pid");

	CHECK(inner >= 0 && own >= 0);
	CHECK_ERRNO(setns(inner, CLONE_NEWUTS), EINVAL);
	CHECK_EQ(setns(inner, CLONE_NEWPID), 0);
	fork_inside(2);
	fork_inside(3);
	CHECK_EQ(number_of(getpid(), "pid_for_children"), number_of(holder, "pid"));
	CHECK(number_of(getpid(), "pid") != number_of(holder, "pid"));
	CHECK_EQ(setns(own, 0), 0); // and back
	join_thread(start_thread(do_nothing, NULL));
	CHECK_EQ(setns(inner, 0), 0);
	fork_inside(4);
}

static void enter_by_pidfd(void)
{
	int fd = open_pidfd(holder);

	CHECK(fd >= 0);
	CHECK_ERRNO(setns(fd, 0), EINVAL);
	CHECK_EQ(setns(fd, CLONE_NEWPID), 0);
	fork_inside(5);
}

static void check_enter(void)
{
	holder = start_holder();
	must_pass_in_child(enter_by_link);
	must_pass_in_child(enter_by_pidfd);
	end_holder(holder);
	ok("enter");
}

/* From inside, what is around or beside cannot be entered, even with its file at hand. */
static void check_inward_only(void)
{
	int outer = open_namespace(getpid(), "pid"), beside;
	pid_t other = start_holder(), init;

	beside = open_namespace(other, "pid");
	CHECK(outer >= 0 && beside >= 0);
	init = fork_with(CLONE_NEWPID);
	if (init == 0) {
		close(hold[1]);
		CHECK_ERRNO(setns(outer, CLONE_NEWPID), EINVAL);
		CHECK_ERRNO(setns(beside, CLONE_NEWPID), EINVAL);
		_exit(0);
	}
	CHECK_EQ(wait_for(init), 0);
	close(outer);
	close(beside);
	end_holder(other);
	ok("inward_only");
}

static void unprivileged_enter(void)
{
	int fd = open_namespace(holder, "pid"), own = open_namespace(getpid(), "pid");

	CHECK(fd >= 0 && own >= 0);
	CHECK_EQ(setuid(65534), 0);
	CHECK_ERRNO(setns(fd, CLONE_NEWPID), EPERM);
	CHECK_ERRNO(setns(own, CLONE_NEWPID), EPERM);
}

static void check_unprivileged(void)
{
	holder = start_holder();
	must_pass_in_child(unprivileged_enter);
	end_holder(holder);
	ok("unprivileged");
}

/* There is nothing to enter before the first child has been made, and no forking into what has ended. */
static void enter_too_early_and_late(void)
{
	int fd;
	pid_t init;

	CHECK_EQ(unshare(CLONE_NEWPID), 0);
	CHECK_ERRNO(open_namespace(getpid(), "pid_for_children"), ENOENT);
	init = fork();
	CHECK(init >= 0);
	if (init == 0) {
		_exit(0);
	}
	fd = open_namespace(getpid(), "pid_for_children");
	CHECK(fd >= 0);
	CHECK_EQ(wait_for(init), 0);
	CHECK_EQ(setns(fd, CLONE_NEWPID), 0);
	CHECK_ERRNO(fork(), ENOMEM);
	CHECK_ERRNO(fork_with(CLONE_VFORK), ENOMEM);
}

static void check_early_and_late(void)
{
	must_pass_in_child(enter_too_early_and_late);
	ok("early_and_late");
}

/* A guest whose parent is outside: its orphans are init's, but it is its parent's to wait for. Init ends after that only. */
static void check_guest_at_the_end(void)
{
	int fd, ends[2], status;
	pid_t guest;
	siginfo_t info;
	char byte;

	holder = start_holder();
	fd = open_namespace(holder, "pid");
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(setns(fd, CLONE_NEWPID), 0);
	guest = fork();
	CHECK(guest >= 0);
	if (guest == 0) {
		close(hold[1]);
		pid_t middle = fork();

		if (middle == 0) {
			if (fork() == 0) {
				WAIT_UNTIL(getppid() == 1);
				CHECK_EQ(write(ends[1], "o", 1), 1);
				pause();
			}
			_exit(0);
		}
		CHECK_EQ(wait_for(middle), 0);
		pause();
	}
	close(ends[1]);
	CHECK_EQ(read(ends[0], &byte, 1), 1);
	close(hold[1]); // init leaves
	CHECK_EQ(waitid(P_PID, (id_t)guest, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(info.si_status, SIGKILL);
	CHECK_EQ(waitpid(holder, &status, WNOHANG), 0);
	CHECK_EQ(wait_for(guest), SIGKILL);
	CHECK_EQ(wait_for(holder), 0);
	CHECK_EQ(read(ends[0], &byte, 1), 0);
	close(ends[0]);
	close(fd);
	ok("guest_at_the_end");
}

/* A guest whose parent dies goes to a reaper of the parent's namespace, not to init of its own. */
static void leave_guest(void)
{
	int fd = open_namespace(holder, "pid");

	CHECK_EQ(setns(fd, CLONE_NEWPID), 0);
	pid_t guest = fork();
	CHECK(guest >= 0);
	if (guest == 0) {
		close(hold[1]);
		pause();
	}
}

static void check_guest_orphan(void)
{
	int status;
	pid_t guest;

	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	holder = start_holder();
	must_pass_in_child(leave_guest);
	close(hold[1]);
	guest = waitpid(-1, &status, 0);
	CHECK(guest > 0 && guest != holder);
	CHECK_EQ(status, SIGKILL);
	CHECK_EQ(wait_for(holder), 0);
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	ok("guest_orphan");
}

int main(void)
{
	require_pid_namespaces();
	if (access("/proc/self/ns/pid", F_OK)) {
		skip("no /proc/PID/ns");
	}
	check_enter();
	check_inward_only();
	check_unprivileged();
	check_early_and_late();
	must_pass_in_child(check_guest_at_the_end);
	check_guest_orphan();
	return 0;
}
