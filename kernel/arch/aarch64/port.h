// SPDX-License-Identifier: MIT
/* What the files of this port offer one another beyond what those of every port do, in the order of boot. */
#pragma once

#include "arch/common/port.h"

struct device_node;

/* features.c: what the identification registers say; of the boot CPU, and taken to be every CPU's. */
struct cpu_features {
	bool pan, asid_16, random;
	bool cache_no_clean, cache_no_invalidate; /* IDC, DIC: new code is seen without */
};
extern struct cpu_features cpu_features;

/* boot.c */
noreturn_ void boot_aarch64(paddr_t tree);

/* kernel_map.c */
/* The serial port's registers, from now on and for good. While the boot tables are in use. */
volatile u8 *kernel_map_early_console(paddr_t registers);

/* start.S */
void load_kernel_root(paddr_t root);
extern u64 boot_image_table[];
struct secondary_start {
	paddr_t root;
	struct arch_thread *idle;
};
extern char start_secondary[];

/* tlb.c */
void tlb_init(void);
void tlb_init_cpu(void);
/* This CPU forgets the user page, whoever's it is. */
void tlb_forget_page_here(vaddr_t address);
/* A kernel thread does without the table of the program before it. Interrupts off. */
void tlb_leave_lazy(void);

/* page_table.c's tables: mark the page accessed. false: it was, or is none. Interrupts off. */
bool vm_mark_accessed(vaddr_t address);

/* fpu.c: this CPU lets programs have vectors. */
void fpu_init_cpu(void);
/* The low 128 bits of the vectors, and the control registers. Behind it, where there is room: those of SVE. */
struct fpu_area {
	u64 vectors[64];
	u32 status, control;
	u64 reserved;
} aligned_(16);
void fpu_save(struct fpu_area *area);
void fpu_restore(const struct fpu_area *area);
void fpu_save_control(struct fpu_area *area);
void fpu_restore_control(const struct fpu_area *area);

/* sve.c. Its lengths are those of one vector, in bytes. */
/* This CPU's part; `first`: the others may have less. */
void sve_init_cpu(bool first);
/* The longest that every CPU has; 0: no SVE. */
u32 sve_longest(void);
/* Of the registers in memory, all of them, as in Linux's signal frames: vectors, predicates, FFR. */
size_t sve_state_size(u32 length);
/* A CPU is the next thread's. Interrupts off, as for all below but where it says otherwise. */
void sve_switch(const struct arch_thread *prev, const struct arch_thread *next);
/* The running thread's state becomes live, at its length: sve_load() or sve_flush() comes next. It has room. */
void sve_begin(struct arch_thread *thread);
/* … and is no more; its low 128 bits stay in the CPU. It need not have been live. */
void sve_end(struct arch_thread *thread);
/* Clear what is beyond the low 128 bits. Any context where the running thread's state is live. Called by entry.S too. */
void sve_flush(void);
/* From and to the CPU, of a thread that is live; not the control registers. */
void sve_save(const struct arch_thread *thread);
void sve_load(const struct arch_thread *thread);
/* Thread context, interrupts on. -ENOMEM. */
int sve_make_room(struct arch_thread *thread) must_check;
int sve_first_use(struct arch_thread *thread) must_check;
/* A program begins. */
void sve_exec(struct arch_thread *thread);
/* The part of arch_thread_option(). */
long sve_option(struct arch_thread *thread, int option, u64 argument);
/* The length that programs begin with; 0: no SVE. The next shorter one that there is; -EINVAL. Any context. */
u32 sve_default(void);
int sve_set_default(u64 length) must_check;
static inline u8 *sve_state(const struct fpu_area *area)
{
	return (u8 *)(area + 1);
}

/* registers.c: ptrace(2)'s steps. */
void step_init_cpu(void);
void step_switch(const struct arch_thread *prev, const struct arch_thread *next);

/* A program's own state: N, Z, C, V, TCO, DIT, SSBS, BTYPE. */
#define STATE_OF_USER 0xf3001c00UL
/* Mode, 32-bit state, interrupt masks: all 0 in user mode. */
#define STATE_PRIVILEGED 0x3dfUL

/* signal.c: copies; 0 or -EFAULT. */
int signal_give(vaddr_t to, const void *from, size_t size) must_check;
int signal_take(void *to, vaddr_t from, size_t size) must_check;

/* signal_records.c, for the running thread. Thread context, interrupts on; may sleep. */
size_t signal_records_longest(void);
/* Save the registers for a frame: how many bytes its records take, a multiple of 16. Then they are written. -EFAULT. */
size_t signal_records_save(struct arch_thread *thread);
int signal_records_write(const struct arch_thread *thread, vaddr_t records) must_check;
/* What a program brings back: looked at, then loaded. */
struct signal_records {
	vaddr_t fpu, sve; /* sve 0: no registers of SVE */
	u32 sve_size;
};
/* -EFAULT, -EINVAL: nothing has changed. */
int signal_records_find(const struct arch_thread *thread, vaddr_t records,
			struct signal_records *found) must_check;
/* -EFAULT: the registers are zeros. -ENOMEM: nothing has changed. */
int signal_records_read(struct arch_thread *thread,
			const struct signal_records *found) must_check;

/* gic.c: the interrupt controller. */
void gic_init(void);
void gic_init_cpu(void);
/* The next interrupt that is pending, taken: its number; 1020 and above: none. `token` is for gic_end(). */
unsigned gic_take(u32 *token);
void gic_end(u32 token);
void gic_enable_private(unsigned line);
/* The index-th interrupt of a device; false: none, or not the GIC's kind. */
bool gic_line_of(const struct device_node *node, unsigned index, unsigned *line);
void gic_send(struct cpu_local *target, unsigned line);
enum { GIC_SGI_RESCHEDULE = 0, GIC_SGI_CALL = 1, GIC_SPI_FIRST = 32, GIC_NONE = 1020 };

/* clock.c */
void alarm_init(void);
void alarm_init_cpu(void);
void alarm_quiet(void); /* its interrupt is not asked for any more */
extern unsigned alarm_line;

/* machine.c: PSCI. */
s64 psci_cpu_on(u64 mpidr, paddr_t entry, paddr_t context);

/* smp.c */
void smp_discover(void);
noreturn_ void cpu_started(void);

/* entry.S; trap.c, called by it. */
extern char exception_vectors[];
void trap_interrupt_in_kernel(struct trap_frame *frame);
void trap_interrupt_in_user(struct trap_frame *frame);
noreturn_ void trap_no_stack(struct trap_frame *frame);
noreturn_ void trap_bad(struct trap_frame *frame);

/* thread.c: the context before there are threads. */
extern struct arch_thread boot_thread;

/* usercopy.S: 0, or -EFAULT. */
int user_cmpxchg_open(u32 *at, u32 expected, u32 desired, u32 *seen);
