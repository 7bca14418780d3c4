// SPDX-License-Identifier: MIT
/*
 * T6: the user's TLS register: per thread, kept over switches, also when zero; bad values EPERM;
 * CLONE_SETTLS; gs of the user's own.
 * libc: musl
 */
#include "raw.h"
#include <asm/prctl.h>

static __thread int value = 5;

static void *use_own_value(void *argument)
{
	int mine = (int)(intptr_t)argument;

	CHECK_EQ(value, 5);
	value = mine;
	for (int i = 0; i < 500; i++) {
		sched_yield();
		CHECK_EQ(value, mine);
	}
	return NULL;
}

static void check_thread_locals(void)
{
	pthread_t threads[8];

	for (intptr_t i = 0; i < 8; i++) {
		threads[i] = start_thread(use_own_value, (void *)(i + 100));
	}
	for (int i = 0; i < 8; i++) {
		join_thread(threads[i]);
	}
	CHECK_EQ(value, 5);
	ok("thread_locals");
}

static unsigned long get_base(int which)
{
	unsigned long base = 77;

	CHECK_EQ(syscall(SYS_arch_prctl, which, &base), 0);
	return base;
}

static void *keep_gs(void *argument)
{
	unsigned long mine = (unsigned long)argument;

	CHECK_EQ(get_base(ARCH_GET_GS), 0);
	CHECK_EQ(syscall(SYS_arch_prctl, ARCH_SET_GS, mine), 0);
	for (int i = 0; i < 300; i++) {
		unsigned long seen;

		sched_yield();
		__asm__ volatile("movq %%gs:0, %0" : "=r"(seen));
		CHECK_EQ(seen, *(unsigned long *)mine);
		CHECK_EQ(get_base(ARCH_GET_GS), mine);
	}
	return NULL;
}

static void check_gs(void)
{
	static unsigned long words[4] = {11, 22, 33, 44};
	pthread_t threads[4];

	for (int i = 0; i < 4; i++) {
		threads[i] = start_thread(keep_gs, &words[i]);
	}
	for (int i = 0; i < 4; i++) {
		join_thread(threads[i]);
	}
	CHECK_EQ(get_base(ARCH_GET_GS), 0);
	ok("gs");
}

static void check_bad_values(void)
{
	unsigned long before = get_base(ARCH_GET_FS);

	CHECK_ERRNO(syscall(SYS_arch_prctl, ARCH_SET_FS, 0x8000000000000000ul), EPERM);
	CHECK_ERRNO(syscall(SYS_arch_prctl, ARCH_SET_FS, 0xffff800000000000ul), EPERM);
	CHECK_ERRNO(syscall(SYS_arch_prctl, ARCH_SET_GS, 0x4000000000000000ul), EPERM);
	CHECK_ERRNO(syscall(SYS_arch_prctl, ARCH_SET_GS, 0xfffffffffffffff0ul), EPERM);
	CHECK_ERRNO(syscall(SYS_arch_prctl, ARCH_GET_FS, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(syscall(SYS_arch_prctl, 0x7777, 0), EINVAL);
	CHECK_EQ(get_base(ARCH_GET_FS), before);
	ok("bad_values");
}

static int use_new_tls(void *block)
{
	unsigned long seen;

	__asm__ volatile("movq %%fs:0, %0" : "=r"(seen));
	return seen == *(unsigned long *)block ? 0 : 1;
}

static void check_clone_settls(void)
{
	static unsigned long block[64] __attribute__((aligned(64)));
	static char stack[65536] __attribute__((aligned(16)));
	struct clone_args args = {
		.flags = CLONE_SETTLS | CLONE_VM | CLONE_VFORK,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
		.tls = (uintptr_t)block,
	};
	int status;
	long child;

	block[0] = 0xfeedface;
	child = clone3_call(&args, sizeof(args), use_new_tls, block);
	CHECK(child > 0);
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 0);
	args.tls = 0xffff800000000000ul;
	CHECK_EQ(clone3_call(&args, sizeof(args), use_new_tls, block), -EPERM);
	ok("clone_settls");
}

/*
 * fs = 0 is a value like any other and survives a switch: another process yields to and fro on
 * the same CPU. From the first instruction on no library call: it would use fs.
 */
static void run_without_tls(void)
{
	static unsigned long seen = 1;

	__asm__ volatile("movl $158, %%eax\n\tmovl $0x1002, %%edi\n\t" // ARCH_SET_FS
			 "xorl %%esi, %%esi\n\tsyscall\n\t"
			 "movl $200, %%ebx\n"
			 "1:\tmovl $24, %%eax\n\tsyscall\n\t"          // sched_yield
			 "movl $158, %%eax\n\tmovl $0x1003, %%edi\n\t" // ARCH_GET_FS
			 "movq %0, %%rsi\n\tsyscall\n\t"
			 "cmpq $0, (%0)\n\tjne 2f\n\t"
			 "decl %%ebx\n\tjnz 1b\n\t"
			 "2:\tmovl $231, %%eax\n\txorl %%edi, %%edi\n\t"
			 "cmpq $0, (%0)\n\tsetne %%dil\n\tsyscall"
			 :
			 : "r"(&seen)
			 : "rax", "rbx", "rdi", "rsi", "rcx", "r11", "memory");
}

static void check_zero(void)
{
	cpu_set_t usable, one;
	pid_t other;

	CHECK_EQ(sched_getaffinity(0, sizeof(usable), &usable), 0);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	CHECK_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
	other = fork();
	CHECK(other >= 0);
	while (other == 0) {
		sched_yield();
	}
	CHECK_EQ(in_child(run_without_tls), 0);
	kill(other, SIGKILL);
	CHECK_EQ(waitpid(other, NULL, 0), other);
	CHECK_EQ(sched_setaffinity(0, sizeof(usable), &usable), 0);
	ok("zero");
}

int main(void)
{
	check_thread_locals();
	check_gs();
	check_bad_values();
	check_clone_settls();
	check_zero();
	return 0;
}
