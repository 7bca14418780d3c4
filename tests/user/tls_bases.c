// SPDX-License-Identifier: MIT
/*
 * T6: the bases of fs and gs, set by arch_prctl() and, where the CPU lets programs (AT_HWCAP2), by wrfsbase and wrgsbase: kept over
 * switches and moves to another CPU, copied by fork and clone, not part of the signal frame, reset by exec.
 * libc: musl
 */
#include "raw.h"
#include <asm/prctl.h>
#include <sys/auxv.h>

enum { ROUNDS = 200, THREADS = 6, FSGSBASE = 2 };

static bool by_instruction; /* how bases are set and looked at */
static uint64_t place[THREADS + 1] = {100, 101, 102, 103, 104, 105, 106};

static unsigned long prctl_base(int which)
{
	unsigned long base = 77;

	CHECK_EQ(syscall(SYS_arch_prctl, which, &base), 0);
	return base;
}

static void set_gs(const void *to)
{
	if (by_instruction) {
		__asm__ volatile("wrgsbase %0" : : "r"(to));
	} else {
		CHECK_EQ(syscall(SYS_arch_prctl, ARCH_SET_GS, to), 0);
	}
}

/* The base as each way to look sees it. */
static bool gs_is(const uint64_t *wanted)
{
	unsigned long base = (uintptr_t)wanted;
	uint64_t word;

	if (by_instruction) {
		__asm__ volatile("rdgsbase %0" : "=r"(base));
	}
	__asm__ volatile("movq %%gs:0, %0" : "=r"(word));
	return base == (uintptr_t)wanted && word == *wanted &&
	       prctl_base(ARCH_GET_GS) == (uintptr_t)wanted;
}

static void *keep_gs(void *mine)
{
	set_gs(mine);
	for (int i = 0; i < ROUNDS; i++) {
		sched_yield();
		CHECK(gs_is(mine));
	}
	return NULL;
}

static void check_switches(void)
{
	pthread_t threads[THREADS];

	set_gs(&place[THREADS]);
	for (int i = 0; i < THREADS; i++) {
		threads[i] = start_thread(keep_gs, &place[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		join_thread(threads[i]);
	}
	CHECK(gs_is(&place[THREADS]));
	ok(by_instruction ? "switches_instruction" : "switches");
}

static void check_moves(void)
{
	unsigned long thread_pointer = prctl_base(ARCH_GET_FS);
	cpu_set_t usable, one;

	CHECK_EQ(sched_getaffinity(0, sizeof(usable), &usable), 0);
	set_gs(&place[1]);
	for (int i = 0; i < ROUNDS; i++) {
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
			if (!CPU_ISSET(cpu, &usable)) {
				continue;
			}
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			CHECK_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
			CHECK_EQ(sched_getcpu(), cpu);
			CHECK(gs_is(&place[1]));
			CHECK_EQ(prctl_base(ARCH_GET_FS), thread_pointer);
		}
	}
	CHECK_EQ(sched_setaffinity(0, sizeof(usable), &usable), 0);
	ok(by_instruction ? "moves_instruction" : "moves");
}

static int look(void *wanted)
{
	return gs_is(wanted) ? 0 : 1;
}

/* fork and a clone that shares memory: the child begins with the parent's, and has its own from then on. */
static void check_children(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
	};
	int status;
	long child;

	set_gs(&place[2]);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		bool right = gs_is(&place[2]);

		set_gs(&place[3]);
		_exit(!right || !gs_is(&place[3]));
	}
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK(gs_is(&place[2]));
	child = clone3_call(&args, sizeof(args), look, &place[2]);
	CHECK(child > 0);
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 0);
	ok(by_instruction ? "children_instruction" : "children");
}

static bool right_in_handler;

static void change_gs(int signal)
{
	(void)signal;
	right_in_handler = gs_is(&place[4]);
	set_gs(&place[5]);
}

static void check_signal(void)
{
	signal(SIGUSR1, change_gs);
	set_gs(&place[4]);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK(right_in_handler);
	CHECK(gs_is(&place[5]));
	ok(by_instruction ? "signal_instruction" : "signal");
}

static void check_exec(void)
{
	char *arguments[] = {"x", "fresh", NULL}, *environment[] = {NULL};
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		set_gs(&place[0]);
		execve("/proc/self/exe", arguments, environment);
		_exit(2);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	ok(by_instruction ? "exec_instruction" : "exec");
}

/* No library call in between: it would use fs. Returns how often the base was another one. */
static long keep_fs(const void *value)
{
	long wrong = 0, rounds = ROUNDS;
	unsigned long before, now;

	__asm__ volatile("rdfsbase %[before]\n\t"
			 "wrfsbase %[value]\n"
			 "1:\tmovl $24, %%eax\n\tsyscall\n\t" // sched_yield
			 "rdfsbase %[now]\n\t"
			 "cmpq %[value], %[now]\n\tje 2f\n\tincq %[wrong]\n"
			 "2:\tdecq %[rounds]\n\tjnz 1b\n\t"
			 "wrfsbase %[before]"
			 : [before] "=&r"(before), [now] "=&r"(now), [wrong] "+&r"(wrong),
			   [rounds] "+&r"(rounds)
			 : [value] "r"(value)
			 : "rax", "rcx", "r11", "memory");
	return wrong;
}

static void *keep_own_fs(void *value)
{
	CHECK_EQ(keep_fs(value), 0);
	return NULL;
}

static void check_fs(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++) {
		threads[i] = start_thread(keep_own_fs, i ? &place[i] : NULL);
	}
	for (int i = 0; i < THREADS; i++) {
		join_thread(threads[i]);
	}
	CHECK_EQ(keep_fs(&place[0]), 0);
	ok("fs_instruction");
}

static void non_canonical_fs(void)
{
	keep_fs(NON_CANONICAL);
}

static void non_canonical_gs(void)
{
	__asm__ volatile("wrgsbase %0" : : "r"(NON_CANONICAL));
	for (int i = 0; i < ROUNDS; i++) {
		sched_yield();
	}
}

/* A CPU refuses it with an exception. QEMU takes it: then it is the program's own, and the kernel goes on over switches. */
static void check_non_canonical(void)
{
	int status = in_child(non_canonical_fs);

	CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV));
	status = in_child(non_canonical_gs);
	CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV));
	ok("non_canonical");
}

int main(int argc, char **argv)
{
	bool instructions = getauxval(AT_HWCAP2) & FSGSBASE;

	if (argc > 1 && strcmp(argv[1], "fresh") == 0) {
		return prctl_base(ARCH_GET_GS) != 0;
	}
	for (int way = 0; way < (instructions ? 2 : 1); way++) {
		by_instruction = way;
		check_switches();
		check_moves();
		check_children();
		check_signal();
		check_exec();
	}
	if (instructions) {
		check_fs();
		check_non_canonical();
	}
	return 0;
}
