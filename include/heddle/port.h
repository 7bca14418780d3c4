// SPDX-License-Identifier: MIT
/*
 * Ports: threads that call each other, also across processes, and wait for the answer. docs/ports.md shows how.
 *
 * A port has two ends, as a pipe has: `ends[0]`, where calls are received, and `ends[1]`, which is called. A message is up to
 * 0x100 bytes and 8 descriptors. It goes from the `message` and `descriptors` of the caller's thread block (thread_block.h) to the
 * server's, and the answer goes back the same way. The functions return what a system call returns on the bare kernel: a size
 * or 0, or a negative errno; they leave errno alone and need no C library. Another kernel has no ports: -ENOSYS.
 *
 *	-EMSGSIZE	more than 0x100 bytes
 *	-EINVAL		more than 8 descriptors, an unknown flag, not that end of a port
 *	-EBADF		no such descriptor, as the end or in the message; nothing has been sent
 *	-EAGAIN		HEDDLE_PORT_NONBLOCK, or O_NONBLOCK of the end: it would have to wait
 *	-EPIPE		the other end is closed
 *	-EDEADLK	a call to oneself, where that is certain: the caller alone holds the other end, or is the port's only server and
 *			serves a call
 *	-EOWNERDEAD	the server took the call and ended (exit, execve) without an answer
 *	-ESRCH		answer: the caller has gone, or there is none
 *	-EBUSY		receive: the call before is not answered
 *	-ENOMEM, -EFAULT	the thread block cannot be had; nothing has been sent
 *	-EINTR		a handler without SA_RESTART ran before the server took the call, or before a call came
 */
#ifndef HEDDLE_PORT_H
#define HEDDLE_PORT_H

#include <heddle/thread_block.h>

/* System calls of Heddle's own: numbers that no other kernel has. */
#define HEDDLE_CALL_FIRST         0x4800
#define HEDDLE_PORT_CREATE        0x4800
#define HEDDLE_PORT_CALL          0x4801
#define HEDDLE_PORT_RECEIVE       0x4802
#define HEDDLE_PORT_REPLY_RECEIVE 0x4803

#define HEDDLE_PORT_MESSAGE_MAX    HEDDLE_THREAD_BLOCK_MESSAGE_SIZE
#define HEDDLE_PORT_DESCRIPTOR_MAX HEDDLE_THREAD_BLOCK_DESCRIPTORS

/* Flags of heddle_port_create(): for both ends, as for pipe2(2). */
#define HEDDLE_PORT_CREATE_CLOEXEC  02000000
#define HEDDLE_PORT_CREATE_NONBLOCK 04000

/* Flags of the others. */
#define HEDDLE_PORT_NONBLOCK 1 /* do not wait for somebody to call, or to receive */
#define HEDDLE_PORT_REPLY_ONLY \
	2 /* reply_receive: do not receive; the descriptor is not looked at */

#if !defined(__HEDDLE_KERNEL__)
#	if defined(__x86_64__)
static inline long heddle_port_system_call(long number, long a, long b, long c, long d)
{
	register long fourth __asm__("r10") = d;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
			 : "rcx", "r11", "memory");
	return result;
}
#	elif defined(__aarch64__)
static inline long heddle_port_system_call(long number, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3)
			 : "memory");
	return x0;
}
#	elif defined(__riscv)
static inline long heddle_port_system_call(long number, long a, long b, long c, long d)
{
	register long a7 __asm__("a7") = number;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = d;

	__asm__ volatile("ecall"
			 : "+r"(a0)
			 : "r"(a7), "r"(a1), "r"(a2), "r"(a3)
			 : "memory");
	return a0;
}
#	endif

/* 0. -EINVAL, -EMFILE, -ENOMEM, -EFAULT. */
static inline long heddle_port_create(int ends[2], int flags)
{
	return heddle_port_system_call(HEDDLE_PORT_CREATE, (long)ends, flags, 0, 0);
}

/*
 * Send the first `size` bytes of the block's message and the first `count` of its descriptors, and wait for the answer: its size. The
 * answer is in message, message_size, descriptors and descriptor_count of the block; descriptors are close-on-exec, and -1 for what
 * the process had no room for. Until the call is taken, a signal interrupts it; from then on only death does.
 */
static inline long heddle_port_call(int end, unsigned long size, unsigned count,
				    int flags)
{
	return heddle_port_system_call(HEDDLE_PORT_CALL, end, (long)size, count, flags);
}

/* Wait for a call: the size of its message. The block has what it carries, and who called in caller_pid and its like. */
static inline long heddle_port_receive(int end, int flags)
{
	return heddle_port_system_call(HEDDLE_PORT_RECEIVE, end, flags, 0, 0);
}

/*
 * Answer the call that this thread has received last, as heddle_port_call() sends, and wait for the next. After -EMSGSIZE, -EINVAL and
 * -EBADF nothing has been answered; after -ESRCH there was nobody to answer, and nothing has been received. A thread that has no call
 * to answer only receives.
 */
static inline long heddle_port_reply_receive(int end, unsigned long size, unsigned count,
					     int flags)
{
	return heddle_port_system_call(HEDDLE_PORT_REPLY_RECEIVE, end, (long)size, count,
				       flags);
}

/* Answer, and do not receive: 0. */
static inline long heddle_port_reply(unsigned long size, unsigned count)
{
	return heddle_port_reply_receive(-1, size, count, HEDDLE_PORT_REPLY_ONLY);
}
#endif

#endif
