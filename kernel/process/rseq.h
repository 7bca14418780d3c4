// SPDX-License-Identifier: MIT
/*
 * Restartable sequences, rseq(2): a structure in the program's memory says on which CPU its thread runs, and a few
 * instructions of the program that were interrupted begin again elsewhere. All of it concerns the running thread; may sleep.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

struct thread;
struct trap_frame;

/* AT_RSEQ_FEATURE_SIZE and AT_RSEQ_ALIGN: the structure's bytes that mean something, and where it may lie. */
#define RSEQ_FEATURE_SIZE 28
#define RSEQ_ALIGN        32

/*
 * Register, or with RSEQ_FLAG_UNREGISTER end it. -EINVAL: flags, length, alignment, or not the one registered; -EPERM:
 * another signature; -EBUSY: registered already; -EFAULT.
 */
long rseq_register(vaddr_t area, u32 length, u32 flags, u32 signature) must_check;
/* A new process's thread, not started yet, has what `parent` has registered. */
void rseq_inherit(struct thread *child, const struct thread *parent);
/* The memory it is in goes, or the thread ends. Does not touch the memory. */
void rseq_forget(void);

/*
 * RETURN_RSEQ: an interrupted section goes to its abort address, and the structure is brought up to date.
 * -EFAULT, -EINVAL: the program has broken the rules and is to get SIGSEGV.
 */
int rseq_return(struct trap_frame *frame) must_check;
/* Interrupts off: RETURN_RSEQ asks for nothing, as no section goes on and the structure is up to date. Does not sleep. */
bool rseq_holds(const struct thread *thread);
/* A handler is about to run: the same for the section alone. */
int rseq_signal(struct trap_frame *frame) must_check;
