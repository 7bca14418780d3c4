// SPDX-License-Identifier: MIT
/*
 * One CPU's descriptor tables, control registers and system call entry; idling and stopping.
 *
 * The GDT has Linux's selectors, which debuggers and some programs know: user code 0x33, user data 0x2b. There is no
 * 32-bit user code segment: programs can not reach the compatibility mode's system call entries.
 */
#include "arch/cpu.h"
#include "arch/impl/cpu_local.h"
#include "arch/irq.h"
#include "arch/smp.h"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/port.h"
#include "lib/string.h"

#define GDT_CODE_32      0x00cf9b000000ffffUL
#define GDT_CODE_64      0x00af9b000000ffffUL
#define GDT_DATA         0x00cf93000000ffffUL
#define GDT_USER_DATA    0x00cff3000000ffffUL
#define GDT_USER_CODE_64 0x00affb000000ffffUL
#define GDT_CPU_NUMBER \
	0x0040f50000000000UL /* data, read-only, user; the limit is the number */
#define TSS_AVAILABLE 0x0000890000000000UL

/* Cleared on system calls: trap, interrupt, direction, IOPL, nested task, resume, alignment/access. */
#define SYSCALL_FLAGS_CLEARED 0x57700UL

struct cpu_local cpu_locals[MAX_CPUS];
char boot_ist_stacks[IST_COUNT * IST_STACK_SIZE] aligned_(IST_STACK_SIZE);

static void fill_gdt(struct cpu_local *cpu)
{
	u64 base = (u64)&cpu->tss, limit = sizeof(cpu->tss) - 1;
	u64 *gdt = cpu->gdt;

	gdt[1] = GDT_CODE_32;
	gdt[KERNEL_CS / 8] = GDT_CODE_64;
	gdt[KERNEL_DS / 8] = GDT_DATA;
	gdt[USER_DS / 8] = GDT_USER_DATA;
	gdt[USER_CS / 8] = GDT_USER_CODE_64;
	gdt[TSS_SELECTOR / 8] = limit | (base & 0xffffff) << 16 | TSS_AVAILABLE |
				(base >> 24 & 0xff) << 56;
	gdt[TSS_SELECTOR / 8 + 1] = base >> 32;
	gdt[GETCPU_SELECTOR / 8] = GDT_CPU_NUMBER | cpu->number;
}

static void fill_tss(struct cpu_local *cpu, char *ist_stacks)
{
	memset(&cpu->tss, 0, sizeof(cpu->tss));
	cpu->tss.io_map_base = sizeof(cpu->tss); /* beyond the limit: no ports */
	for (unsigned i = 0; i < IST_COUNT; i++) {
		char *top = ist_stacks + (i + 1) * IST_STACK_SIZE;

		*(struct cpu_local **)(top - 8) = cpu;
		cpu->tss.ist[i] = (u64)(top - 16);
	}
}

static void load_tables(struct cpu_local *cpu)
{
	struct packed_ {
		u16 limit;
		u64 base;
	} pointer = {sizeof(cpu->gdt) - 1, (u64)cpu->gdt};

	__asm__ volatile("lgdt %0" ::"m"(pointer) : "memory");
	__asm__ volatile("pushq %0\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\tmovl %1, %%ss\n\t"
			 "movl %2, %%ds\n\t"
			 "movl %2, %%es" ::"i"(KERNEL_CS),
			 "r"(KERNEL_DS), "r"(0)
			 : "rax", "memory");
	__asm__ volatile("ltr %0" ::"r"((u16)TSS_SELECTOR) : "memory");
	trap_load_idt();
}

static void set_control_registers(void)
{
	u64 cr4 = CR4_PAE | CR4_DE | CR4_MCE | CR4_FXSR | CR4_XMM;

	cr4 |= cpu_features.umip ? CR4_UMIP : 0;
	cr4 |= cpu_features.fsgsbase ? CR4_FSGSBASE : 0;
	cr4 |= cpu_features.xsave ? CR4_XSAVE : 0;
	cr4 |= cpu_features.smep ? CR4_SMEP : 0;
	cr4 |= cpu_features.smap ? CR4_SMAP : 0;
	write_cr4(cr4);
	write_cr0((read_cr0() | CR0_MP | CR0_NE | CR0_WP | CR0_AM) & ~CR0_EM);
}

static void set_syscall_door(void)
{
	write_msr(MSR_EFER, read_msr(MSR_EFER) | EFER_SYSCALL | EFER_NX);
	/* sysret takes its selectors at +16 and +8 of the upper half's base. */
	write_msr(MSR_STAR, (u64)(USER_CS - 16) << 48 | (u64)KERNEL_CS << 32);
	write_msr(MSR_LSTAR, (u64)syscall_door);
	write_msr(MSR_SFMASK, SYSCALL_FLAGS_CLEARED);
}

void cpu_init(struct cpu_local *cpu, void *ist_stacks)
{
	fill_gdt(cpu);
	fill_tss(cpu, ist_stacks);
	load_tables(cpu);
	set_control_registers();
	set_syscall_door();
	if (cpu_features.rdtscp) {
		write_msr(MSR_TSC_AUX, cpu->number);
	}
	write_msr(MSR_KERNEL_GS_BASE, 0);
	write_dr7(0);
	fpu_init_cpu();
}

struct smap_site {
	u8 *at;
	u64 opens; /* 1: stac, 0: clac */
};
extern const struct smap_site smap_sites_start[], smap_sites_end[];

/* The sites are three-byte no-operations; the text is still writable. */
init_ void smap_patch(void)
{
	if (!cpu_features.smap) {
		return;
	}
	for (const struct smap_site *site = smap_sites_start; site < smap_sites_end;
	     site++) {
		site->at[1] = 0x01;
		site->at[2] = site->opens ? 0xcb : 0xca;
	}
}

void arch_cpu_idle(void)
{
	__asm__ volatile("sti; hlt; cli" ::: "memory");
}

void arch_cpu_stop(void)
{
	for (;;) {
		__asm__ volatile("cli; hlt" ::: "memory");
	}
}

void arch_ipi_send(unsigned cpu, enum arch_ipi kind)
{
	struct cpu_local *target = &cpu_locals[cpu];
	u32 command = VECTOR_CALL;

	if (cpu >= MAX_CPUS || !atomic_load(&target->online)) {
		return;
	}
	switch (kind) {
	case IPI_RESCHEDULE:
		command = VECTOR_RESCHEDULE;
		break;
	case IPI_FLUSH:
		command = VECTOR_FLUSH;
		break;
	case IPI_STOP:
		/* Also where interrupts are off. */
		atomic_store(&target->stopping, true);
		command = APIC_NMI;
		break;
	case IPI_CALL:
		break;
	}
	local_apic_send((u32)target->hardware_id, command);
}
