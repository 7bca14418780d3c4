// SPDX-License-Identifier: MIT
/* What the files of every port, and the common ones, offer one another: as arch/NAME/port.h, which includes it, does for one port. */
#pragma once

#include "arch/common/boot_memory.h"
#include "arch/common/kernel_map.h"
#include "arch/mmu.h"
#include "arch/smp.h"
#include "lib/compiler.h"
#include "lib/types.h"

struct arch_thread;
struct cpu_local;
struct trap_frame;

/* kernel.ld */
extern char kernel_start[], kernel_text_end[], kernel_rodata_end[], kernel_init_start[],
	kernel_init_end[], kernel_end[], boot_stack[], boot_stack_top[];

/* features.c: what the CPU can do; of the boot CPU, and taken to be every CPU's. */
void features_init(void);

/* console.c: the first serial port, polled. */
void console_early_init(void);

/* clock.c */
void clock_start(void);

/* machine.c: the fixed devices. */
void machine_init(void);

/* trap.c, called by entry.S. */
void trap_from_kernel(struct trap_frame *frame);
void trap_from_user_mode(struct trap_frame *frame);

/* fpu.c: the area for a user thread's vector and floating point registers, and its contents for a program that begins. */
size_t fpu_area_size(void);
void fpu_reset_area(void *area);

/* switch.S */
struct arch_thread *switch_stacks(u64 *save, u64 load, struct arch_thread *prev);
void thread_start_kernel(void);
void thread_start_user(void);

/* usercopy.S: 0, or -EFAULT. For backtraces: any kernel address. */
int kernel_read_u64(u64 *value, vaddr_t address);
