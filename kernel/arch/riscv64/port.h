// SPDX-License-Identifier: MIT
/* What the files of this port offer one another beyond what those of every port do, in the order of boot. */
#pragma once

#include "arch/common/port.h"

struct device_node;

/* features.c: what every CPU has. */
struct cpu_features {
	bool sstc; /* the timer's compare register is ours */
	u64 vlenb; /* bytes of a vector register; 0: there are none */
};
extern struct cpu_features cpu_features;
/* The values of riscv_hwprobe(2)'s keys from 0 on, PROBE_KEYS of them. */
void vdso_fill_machine(u64 *words);

/* isa.c: extensions by name, of all CPUs together. Boot: find, without_vectors; then they stay. */
void isa_find(void);
void isa_without_vectors(void); /* the kernel can not use them */
bool isa_has_letter(char letter);
bool isa_has(const char *name);
u64 isa_probed(void); /* for RISCV_HWPROBE_KEY_IMA_EXT_0 */
/* "rv64imac_zba…" */
void isa_describe(char *to, size_t size);

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

/* vector.c. Who calls is the thread itself, or arch_switch(), or who ends it; interrupts off unless it says otherwise. */
struct vector_area {
	u64 start, length, type, control; /* vstart, vl, vtype, vcsr */
	u8 registers[];                   /* vector_registers_size() */
} aligned_(16);
/* vlenb of this CPU, which has the extension; 0: it can not be turned on. */
u64 vector_read_width(void);
size_t vector_registers_size(void);
/* A switch from, or to, a thread that has an area. */
void vector_leave(struct arch_thread *thread);
void vector_enter(const struct arch_thread *thread);
/* A system call of a thread that has them on: the reset state. */
void vector_discard(struct trap_frame *frame);
/* The area goes; the frame says, or nobody will ask, that vectors are off. Any interrupts. */
void vector_drop(struct arch_thread *thread);
/* The running thread's state as it is now in its area, which stays so until the thread is in user mode again. Any interrupts. */
struct vector_area *vector_settle(struct arch_thread *thread);
/* And the reverse: it goes on with what has been written into the area, after vector_discard(). Any interrupts. */
void vector_take(struct arch_thread *thread);
/* After vector_settle(): a handler is a function, which finds 0 in vstart (RISC-V Calling Conventions). Any interrupts. */
void vector_begin_handler(struct arch_thread *thread);
/* After an illegal instruction: the thread's first vector instruction, which can be tried again (or a signal is on its way)? */
bool vector_first_use(struct trap_frame *frame);
/* prctl(2)'s control word: that of a program which begins; whether the next one of the running thread may use vectors. Any interrupts. */
extern _Atomic bool vector_default;
u8 vector_next_control(u8 control);
bool vector_for_next_program(void);
/* prctl(2), as arch_thread_option(). */
long vector_option(struct arch_thread *thread, int option, u64 argument);

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
