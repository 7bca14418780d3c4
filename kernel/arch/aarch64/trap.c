// SPDX-License-Identifier: MIT
/*
 * What comes through the doors of entry.S: exceptions become signals, page faults or panics; interrupts go to who owns them.
 *
 * Interrupts are off at each door but the system call's. A handler for user mode turns them on where it may sleep, and leaves with
 * them off, as return_to_user expects.
 */
#include "arch/trap.h"
#include "arch/aarch64/asm_offsets.h"
#include "arch/aarch64/instructions.h"
#include "arch/aarch64/port.h"
#include "arch/common/exception_table.h"
#include "arch/common/kernel_map.h"
#include "arch/cpu.h"
#include "arch/entry.h"
#include "arch/impl/cpu_local.h"
#include "arch/irq.h"
#include "arch/thread.h"
#include "core/lock_check.h"
#include "core/log.h"
#include "core/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kernel_stack.h"
#include <asm/siginfo.h>
#include <asm/signal.h>

STATIC_ASSERT(sizeof(struct trap_frame) == TRAP_FRAME_SIZE);
STATIC_ASSERT(offsetof(struct trap_frame, sp) == TRAP_FRAME_SP);
STATIC_ASSERT(offsetof(struct trap_frame, pc) == TRAP_FRAME_PC);
STATIC_ASSERT(offsetof(struct trap_frame, pstate) == TRAP_FRAME_PSTATE);
STATIC_ASSERT(offsetof(struct trap_frame, first_argument) == TRAP_FRAME_FIRST_ARGUMENT);
STATIC_ASSERT(offsetof(struct trap_frame, number) == TRAP_FRAME_NUMBER);
STATIC_ASSERT(offsetof(struct trap_frame, syndrome) == TRAP_FRAME_SYNDROME);
STATIC_ASSERT(offsetof(struct trap_frame, address) == TRAP_FRAME_ADDRESS);
STATIC_ASSERT(offsetof(struct trap_frame, record) == TRAP_FRAME_RECORD);
STATIC_ASSERT(USER_END == 1UL << 48); /* usercopy.S */

/* Exception classes. */
enum {
	CLASS_UNKNOWN = 0x00,
	CLASS_ILLEGAL_STATE = 0x0e,
	CLASS_SVE = 0x19,
	CLASS_FETCH_USER = 0x20,
	CLASS_FETCH = 0x21,
	CLASS_PC_ALIGNMENT = 0x22,
	CLASS_DATA_USER = 0x24,
	CLASS_DATA = 0x25,
	CLASS_SP_ALIGNMENT = 0x26,
	CLASS_FPU = 0x2c,
	CLASS_BREAKPOINT_USER = 0x30,
	CLASS_STEP_USER = 0x32,
	CLASS_WATCHPOINT_USER = 0x34,
	CLASS_BRK = 0x3c,
};

/* What an abort says: bits of the syndrome, and the kind of its fault, whose low two bits are the table's level. */
#define ABORT_WRITE       (1UL << 6)
#define ABORT_MAINTENANCE (1UL << 8) /* cache maintenance, which says "write" */
enum {
	ABORT_KIND = 0x3c,
	ABORT_TRANSLATION = 0x04,
	ABORT_ACCESS_FLAG = 0x08,
	ABORT_PERMISSION = 0x0c,
	ABORT_STATUS = 0x3f,
	ABORT_ALIGNMENT = 0x21,
};

static unsigned class_of(const struct trap_frame *frame)
{
	return (unsigned)(frame->syndrome >> EXCEPTION_CLASS_SHIFT) & 0x3f;
}

static bool is_abort(const struct trap_frame *frame)
{
	unsigned class = class_of(frame);

	return class == CLASS_DATA || class == CLASS_DATA_USER || class == CLASS_FETCH ||
	       class == CLASS_FETCH_USER;
}

/* A program's addresses may have a tag in their top byte, which is not part of them. */
static vaddr_t fault_address(const struct trap_frame *frame)
{
	return frame->address & 1UL << 55 ? frame->address
					  : frame->address & ((1UL << 56) - 1);
}

static const char *name_of(const struct trap_frame *frame)
{
	switch (class_of(frame)) {
	case CLASS_UNKNOWN:
		return "undefined instruction";
	case CLASS_ILLEGAL_STATE:
		return "illegal state";
	case CLASS_FETCH:
	case CLASS_DATA:
		return (frame->syndrome & ABORT_STATUS) == ABORT_ALIGNMENT
			       ? "alignment fault"
			       : "page fault";
	case CLASS_PC_ALIGNMENT:
	case CLASS_SP_ALIGNMENT:
		return "alignment fault";
	case CLASS_BRK:
		return "breakpoint";
	default:
		return "exception";
	}
}

static noreturn_ void trap_panic(const struct trap_frame *f)
{
	log_error("pc  %016lx sp  %016lx pstate %08lx", f->pc, f->sp, f->pstate);
	for (unsigned i = 0; i < 28; i += 4) {
		log_error("x%-2u %016lx x%-2u %016lx x%-2u %016lx x%-2u %016lx", i,
			  f->regs[i], i + 1, f->regs[i + 1], i + 2, f->regs[i + 2], i + 3,
			  f->regs[i + 3]);
	}
	log_error("x28 %016lx x29 %016lx x30 %016lx", f->regs[28], f->regs[29],
		  f->regs[30]);
	panic("%s in the kernel at %016lx, syndrome %#lx, address %016lx", name_of(f),
	      f->pc, f->syndrome, f->address);
}

void trap_bad(struct trap_frame *frame)
{
	log_error("an exception that can not be: syndrome %#lx", frame->syndrome);
	trap_panic(frame);
}

/* The frame is on the emergency stack (S2). */
void trap_no_stack(struct trap_frame *frame)
{
	vaddr_t top;

	if (kernel_stack_is_guard(frame->sp - TRAP_FRAME_SIZE, &top) ||
	    kernel_stack_is_guard(frame->sp - 1, &top)) {
		panic("kernel stack overflow: stack of %p, %lu bytes deep, at pc %016lx",
		      (void *)top, top - frame->sp, frame->pc);
	}
	if (frame->sp - TRAP_FRAME_SIZE - (vaddr_t)boot_stack < PAGE_SIZE) {
		panic("kernel stack overflow: the boot stack, at pc %016lx", frame->pc);
	}
	trap_panic(frame);
}

static void take_fixup(struct trap_frame *frame, const struct exception_entry *entry)
{
	if (entry == NULL) {
		trap_panic(frame);
	}
	frame->pc = exception_fixup(entry);
}

static bool is_page_fault(const struct trap_frame *frame)
{
	u64 kind = frame->syndrome & ABORT_KIND;

	return is_abort(frame) && (kind == ABORT_TRANSLATION ||
				   kind == ABORT_ACCESS_FLAG || kind == ABORT_PERMISSION);
}

static unsigned fault_access(const struct trap_frame *frame)
{
	unsigned class = class_of(frame), access = FAULT_READ;

	if (class == CLASS_FETCH || class == CLASS_FETCH_USER) {
		access = FAULT_EXECUTE;
	} else if ((frame->syndrome & (ABORT_WRITE | ABORT_MAINTENANCE)) == ABORT_WRITE) {
		access = FAULT_WRITE;
	}
	return access |
	       ((frame->syndrome & ABORT_KIND) == ABORT_PERMISSION ? FAULT_PRESENT : 0);
}

/* What a CPU with hardware for it would have done by itself. */
static bool was_first_access(const struct trap_frame *frame)
{
	return (frame->syndrome & ABORT_KIND) == ABORT_ACCESS_FLAG &&
	       vm_mark_accessed(fault_address(frame));
}

/*
 * Nobody is told of rights that are given (arch_vm_replace()): what this CPU remembers may be older, and would refuse the same access for
 * ever. QEMU walks the tables again by itself.
 */
static void forget_what_refused(const struct trap_frame *frame)
{
	if ((frame->syndrome & ABORT_KIND) == ABORT_PERMISSION &&
	    fault_address(frame) < USER_END) {
		tlb_forget_page_here(fault_address(frame));
	}
}

static void remember_trap(const struct trap_frame *frame, vaddr_t address)
{
	struct arch_thread *thread = arch_current();

	thread->trap_syndrome = frame->syndrome;
	thread->trap_address = address;
}

/* A page of the kernel's that was mapped after this CPU had looked for it. order.kernel_map: pairs with pte_publish_kernel() */
static bool is_mapped_now(const struct trap_frame *frame)
{
	const pte_t *entry = NULL;
	vaddr_t address = frame->address;

	if ((frame->syndrome & ABORT_KIND) == ABORT_TRANSLATION &&
	    address >= KERNEL_MAP_BASE && address < KERNEL_MAP_END) {
		entry = kernel_map_entry(address);
	}
	return entry != NULL && *entry & PTE_VALID;
}

/* A fault of the kernel's own code: on behalf of a copy from or to user memory, or a mistake. */
static void kernel_page_fault(struct trap_frame *frame)
{
	const struct exception_entry *entry = exception_find(frame->pc);
	bool may_sleep = !(frame->pstate & DAIF_INTERRUPTS) && arch_preempt_count() == 0;
	vaddr_t address = fault_address(frame);
	int error = -EFAULT;

	if (is_mapped_now(frame)) {
		return;
	}
	if (entry != NULL && address < USER_END && was_first_access(frame)) {
		return;
	}
	if (entry != NULL && entry->kind == EXCEPTION_MAY_FAULT_IN &&
	    address < USER_END) {
		/* A copy under a spinlock fails in release builds. */
		DEBUG_ASSERT(may_sleep || lock_check_free());
		if (may_sleep) {
			arch_irq_enable();
			error = entry_page_fault(frame, address, fault_access(frame));
			arch_irq_disable();
		}
	}
	if (error != 0) {
		take_fixup(frame, entry);
	}
}

static void interrupt(void)
{
	u32 token;
	unsigned line;

	while ((line = gic_take(&token)) < GIC_NONE) {
		if (line == alarm_line) {
			alarm_quiet();
			gic_end(token);
			entry_timer_interrupt();
		} else if (line == GIC_SGI_RESCHEDULE) {
			gic_end(token);
			entry_reschedule_interrupt();
		} else if (line == GIC_SGI_CALL) {
			gic_end(token);
			cpu_call_poll();
		} else {
			entry_device_interrupt(line);
			gic_end(token);
		}
	}
}

void trap_interrupt_in_kernel(struct trap_frame *frame)
{
	unsigned base = lock_check_interrupt_begin();

	interrupt();
	lock_check_interrupt_end(base);
	entry_interrupt_exit();
}

void trap_interrupt_in_user(struct trap_frame *frame)
{
	interrupt();
}

void trap_from_kernel(struct trap_frame *frame)
{
	if (is_page_fault(frame)) {
		forget_what_refused(frame);
		kernel_page_fault(frame);
	} else {
		take_fixup(frame, exception_find(frame->pc));
	}
}

struct user_trap {
	int signal, code;
	vaddr_t address;
};

/* Bits 0 … 4 of the syndrome, if bit 23 says that they are true. */
static int fpu_code(u64 syndrome)
{
	static const int codes[] = {FPE_FLTINV, FPE_FLTDIV, FPE_FLTOVF, FPE_FLTUND,
				    FPE_FLTRES};

	for (unsigned i = 0; i < ARRAY_SIZE(codes) && syndrome & 1UL << 23; i++) {
		if (syndrome & 1UL << i) {
			return codes[i];
		}
	}
	return FPE_FLTUNK;
}

static struct user_trap abort_trap(const struct trap_frame *frame)
{
	bool alignment = (frame->syndrome & ABORT_STATUS) == ABORT_ALIGNMENT;

	return (struct user_trap){SIGBUS, alignment ? BUS_ADRALN : BUS_OBJERR,
				  fault_address(frame)};
}

static struct user_trap user_trap_of(const struct trap_frame *frame)
{
	switch (class_of(frame)) {
	case CLASS_FETCH_USER:
	case CLASS_DATA_USER:
		return abort_trap(frame);
	case CLASS_PC_ALIGNMENT:
		return (struct user_trap){SIGBUS, BUS_ADRALN, frame->pc};
	case CLASS_SP_ALIGNMENT:
		return (struct user_trap){SIGBUS, BUS_ADRALN, frame->sp};
	case CLASS_FPU:
		return (struct user_trap){SIGFPE, fpu_code(frame->syndrome), frame->pc};
	case CLASS_BREAKPOINT_USER:
	case CLASS_WATCHPOINT_USER:
		return (struct user_trap){SIGTRAP, TRAP_HWBKPT, frame->pc};
	case CLASS_STEP_USER:
		return (struct user_trap){SIGTRAP, TRAP_TRACE, frame->pc};
	case CLASS_BRK:
		return (struct user_trap){SIGTRAP, TRAP_BRKPT, frame->pc};
	default:
		return (struct user_trap){SIGILL, ILL_ILLOPC, frame->pc};
	}
}

static void user_page_fault(struct trap_frame *frame)
{
	vaddr_t address = fault_address(frame);

	if (was_first_access(frame)) {
		return;
	}
	remember_trap(frame, address);
	arch_irq_enable();
	/* If it can not be resolved the signal is on its way already. */
	(void)entry_page_fault(frame, address, fault_access(frame));
	arch_irq_disable();
}

/* Linux ends a program for which there is no memory. */
static void first_sve_use(struct trap_frame *frame)
{
	arch_irq_enable();
	if (sve_first_use(arch_current()) != 0) {
		entry_user_exception(frame, SIGKILL, SI_KERNEL, 0);
	}
	arch_irq_disable();
}

void trap_from_user_mode(struct trap_frame *frame)
{
	struct user_trap what;

	if (is_page_fault(frame)) {
		forget_what_refused(frame);
		user_page_fault(frame);
		return;
	}
	if (class_of(frame) == CLASS_SVE && sve_longest() != 0) {
		first_sve_use(frame);
		return;
	}
	what = user_trap_of(frame);
	remember_trap(frame, what.address);
	arch_irq_enable();
	entry_user_exception(frame, what.signal, what.code, what.address);
	arch_irq_disable();
}
