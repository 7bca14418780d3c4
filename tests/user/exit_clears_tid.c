// SPDX-License-Identifier: MIT
/*
 * T8, R7, R8: the clear_tid word of a thread or process that shares memory is zeroed and its
 * futex woken on exit, exit_group, death by signal and exec; not when nobody shares the memory.
 * libc: musl
 */
#include "raw.h"

static char stack[65536] __attribute__((aligned(16)));
static volatile int go;
static pid_t word;

static void wait_for_go(void)
{
	while (!go) {
		syscall(SYS_sched_yield);
	}
}

static int leave(void *unused)
{
	(void)unused;
	wait_for_go();
	return 0;
}

static int leave_group(void *unused)
{
	(void)unused;
	wait_for_go();
	syscall(SYS_exit_group, 0);
	return 0;
}

static int be_killed(void *unused)
{
	(void)unused;
	wait_for_go();
	syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
	for (;;) {
	}
}

static int fault(void *unused)
{
	(void)unused;
	wait_for_go();
	*(volatile int *)UNMAPPED_ADDRESS = 1;
	return 0;
}

static int execute(void *unused)
{
	char *arguments[] = {"x", "again", NULL};
	char *environment[] = {NULL};

	(void)unused;
	wait_for_go();
	syscall(SYS_execve, "/proc/self/exe", arguments, environment);
	return 1;
}

static void *wait_for_clear(void *unused)
{
	pid_t seen;

	(void)unused;
	while ((seen = __atomic_load_n(&word, __ATOMIC_SEQ_CST)) != 0) {
		futex(&word, FUTEX_WAIT, (uint32_t)seen, NULL, NULL, 0);
	}
	return NULL;
}

static void check_end(const char *name, int (*body)(void *), int wanted)
{
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID,
		.parent_tid = (uintptr_t)&word,
		.child_tid = (uintptr_t)&word,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
	};
	pthread_t waiter;
	int status;
	long child;

	go = 0;
	word = -1;
	child = clone3_call(&args, sizeof(args), body, NULL);
	CHECK(child > 0);
	CHECK_EQ(word, child);
	waiter = start_thread(wait_for_clear, NULL);
	go = 1;
	join_thread(waiter); // a missing wake-up hangs here
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status), wanted);
	ok(name);
}

/* Nobody else has the memory: the word stays, though its page is shared. */
static void check_unshared(void)
{
	pid_t *shared = shared_page();
	int status;
	long child;

	*shared = 5;
	child = syscall(SYS_clone, CLONE_CHILD_CLEARTID | SIGCHLD, 0, 0, shared, 0);
	if (child == 0) {
		_exit(0);
	}
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(*shared, 5);
	ok("unshared");
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		return 31;
	}
	check_end("exit", leave, 0);
	check_end("exit_group", leave_group, 0);
	check_end("killed", be_killed, -SIGKILL);
	check_end("fault", fault, -SIGSEGV);
	check_end("exec", execute, 31);
	check_unshared();
	return 0;
}
