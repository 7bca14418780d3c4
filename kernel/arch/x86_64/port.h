// SPDX-License-Identifier: MIT
/* What the files of this port offer one another beyond what those of every port do, in the order of boot. */
#pragma once

#include "arch/common/port.h"

#define init_data_ section_(".init.data")

/* features.c: what CPUID says; the same on every CPU. */
struct cpu_features {
	bool hypervisor, tcg;
	bool xsave, xsaveopt, fsgsbase, smep, smap, umip, rdtscp, rdpid, rdrand, rdseed;
	bool x2apic, tsc_deadline, pages_1g;
	u32 tsc_khz; /* 0: not told */
};
extern struct cpu_features cpu_features;

/* cpu.c: descriptor tables and control registers of this CPU. `ist_stacks`: IST_COUNT stacks of IST_STACK_SIZE, aligned to it. */
enum {
	IST_NMI = 1,
	IST_DOUBLE_FAULT,
	IST_MACHINE_CHECK,
	IST_DEBUG,
	IST_COUNT = IST_DEBUG
};
void cpu_init(struct cpu_local *cpu, void *ist_stacks);
extern char boot_ist_stacks[];
void smap_patch(void);

/* fpu.c */
void fpu_init_cpu(void);
size_t fpu_state_size(void); /* as the CPU counts it; the area is a multiple of 64 */
u32 fpu_mxcsr_mask(void);
u64 fpu_features(void); /* XCR0; 3 without XSAVE */
void fpu_save(void *area);
/* The initial state in an area that has been reset before: what its header says is not there is never read. */
void fpu_reset_state(void *area);
/* xsave at `to`, a multiple of 64 in user space, with a header that begins as 0. -EFAULT. Context: may fault in. */
int fpu_save_to_user(vaddr_t to, u64 features) must_check;
void fpu_save_full(void *area); /* every component, whatever changed */
/* 0, or -EINVAL: the CPU refused the contents (then the registers are the reset state). */
int fpu_restore(const void *area);

/* acpi.c: parsed while the boot tables map the first 4 GiB. */
enum { ACPI_IO_APICS_MAX = 8, ACPI_OVERRIDES_MAX = 24 };
struct acpi_io_apic {
	paddr_t address;
	u32 first_line;
};
struct acpi_override {
	u8 isa_line;
	bool active_low, level;
	u32 line;
};
struct acpi_register {
	u8 space; /* 0 memory, 1 port */
	u64 address;
};
struct acpi_information {
	bool present, hardware_reduced, qemu;
	paddr_t local_apic;
	unsigned cpu_count, io_apic_count, override_count;
	u32 apic_ids[64];
	struct acpi_io_apic io_apics[ACPI_IO_APICS_MAX];
	struct acpi_override overrides[ACPI_OVERRIDES_MAX];
	struct acpi_register reset, sleep_control;
	u8 reset_value;
	u16 pm1_control;
};
extern struct acpi_information acpi;
void acpi_init(paddr_t rsdp);

/* tlb.c */
void tlb_flush_serve(void);

/* apic.c */
void local_apic_map(void);
void local_apic_init_cpu(void);
void local_apic_end_of_interrupt(void);
void local_apic_timer_start(u32 count);
void local_apic_timer_run_silent(u32 count);
u32 local_apic_timer_count(void);
u32 local_apic_id(void);
/* `command`: a vector, or what else the CPU is to be sent. */
enum { APIC_NMI = 0x400 };
void local_apic_send(u32 apic_id, u32 command);
/* io_apic.c */
void io_apic_init(void);

/* clock.c */
/* Begin the measurement that clock_calibrate() ends; the local APIC is there. */
void clock_begin(void);
void clock_calibrate(void);

/* smp.c */
void smp_discover(void);
extern struct cpu_local *starting_cpu;
noreturn_ void cpu_started(struct cpu_local *cpu);

/* trap.c, called by entry.S; trap.c fills the IDT. */
extern char trap_doors[], user_iret[], syscall_door[];
void trap_init(void);
void trap_load_idt(void);
void trap_on_own_stack(struct trap_frame *frame);
struct trap_frame *trap_failed_return(struct trap_frame *nested);

/* boot.c, start.S */
noreturn_ void boot_x86(paddr_t information, u32 kind);
void boot_tell(void); /* memory and CPUs; once the log's level is known */
extern char trampoline_start[], trampoline_end[];
