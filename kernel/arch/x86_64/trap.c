// SPDX-License-Identifier: MIT
/*
 * What comes through the doors of entry.S: exceptions become signals, page faults or panics; interrupts go to who owns them.
 *
 * Interrupts are off at each door but the system call's. A handler for user mode turns them on where it may sleep, and leaves with
 * them off, as return_to_user expects.
 */
#include "arch/trap.h"
#include "arch/common/exception_table.h"
#include "arch/cpu.h"
#include "arch/entry.h"
#include "arch/impl/cpu_local.h"
#include "arch/irq.h"
#include "arch/thread.h"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/port.h"
#include "core/lock_check.h"
#include "core/log.h"
#include "core/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kernel_stack.h"
#include <asm/siginfo.h>
#include <asm/signal.h>

STATIC_ASSERT(sizeof(struct trap_frame) == TRAP_FRAME_SIZE);
STATIC_ASSERT(offsetof(struct trap_frame, number) == TRAP_FRAME_NUMBER);
STATIC_ASSERT(offsetof(struct trap_frame, rbp) == TRAP_FRAME_RBP);
STATIC_ASSERT(offsetof(struct trap_frame, r11) == TRAP_FRAME_R11);
STATIC_ASSERT(offsetof(struct trap_frame, rax) == TRAP_FRAME_RAX);
STATIC_ASSERT(offsetof(struct trap_frame, rcx) == TRAP_FRAME_RCX);
STATIC_ASSERT(offsetof(struct trap_frame, vector) == TRAP_FRAME_VECTOR);
STATIC_ASSERT(offsetof(struct trap_frame, rip) == TRAP_FRAME_RIP);
STATIC_ASSERT(offsetof(struct trap_frame, cs) == TRAP_FRAME_CS);
STATIC_ASSERT(offsetof(struct trap_frame, rflags) == TRAP_FRAME_RFLAGS);
STATIC_ASSERT(offsetof(struct trap_frame, rsp) == TRAP_FRAME_RSP);
STATIC_ASSERT(offsetof(struct trap_frame, ss) == TRAP_FRAME_SS);
STATIC_ASSERT(USER_END == 0x00007ffffffff000UL); /* usercopy.S */

enum {
	TRAP_DIVIDE,
	TRAP_DEBUG,
	TRAP_NMI,
	TRAP_BREAKPOINT,
	TRAP_OVERFLOW,
	TRAP_BOUND,
	TRAP_OPCODE,
	TRAP_NO_FPU,
	TRAP_DOUBLE_FAULT,
	TRAP_BAD_TSS = 10,
	TRAP_NO_SEGMENT,
	TRAP_STACK,
	TRAP_PROTECTION,
	TRAP_PAGE_FAULT,
	TRAP_FPU = 16,
	TRAP_ALIGNMENT,
	TRAP_MACHINE_CHECK,
	TRAP_SIMD,
	TRAP_EXCEPTIONS = 32,
};

enum {
	FAULT_BIT_PRESENT = 1,
	FAULT_BIT_WRITE = 2,
	FAULT_BIT_USER = 4,
	FAULT_BIT_RESERVED = 8,
	FAULT_BIT_FETCH = 16
};

struct gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_middle;
	u32 offset_high, reserved;
};

static struct gate idt[256] aligned_(16);

static init_ void set_gate(unsigned vector, unsigned ist, unsigned privilege)
{
	u64 door = (u64)trap_doors + vector * 16UL;

	idt[vector] = (struct gate){
		.offset_low = (u16)door,
		.offset_middle = (u16)(door >> 16),
		.offset_high = (u32)(door >> 32),
		.selector = KERNEL_CS,
		.ist = (u8)ist,
		.type = (u8)(0x8e | privilege << 5), /* interrupt gate, present */
	};
}

init_ void trap_init(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(idt); i++) {
		set_gate(i, 0, 0);
	}
	set_gate(TRAP_DEBUG, IST_DEBUG, 0);
	set_gate(TRAP_NMI, IST_NMI, 0);
	set_gate(TRAP_DOUBLE_FAULT, IST_DOUBLE_FAULT, 0);
	set_gate(TRAP_MACHINE_CHECK, IST_MACHINE_CHECK, 0);
	set_gate(TRAP_BREAKPOINT, 0, 3);
	set_gate(TRAP_OVERFLOW, 0, 3);
}

void trap_load_idt(void)
{
	struct packed_ {
		u16 limit;
		u64 base;
	} pointer = {sizeof(idt) - 1, (u64)idt};

	__asm__ volatile("lidt %0" ::"m"(pointer) : "memory");
}

static const char *const trap_names[] = {
	"divide error",
	"debug",
	"NMI",
	"breakpoint",
	"overflow",
	"bound",
	"invalid opcode",
	"no FPU",
	"double fault",
	"",
	"bad TSS",
	"segment not present",
	"stack fault",
	"general protection",
	"page fault",
	"",
	"FPU error",
	"alignment",
	"machine check",
	"SIMD",
};

static noreturn_ void trap_panic(const struct trap_frame *f)
{
	const char *name =
		f->vector < ARRAY_SIZE(trap_names) ? trap_names[f->vector] : "trap";

	log_error("rip %016lx rsp %016lx rbp %016lx flags %08lx cs %lx", f->rip, f->rsp,
		  f->rbp, f->rflags, f->cs);
	log_error("rax %016lx rbx %016lx rcx %016lx rdx %016lx", f->rax, f->rbx, f->rcx,
		  f->rdx);
	log_error("rsi %016lx rdi %016lx r8  %016lx r9  %016lx", f->rsi, f->rdi, f->r8,
		  f->r9);
	log_error("r10 %016lx r11 %016lx r12 %016lx r13 %016lx", f->r10, f->r11, f->r12,
		  f->r13);
	log_error("r14 %016lx r15 %016lx cr2 %016lx cr3 %016lx", f->r14, f->r15,
		  read_cr2(), read_cr3());
	panic("%s in the kernel at %016lx, error %#lx, address %016lx", name, f->rip,
	      f->error, read_cr2());
}

static void take_fixup(struct trap_frame *frame, const struct exception_entry *entry)
{
	if (entry == NULL) {
		trap_panic(frame);
	}
	frame->rip = exception_fixup(entry);
}

static unsigned fault_access(u64 error)
{
	unsigned access = FAULT_READ;

	if (error & FAULT_BIT_FETCH) {
		access = FAULT_EXECUTE;
	} else if (error & FAULT_BIT_WRITE) {
		access = FAULT_WRITE;
	}
	return access | (error & FAULT_BIT_PRESENT ? FAULT_PRESENT : 0);
}

static void remember_trap(const struct trap_frame *frame, vaddr_t address)
{
	struct arch_thread *thread = arch_current();

	thread->trap_number = (u32)frame->vector;
	thread->trap_error = frame->error;
	thread->trap_address = address;
}

/* A fault of the kernel's own code: on behalf of a copy from or to user memory, or a mistake. */
static void kernel_page_fault(struct trap_frame *frame)
{
	const struct exception_entry *entry = exception_find(frame->rip);
	bool may_sleep = frame->rflags & X86_FLAG_INTERRUPTS && arch_preempt_count() == 0;
	vaddr_t address = read_cr2();
	int error = -EFAULT;

	if (entry != NULL && entry->kind == EXCEPTION_MAY_FAULT_IN &&
	    address < USER_END) {
		/* A copy under a spinlock fails in release builds. */
		DEBUG_ASSERT(may_sleep || lock_check_free());
		if (may_sleep) {
			arch_irq_enable();
			error = entry_page_fault(frame, address,
						 fault_access(frame->error));
			arch_irq_disable();
		}
	}
	if (error != 0) {
		take_fixup(frame, entry);
	}
}

static void interrupt(struct trap_frame *frame)
{
	unsigned line = (unsigned)frame->vector - VECTOR_DEVICE_FIRST;

	switch (frame->vector) {
	case VECTOR_TIMER:
		local_apic_end_of_interrupt();
		entry_timer_interrupt();
		break;
	case VECTOR_RESCHEDULE:
		local_apic_end_of_interrupt();
		entry_reschedule_interrupt();
		break;
	case VECTOR_FLUSH:
		local_apic_end_of_interrupt();
		cpu_flush_poll();
		break;
	case VECTOR_CALL: /* being interrupted was the point */
		local_apic_end_of_interrupt();
		break;
	case VECTOR_SPURIOUS:
		break;
	default:
		if (frame->vector >= VECTOR_DEVICE_FIRST &&
		    frame->vector <= VECTOR_DEVICE_LAST) {
			entry_device_interrupt(line);
			local_apic_end_of_interrupt();
		} else {
			log_warning("interrupt: vector %lu is nobody's", frame->vector);
		}
	}
}

void trap_from_kernel(struct trap_frame *frame)
{
	if (frame->vector >= TRAP_EXCEPTIONS) {
		unsigned base = lock_check_interrupt_begin();

		interrupt(frame);
		lock_check_interrupt_end(base);
		entry_interrupt_exit();
	} else if (frame->vector == TRAP_PAGE_FAULT) {
		kernel_page_fault(frame);
	} else {
		take_fixup(frame, exception_find(frame->rip));
	}
}

static int fpu_signal_code(u32 raised)
{
	if (raised & 0x01) {
		return FPE_FLTINV;
	}
	if (raised & 0x04) {
		return FPE_FLTDIV;
	}
	if (raised & 0x08) {
		return FPE_FLTOVF;
	}
	if (raised & 0x12) { /* underflow, denormal */
		return FPE_FLTUND;
	}
	return raised & 0x20 ? FPE_FLTRES : 0;
}

static int x87_code(void)
{
	u16 status, control;

	__asm__ volatile("fnstsw %0" : "=m"(status));
	__asm__ volatile("fnstcw %0" : "=m"(control));
	return fpu_signal_code(status & ~control);
}

static int simd_code(void)
{
	u32 mxcsr;

	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	return fpu_signal_code(mxcsr & ~(mxcsr >> 7));
}

/* Clears what the CPU does not clear itself. */
static int debug_code(void)
{
	u64 status = read_dr6();

	write_dr6(0xffff0ff0);
	return status & 0xf ? TRAP_HWBKPT : TRAP_TRACE;
}

struct user_trap {
	int signal, code;
	vaddr_t address;
};

static struct user_trap user_trap_of(const struct trap_frame *frame)
{
	switch (frame->vector) {
	case TRAP_DIVIDE:
		return (struct user_trap){SIGFPE, FPE_INTDIV, frame->rip};
	case TRAP_DEBUG:
		return (struct user_trap){SIGTRAP, debug_code(), frame->rip};
	case TRAP_BREAKPOINT:
		return (struct user_trap){SIGTRAP, SI_KERNEL, 0};
	case TRAP_OPCODE:
		return (struct user_trap){SIGILL, ILL_ILLOPN, frame->rip};
	case TRAP_NO_SEGMENT:
	case TRAP_STACK:
		return (struct user_trap){SIGBUS, SI_KERNEL, 0};
	case TRAP_FPU:
		return (struct user_trap){SIGFPE, x87_code(), frame->rip};
	case TRAP_SIMD:
		return (struct user_trap){SIGFPE, simd_code(), frame->rip};
	case TRAP_ALIGNMENT:
		return (struct user_trap){SIGBUS, BUS_ADRALN, 0};
	default:
		return (struct user_trap){SIGSEGV, SI_KERNEL, 0};
	}
}

static void nmi(void)
{
	struct cpu_local *cpu = cpu_local_current();

	if (atomic_load_explicit(&cpu->stopping, memory_order_relaxed)) {
		arch_cpu_stop();
	}
}

static void user_exception(struct trap_frame *frame)
{
	struct user_trap what;

	if (frame->vector == TRAP_MACHINE_CHECK || frame->vector == TRAP_DOUBLE_FAULT) {
		trap_panic(frame);
	}
	what = user_trap_of(
		frame); /* reads registers of this CPU: interrupts still off */
	remember_trap(frame, what.address);
	arch_irq_enable();
	entry_user_exception(frame, what.signal, what.code, what.address);
	arch_irq_disable();
}

/*
 * An access that the CPU made with its own rights, not the program's, is not resolved by what the program may touch: it would
 * come again for ever. QEMU's emulation reads the stack of a far return so, which SMAP forbids.
 */
static bool is_implicit_access(const struct trap_frame *frame)
{
	return (frame->error & (FAULT_BIT_PRESENT | FAULT_BIT_USER)) == FAULT_BIT_PRESENT;
}

static void user_page_fault(struct trap_frame *frame)
{
	vaddr_t address = read_cr2();

	remember_trap(frame, address);
	arch_irq_enable();
	if (is_implicit_access(frame)) {
		entry_user_exception(frame, SIGSEGV, SEGV_ACCERR, address);
	} else {
		/* If it can not be resolved the signal is on its way already. */
		(void)entry_page_fault(frame, address, fault_access(frame->error));
	}
	arch_irq_disable();
}

void trap_from_user_mode(struct trap_frame *frame)
{
	if (frame->vector >= TRAP_EXCEPTIONS) {
		interrupt(frame);
	} else if (frame->vector == TRAP_NMI) {
		nmi();
	} else if (frame->vector == TRAP_PAGE_FAULT) {
		user_page_fault(frame);
	} else {
		user_exception(frame);
	}
}

static noreturn_ void double_fault(struct trap_frame *frame)
{
	vaddr_t top, address = read_cr2();

	/* The page fault of a push into the guard page could not be pushed either (S2). */
	if (kernel_stack_is_guard(address, &top) ||
	    kernel_stack_is_guard(frame->rsp - 1, &top)) {
		panic("kernel stack overflow: stack of %p, %lu bytes deep, at rip %016lx",
		      (void *)top, top - frame->rsp, frame->rip);
	}
	if (address - (vaddr_t)boot_stack < PAGE_SIZE) {
		panic("kernel stack overflow: the boot stack, at rip %016lx", frame->rip);
	}
	trap_panic(frame);
}

void trap_on_own_stack(struct trap_frame *frame)
{
	switch (frame->vector) {
	case TRAP_NMI:
		nmi();
		break;
	case TRAP_DEBUG:
		/* A watchpoint of a debugger's on memory the kernel touched for the program, or single stepping into the kernel's door. */
		write_dr6(0xffff0ff0);
		frame->rflags &= ~0x100UL;
		break;
	case TRAP_DOUBLE_FAULT:
		double_fault(frame);
	default:
		trap_panic(frame);
	}
}

/*
 * iretq refused the user frame. Its registers are those of `nested`, where it wanted to go lies right above: put the
 * frame together again and make the failure an exception of the program.
 */
struct trap_frame *trap_failed_return(struct trap_frame *nested)
{
	struct trap_frame *frame =
		(struct trap_frame *)(cpu_local_current()->kernel_stack - sizeof(*frame));

	memmove(frame, nested, offsetof(struct trap_frame, rip));
	frame->number = -1;
	trap_from_user_mode(frame);
	return frame;
}
