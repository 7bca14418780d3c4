// SPDX-License-Identifier: MIT
/*
 * The thread block: 0x200 bytes that Heddle keeps for each thread of a program, in the program's own memory.
 *
 * The kernel fills in `self`, `tid`, `cpu`, `node` and `generation` and keeps them true. Ports (port.h) carry `message` and
 * `descriptors` from one thread's block to another's, and fill in what follows them; only a port's calls read or write those.
 * The rest is the program's. A thread's block stays where it is until the thread ends or executes another program; it is all
 * zeros but for what the kernel fills in when the thread begins. After fork the child has a copy of the block of the
 * thread that called, at the same address, and no other.
 *
 * No C library is needed, and none minds. Another kernel has no thread blocks: there heddle_thread_block() is NULL.
 */
#ifndef HEDDLE_THREAD_BLOCK_H
#define HEDDLE_THREAD_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#define HEDDLE_THREAD_BLOCK_SIZE         0x200
#define HEDDLE_THREAD_BLOCK_MESSAGE_SIZE 0x100
#define HEDDLE_THREAD_BLOCK_DESCRIPTORS  8

struct heddle_thread_block {
	uint64_t self;     /* 0x000: the address of this block */
	uint64_t reserved; /* 0x008 */
	unsigned char message[HEDDLE_THREAD_BLOCK_MESSAGE_SIZE]; /* 0x010 */
	uint32_t tid;        /* 0x110: as gettid() says */
	uint32_t cpu;        /* 0x114: where the thread runs, or ran last */
	uint32_t node;       /* 0x118: of that CPU */
	uint32_t reserved_2; /* 0x11c */
	uint64_t generation; /* 0x120: no two threads of an address space have the same */
	int32_t descriptors[HEDDLE_THREAD_BLOCK_DESCRIPTORS]; /* 0x128 */
	uint32_t message_size;     /* 0x148: of what came in last */
	uint32_t descriptor_count; /* 0x14c: likewise */
	uint32_t caller_pid; /* 0x150: who called, as the thread's namespaces number it */
	uint32_t caller_tid; /* 0x154 */
	uint32_t caller_uid; /* 0x158: effective, as caller_gid */
	uint32_t caller_gid; /* 0x15c */
	unsigned char reserved_3[0x1f8 - 0x160];
	uint64_t context; /* 0x1f8: the program's own; the kernel leaves it alone */
};

/* prctl(2): the address of the caller's block. EINVAL on another kernel. The vDSO has it as `__heddle_thread_block` (HEDDLE_1). */
#define PR_HEDDLE_THREAD_BLOCK 0x48454401

#if defined(__x86_64__) && !defined(__HEDDLE_KERNEL__)
/* The caller's block; NULL on another kernel. A system call: keep the result, which is the thread's until it ends. */
static inline struct heddle_thread_block *heddle_thread_block(void)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(157L /* prctl */), "D"((long)PR_HEDDLE_THREAD_BLOCK),
			   "S"(0L), "d"(0L)
			 : "rcx", "r11", "memory");
	return result > 0 ? (struct heddle_thread_block *)result : NULL;
}

/*
 * The same in one instruction, for who knows that it runs on Heddle and that the thread has not set its gs base. A thread
 * whose parent has set its own has that of the parent.
 */
static inline struct heddle_thread_block *heddle_thread_block_by_gs(void)
{
	struct heddle_thread_block *block;

	__asm__ volatile("movq %%gs:0, %0" : "=r"(block));
	return block;
}
#elif defined(__aarch64__) && !defined(__HEDDLE_KERNEL__)
/* The caller's block, in one instruction: the register is the kernel's own. NULL on another kernel. */
static inline struct heddle_thread_block *heddle_thread_block(void)
{
	struct heddle_thread_block *block;

	__asm__ volatile("mrs %0, tpidrro_el0" : "=r"(block));
	return block;
}
#elif defined(__riscv) && !defined(__HEDDLE_KERNEL__)
/* The caller's block; NULL on another kernel. A system call: keep the result, which is the thread's until it ends. */
static inline struct heddle_thread_block *heddle_thread_block(void)
{
	register long a7 __asm__("a7") = 167; /* prctl */
	register long a0 __asm__("a0") = PR_HEDDLE_THREAD_BLOCK;
	register long a1 __asm__("a1") = 0;
	register long a2 __asm__("a2") = 0;

	__asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
	return a0 > 0 ? (struct heddle_thread_block *)a0 : (void *)0;
}
#endif

#if !defined(__HEDDLE_KERNEL__)
/*
 * The caller's block, asked for once a thread and then found as a thread-local variable is: a load, where heddle_thread_block() is a system call
 * (x86-64, RISC-V: its user mode has no register that the kernel alone writes). After fork it holds as before. Not for a child that has its parent's
 * thread pointer and memory, as of vfork(2): it would find its parent's block.
 */
static inline struct heddle_thread_block *heddle_thread_block_kept(void)
{
	static __thread struct heddle_thread_block *block;

	if (!block) {
		block = heddle_thread_block();
	}
	return block;
}
#endif

#endif
