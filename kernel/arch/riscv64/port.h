// SPDX-License-Identifier: MIT
/* What the files of this port offer one another beyond what those of every port do, in the order of boot. */
#pragma once

#include "arch/common/port.h"

struct device_node;

/* features.c: what the device tree says of the first CPU, and taken to be every CPU's. */
struct cpu_features {
	bool sstc;  /* the timer's compare register is ours */
	u64 single; /* one-letter extensions, a bit each from `a` on */
	u64 probed; /* RISCV_HWPROBE_KEY_IMA_EXT_0 */
};
extern struct cpu_features cpu_features;

/* console.c: the first serial port, polled; before it is found, and without one, the firmware's console. */
void console_find(void);     /* the device tree is there */
extern paddr_t console_page; /* mapped where it is in the physical map; 0: none */

/* paging.c: the mode that start.S has found; later, once: three levels after all. */
void paging_found(void);
void paging_use_three_levels(void);

/* boot.c */
noreturn_ void boot_riscv64(u64 hart, paddr_t tree);

/* kernel_map.c */
bool kernel_page_is_mapped(vaddr_t address);

/* start.S */
struct secondary_start {
	u64 satp;
	struct arch_thread *idle;
};
extern char start_secondary[], boot_root_sv39[];
extern struct secondary_start secondary_start; /* of the CPU that is being started */

/* tlb.c */
void tlb_init(void);
void tlb_init_cpu(void);
/* The active address space: mark the page accessed, for what `access` (PTE_READ …) wants. false: that is not what was missing. */
bool vm_mark_accessed(vaddr_t address, u64 access);

/* fpu.c */
struct fpu_area {
	u64 registers[32];
	u64 control; /* fcsr */
	u64 reserved;
} aligned_(16);
void fpu_save(struct fpu_area *area);
void fpu_restore(const struct fpu_area *area);

/* plic.c: the interrupt controller. */
void plic_init(void);
void plic_interrupt(void);
/* The line of a device; false: none. */
bool plic_line_of(const struct device_node *node, unsigned *line);

/* clock.c */
u64 clock_hz(void);
void alarm_quiet(void);

/* smp.c */
void smp_discover(u64 boot_hart);
noreturn_ void cpu_started(void);

/* cpu.c: control registers of this CPU. */
void cpu_init(void);

/* mailbox.c: what the software interrupt is for. */
void cpu_software_interrupt(void);

/* entry.S; trap.c, called by it. */
extern char trap_door[];
noreturn_ void trap_no_stack(struct trap_frame *frame);

/* thread.c: the context before there are threads. */
extern struct arch_thread boot_thread;
