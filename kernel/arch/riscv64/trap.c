// SPDX-License-Identifier: MIT
/*
 * What comes through the door of entry.S: exceptions become signals, page faults or panics; interrupts go to who owns them.
 *
 * Interrupts are off at the door. A handler for user mode turns them on where it may sleep, and leaves with
 * them off, as return_to_user expects.
 */
#include "arch/trap.h"
#include "arch/common/exception_table.h"
#include "arch/common/page_table.h"
#include "arch/cpu.h"
#include "arch/entry.h"
#include "arch/impl/cpu_local.h"
#include "arch/irq.h"
#include "arch/riscv64/asm_offsets.h"
#include "arch/riscv64/instructions.h"
#include "arch/riscv64/port.h"
#include "arch/thread.h"
#include "core/lock_check.h"
#include "core/log.h"
#include "core/panic.h"
#include "lib/errno.h"
#include "mm/kernel_stack.h"
#include <asm/siginfo.h>
#include <asm/signal.h>

const struct arch_interrupt_name arch_timer_interrupt = {
	"TMR", "RISC-V INTC 5 Edge riscv-timer"};
const struct arch_interrupt_name arch_reschedule_interrupt = {"IPI0",
							      "Rescheduling interrupts"};

STATIC_ASSERT(sizeof(struct trap_frame) == TRAP_FRAME_SIZE);
STATIC_ASSERT(offsetof(struct trap_frame, regs) == TRAP_FRAME_PC && TRAP_FRAME_PC == 0);
STATIC_ASSERT(offsetof(struct trap_frame, status) == TRAP_FRAME_STATUS);
STATIC_ASSERT(offsetof(struct trap_frame, cause) == TRAP_FRAME_CAUSE);
STATIC_ASSERT(offsetof(struct trap_frame, address) == TRAP_FRAME_ADDRESS);
STATIC_ASSERT(offsetof(struct trap_frame, first_argument) == TRAP_FRAME_FIRST_ARGUMENT);
STATIC_ASSERT(offsetof(struct trap_frame, number) == TRAP_FRAME_NUMBER);
STATIC_ASSERT(offsetof(struct trap_frame, record) == TRAP_FRAME_RECORD);
STATIC_ASSERT(offsetof(struct paging, user_end) == 0); /* usercopy.S */

#define CAUSE_INTERRUPT (1UL << 63)
enum { CAUSE_SOFTWARE = 1, CAUSE_TIMER = 5, CAUSE_EXTERNAL = 9 };
enum {
	CAUSE_FETCH_ALIGNMENT,
	CAUSE_FETCH_ACCESS,
	CAUSE_INSTRUCTION,
	CAUSE_BREAKPOINT,
	CAUSE_LOAD_ALIGNMENT,
	CAUSE_LOAD_ACCESS,
	CAUSE_STORE_ALIGNMENT,
	CAUSE_STORE_ACCESS,
	CAUSE_FETCH_PAGE = 12,
	CAUSE_LOAD_PAGE = 13,
	CAUSE_STORE_PAGE = 15,
};

static const char *const cause_names[] = {
	"misaligned fetch",
	"fetch access fault",
	"illegal instruction",
	"breakpoint",
	"misaligned load",
	"load access fault",
	"misaligned store",
	"store access fault",
	[CAUSE_FETCH_PAGE] = "page fault of a fetch",
	[CAUSE_LOAD_PAGE] = "page fault of a load",
	[CAUSE_STORE_PAGE] = "page fault of a store",
};

static noreturn_ void trap_panic(const struct trap_frame *f)
{
	static const char names[32][4] = {
		"pc", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
		"a1", "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
		"s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
	const char *name =
		f->cause < ARRAY_SIZE(cause_names) ? cause_names[f->cause] : NULL;

	for (unsigned i = 0; i < 32; i += 4) {
		log_error("%-3s %016lx %-3s %016lx %-3s %016lx %-3s %016lx", names[i],
			  f->regs[i], names[i + 1], f->regs[i + 1], names[i + 2],
			  f->regs[i + 2], names[i + 3], f->regs[i + 3]);
	}
	panic("%s in the kernel at %016lx, cause %#lx, status %#lx, address %016lx",
	      name != NULL ? name : "trap", f->regs[0], f->cause, f->status, f->address);
}

/* The frame is on the emergency stack (S2). */
void trap_no_stack(struct trap_frame *frame)
{
	u64 sp = frame->regs[REGISTER_SP];
	vaddr_t top;

	/* From here on this is the stack: a backtrace may fault. */
	arch_current()->stack_limit =
		(vaddr_t)cpu_local_current()->flags.emergency_top - EMERGENCY_STACK_SIZE;
	if (kernel_stack_is_guard(sp - TRAP_FRAME_SIZE, &top) ||
	    kernel_stack_is_guard(sp - 1, &top)) {
		panic("kernel stack overflow: stack of %p, %lu bytes deep, at pc %016lx",
		      (void *)top, top - sp, frame->regs[0]);
	}
	if (sp - TRAP_FRAME_SIZE - (vaddr_t)boot_stack < PAGE_SIZE) {
		panic("kernel stack overflow: the boot stack, at pc %016lx",
		      frame->regs[0]);
	}
	trap_panic(frame);
}

static void take_fixup(struct trap_frame *frame, const struct exception_entry *entry)
{
	if (entry == NULL) {
		trap_panic(frame);
	}
	frame->regs[0] = exception_fixup(entry);
}

static bool is_page_fault(const struct trap_frame *frame)
{
	return frame->cause == CAUSE_FETCH_PAGE || frame->cause == CAUSE_LOAD_PAGE ||
	       frame->cause == CAUSE_STORE_PAGE;
}

/* Whether a page is there the CPU does not say. A store often meets one that may be read only. */
static unsigned fault_access(const struct trap_frame *frame)
{
	switch (frame->cause) {
	case CAUSE_FETCH_PAGE:
		return FAULT_EXECUTE;
	case CAUSE_STORE_PAGE:
		return FAULT_WRITE | FAULT_PRESENT;
	default:
		return FAULT_READ;
	}
}

/* What another CPU would have done by itself: mark the page, or look again at an entry that was not there before. */
static bool was_first_access(const struct trap_frame *frame)
{
	u64 access = frame->cause == CAUSE_FETCH_PAGE   ? PTE_EXECUTE
		     : frame->cause == CAUSE_STORE_PAGE ? PTE_WRITE
							: PTE_READ;

	return vm_mark_accessed(frame->address, access);
}

/* A fault of the kernel's own code: on behalf of a copy from or to user memory, or a mistake. */
static void kernel_page_fault(struct trap_frame *frame)
{
	const struct exception_entry *entry = exception_find(frame->regs[0]);
	bool may_sleep = frame->status & STATUS_SPIE && arch_preempt_count() == 0;
	int error = -EFAULT;

	/* Mapped since this CPU looked? order.kernel_map: pairs with pte_publish_kernel() */
	if (kernel_page_is_mapped(frame->address) && frame->cause != CAUSE_FETCH_PAGE &&
	    cpu_local_current()->kernel_map_seen != atomic_load(&kernel_map_changes)) {
		cpu_local_current()->kernel_map_seen = atomic_load(&kernel_map_changes);
		flush_tlb();
		return;
	}
	if (entry != NULL && frame->address < USER_END && was_first_access(frame)) {
		return;
	}
	if (entry != NULL && entry->kind == EXCEPTION_MAY_FAULT_IN &&
	    frame->address < USER_END) {
		/* A copy under a spinlock fails in release builds. */
		DEBUG_ASSERT(may_sleep || lock_check_free());
		if (may_sleep) {
			arch_irq_enable();
			error = entry_page_fault(frame, frame->address,
						 fault_access(frame));
			arch_irq_disable();
		}
	}
	if (error != 0) {
		take_fixup(frame, entry);
	}
}

static void interrupt(u64 cause)
{
	switch (cause & ~CAUSE_INTERRUPT) {
	case CAUSE_SOFTWARE:
		cpu_software_interrupt();
		break;
	case CAUSE_TIMER:
		alarm_quiet();
		entry_timer_interrupt();
		break;
	case CAUSE_EXTERNAL:
		plic_interrupt();
		break;
	default:
		log_warning("interrupt: cause %lu is nobody's", cause & ~CAUSE_INTERRUPT);
	}
}

void trap_from_kernel(struct trap_frame *frame)
{
	if (frame->cause & CAUSE_INTERRUPT) {
		unsigned base = lock_check_interrupt_begin();

		interrupt(frame->cause);
		lock_check_interrupt_end(base);
		entry_interrupt_exit();
	} else if (is_page_fault(frame)) {
		kernel_page_fault(frame);
	} else {
		take_fixup(frame, exception_find(frame->regs[0]));
	}
}

struct user_trap {
	int signal, code;
	vaddr_t address;
};

static struct user_trap user_trap_of(const struct trap_frame *frame)
{
	switch (frame->cause) {
	case CAUSE_FETCH_ALIGNMENT:
	case CAUSE_LOAD_ALIGNMENT:
	case CAUSE_STORE_ALIGNMENT:
		return (struct user_trap){SIGBUS, BUS_ADRALN, frame->address};
	case CAUSE_FETCH_ACCESS:
	case CAUSE_LOAD_ACCESS:
	case CAUSE_STORE_ACCESS:
		return (struct user_trap){SIGSEGV, SEGV_ACCERR, frame->address};
	case CAUSE_BREAKPOINT:
		return (struct user_trap){SIGTRAP, TRAP_BRKPT, frame->regs[0]};
	default:
		return (struct user_trap){SIGILL, ILL_ILLOPC, frame->regs[0]};
	}
}

static void user_page_fault(struct trap_frame *frame)
{
	if (was_first_access(frame)) {
		return;
	}
	arch_irq_enable();
	/* If it can not be resolved the signal is on its way already. */
	(void)entry_page_fault(frame, frame->address, fault_access(frame));
	arch_irq_disable();
}

void trap_from_user_mode(struct trap_frame *frame)
{
	struct user_trap what;

	if (frame->cause & CAUSE_INTERRUPT) {
		interrupt(frame->cause);
	} else if (is_page_fault(frame)) {
		user_page_fault(frame);
	} else if (frame->cause != CAUSE_INSTRUCTION || !vector_first_use(frame)) {
		what = user_trap_of(frame);
		arch_irq_enable();
		entry_user_exception(frame, what.signal, what.code, what.address);
		arch_irq_disable();
	}
}
