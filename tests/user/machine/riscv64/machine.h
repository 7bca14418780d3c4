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
#include <unistd.h>

#define MACHINE_NAME "riscv64"
#define MACHINE_ELF  EM_RISCV

/* The end of what programs may map, and of the half of all addresses that it is in: with three levels of page tables 2^38, with four 2^47. */
#define USER_TOP  user_top()
#define USER_HALF (1ul << (64 - __builtin_clzl(user_top() - 1)))

/* By riscv_hwprobe(2), whose 258 not every C library's headers have. */
static inline unsigned long user_top(void)
{
	int64_t highest[2] = {7 /* RISCV_HWPROBE_KEY_HIGHEST_VIRT_ADDRESS */, 0};

	if (syscall(258, highest, 1, 0, NULL, 0) != 0) {
		_exit(2);
	}
	return ((unsigned long)highest[1] + 1) & ~0xffful;
}

/* O_LARGEFILE as the kernel shows it; what the C libraries name so is another. */
#define LARGE_FILE   0100000
#define HWCAP_ALWAYS (1 << ('D' - 'A')) /* floating point registers */
#define SIGNATURE    0xf1401073u        /* of rseq(2), as the C library has it */

/*
 * clone3 with args->stack set: the child runs body(argument) there and ends with its result.
 * Returns as the system call does: the child's tid, or a negative errno.
 */
static inline long clone3_call(struct clone_args *args, size_t size, int (*body)(void *),
			       void *argument)
{
	register long a7 __asm__("a7") = SYS_clone3;
	register long a0 __asm__("a0") = (long)args;
	register long a1 __asm__("a1") = (long)size;

	__asm__ volatile("ecall\n\t"
			 "bnez a0, 1f\n\t"
			 "mv s0, zero\n\t"
			 "mv ra, zero\n\t"
			 "addi sp, sp, -16\n\t"
			 "sd zero, (sp)\n\t"
			 "mv a0, %[argument]\n\t"
			 "jalr %[body]\n\t"
			 "li a7, 93\n\t"
			 "ecall\n\t"
			 "ebreak\n"
			 "1:"
			 : "+r"(a0)
			 : "r"(a7), "r"(a1), [body] "r"(body), [argument] "r"(argument)
			 : "ra", "s0", "memory");
	return a0;
}

/* No library function stands between: those may use floating point registers. A negative errno, as the kernel has it. */
static inline long raw_call(long number, long a, long b)
{
	register long a7 __asm__("a7") = number;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = 0;
	register long a3 __asm__("a3") = 0;
	register long a4 __asm__("a4") = 0;

	__asm__ volatile("ecall"
			 : "+r"(a0)
			 : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4)
			 : "memory");
	return a0;
}

/* exit_group(status), as bytes. */
#define MACHINE_EXIT_GROUP(status)                                                     \
	0x93, 0x08, 0xe0, 0x05, 0x13, 0x05, (status) << 4 & 0xf0, (status) >> 4, 0x73, \
		0, 0, 0

/* A function that does nothing. */
static inline void write_return(void *code)
{
	*(uint32_t *)code = 0x00008067;
	__builtin___clear_cache(code, (char *)code + 4);
}

/* Where a signal's handler was called. */
static inline uintptr_t saved_ip(const void *context)
{
	return ((const ucontext_t *)context)->uc_mcontext.__gregs[REG_PC];
}

/* The faults below leave in a register where to go on behind them: a handler's way there. */
static inline void go_on_behind(void *context)
{
	unsigned long *saved = ((ucontext_t *)context)->uc_mcontext.__gregs;

	saved[REG_PC] = saved[REG_S1];
}

static inline void fault_at(void *address)
{
	__asm__ volatile("lla s1, 1f\n\t"
			 "sw zero, (%0)\n"
			 "1:"
			 :
			 : "r"(address)
			 : "s1", "memory");
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
	__asm__ volatile("lla s1, 1f\n\t"
			 "unimp\n"
			 "1:"
			 :
			 :
			 : "s1", "memory");
}
#define CODE_UNDEFINED ILL_ILLOPC

static inline void breakpoint(void)
{
	__asm__ volatile("lla s1, 1f\n\t"
			 "ebreak\n"
			 "1:"
			 :
			 :
			 : "s1", "memory");
}

static inline void privileged_instruction(void)
{
	__asm__ volatile("csrci sstatus, 2");
}
#define SIGNAL_PRIVILEGED SIGILL

/* To where no program can be. */
static inline void jump_astray(void)
{
	__asm__ volatile("li t0, 1 << 63\n\t"
			 "jr t0"
			 :
			 :
			 : "t0", "memory");
}
#define SIGNAL_ASTRAY SIGSEGV

/* User mode has no register that only the kernel writes. */
#define block_by_register heddle_thread_block
