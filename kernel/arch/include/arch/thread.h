// SPDX-License-Identifier: MIT
/*
 * Contract: a thread's context.
 *
 * struct arch_thread (arch/impl/thread.h) is the first member of struct sched_entity, itself the first of
 * struct thread. It holds the saved stack pointer, the kernel stack's top, TLS registers and a pointer to the FPU area.
 * A thread that was never a user thread has no FPU area (fpu == NULL).
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

struct arch_thread;
struct trap_frame;

/* A kernel thread: the first arch_switch() to it calls entry(argument) on its stack with interrupts off and preempt count 1, through
 * thread_start hook: see arch/entry.h entry_thread_started(previous). */
void arch_thread_init_kernel(struct arch_thread *thread, vaddr_t stack_top,
			     void (*entry)(void *argument), void *argument);
/*
 * A user thread that starts by returning from the system call in `parent` (the live frame), with result 0, and user stack pointer
 * `user_stack` unless that is 0. Registers, TLS and FPU state are copied from the running thread (T5). -ENOMEM.
 */
int arch_thread_init_clone(struct arch_thread *thread, vaddr_t stack_top,
			   const struct trap_frame *parent,
			   vaddr_t user_stack) must_check;
/* A user thread with nothing to copy: starts at ip/sp in user mode with clean registers (first process only). -ENOMEM. */
int arch_thread_init_user(struct arch_thread *thread, vaddr_t stack_top, vaddr_t ip,
			  vaddr_t sp) must_check;
/*
 * The running context (the boot CPU's, before there is a scheduler) becomes `thread`: arch_current() is it from now on. `stack_top` 0: the
 * boot stack. It gets its registers with its first arch_switch() away. arch_cpu_start() does this for the idle threads of the other CPUs.
 */
void arch_thread_adopt(struct arch_thread *thread, vaddr_t stack_top);
/* Frees what init allocated (FPU area). Not the stack. */
void arch_thread_fini(struct arch_thread *thread);

/*
 * Switch the CPU from `prev` to `next`: stack, TLS registers (also when 0), FPU state, the kernel stack the next trap uses.
 * The address space is switched by the caller (arch_vm_activate).
 * Context:  interrupts off, preempt count 1, the CPU's run-queue lock held.
 * Returns:  the thread that ran before us on this CPU, when `prev` runs again.
 */
struct arch_thread *arch_switch(struct arch_thread *prev, struct arch_thread *next);

/* The current thread becomes a fresh program: registers cleared, FPU reset, TLS 0, ip and sp set, in its user frame (execve). -ENOMEM
 * if it had no FPU area and none can be had: so call arch_thread_prepare_exec() before the point of no return. */
int arch_thread_prepare_exec(struct arch_thread *thread) must_check;
void arch_thread_exec(struct arch_thread *thread, struct trap_frame *frame, vaddr_t ip,
		      vaddr_t sp);
/* The user frame at the top of a user thread's kernel stack. */
struct trap_frame *arch_thread_user_frame(struct arch_thread *thread);

/* TLS (T6). -EPERM for a value this CPU must never load. `thread` is the current one or an unpublished child. */
int arch_thread_set_tls(struct arch_thread *thread, u64 value) must_check;
u64 arch_thread_get_tls(const struct arch_thread *thread);
/*
 * The user address of the thread's block (vm/thread_blocks.h), for programs to find in one instruction: gs base on x86-64, unless the program has
 * set that. `thread` is the current one or an unpublished child; 0: none.
 */
void arch_thread_set_block(struct arch_thread *thread, vaddr_t block);
/* arch_prctl(2) on x86-64; -ENOSYS where there is none. The port copies to and from user memory itself. */
int arch_thread_prctl(struct arch_thread *thread, int code, u64 address);
/*
 * prctl(2)'s options about registers that only some machines have, for the current thread; `argument` is the call's second. Thread context.
 * A result of 0 and more, or -EINVAL (also for an option that is none of these) or another errno of the call's manual page.
 */
long arch_thread_option(struct arch_thread *thread, int option, u64 argument);
/*
 * /proc/sys/abi/ARCH_SETTING: a number about such registers that holds for programs to come. ARCH_SETTING is the name, NULL where a port has none;
 * is_there: this machine has what it is about. Any context; write (~0: -1): 0, or -EINVAL: not a value that it can have.
 */
bool arch_setting_is_there(void);
u64 arch_setting_read(void);
int arch_setting_write(u64 value) must_check;
/* Kernel instruction pointer and frame pointer of a thread that is not running (wchan, stack). */
u64 arch_thread_saved_ip(const struct arch_thread *thread);
u64 arch_thread_saved_fp(const struct arch_thread *thread);

#include "arch/impl/thread.h"
