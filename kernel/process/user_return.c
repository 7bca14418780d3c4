// SPDX-License-Identifier: MIT
/*
 * What the ports call upward: the way back to user mode, faults and exceptions.
 *
 * entry_user_return() is the one place where a thread that leaves the kernel is rescheduled, takes signals and ends. It
 * looks with interrupts off and acts with them on, until there is nothing left to do.
 */
#include "arch/cpu.h"
#include "arch/entry.h"
#include "arch/irq.h"
#include "arch/mmu.h"
#include "arch/trap.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/preempt.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "process/cpu_timers.h"
#include "process/current.h"
#include "process/pid.h"
#include "process/process.h"
#include "process/ptrace/ptrace.h"
#include "process/rseq.h"
#include "process/signal/signal.h"
#include "sched/sched.h"
#include "vm/vm_space.h"

/* R9: the page table this CPU uses is the running process's. */
static void check_address_space(const struct thread *thread)
{
	DEBUG_ASSERT(thread->process->vm);
	DEBUG_ASSERT(arch_vm_active() == &thread->process->vm->arch);
	DEBUG_ASSERT(thread->sched.vm == &thread->process->vm->arch);
}

static void write_own_number(struct thread *thread)
{
	pid_nr number = thread_number(thread);

	atomic_fetch_and(&thread->sched.return_work, ~(u32)RETURN_SET_TID);
	// A bad address is the program's own business, as in Linux.
	if (user_write(thread->set_tid, &number, sizeof(number))) {
		thread->set_tid = 0;
	}
}

static void do_return_work(struct thread *thread, struct trap_frame *frame)
{
	u32 work = atomic_fetch_and(&thread->sched.return_work,
				    ~(u32)(RETURN_SWITCHED | RETURN_OVERRUN));

	if (work & RETURN_RSEQ && rseq_return(frame)) {
		signal_force(SIGSEGV, SI_KERNEL, 0);
	}
	if (work & RETURN_BLOCK) {
		thread_block_set_cpu(thread->process->vm, &thread->block,
				     arch_cpu_number());
	}
	if (work & RETURN_OVERRUN) {
		signal_send_kernel(thread->process, SIGXCPU);
	}
	if (work & RETURN_CPU_TIMERS) {
		cpu_timers_check();
	}
}

static bool needs_signal_work(const struct thread *thread, const struct trap_frame *frame)
{
	s64 result;

	if (atomic_load_explicit(&thread->sched.breaks, memory_order_relaxed) ||
	    thread->signals.restore_blocked) {
		return true;
	}
	if (trap_syscall_number(frame) < 0) {
		return false;
	}
	result = (s64)trap_syscall_result(frame);
	return result <= -ERESTART && result >= -ERESTART_BLOCK;
}

static u32 return_work_of(const struct thread *thread)
{
	return atomic_load_explicit(&thread->sched.return_work, memory_order_relaxed);
}

/*
 * The order: a new thread's number is there before a handler can look; a call is restarted or not before rseq_return() may put the
 * thread elsewhere. RETURN_SWITCHED is looked for again and again; the timers once.
 */
static noinline_ void work_before_return(struct thread *thread, struct trap_frame *frame)
{
	bool worked = false;

	for (;;) {
		u32 work = return_work_of(thread);

		if (arch_need_reschedule()) {
			arch_irq_enable();
			sched_reschedule();
			arch_irq_disable();
		} else if (work & RETURN_TRACE) {
			arch_irq_enable();
			trace_syscall_exit(frame);
			arch_irq_disable();
		} else if (work & RETURN_SET_TID) {
			arch_irq_enable();
			write_own_number(thread);
			arch_irq_disable();
		} else if (needs_signal_work(thread, frame)) {
			arch_irq_enable();
			signal_handle(frame);
			arch_irq_disable();
		} else if ((work & RETURN_SWITCHED) || (work && !worked)) {
			worked = true;
			arch_irq_enable();
			do_return_work(thread, frame);
			arch_irq_disable();
		} else {
			break;
		}
	}
}

/* Mostly it was only switched in, and finds all as it was. */
static noinline_ void return_work(struct thread *thread, struct trap_frame *frame,
				  u32 work)
{
	if (work == RETURN_RSEQ && rseq_holds(thread)) {
		atomic_fetch_and(&thread->sched.return_work, ~(u32)RETURN_RSEQ);
	} else {
		work_before_return(thread, frame);
	}
}

void entry_user_return(struct trap_frame *frame)
{
	struct thread *thread = current_thread();
	u32 work = return_work_of(thread);

	/* And `breaks`. order.break: pairs with sched_nudge(), whose lock the switch to this thread took, or whose interrupt comes */
	if (unlikely(arch_need_reschedule() || needs_signal_work(thread, frame))) {
		work_before_return(thread, frame);
	} else if (unlikely(work)) {
		return_work(thread, frame, work);
	}
	check_address_space(thread);
	sched_account_user();
}

/* Memory ran out under a program: it ends, and says so in the log; the kernel goes on. */
static void out_of_memory(struct thread *thread, vaddr_t address)
{
	char name[THREAD_NAME_SIZE];

	thread_get_name(thread, name);
	log_error("out of memory: killed %s (pid %d) at %#lx", name,
		  pid_number_global(thread->process->pid), (unsigned long)address);
	signal_kill_current_process(SIGKILL);
}

static void log_fault(struct thread *thread, const struct trap_frame *frame,
		      vaddr_t address, unsigned access)
{
	char name[THREAD_NAME_SIZE];

	thread_get_name(thread, name);
	log_debug("%s[%d]: fault at %#lx ip %#lx sp %#lx access %u", name,
		  pid_number_global(thread->pid), (unsigned long)address,
		  (unsigned long)trap_ip(frame), (unsigned long)trap_sp(frame), access);
}

static void signal_fault(struct thread *thread, int err, int code, vaddr_t address)
{
	switch (err) {
	case -EIO:
		signal_force(SIGBUS, BUS_ADRERR, address);
		break;
	case -ENOMEM:
		out_of_memory(thread, address);
		break;
	default:
		signal_force(SIGSEGV, code ? code : SEGV_MAPERR, address);
	}
}

int entry_page_fault(struct trap_frame *frame, vaddr_t address, unsigned access)
{
	bool user = trap_from_user(frame);
	struct thread *thread;
	int code = 0;
	int err;

	if (user) {
		sched_account_system();
	}
	if (!current_is_user_thread() || address >= USER_END ||
	    (!user && !preempt_enabled())) {
		if (!user) {
			return -EFAULT;
		}
		signal_force(SIGSEGV, SEGV_MAPERR, address);
		return -EFAULT;
	}
	thread = current_thread();
	if (!thread->process->vm) {
		return -EFAULT;
	}
	err = vm_fault(thread->process->vm, address, access, &code);
	if (err == -ERESTART || err == -EAGAIN || err == -EINTR) {
		return user ? 0 : -EFAULT; // a signal comes first; the fault comes again
	}
	if (err && user) {
		log_fault(thread, frame, address, access);
		signal_fault(thread, err, code, address);
	}
	return err;
}

void entry_user_exception(struct trap_frame *frame, int signal, int code, vaddr_t address)
{
	sched_account_system();
	log_fault(current_thread(), frame, address, 0);
	if (signal == SIGTRAP && code == TRAP_TRACE && !trace_step_wanted()) {
		return;
	}
	signal_force(signal, code, address);
}
