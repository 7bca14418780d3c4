// SPDX-License-Identifier: MIT
/*
 * R1, R7: slots that somebody leaves who shares them: unshare(CLONE_FS), close_range with CLOSE_RANGE_UNSHARE, and execve of
 * a process that has its memory, handlers, descriptors or places in common with another one.
 * libc: musl
 */
#include "raw.h"

enum { UNSHARE = 2, MARKED = 300, KEPT = 301 };

static char self[512], before[512];

static bool at(const char *where)
{
	char now[512];

	CHECK(getcwd(now, sizeof(now)) != NULL);
	return strcmp(now, where) == 0;
}

/* ---- unshare(CLONE_FS) ---- */

static void *go_elsewhere(void *alone)
{
	if (alone) {
		CHECK_EQ(unshare(CLONE_FS), 0);
	}
	CHECK_EQ(chdir("/"), 0);
	umask(0123);
	CHECK(at("/"));
	return NULL;
}

static void check_places(void)
{
	umask(0022);
	join_thread(start_thread(go_elsewhere, before));
	CHECK(at(before));
	CHECK_EQ(umask(0022), 0022);
	join_thread(start_thread(go_elsewhere, NULL));
	CHECK(at("/"));
	CHECK_EQ(umask(0022), 0123);
	CHECK_EQ(chdir(before), 0);
	ok("places");
}

/* ---- close_range ---- */

static atomic_int closed, looked;

static void *close_own(void *first)
{
	unsigned fd = (unsigned)(uintptr_t)first;

	CHECK_EQ(syscall(SYS_close_range, fd, ~0u, UNSHARE), 0);
	CHECK_ERRNO(fcntl((int)fd, F_GETFD), EBADF);
	CHECK_ERRNO(fcntl((int)fd + 1, F_GETFD), EBADF);
	CHECK_EQ(fcntl((int)fd - 1, F_GETFD), 0);
	atomic_store(&closed, 1);
	WAIT_UNTIL(atomic_load(&looked));
	CHECK_ERRNO(fcntl((int)fd + 2, F_GETFD), EBADF); // what others open is theirs
	CHECK_ERRNO(syscall(SYS_close_range, fd, fd - 1, UNSHARE), EINVAL);
	return NULL;
}

static void check_close_range(void)
{
	pthread_t thread;

	for (int i = 199; i < 202; i++) {
		CHECK_EQ(dup2(1, i), i);
	}
	thread = start_thread(close_own, (void *)200);
	WAIT_UNTIL(atomic_load(&closed));
	for (int i = 199; i < 202; i++) {
		CHECK_EQ(fcntl(i, F_GETFD), 0);
	}
	CHECK_EQ(dup2(1, 202), 202);
	atomic_store(&looked, 1);
	join_thread(thread);
	for (int i = 199; i < 203; i++) {
		CHECK_EQ(close(i), 0);
	}
	ok("close_range");
}

/* ---- execve ---- */

static volatile int value = 1;
static volatile sig_atomic_t handled;

static void handle(int signal)
{
	handled += signal == SIGUSR1;
}

/* The new program: what it changes must be its own. */
static int leaf(void)
{
	struct sigaction action;

	CHECK_EQ(value, 1);
	value = 3;
	CHECK_EQ(sigaction(SIGUSR1, NULL, &action), 0);
	CHECK(action.sa_handler == SIG_DFL);
	CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	CHECK_ERRNO(fcntl(MARKED, F_GETFD), EBADF); // closed on exec
	CHECK_EQ(close(KEPT), 0);
	CHECK_EQ(chdir("/"), 0);
	umask(0111);
	return 7;
}

static int execute(void *unused)
{
	char *arguments[] = {self, "leaf", NULL};
	char *environment[] = {NULL};

	(void)unused;
	syscall(SYS_execve, self, arguments, environment);
	return 1;
}

static void exec_sharing(uint64_t flags)
{
	static char stack[65536] __attribute__((aligned(16)));
	struct clone_args args = {
		.flags = flags,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
	};
	int status;
	long child;

	umask(0022);
	value = 2;
	handled = 0;
	CHECK(signal(SIGUSR1, handle) != SIG_ERR);
	CHECK_EQ(dup3(1, MARKED, O_CLOEXEC), MARKED);
	CHECK_EQ(dup2(1, KEPT), KEPT);
	child = clone3_call(&args, sizeof(args), execute, NULL);
	CHECK(child > 0);
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 7 << 8);
	CHECK_EQ(value, 2);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(handled, 1);
	CHECK_EQ(fcntl(MARKED, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(KEPT, F_GETFD), 0);
}

static void check_exec(void)
{
	exec_sharing(CLONE_VM | CLONE_VFORK);
	CHECK(at(before));
	exec_sharing(CLONE_FILES);
	exec_sharing(CLONE_VM | CLONE_VFORK | CLONE_SIGHAND);
	exec_sharing(CLONE_VM | CLONE_VFORK | CLONE_SIGHAND | CLONE_FILES);
	CHECK(at(before));
	CHECK_EQ(umask(0022), 0022);
	ok("exec");
	// Places are the one thing that stays shared.
	exec_sharing(CLONE_FS);
	CHECK(at("/"));
	CHECK_EQ(umask(0022), 0111);
	CHECK_EQ(chdir(before), 0);
	ok("exec_keeps_places");
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		return leaf();
	}
	CHECK(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	CHECK(getcwd(before, sizeof(before)) != NULL);
	check_places();
	check_close_range();
	check_exec();
	return 0;
}
