// SPDX-License-Identifier: MIT
/* What tests need of this machine: its name, calls without the C library, instructions that fault. The other architectures' folders have a header of the same name. */
#pragma once

#include <elf.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <ucontext.h>

#define MACHINE_NAME "x86_64"
#define MACHINE_ELF  EM_X86_64

/* The end of what programs may map, and of the half of all addresses that it is in. */
#define USER_TOP  0x7ffffffff000ul
#define USER_HALF (1ul << 47)
/* O_LARGEFILE as the kernel shows it; what the C libraries name so is another. */
#define LARGE_FILE   0100000
#define HWCAP_ALWAYS (1 << 25)   /* SSE */
#define SIGNATURE    0x53053053u /* of rseq(2), as the C library has it */

/*
 * clone3 with args->stack set: the child runs body(argument) there and ends with its result.
 * Returns as the system call does: the child's tid, or a negative errno.
 */
static inline long clone3_call(struct clone_args *args, size_t size, int (*body)(void *),
			       void *argument)
{
	long result;

	__asm__ volatile("syscall\n\t"
			 "testq %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "movq %[argument], %%rdi\n\t"
			 "movq %[body], %%rax\n\t" // it may be in rbp
			 "xorl %%ebp, %%ebp\n\t"
			 "callq *%%rax\n\t"
			 "movl %%eax, %%edi\n\t"
			 "movl $60, %%eax\n\t"
			 "syscall\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(result)
			 : "a"((long)SYS_clone3), "D"(args),
			   "S"(size), [body] "r"(body), [argument] "r"(argument)
			 : "rcx", "r11", "memory");
	return result;
}

/* No library function stands between: those may use vector registers. A negative errno, as the kernel has it. */
static inline long raw_call(long number, long a, long b)
{
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = 0;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(0l), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return result;
}

/* exit_group(status), as bytes. */
#define MACHINE_EXIT_GROUP(status) \
	0xb8, 0xe7, 0, 0, 0, 0xbf, (status), 0, 0, 0, 0x0f, 0x05, 0xf4

/* A function that does nothing. */
static inline void write_return(void *code)
{
	*(unsigned char *)code = 0xc3;
}

/* Where a signal's handler was called. */
static inline uintptr_t saved_ip(const void *context)
{
	return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
}

/* The faults below leave in a register where to go on behind them: a handler's way there. */
static inline void go_on_behind(void *context)
{
	greg_t *saved = ((ucontext_t *)context)->uc_mcontext.gregs;

	saved[REG_RIP] = saved[REG_RBX];
}

static inline void fault_at(void *address)
{
	__asm__ volatile("leaq 1f(%%rip), %%rbx\n\t"
			 "movl $1, (%0)\n"
			 "1:"
			 :
			 : "r"(address)
			 : "rbx", "memory");
}

/* What si_code of an address that can not be mapped is. */
#define CODE_NON_CANONICAL SI_KERNEL

/* false: it gives a number here. */
static inline bool divide_by_zero(void)
{
	__asm__ volatile("leaq 1f(%%rip), %%rbx\n\t"
			 "xorl %%ecx, %%ecx\n\t"
			 "movl $1, %%eax\n\t"
			 "xorl %%edx, %%edx\n\t"
			 "divl %%ecx\n"
			 "1:"
			 :
			 :
			 : "rax", "rbx", "rcx", "rdx", "memory");
	return true;
}

static inline void undefined_instruction(void)
{
	__asm__ volatile("leaq 1f(%%rip), %%rbx\n\t"
			 "ud2\n"
			 "1:"
			 :
			 :
			 : "rbx", "memory");
}
#define CODE_UNDEFINED ILL_ILLOPN

static inline void breakpoint(void)
{
	__asm__ volatile("leaq 1f(%%rip), %%rbx\n\t"
			 "int3\n"
			 "1:"
			 :
			 :
			 : "rbx", "memory");
}

static inline void privileged_instruction(void)
{
	__asm__ volatile("hlt");
}
#define SIGNAL_PRIVILEGED SIGSEGV

/* To 32-bit code, where the kernel has a segment for that; it ends there at the latest. */
static inline void jump_astray(void)
{
	__asm__ volatile("leaq 1f(%%rip), %%rax\n\t"
			 "pushq $0x23\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\n\t"
			 "hlt"
			 :
			 :
			 : "rax", "memory");
}
#define SIGNAL_ASTRAY SIGSEGV

/* The thread block where this machine's programs find it in one instruction (heddle/thread_block.h). */
#define block_by_register heddle_thread_block_by_gs
