// SPDX-License-Identifier: MIT
/*
 * What a port calls upward. Declared here, defined by the rooms above: declaring is not including.
 * `frame` is the register frame at the top of the running thread's kernel stack.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

struct arch_thread;
struct trap_frame;

enum {
	FAULT_READ = 1,
	FAULT_WRITE = 2,
	FAULT_EXECUTE = 4,
	FAULT_PRESENT = 8 /* rights, not absence */
};

/* syscall/: interrupts on. Sets the result in the frame. */
void entry_syscall(struct trap_frame *frame);
/* process/: before each return to user mode, interrupts off at entry and at return: reschedule, signals, deferred work, R9's check. */
void entry_user_return(struct trap_frame *frame);
/* process/: a page fault. 0: resolved, run again. Negative errno: not; from user mode the signal has been sent already,
 * from the kernel the port takes its fixup or panics. Interrupts as they were before the fault. */
int entry_page_fault(struct trap_frame *frame, vaddr_t address, unsigned access);
/* process/: an exception of a user program: send it `signal` with si_code, si_addr. Interrupts on. */
void entry_user_exception(struct trap_frame *frame, int signal, int code,
			  vaddr_t address);
/* time/: this CPU's timer. Interrupts off. */
void entry_timer_interrupt(void);
/* sched/: IPI_RESCHEDULE came; IPI_CALL and IPI_FLUSH are the port's own. */
void entry_reschedule_interrupt(void);
/* drivers/: a device's line. Interrupts off. */
void entry_device_interrupt(unsigned line);
/* sched/: the end of every interrupt that came in kernel mode, interrupts off: preempts if due and allowed. */
void entry_interrupt_exit(void);
/* sched/: first thing a new thread does on its stack, before its entry or the return to user mode; finishes the switch.
 * Called with interrupts off, preempt count 1; returns with preempt count 0, interrupts still off (kernel threads enable them). */
void entry_thread_started(struct arch_thread *previous);
/* sched/: a started CPU, on its idle thread's stack, interrupts off, preempt count 0. */
noreturn_ void entry_cpu_started(unsigned cpu);
