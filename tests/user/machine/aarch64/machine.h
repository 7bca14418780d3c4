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

#define MACHINE_NAME "aarch64"
#define MACHINE_ELF  EM_AARCH64

/* The end of what programs may map, and of the half of all addresses that it is in. */
#define USER_TOP  (1ul << 48)
#define USER_HALF (1ul << 48)
/* O_LARGEFILE as the kernel shows it; what the C libraries name so is another. */
#define LARGE_FILE   0400000
#define HWCAP_ALWAYS (1 << 1)    /* vector registers */
#define SIGNATURE    0xd428bc00u /* of rseq(2), as the C library has it */

/*
 * clone3 with args->stack set: the child runs body(argument) there and ends with its result.
 * Returns as the system call does: the child's tid, or a negative errno.
 */
static inline long clone3_call(struct clone_args *args, size_t size, int (*body)(void *),
			       void *argument)
{
	register long x8 __asm__("x8") = SYS_clone3;
	register long x0 __asm__("x0") = (long)args;
	register long x1 __asm__("x1") = (long)size;

	__asm__ volatile("svc #0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, xzr\n\t"
			 "mov x30, xzr\n\t"
			 "mov x0, %[argument]\n\t"
			 "str x30, [sp, #-16]!\n\t" // as a call does elsewhere
			 "blr %[body]\n\t"
			 "mov x8, #93\n\t"
			 "svc #0\n\t"
			 "brk #0\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), [body] "r"(body), [argument] "r"(argument)
			 : "x30", "memory");
	return x0;
}

/* No library function stands between: those may use vector registers. A negative errno, as the kernel has it. */
static inline long raw_call(long number, long a, long b)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = 0;
	register long x3 __asm__("x3") = 0;
	register long x4 __asm__("x4") = 0;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
			 : "memory");
	return x0;
}

/* exit_group(status), as bytes. */
#define MACHINE_EXIT_GROUP(status)                                                     \
	0xc8, 0x0b, 0x80, 0xd2, (status) << 5 & 0xff, (status) >> 3, 0x80, 0xd2, 0x01, \
		0, 0, 0xd4

/* A function that does nothing. */
static inline void write_return(void *code)
{
	*(uint32_t *)code = 0xd65f03c0;
	__builtin___clear_cache(code, (char *)code + 4);
}

/* Where a signal's handler was called. */
static inline uintptr_t saved_ip(const void *context)
{
	return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.pc;
}

/* The faults below leave in a register where to go on behind them: a handler's way there. */
static inline void go_on_behind(void *context)
{
	mcontext_t *saved = &((ucontext_t *)context)->uc_mcontext;

	saved->pc = saved->regs[19];
}

static inline void fault_at(void *address)
{
	__asm__ volatile("adr x19, 1f\n\t"
			 "str wzr, [%0]\n"
			 "1:"
			 :
			 : "r"(address)
			 : "x19", "memory");
}

/* What si_code of an address that can not be mapped is. */
#define CODE_NON_CANONICAL SEGV_MAPERR

/* false: it gives a number here. */
static inline bool divide_by_zero(void)
{
	return false;
}

static inline void undefined_instruction(void)
{
	__asm__ volatile("adr x19, 1f\n\t"
			 ".word 0\n"
			 "1:"
			 :
			 :
			 : "x19", "memory");
}
#define CODE_UNDEFINED ILL_ILLOPC

static inline void breakpoint(void)
{
	__asm__ volatile("adr x19, 1f\n\t"
			 "brk #0\n"
			 "1:"
			 :
			 :
			 : "x19", "memory");
}

static inline void privileged_instruction(void)
{
	__asm__ volatile("msr daifset, #2");
}
#define SIGNAL_PRIVILEGED SIGILL

/* Where no instruction can begin. */
static inline void jump_astray(void)
{
	__asm__ volatile("adr x19, . + 2\n\t"
			 "br x19"
			 :
			 :
			 : "x19", "memory");
}
#define SIGNAL_ASTRAY SIGBUS

/* The thread block where this machine's programs find it in one instruction (heddle/thread_block.h). */
#define block_by_register heddle_thread_block
