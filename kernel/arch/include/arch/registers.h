// SPDX-License-Identifier: MIT
/*
 * Contract: a program's registers, for ptrace(2), in Linux's layouts.
 *
 * Those with a thread are about one that does not run and stays so: its registers are in memory. Context: any, nothing sleeps.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

struct arch_thread;

/* Register sets have the numbers of ELF notes, NT_*. Size in bytes, at most a page; 0: there is no such set. */
size_t arch_registers_size(u32 set);
/* What its parts are counted in, bytes. */
size_t arch_registers_unit(u32 set);
void arch_registers_read(struct arch_thread *thread, u32 set, void *to);
/* All of it or nothing; whatever it is, the return to user mode with it can do the kernel no harm. -EIO, -EINVAL: no program has such values. */
int arch_registers_write(struct arch_thread *thread, u32 set,
			 const void *from) must_check;
/* The set that a request of this machine's own (PTRACE_GETREGS) is about, and the direction; 0: it is none. */
u32 arch_registers_of_request(long request, bool *write);
/* PTRACE_PEEKUSER, PTRACE_POKEUSER: a word of this machine's struct user. -EIO */
int arch_user_word_read(struct arch_thread *thread, u64 offset, u64 *word) must_check;
int arch_user_word_write(struct arch_thread *thread, u64 offset, u64 word) must_check;
/* AUDIT_ARCH_* */
u32 arch_audit_number(void);

/* Can programs be stepped by instructions here? */
bool arch_step_is_there(void);
/* si_code of a step over a system call. */
int arch_step_call_code(void);
/* The running thread stops behind its next instruction in user mode (SIGTRAP, TRAP_TRACE), or goes on freely; thread context. */
void arch_step_set(struct arch_thread *thread, bool step);
