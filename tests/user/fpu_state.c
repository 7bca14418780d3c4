// SPDX-License-Identifier: MIT
/*
 * T5: floating point and vector state: kept over preemption and system calls, never another
 * thread's, copied by fork and clone, reset by exec, saved in the signal frame.
 * libc: musl
 */
#include "raw.h"
#include <ucontext.h>

struct vectors {
	uint64_t xmm[16][2];
	uint32_t mxcsr;
	uint16_t control;
};

static void load(const struct vectors *from)
{
	__asm__ volatile("movdqu 0(%0), %%xmm0\n\tmovdqu 16(%0), %%xmm1\n\t"
			 "movdqu 112(%0), %%xmm7\n\tmovdqu 128(%0), %%xmm8\n\t"
			 "movdqu 240(%0), %%xmm15\n\t"
			 "ldmxcsr 256(%0)\n\tfldcw 260(%0)"
			 :
			 : "r"(from)
			 : "memory", "xmm0", "xmm1", "xmm7", "xmm8", "xmm15");
}

static void store(struct vectors *to)
{
	__asm__ volatile("movdqu %%xmm0, 0(%0)\n\tmovdqu %%xmm1, 16(%0)\n\t"
			 "movdqu %%xmm7, 112(%0)\n\tmovdqu %%xmm8, 128(%0)\n\t"
			 "movdqu %%xmm15, 240(%0)\n\t"
			 "stmxcsr 256(%0)\n\tfnstcw 260(%0)"
			 :
			 : "r"(to)
			 : "memory");
}

static void make(struct vectors *v, uint64_t seed)
{
	memset(v, 0, sizeof(*v));
	for (int i = 0; i < 16; i++) {
		v->xmm[i][0] = seed * 0x9e3779b97f4a7c15u + (unsigned)i;
		v->xmm[i][1] = ~v->xmm[i][0];
	}
	v->mxcsr = 0x1f80 | (uint32_t)(seed & 3) << 13;
	v->control = (uint16_t)(0x37f & ~((seed & 1) << 8));
}

static bool same(const struct vectors *a, const struct vectors *b)
{
	static const int used[] = {0, 1, 7, 8, 15};

	for (int i = 0; i < 5; i++) {
		if (memcmp(a->xmm[used[i]], b->xmm[used[i]], 16) != 0) {
			return false;
		}
	}
	return a->mxcsr == b->mxcsr && a->control == b->control;
}

static long yield_raw(void)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"((long)SYS_sched_yield)
			 : "rcx", "r11", "memory");
	return result;
}

static void *keep_pattern(void *seed_pointer)
{
	struct vectors mine, seen;
	uint64_t seed = (uintptr_t)seed_pointer;

	make(&mine, seed);
	load(&mine);
	for (int i = 0; i < 2000; i++) {
		// No library call stands between: those may use vector registers.
		yield_raw();
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

static long fork_raw(void)
{
	long result;

	__asm__ volatile(
		"xorl %%edx, %%edx\n\txorl %%r10d, %%r10d\n\txorl %%r8d, %%r8d\n\tsyscall"
		: "=a"(result)
		: "a"((long)SYS_clone), "D"((long)SIGCHLD), "S"(0l)
		: "rcx", "rdx", "r8", "r10", "r11", "memory");
	return result;
}

static void check_fork_copies(void)
{
	struct vectors mine, seen;
	int status;
	long child;

	make(&mine, 77);
	load(&mine);
	child = fork_raw();
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
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			 CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID,
		.child_tid = (uintptr_t)&word,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
	};
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

/*
 * long fork_and_look(uint64_t seen[13]): clone(SIGCHLD) with a pattern in every register; what parent and child find in them
 * behind the call goes to their copy of `seen`. rax is the result, rcx and r11 are the instruction's own.
 */
long fork_and_look(uint64_t *seen);
__asm__(".text\n"
	"fork_and_look:\n\t"
	"push %rbx\n\tpush %rbp\n\tpush %r12\n\tpush %r13\n\tpush %r14\n\tpush %r15\n\t"
	"push %rdi\n\t"
	"movl $0x101, %ebx\n\tmovl $0x102, %ebp\n\tmovl $17, %edi\n\txorl %esi, %esi\n\t"
	"movl $0x105, %edx\n\tmovl $0x106, %r8d\n\tmovl $0x107, %r9d\n\t"
	"movl $0x108, %r10d\n\tmovl $0x109, %r12d\n\tmovl $0x10a, %r13d\n\t"
	"movl $0x10b, %r14d\n\tmovl $0x10c, %r15d\n\tmovl $56, %eax\n\tsyscall\n\t"
	"movq (%rsp), %rcx\n\t"
	"movq %rbx, (%rcx)\n\tmovq %rbp, 8(%rcx)\n\tmovq %rdi, 16(%rcx)\n\t"
	"movq %rsi, 24(%rcx)\n\tmovq %rdx, 32(%rcx)\n\tmovq %r8, 40(%rcx)\n\t"
	"movq %r9, 48(%rcx)\n\tmovq %r10, 56(%rcx)\n\tmovq %r12, 64(%rcx)\n\t"
	"movq %r13, 72(%rcx)\n\tmovq %r14, 80(%rcx)\n\tmovq %r15, 88(%rcx)\n\t"
	"movq %rsp, 96(%rcx)\n\t"
	"pop %rdi\n\tpop %r15\n\tpop %r14\n\tpop %r13\n\tpop %r12\n\tpop %rbp\n\tpop "
	"%rbx\n\t"
	"ret\n");

static bool registers_kept(const uint64_t *seen)
{
	static const uint64_t wanted[12] = {0x101, 0x102, 17,    0,     0x105, 0x106,
					    0x107, 0x108, 0x109, 0x10a, 0x10b, 0x10c};

	return memcmp(seen, wanted, sizeof(wanted)) == 0;
}

static void check_registers(void)
{
	static uint64_t seen[13];
	uint64_t *shared = shared_page();
	int status;
	long child = fork_and_look(seen);

	CHECK(child >= 0);
	if (child == 0) {
		shared[0] = seen[12];
		_exit(registers_kept(seen) ? 0 : 1);
	}
	CHECK(registers_kept(seen));
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_EQ(shared[0], seen[12]); // the stack pointer
	ok("registers");
}

static void spoil(int signal)
{
	struct vectors other;

	(void)signal;
	make(&other, 99);
	load(&other);
}

static long kill_raw(int signal)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"((long)SYS_kill), "D"((long)getpid()), "S"((long)signal)
			 : "rcx", "r11", "memory");
	return result;
}

static void check_signal_frame(void)
{
	struct vectors mine, seen;

	signal(SIGUSR1, spoil);
	make(&mine, 42);
	getpid();
	load(&mine);
	kill_raw(SIGUSR1);
	store(&seen);
	CHECK(same(&mine, &seen));
	ok("signal_frame");
}

static void change_saved(int signal, siginfo_t *info, void *context)
{
	ucontext_t *saved = context;

	(void)signal;
	(void)info;
	saved->uc_mcontext.fpregs->_xmm[0].element[0] = 0x12345678;
}

static void check_frame_is_restored(void)
{
	struct sigaction action = {.sa_sigaction = change_saved, .sa_flags = SA_SIGINFO};
	struct vectors mine, seen;

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	make(&mine, 43);
	load(&mine);
	kill_raw(SIGUSR1);
	store(&seen);
	CHECK_EQ((uint32_t)seen.xmm[0][0], 0x12345678);
	CHECK(seen.mxcsr == mine.mxcsr);
	ok("frame_is_restored");
}

/* A broken saved state makes sigreturn fail with a signal, not the kernel with a fault. */
static void break_saved(int signal, siginfo_t *info, void *context)
{
	ucontext_t *saved = context;

	(void)signal;
	(void)info;
	saved->uc_mcontext.fpregs->mxcsr = 0xffffffff;
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
		return seen.mxcsr == 0x1f80 && seen.control == 0x37f ? 0 : 1;
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
