// SPDX-License-Identifier: MIT
/*
 * Vector state (T5): 32 registers of cpu_features.vlenb bytes each, vl, vtype, vstart and vcsr, of threads that use them.
 *
 * A thread begins with vectors off, and pays nothing for them. Its first vector instruction traps: then it gets an area. From
 * there on the field VS of the status in its user frame tells what is where:
 *
 *	off	there is no area
 *	initial	the reset state: nothing to save, and a reset to load
 *	clean	in the area; in the CPU too while the thread runs
 *	dirty	in the CPU alone; the CPU says so
 *
 * A system call leaves the reset state, as the calling convention has it (Linux: Documentation/arch/riscv/vector.rst). So most switches
 * have nothing to save, and a clone, which is a system call, has nothing to copy.
 *
 * Invariants
 *   V1  A thread has an area iff its frame does not say `off`. Only the thread itself changes that, and who ends it.
 *   V2  While a program runs with vectors on, what is in the CPU is its own: each switch to it loads or resets, and so does turning them on.
 */
#include "arch/cpu.h"
#include "arch/entry.h"
#include "arch/irq.h"
#include "arch/riscv64/asm_offsets.h"
#include "arch/riscv64/instructions.h"
#include "arch/riscv64/port.h"
#include "arch/thread.h"
#include "arch/trap.h"
#include "arch/usercopy.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/prctl.h>

#define BEGIN ".option push\n\t.option arch, +v\n\t"
#define END   "\n\t.option pop"

#define TYPE_ILLEGAL (1UL << 63) /* vtype: there is none */

u64 vector_read_width(void)
{
	u64 width;

	CSR_SET("sstatus", STATUS_VS);
	width = CSR_READ("vlenb");
	CSR_CLEAR("sstatus", STATUS_VS);
	return width;
}

size_t vector_registers_size(void)
{
	return 32 * cpu_features.vlenb;
}

/* vstart would have the stores begin in the middle. */
static void save(struct vector_area *area)
{
	u8 *at = area->registers;

	CSR_SET("sstatus", STATUS_VS);
	area->start = CSR_READ("vstart");
	area->length = CSR_READ("vl");
	area->type = CSR_READ("vtype");
	area->control = CSR_READ("vcsr");
	CSR_WRITE("vstart", 0);
	__asm__ volatile(BEGIN "vs8r.v v0, (%0)\n\tadd %0, %0, %1\n\t"
			       "vs8r.v v8, (%0)\n\tadd %0, %0, %1\n\t"
			       "vs8r.v v16, (%0)\n\tadd %0, %0, %1\n\t"
			       "vs8r.v v24, (%0)" END
			 : "+&r"(at)
			 : "r"(8 * cpu_features.vlenb)
			 : "memory");
	CSR_CLEAR("sstatus", STATUS_VS);
}

/* Whatever the user has written into the area, vsetvl makes of it what may be, and vstart and vcsr have no other bits. */
static void load(const struct vector_area *area)
{
	const u8 *at = area->registers;

	CSR_SET("sstatus", STATUS_VS);
	CSR_WRITE("vstart", 0);
	__asm__ volatile(BEGIN "vl8re64.v v0, (%0)\n\tadd %0, %0, %1\n\t"
			       "vl8re64.v v8, (%0)\n\tadd %0, %0, %1\n\t"
			       "vl8re64.v v16, (%0)\n\tadd %0, %0, %1\n\t"
			       "vl8re64.v v24, (%0)\n\t"
			       "vsetvl zero, %2, %3" END
			 : "+&r"(at)
			 : "r"(8 * cpu_features.vlenb), "r"(area->length), "r"(area->type)
			 : "memory");
	CSR_WRITE("vcsr", area->control);
	CSR_WRITE("vstart", area->start);
	CSR_CLEAR("sstatus", STATUS_VS);
}

static void reset(void)
{
	u64 unused;

	CSR_SET("sstatus", STATUS_VS);
	__asm__ volatile(BEGIN "vsetvli %0, zero, e8, m8, ta, ma\n\t"
			       "vmv.v.i v0, 0\n\tvmv.v.i v8, 0\n\t"
			       "vmv.v.i v16, 0\n\tvmv.v.i v24, 0\n\t"
			       "vsetvl %0, zero, %1" END
			 : "=&r"(unused)
			 : "r"(TYPE_ILLEGAL)
			 : "memory");
	CSR_WRITE("vcsr", 0);
	CSR_CLEAR("sstatus", STATUS_VS);
}

static void set_status(struct trap_frame *frame, u64 vectors)
{
	frame->status = (frame->status & ~STATUS_VS) | vectors;
}

void vector_leave(struct arch_thread *thread)
{
	struct trap_frame *frame = arch_thread_user_frame(thread);

	if ((frame->status & STATUS_VS) == STATUS_VS_DIRTY) {
		save(thread->vector);
		set_status(frame, STATUS_VS_CLEAN);
	}
}

void vector_enter(const struct arch_thread *thread)
{
	const struct trap_frame *frame =
		arch_thread_user_frame((struct arch_thread *)thread);

	if ((frame->status & STATUS_VS) == STATUS_VS_CLEAN) {
		load(thread->vector);
	} else {
		reset();
	}
}

void vector_discard(struct trap_frame *frame)
{
	if ((frame->status & STATUS_VS) != STATUS_VS_INITIAL) {
		reset();
		set_status(frame, STATUS_VS_INITIAL);
	}
}

void vector_drop(struct arch_thread *thread)
{
	heap_free(thread->vector);
	thread->vector = NULL;
}

struct vector_area *vector_settle(struct arch_thread *thread)
{
	struct trap_frame *frame = arch_thread_user_frame(thread);
	u64 flags = arch_irq_save();

	vector_leave(thread);
	if ((frame->status & STATUS_VS) == STATUS_VS_INITIAL) {
		memset(thread->vector, 0,
		       sizeof(*thread->vector) + vector_registers_size());
		thread->vector->type = TYPE_ILLEGAL;
	}
	arch_irq_restore(flags);
	return thread->vector;
}

void vector_take(struct arch_thread *thread)
{
	u64 flags = arch_irq_save();

	load(thread->vector);
	set_status(arch_thread_user_frame(thread), STATUS_VS_CLEAN);
	arch_irq_restore(flags);
}

void vector_begin_handler(struct arch_thread *thread)
{
	u64 flags = arch_irq_save();

	thread->vector->start = 0;
	CSR_SET("sstatus", STATUS_VS);
	CSR_WRITE("vstart", 0);
	CSR_CLEAR("sstatus", STATUS_VS);
	arch_irq_restore(flags);
}

/* ---- the first use ---- */

enum {
	OPCODE_LOAD_FP = 0x07,
	OPCODE_STORE_FP = 0x27,
	OPCODE_VECTOR = 0x57,
	OPCODE_VECTOR_CRYPTO = 0x77,
	OPCODE_SYSTEM = 0x73,
};

static bool is_vector_register(u32 number)
{
	return (number >= 0x008 && number <= 0x00a) || number == 0x00f ||
	       (number >= 0xc20 && number <= 0xc22);
}

/* Of the loads and stores the widths 1 to 4 are floating point's. */
static bool is_vector_instruction(u32 instruction)
{
	u32 function = instruction >> 12 & 7;

	switch (instruction & 0x7f) {
	case OPCODE_VECTOR:
	case OPCODE_VECTOR_CRYPTO:
		return true;
	case OPCODE_LOAD_FP:
	case OPCODE_STORE_FP:
		return function == 0 || function > 4;
	case OPCODE_SYSTEM:
		return function != 0 && function != 4 &&
		       is_vector_register(instruction >> 20);
	}
	return false;
}

/* The CPU may say which instruction it was, or 0. */
static bool was_vector_instruction(const struct trap_frame *frame)
{
	u32 instruction = (u32)frame->address;

	return (instruction != 0 ||
		arch_copy_from_user(&instruction, (const void __user *)frame->regs[0],
				    sizeof(instruction)) == 0) &&
	       is_vector_instruction(instruction);
}

static u8 control_now(u8 control)
{
	return control & PR_RISCV_V_VSTATE_CTRL_CUR_MASK;
}

/* Interrupts on. */
static bool first_use(struct arch_thread *thread, struct trap_frame *frame)
{
	struct vector_area *area;

	if (!was_vector_instruction(frame)) {
		return false;
	}
	area = heap_allocate(sizeof(*area) + vector_registers_size());
	if (area == NULL) {
		entry_user_exception(frame, SIGBUS, SI_KERNEL, 0);
		return true;
	}
	arch_irq_disable();
	thread->vector = area;
	reset();
	set_status(frame, STATUS_VS_INITIAL);
	arch_irq_enable();
	return true;
}

bool vector_first_use(struct trap_frame *frame)
{
	struct arch_thread *thread = arch_current();
	bool was_that;

	if (cpu_features.vlenb == 0 || (frame->status & STATUS_VS) != 0 ||
	    control_now(thread->vector_control) != PR_RISCV_V_VSTATE_CTRL_ON) {
		return false;
	}
	arch_irq_enable();
	was_that = first_use(thread, frame);
	arch_irq_disable();
	return was_that;
}

/* ---- who may use them ---- */

_Atomic bool vector_default = true;

u8 vector_next_control(u8 control)
{
	u8 next = (control & PR_RISCV_V_VSTATE_CTRL_NEXT_MASK) >> 2;
	u8 kept = control & PR_RISCV_V_VSTATE_CTRL_INHERIT
			  ? control & ~PR_RISCV_V_VSTATE_CTRL_CUR_MASK
			  : 0;

	if (next == PR_RISCV_V_VSTATE_CTRL_DEFAULT) {
		next = atomic_load(&vector_default) ? PR_RISCV_V_VSTATE_CTRL_ON
						    : PR_RISCV_V_VSTATE_CTRL_OFF;
	}
	return kept | next;
}

bool vector_for_next_program(void)
{
	return cpu_features.vlenb != 0 &&
	       control_now(vector_next_control(arch_current()->vector_control)) ==
		       PR_RISCV_V_VSTATE_CTRL_ON;
}

static long set_control(struct arch_thread *thread, u64 wanted)
{
	u8 old = control_now(thread->vector_control);
	u8 now = control_now((u8)wanted);

	if ((wanted & ~(u64)PR_RISCV_V_VSTATE_CTRL_MASK) != 0 ||
	    now > PR_RISCV_V_VSTATE_CTRL_ON) {
		return -EINVAL;
	}
	if (now == PR_RISCV_V_VSTATE_CTRL_OFF && old != PR_RISCV_V_VSTATE_CTRL_OFF) {
		return -EPERM;
	}
	if ((wanted & PR_RISCV_V_VSTATE_CTRL_NEXT_MASK) >> 2 >
	    PR_RISCV_V_VSTATE_CTRL_ON) {
		return -EINVAL;
	}
	if (now == PR_RISCV_V_VSTATE_CTRL_DEFAULT) {
		now = old;
	}
	thread->vector_control =
		(u8)((wanted & ~(u64)PR_RISCV_V_VSTATE_CTRL_CUR_MASK) | now);
	return 0;
}

long vector_option(struct arch_thread *thread, int option, u64 argument)
{
	if (cpu_features.vlenb == 0) {
		return -EINVAL;
	}
	switch (option) {
	case PR_RISCV_V_SET_CONTROL:
		return set_control(thread, argument);
	case PR_RISCV_V_GET_CONTROL:
		return thread->vector_control;
	}
	return -EINVAL;
}
