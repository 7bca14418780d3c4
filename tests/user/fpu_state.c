// SPDX-License-Identifier: MIT
/*
 * T5: floating point and vector state: kept over preemption and system calls, never another
 * thread's, copied by fork and clone, reset by exec, saved in the signal frame.
 * libc: musl
 */
#include "machine_vectors.h"
#include "raw.h"

static void *keep_pattern(void *seed_pointer)
{
	struct vectors mine, seen;
	uint64_t seed = (uintptr_t)seed_pointer;

	make(&mine, seed);
	load(&mine);
	for (int i = 0; i < 2000; i++) {
		// No library call stands between: those may use vector registers.
		raw_call(SYS_sched_yield, 0, 0);
		store(&seen);
		CHECK(same(&mine, &seen));
		load(&mine);
		for (volatile int spin = 0; spin < 100; spin++) {
		}
		store(&seen);
		CHECK(same(&mine, &seen));
		load(&mine);
	}
	return NULL;
}

static void check_no_leak_between_threads(void)
{
	pthread_t threads[8];

	for (uintptr_t i = 0; i < 8; i++) {
		threads[i] = start_thread(keep_pattern, (void *)(i + 1));
	}
	for (int i = 0; i < 8; i++) {
		join_thread(threads[i]);
	}
	ok("no_leak_between_threads");
}

static void check_fork_copies(void)
{
	struct vectors mine, seen;
	int status;
	long child;

	make(&mine, 77);
	load(&mine);
	child = raw_call(SYS_clone, SIGCHLD, 0);
	store(&seen);
	if (child == 0) {
		_exit(same(&mine, &seen) ? 0 : 1);
	}
	CHECK(child > 0 && same(&mine, &seen));
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 0);
	ok("fork_copies");
}

static struct vectors child_vectors;
static volatile int child_done;

static int look_in_thread(void *unused)
{
	store(&child_vectors);
	child_done = 1;
	return unused != NULL;
}

/* A thread begins with its maker's vectors, as a process does. */
static void check_clone_copies(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	static pid_t word = -1;
	struct clone_args args = bare_thread(&word, stack, sizeof(stack));
	struct vectors mine, seen;
	long child;

	make(&mine, 55);
	load(&mine);
	child = clone3_call(&args, sizeof(args), look_in_thread, NULL);
	store(&seen);
	CHECK(child > 0 && same(&mine, &seen));
	WAIT_UNTIL(__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0);
	CHECK(child_done && same(&mine, &child_vectors));
	ok("clone_copies");
}

static void check_registers(void)
{
	static uint64_t seen[REGISTERS_SEEN];
	uint64_t *shared = shared_page();
	int status;
	long child = fork_and_look(seen);

	CHECK(child >= 0);
	if (child == 0) {
		shared[0] = seen[REGISTERS_SEEN - 1];
		_exit(registers_kept(seen) ? 0 : 1);
	}
	CHECK(registers_kept(seen));
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_EQ(shared[0], seen[REGISTERS_SEEN - 1]); // the stack pointer
	ok("registers");
}

static void spoil(int signal)
{
	struct vectors other;

	(void)signal;
	make(&other, 99);
	load(&other);
}

static void check_signal_frame(void)
{
	struct vectors mine, seen;
	pid_t own = getpid();

	signal(SIGUSR1, spoil);
	make(&mine, 42);
	load(&mine);
	raw_call(SYS_kill, own, SIGUSR1);
	store(&seen);
	CHECK(same(&mine, &seen));
	ok("signal_frame");
}

static void change_saved(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	change_first_word(context, 0x12345678);
}

static void check_frame_is_restored(void)
{
	struct sigaction action = {.sa_sigaction = change_saved, .sa_flags = SA_SIGINFO};
	struct vectors mine, seen;
	pid_t own = getpid();

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	make(&mine, 43);
	load(&mine);
	raw_call(SYS_kill, own, SIGUSR1);
	store(&seen);
	CHECK_EQ((uint32_t)seen.words[0][0], 0x12345678);
	mine.words[0][0] = seen.words[0][0];
	CHECK(same(&mine, &seen));
	ok("frame_is_restored");
}

/* A broken saved state makes sigreturn fail with a signal, not the kernel with a fault. */
static void break_saved(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	break_state(context);
}

static void return_with_bad_state(void)
{
	struct sigaction action = {.sa_sigaction = break_saved, .sa_flags = SA_SIGINFO};

	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
}

static void check_bad_frame(void)
{
	int status = in_child(return_with_bad_state);

	// Linux clears the reserved bits or kills; both are fine, a hang or a panic is not.
	CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV));
	ok("bad_frame");
}

static void check_exec_resets(void)
{
	char *arguments[] = {"x", "fresh", NULL};
	char *environment[] = {NULL};
	struct vectors mine;
	int status;
	pid_t child = fork();

	if (child == 0) {
		make(&mine, 7);
		load(&mine);
		execve("/proc/self/exe", arguments, environment);
		_exit(1);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	ok("exec_resets");
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "fresh") == 0) {
		struct vectors seen;

		store(&seen);
		return is_fresh(&seen) ? 0 : 1;
	}
	check_no_leak_between_threads();
	check_fork_copies();
	check_clone_copies();
	check_registers();
	check_signal_frame();
	check_frame_is_restored();
	check_bad_frame();
	check_exec_resets();
	return 0;
}
