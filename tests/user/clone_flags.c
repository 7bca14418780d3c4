// SPDX-License-Identifier: MIT
/*
 * C1: clone and clone3: illegal combinations and sizes, each with Linux's errno; what each legal
 * flag shares; vfork; exit signals.
 */
#include "raw.h"
#include <sys/stat.h>

static char child_stack[65536] __attribute__((aligned(16)));

static long try_clone3(uint64_t flags, uint64_t exit_signal)
{
	struct clone_args args = {.flags = flags, .exit_signal = exit_signal};
	long result = syscall(SYS_clone3, &args, sizeof(args));

	if (result == 0) {
		_exit(0);
	}
	return result;
}

static void check_illegal_flags(void)
{
	CHECK_ERRNO(try_clone3(CLONE_THREAD, 0), EINVAL);
	CHECK_ERRNO(try_clone3(CLONE_THREAD | CLONE_SIGHAND, 0), EINVAL);
	CHECK_ERRNO(try_clone3(CLONE_SIGHAND, SIGCHLD), EINVAL);
	CHECK_ERRNO(try_clone3(CLONE_SIGHAND | CLONE_VM | CLONE_CLEAR_SIGHAND, SIGCHLD),
		    EINVAL);
	CHECK_ERRNO(try_clone3(CLONE_FS | CLONE_NEWNS, SIGCHLD), EINVAL);
	CHECK_ERRNO(try_clone3(CLONE_DETACHED, SIGCHLD), EINVAL);
	CHECK_ERRNO(try_clone3(1ull << 63, SIGCHLD), EINVAL);
	CHECK_ERRNO(try_clone3(0, 65), EINVAL);
	CHECK_ERRNO(try_clone3(0, 1ull << 32), EINVAL);
	CHECK_ERRNO(try_clone3(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, SIGCHLD), EINVAL);
	CHECK_ERRNO(try_clone3(SIGCHLD, 0),
		    EINVAL); // the signal is not in the flags of clone3
	CHECK_ERRNO(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_THREAD | CLONE_VM, 0, 0, 0, 0), EINVAL);
	ok("illegal_flags");
}

/* The number of the pidfd has nowhere to go: no child, and no file is given back twice. */
static void check_unwritable_pidfd(void)
{
	int files[16];

	for (int i = 0; i < 16; i++) {
		CHECK_ERRNO(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, UNMAPPED_ADDRESS,
				    0, 0),
			    EFAULT);
		files[i] = open("/dev/null", O_RDONLY);
		CHECK_EQ(files[i], files[0] + i);
	}
	for (int i = 0; i < 16; i++) {
		CHECK_EQ(fcntl(files[i], F_GETFL) & O_ACCMODE, O_RDONLY);
		CHECK_EQ(close(files[i]), 0);
	}
	CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
	ok("unwritable_pidfd");
}

static void check_argument_sizes(void)
{
	struct {
		struct clone_args args;
		uint64_t more[2];
	} big;
	struct clone_args args = {.exit_signal = SIGCHLD};
	int status;
	long child;

	CHECK_ERRNO(syscall(SYS_clone3, &args, 63), EINVAL);
	CHECK_ERRNO(syscall(SYS_clone3, &args, 8192), E2BIG);
	CHECK_ERRNO(syscall(SYS_clone3, UNMAPPED_ADDRESS, sizeof(args)), EFAULT);
	memset(&big, 0, sizeof(big));
	big.args.exit_signal = SIGCHLD;
	big.more[1] = 1;
	CHECK_ERRNO(syscall(SYS_clone3, &big, sizeof(big)), E2BIG);
	big.more[1] = 0;
	for (int size = 64; size <= (int)sizeof(big); size += 8) {
		child = syscall(SYS_clone3, &big, size);
		CHECK(child >= 0);
		if (child == 0) {
			_exit(0);
		}
		CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
		CHECK_EQ(status, 0);
	}
	args.stack = (uintptr_t)child_stack;
	CHECK_ERRNO(syscall(SYS_clone3, &args, sizeof(args)),
		    EINVAL); // a stack without a size
	args.stack = 0;
	args.stack_size = 4096;
	CHECK_ERRNO(syscall(SYS_clone3, &args, sizeof(args)), EINVAL);
	ok("argument_sizes");
}

struct shared_view {
	int value, fd;
	mode_t mask;
};

static struct shared_view *view;

static int change_everything(void *unused)
{
	(void)unused;
	view->value = 2;
	umask(0111);
	CHECK_EQ(chdir("/"), 0);
	close(view->fd);
	signal(SIGUSR1, SIG_IGN);
	return 7;
}

static void run_clone(uint64_t flags)
{
	struct clone_args args = {
		.flags = flags,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)child_stack,
		.stack_size = sizeof(child_stack),
	};
	int status;
	long child;

	signal(SIGUSR1, SIG_DFL);
	umask(0022);
	view->value = 1;
	view->fd = open("/dev/null", O_RDONLY);
	CHECK(view->fd >= 0);
	child = clone3_call(&args, sizeof(args), change_everything, NULL);
	CHECK(child > 0);
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(WEXITSTATUS(status), 7);
}

static bool ignores_usr1(void)
{
	struct sigaction action;

	CHECK_EQ(sigaction(SIGUSR1, NULL, &action), 0);
	return action.sa_handler == SIG_IGN;
}

static void check_sharing(void)
{
	static struct shared_view plain;
	char before[256], now[256];

	view = &plain;
	CHECK(getcwd(before, sizeof(before)) != NULL);
	run_clone(0);
	CHECK(getcwd(now, sizeof(now)) && strcmp(now, before) == 0);
	CHECK_EQ(view->value, 1);
	CHECK_EQ(umask(0022), 0022);
	CHECK_EQ(fcntl(view->fd, F_GETFD), 0);
	CHECK(!ignores_usr1());
	close(view->fd);
	ok("shares_nothing");
	run_clone(CLONE_VM);
	CHECK_EQ(view->value, 2);
	CHECK_EQ(fcntl(view->fd, F_GETFD), 0);
	close(view->fd);
	run_clone(CLONE_FILES);
	CHECK_EQ(view->value, 1);
	CHECK_ERRNO(fcntl(view->fd, F_GETFD), EBADF);
	run_clone(CLONE_FS);
	CHECK_EQ(umask(0022), 0111);
	CHECK(getcwd(now, sizeof(now)) && strcmp(now, "/") == 0);
	CHECK_EQ(chdir(before), 0);
	close(view->fd);
	run_clone(CLONE_VM | CLONE_SIGHAND);
	CHECK(ignores_usr1());
	close(view->fd);
	ok("shares_what_it_says");
}

static void *volatile vfork_note;

static void check_vfork(void)
{
	int status;
	pid_t child = vfork();

	CHECK(child >= 0);
	if (child == 0) {
		vfork_note = (void *)0x1234; // the parent is stopped and sees it
		_exit(11);
	}
	CHECK(vfork_note == (void *)0x1234);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(WEXITSTATUS(status), 11);
	ok("vfork");
}

static volatile sig_atomic_t usr2_seen;

static void note_usr2(int signal)
{
	(void)signal;
	usr2_seen = 1;
}

static void check_exit_signal(void)
{
	int status;
	long child;

	signal(SIGUSR2, note_usr2);
	child = syscall(SYS_clone, SIGUSR2, 0, 0, 0, 0);
	if (child == 0) {
		_exit(0);
	}
	CHECK(child > 0);
	WAIT_UNTIL(usr2_seen);
	CHECK_ERRNO(waitpid((pid_t)child, &status, 0), ECHILD); // not a SIGCHLD child
	CHECK_EQ(waitpid((pid_t)child, &status, __WCLONE), child);
	ok("exit_signal");
}

/* What the child tells its parent with is agreed with that program: the next one in its place gets SIGCHLD. */
static void exec_before_child_ends(void)
{
	char *arguments[] = {"clone_flags", "parent", NULL, NULL, NULL}, words[2][16];
	sigset_t both;
	int gate[2];
	long child;

	sigemptyset(&both);
	sigaddset(&both, SIGUSR2);
	sigaddset(&both, SIGCHLD);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &both, NULL), 0);
	CHECK_EQ(pipe(gate), 0);
	child = syscall(SYS_clone, SIGUSR2, 0, 0, 0, 0);
	CHECK(child >= 0);
	if (child == 0) {
		close(gate[1]);
		_exit(read(gate[0], words[0], 1) == 0 ? 5 : 6);
	}
	snprintf(words[0], sizeof(words[0]), "%d", gate[1]);
	snprintf(words[1], sizeof(words[1]), "%ld", child);
	arguments[2] = words[0];
	arguments[3] = words[1];
	execv("/proc/self/exe", arguments);
	_exit(1);
}

static int be_new_parent(char **argv)
{
	int child = atoi(argv[3]), status;
	sigset_t pending;
	siginfo_t info;

	close(atoi(argv[2]));
	CHECK_EQ(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT | __WCLONE), 0);
	CHECK_EQ(sigpending(&pending), 0);
	CHECK(!sigismember(&pending, SIGUSR2));
	CHECK(sigismember(&pending, SIGCHLD));
	CHECK_ERRNO(waitpid(child, &status, 0), ECHILD); // it stays a clone child
	CHECK_EQ(waitpid(child, &status, __WCLONE), child);
	CHECK_EQ(status, 5 << 8);
	return 0;
}

static void check_clear_handlers(void)
{
	struct clone_args args = {.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
	int status;
	long child;

	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, note_usr2);
	child = syscall(SYS_clone3, &args, sizeof(args));
	CHECK(child >= 0);
	if (child == 0) {
		struct sigaction action;

		sigaction(SIGUSR2, NULL, &action);
		_exit(action.sa_handler == SIG_DFL && ignores_usr1() ? 0 : 1);
	}
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 0);
	ok("clear_handlers");
}

int main(int argc, char **argv)
{
	if (argc == 4) {
		return be_new_parent(argv);
	}
	check_illegal_flags();
	check_unwritable_pidfd();
	check_argument_sizes();
	check_sharing();
	check_vfork();
	check_exit_signal();
	must_pass_in_child(exec_before_child_ends);
	ok("exec_of_parent");
	check_clear_handlers();
	return 0;
}
