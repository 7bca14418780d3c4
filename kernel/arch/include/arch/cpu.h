// SPDX-License-Identifier: MIT
/*
 * Contract: the CPU we run on.
 *
 * arch_preempt_count: 0 means preemptible. A port may keep it per CPU or per thread; it is 0 or
 * balanced across arch_switch() (which is always called with it at exactly 1).
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

struct arch_thread;

static inline unsigned
arch_cpu_number(void); /* 0 … cpu_count()-1; stable only while not preemptible */
static inline void arch_cpu_relax(void); /* in a spin loop */
static inline u32 arch_preempt_count(void);
static inline void arch_preempt_add(s32 delta);
/* A reschedule is due on this CPU: set by the scheduler and its IPI, cleared by the scheduler. */
static inline bool arch_need_reschedule(void);
static inline void arch_set_need_reschedule(bool due);
/* The running thread's context, as installed by arch_switch(); never NULL after boot. */
static inline struct arch_thread *arch_current(void);

/* Wait for an interrupt. Called with interrupts off; enables them and halts without a window between; returns with them off. */
void arch_cpu_idle(void);
/* Does not return: halts with interrupts off. */
noreturn_ void arch_cpu_stop(void);
/* End the machine with an exit status for the virtual machine monitor (255: panic; 0: power off). */
noreturn_ void arch_machine_exit(unsigned status);
noreturn_ void arch_machine_reboot(void);
/* Random bytes from the hardware (RDRAND, timers, …); returns how many bytes are worth calling random. */
size_t arch_entropy(void *to, size_t size);
/* Call `visit` for each return address of a kernel backtrace from `frame_pointer` (0: the caller's). */
void arch_backtrace(u64 frame_pointer, void (*visit)(void *context, u64 address),
		    void *context);
/* "x86_64" for uname(2); the model name and flags lines for /proc/cpuinfo are written by arch_cpu_describe. */
const char *arch_machine_name(void);
int arch_cpu_describe(unsigned cpu, char *to, size_t size);
/*
 * riscv_hwprobe(2), which RISC-V alone has: the value that belongs to *key; false: it is not known, becomes -1, and its value 0. All CPUs are alike.
 * Has: they have what a pair says: that value, or, where values are sets of bits, those among theirs; false for a key that is not known. Any context.
 */
bool arch_hwprobe(s64 *key, u64 *value);
bool arch_hwprobe_has(s64 key, u64 value);

#include "arch/impl/cpu.h"
