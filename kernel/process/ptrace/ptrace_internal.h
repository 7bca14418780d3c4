// SPDX-License-Identifier: MIT
/* Between the files of ptrace/. */
#pragma once

#include "process/ptrace/ptrace.h"
#include "process/signal/signal.h"

/*
 * The signal_lock of `thread`'s process, if it is a tracee of the running thread and in a stop that it can leave only by its
 * tracer's word or its death. -ESRCH: it is not, and nothing is held.
 */
int trace_lock_stopped(struct thread *thread, u64 *flags) must_check NO_THREAD_SAFETY;
void trace_unlock_stopped(struct thread *thread, u64 flags) NO_THREAD_SAFETY;
/* From a stop on; signal_lock held. */
void trace_go_on_locked(struct thread *thread);
/* The same as trace_unlink_locked() with signal_lock held too. */
void trace_unlink_both_locked(struct thread *thread);
/* Is `thread` being killed? signal_lock held. */
static inline bool trace_is_doomed(const struct thread *thread)
{
	return atomic_load(&thread->sched.breaks) & BREAK_KILL;
}

/* memory.c: a word of the tracee's memory. 0, -EIO, -EFAULT (`to`). */
long trace_peek(struct thread *thread, vaddr_t address, vaddr_t to);
long trace_poke(struct thread *thread, vaddr_t address, u64 word);
/* registers.c */
long trace_registers(struct thread *thread, long request, u64 address, u64 data);
long trace_syscall_information(struct thread *thread, u64 size, vaddr_t to);
