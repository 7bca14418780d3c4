// SPDX-License-Identifier: MIT
/*
 * A thread's context: its first stack frame, the switch, TLS registers and arch_prctl(2).
 *
 * The user's frame lies at the top of the kernel stack. Below it, while the thread does not run, what switch_stacks() pushed.
 * While it runs its fs and gs bases and FPU state are in the CPU, the user's gs base in the "other" gs register.
 */
#include "arch/thread.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/trap.h"
#include "arch/usercopy.h"
#include "arch/x86_64/cpu_local.h"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/port.h"
#include "core/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <asm/prctl.h>

struct switch_frame {
	u64 r15, r14, r13, r12, rbx, rbp;
	u64 return_address;
};

#define USER_FLAGS (X86_FLAG_INTERRUPTS | 2)

struct trap_frame *arch_thread_user_frame(struct arch_thread *thread)
{
	return (struct trap_frame *)(thread->stack_top - sizeof(struct trap_frame));
}

static struct switch_frame *first_frame(struct arch_thread *thread, vaddr_t stack_top,
					vaddr_t at, void (*start)(void))
{
	struct switch_frame *frame = (struct switch_frame *)(at - sizeof(*frame));

	memset(thread, 0, sizeof(*thread));
	memset(frame, 0, sizeof(*frame));
	frame->return_address = (u64)start;
	thread->stack_top = stack_top;
	thread->stack_pointer = (u64)frame;
	return frame;
}

void arch_thread_init_kernel(struct arch_thread *thread, vaddr_t stack_top,
			     void (*entry)(void *argument), void *argument)
{
	/* 16 bytes stay free: thread_start_kernel finds the stack aligned. */
	struct switch_frame *frame =
		first_frame(thread, stack_top, stack_top - 16, thread_start_kernel);

	frame->rbx = (u64)entry;
	frame->r12 = (u64)argument;
}

static int add_fpu_area(struct arch_thread *thread)
{
	thread->fpu = heap_allocate(fpu_area_size());
	if (thread->fpu == NULL) {
		return -ENOMEM;
	}
	ASSERT(IS_ALIGNED((vaddr_t)thread->fpu, 64UL));
	fpu_reset_area(thread->fpu);
	return 0;
}

/* The user's gs base, while its thread is in the kernel. Interrupts off. */
static u64 read_user_gs(void)
{
	u64 value;

	if (!cpu_features.fsgsbase) {
		return read_msr(MSR_KERNEL_GS_BASE);
	}
	__asm__ volatile("swapgs; rdgsbase %0; swapgs" : "=r"(value)::"memory");
	return value;
}

static void write_user_gs(u64 value)
{
	if (cpu_features.fsgsbase) {
		__asm__ volatile("swapgs; wrgsbase %0; swapgs" ::"r"(value) : "memory");
	} else {
		write_msr(MSR_KERNEL_GS_BASE, value);
	}
}

static u64 read_user_fs(void)
{
	u64 value;

	if (!cpu_features.fsgsbase) {
		return read_msr(MSR_FS_BASE);
	}
	__asm__ volatile("rdfsbase %0" : "=r"(value));
	return value;
}

static void write_user_fs(u64 value)
{
	if (cpu_features.fsgsbase) {
		__asm__ volatile("wrfsbase %0" ::"r"(value) : "memory");
	} else {
		write_msr(MSR_FS_BASE, value);
	}
}

int arch_thread_init_clone(struct arch_thread *thread, vaddr_t stack_top,
			   const struct trap_frame *parent, vaddr_t user_stack)
{
	struct arch_thread *self = arch_current();
	struct trap_frame *frame = (struct trap_frame *)(stack_top - sizeof(*frame));
	u64 flags;
	int error;

	first_frame(thread, stack_top, (vaddr_t)frame, thread_start_user);
	error = add_fpu_area(thread);
	if (error != 0) {
		return error;
	}
	*frame = *parent;
	frame->rax = 0;
	frame->rsp = user_stack != 0 ? user_stack : parent->rsp;
	flags = arch_irq_save();
	if (self->fpu != NULL) {
		fpu_save_full(thread->fpu);
	}
	thread->fs_base = read_user_fs();
	thread->gs_base = read_user_gs();
	thread->block = self->block;
	arch_irq_restore(flags);
	return 0;
}

static void clear_user_frame(struct trap_frame *frame, vaddr_t ip, vaddr_t sp)
{
	memset(frame, 0, sizeof(*frame));
	frame->number = -1;
	frame->vector = TRAP_VECTOR_SYSCALL;
	frame->rip = frame->rcx = ip;
	frame->rsp = sp;
	frame->rflags = frame->r11 = USER_FLAGS;
	frame->cs = USER_CS;
	frame->ss = USER_DS;
}

int arch_thread_init_user(struct arch_thread *thread, vaddr_t stack_top, vaddr_t ip,
			  vaddr_t sp)
{
	struct trap_frame *frame = (struct trap_frame *)(stack_top - sizeof(*frame));

	first_frame(thread, stack_top, (vaddr_t)frame, thread_start_user);
	clear_user_frame(frame, ip, sp);
	return add_fpu_area(thread);
}

void arch_thread_fini(struct arch_thread *thread)
{
	heap_free(thread->fpu);
	thread->fpu = NULL;
}

void arch_thread_adopt(struct arch_thread *thread, vaddr_t stack_top)
{
	struct cpu_local *cpu = cpu_local_current();

	memset(thread, 0, sizeof(*thread));
	thread->stack_top = stack_top != 0 ? stack_top : (vaddr_t)boot_stack_top;
	cpu->current = thread;
	cpu->kernel_stack = cpu->tss.rsp[0] = thread->stack_top;
}

static void save_user_registers(struct arch_thread *thread)
{
	if (thread->fpu == NULL) {
		return;
	}
	thread->fs_base = read_user_fs();
	thread->gs_base = read_user_gs();
	if (thread->fpu_detached == 0) {
		fpu_save(thread->fpu);
	}
}

static void load_user_registers(struct arch_thread *thread)
{
	if (thread->fpu == NULL) {
		return;
	}
	write_user_fs(thread->fs_base);
	write_user_gs(thread->gs_base);
	if (thread->fpu_detached == 0) {
		(void)fpu_restore(thread->fpu);
	}
}

struct arch_thread *arch_switch(struct arch_thread *prev, struct arch_thread *next)
{
	struct cpu_local *cpu = cpu_local_current();

	save_user_registers(prev);
	load_user_registers(next);
	cpu->current = next;
	cpu->kernel_stack = cpu->tss.rsp[0] = next->stack_top;
	return switch_stacks(&prev->stack_pointer, next->stack_pointer, prev);
}

int arch_thread_prepare_exec(struct arch_thread *thread)
{
	return thread->fpu != NULL ? 0 : add_fpu_area(thread);
}

void arch_thread_exec(struct arch_thread *thread, struct trap_frame *frame, vaddr_t ip,
		      vaddr_t sp)
{
	u64 flags = arch_irq_save();

	clear_user_frame(frame, ip, sp);
	fpu_reset_area(thread->fpu);
	(void)fpu_restore(thread->fpu);
	thread->fpu_detached = 0;
	write_user_fs(0);
	write_user_gs(0);
	thread->block = 0;
	thread->trap_number = 0;
	thread->trap_error = thread->trap_address = 0;
	arch_irq_restore(flags);
}

static bool base_allowed(u64 value)
{
	return value < USER_END;
}

int arch_thread_set_tls(struct arch_thread *thread, u64 value)
{
	u64 flags;

	if (!base_allowed(value)) {
		return -EPERM;
	}
	flags = arch_irq_save();
	thread->fs_base = value;
	if (thread == arch_current()) {
		write_user_fs(value);
	}
	arch_irq_restore(flags);
	return 0;
}

u64 arch_thread_get_tls(const struct arch_thread *thread)
{
	return thread == arch_current() ? read_user_fs() : thread->fs_base;
}

static int set_gs(struct arch_thread *thread, u64 value)
{
	u64 flags;

	if (!base_allowed(value)) {
		return -EPERM;
	}
	flags = arch_irq_save();
	thread->gs_base = value;
	if (thread == arch_current()) {
		write_user_gs(value);
	}
	arch_irq_restore(flags);
	return 0;
}

/* Interrupts off. */
static u64 gs_of(const struct arch_thread *thread)
{
	return thread == arch_current() ? read_user_gs() : thread->gs_base;
}

/* A program that has set none has none, by what it is told. */
static u64 get_gs(const struct arch_thread *thread)
{
	u64 flags = arch_irq_save();
	u64 value = gs_of(thread);

	arch_irq_restore(flags);
	return value == thread->block ? 0 : value;
}

void arch_thread_set_block(struct arch_thread *thread, vaddr_t block)
{
	u64 flags = arch_irq_save();

	if (gs_of(thread) == thread->block) {
		thread->gs_base = block;
		if (thread == arch_current()) {
			write_user_gs(block);
		}
	}
	thread->block = block;
	arch_irq_restore(flags);
}

static int give(u64 address, u64 value)
{
	return arch_copy_to_user((void __user *)address, &value, sizeof(value)) ? -EFAULT
										: 0;
}

int arch_thread_prctl(struct arch_thread *thread, int code, u64 address)
{
	switch (code) {
	case ARCH_SET_FS:
		return arch_thread_set_tls(thread, address);
	case ARCH_GET_FS:
		return give(address, arch_thread_get_tls(thread));
	case ARCH_SET_GS:
		return set_gs(thread, address);
	case ARCH_GET_GS:
		return give(address, get_gs(thread));
	default:
		return -EINVAL;
	}
}

u64 arch_thread_saved_ip(const struct arch_thread *thread)
{
	const struct switch_frame *frame = (const void *)thread->stack_pointer;

	return frame->return_address;
}

u64 arch_thread_saved_fp(const struct arch_thread *thread)
{
	const struct switch_frame *frame = (const void *)thread->stack_pointer;

	return frame->rbp;
}

void arch_backtrace(u64 frame_pointer, void (*visit)(void *context, u64 address),
		    void *context)
{
	u64 frame = frame_pointer != 0 ? frame_pointer : (u64)__builtin_frame_address(0);
	u64 next, address;

	for (unsigned depth = 0; depth < 64; depth++) {
		if (frame < PHYSICAL_MAP_BASE || !IS_ALIGNED(frame, 8UL) ||
		    kernel_read_u64(&next, frame) != 0 ||
		    kernel_read_u64(&address, frame + 8) != 0) {
			return;
		}
		if (address < KERNEL_IMAGE_BASE) {
			return;
		}
		visit(context, address);
		/* Chains lead upward, but for the step from an emergency stack to the thread's. */
		frame = next;
	}
}
