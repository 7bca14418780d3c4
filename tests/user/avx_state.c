// SPDX-License-Identifier: MIT
/*
 * T5: the 256-bit registers of AVX: kept over system calls, preemption and moves to another CPU, never another thread's, copied by
 * fork and clone, part of the signal frame, reset by exec.
 * libc: musl
 */
#include "raw.h"

enum { REGISTERS = 16, WIDTH = 32, THREADS = 6, ROUNDS = 200, SIZE = REGISTERS * WIDTH };

#define EACH(f)                                                                         \
	f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11) f(12) f(13) f(14) \
		f(15)
#define LOAD(n)  "vmovdqu 32*" #n "(%[in]), %%ymm" #n "\n\t"
#define STORE(n) "vmovdqu %%ymm" #n ", 32*" #n "(%[out])\n\t"

struct vectors {
	unsigned char byte[SIZE];
};

/* A system call with `in` in the registers; what is in them afterwards goes to `out`. */
static __attribute__((noinline)) long through(const struct vectors *in,
					      struct vectors *out, long number,
					      long first, long second, long third)
{
	long result;

	__asm__ volatile(EACH(LOAD) "syscall\n\t" EACH(STORE)
			 : "=a"(result)
			 : "a"(number), "D"(first), "S"(second),
			   "d"(third), [in] "r"(in), [out] "r"(out)
			 : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
			   "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
			   "xmm12", "xmm13", "xmm14", "xmm15");
	return result;
}

static void load(const struct vectors *in)
{
	__asm__ volatile(EACH(LOAD) : : [in] "r"(in) : "memory");
}

static void store(struct vectors *out)
{
	__asm__ volatile(EACH(STORE) : : [out] "r"(out) : "memory");
}

static void make(struct vectors *v, unsigned seed)
{
	for (int i = 0; i < SIZE; i++) {
		v->byte[i] = (unsigned char)(seed * 37 + (unsigned)i * 11 + 1);
	}
}

/* The upper halves: what compiled C does not touch. */
static bool same_upper(const struct vectors *a, const struct vectors *b)
{
	for (int i = 0; i < REGISTERS; i++) {
		if (memcmp(a->byte + i * WIDTH + WIDTH / 2,
			   b->byte + i * WIDTH + WIDTH / 2, WIDTH / 2) != 0) {
			return false;
		}
	}
	return true;
}

static void *keep_own(void *seed)
{
	struct vectors mine, seen;

	make(&mine, *(unsigned *)seed);
	for (int i = 0; i < ROUNDS; i++) {
		CHECK_EQ(through(&mine, &seen, SYS_sched_yield, 0, 0, 0), 0);
		CHECK(memcmp(&mine, &seen, SIZE) == 0);
	}
	return NULL;
}

static void check_threads(void)
{
	pthread_t threads[THREADS];
	unsigned seeds[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		seeds[i] = i;
		threads[i] = start_thread(keep_own, &seeds[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		join_thread(threads[i]);
	}
	ok("threads");
}

static void check_moves(void)
{
	cpu_set_t usable, one;
	struct vectors mine, seen;

	CHECK_EQ(sched_getaffinity(0, sizeof(usable), &usable), 0);
	make(&mine, 3);
	for (int i = 0; i < ROUNDS; i++) {
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
			if (!CPU_ISSET(cpu, &usable)) {
				continue;
			}
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			CHECK_EQ(through(&mine, &seen, SYS_sched_setaffinity, 0,
					 sizeof(one), (long)&one),
				 0);
			CHECK_EQ(sched_getcpu(), cpu);
			CHECK(memcmp(&mine, &seen, SIZE) == 0);
		}
	}
	CHECK_EQ(sched_setaffinity(0, sizeof(usable), &usable), 0);
	ok("moves");
}

static void check_fork(void)
{
	struct vectors mine, seen;
	int status;
	long child;

	make(&mine, 5);
	child = through(&mine, &seen, SYS_fork, 0, 0, 0);
	if (child == 0) {
		_exit(memcmp(&mine, &seen, SIZE) != 0);
	}
	CHECK(child > 0);
	CHECK(memcmp(&mine, &seen, SIZE) == 0);
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 0);
	ok("fork");
}

static struct vectors in_child_thread;
static atomic_int child_looked;

static int look(void *unused)
{
	store(&in_child_thread);
	(void)unused;
	atomic_store(&child_looked, 1);
	return 0;
}

static void check_clone(void)
{
	static char stack[16384] __attribute__((aligned(16)));
	static pid_t word = -1;
	struct clone_args args = bare_thread(&word, stack, sizeof(stack));
	struct vectors mine;
	long child;

	make(&mine, 6);
	load(&mine);
	child = clone3_call(&args, sizeof(args), look, NULL);
	CHECK(child > 0);
	WAIT_UNTIL(__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0);
	CHECK(atomic_load(&child_looked));
	CHECK(same_upper(&mine, &in_child_thread));
	ok("clone");
}

static void spoil(int signal)
{
	(void)signal;
	__asm__ volatile("vzeroall" : : : "memory");
}

static void check_signal(void)
{
	struct vectors mine, seen;

	signal(SIGUSR1, spoil);
	make(&mine, 8);
	for (int i = 0; i < ROUNDS; i++) {
		CHECK_EQ(through(&mine, &seen, SYS_kill, getpid(), SIGUSR1, 0), 0);
		CHECK(memcmp(&mine, &seen, SIZE) == 0);
	}
	ok("signal");
}

static void check_exec(void)
{
	char *arguments[] = {"x", "fresh", NULL}, *environment[] = {NULL};
	struct vectors mine, unused;
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		make(&mine, 9);
		through(&mine, &unused, SYS_execve, (long)"/proc/self/exe",
			(long)arguments, (long)environment);
		_exit(2);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	ok("exec");
}

int main(int argc, char **argv)
{
	static const struct vectors zero;
	struct vectors seen;

	if (!__builtin_cpu_supports("avx")) {
		skip("a CPU without AVX");
	}
	if (argc > 1 && strcmp(argv[1], "fresh") == 0) {
		store(&seen);
		return !same_upper(&seen, &zero);
	}
	check_threads();
	check_moves();
	check_fork();
	check_clone();
	check_signal();
	check_exec();
	return 0;
}
