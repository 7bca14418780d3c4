// SPDX-License-Identifier: MIT
/*
 * What a tracer asks for while its tracee is stopped (ptrace(2)), but for memory and registers.
 *
 * signal_lock keeps the tracee in its stop while one of these changes it.
 */
#include "process/ptrace/ptrace_internal.h"

#include "arch/registers.h"
#include "arch/thread.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "process/current.h"
#include <linux/ptrace.h>

#define OPTIONS_KNOWN (0xffu | PTRACE_O_EXITKILL)

static bool is_mine(const struct thread *thread)
{
	return thread->trace.tracer_thread == current_thread();
}

int trace_lock_stopped(struct thread *thread, u64 *flags) NO_THREAD_SAFETY
{
	struct process *process = thread->process;

	*flags = spin_lock_irq(&process->signal_lock);
	if (is_mine(thread) && thread->trace.stopped && !thread->trace.listening &&
	    !trace_is_doomed(thread)) {
		return 0;
	}
	spin_unlock_irq(&process->signal_lock, *flags);
	return -ESRCH;
}

void trace_unlock_stopped(struct thread *thread, u64 flags) NO_THREAD_SAFETY
{
	spin_unlock_irq(&thread->process->signal_lock, flags);
}

void trace_go_on_locked(struct thread *thread)
{
	thread->trace.stopped = thread->trace.listening = false;
	sched_wake_mask(&thread->sched, 1u << THREAD_TRACED);
}

void trace_notify_locked(struct thread *thread)
{
	struct thread_trace *trace = &thread->trace;

	if (!trace->seized || thread->exiting) {
		return;
	}
	trace->trap_notify = true;
	if (trace->stopped && trace->listening) {
		trace_go_on_locked(thread);
	}
	signal_recalculate_locked(thread);
}

static long resume(struct thread *thread, enum trace_resume how, u64 signal)
{
	u64 flags;
	long result;

	if (signal > SIGNAL_COUNT || (how == RESUME_STEP && !arch_step_is_there())) {
		return -EIO;
	}
	result = trace_lock_stopped(thread, &flags);
	if (!result) {
		thread->trace.code = (int)signal;
		thread->trace.resume = (u8)how;
		trace_go_on_locked(thread);
		trace_unlock_stopped(thread, flags);
	}
	return result;
}

static long detach(struct thread *thread, u64 signal)
{
	long result;
	u64 tree, flags;

	if (signal > SIGNAL_COUNT) {
		return -EIO;
	}
	tree = spin_lock_irq(&process_tree_lock);
	result = trace_lock_stopped(thread, &flags);
	if (!result) {
		thread->trace.code = (int)signal;
		trace_unlink_both_locked(thread);
		trace_unlock_stopped(thread, flags);
	}
	spin_unlock_irq(&process_tree_lock, tree);
	return result;
}

static long kill(struct thread *thread)
{
	siginfo_t info;

	if (!is_mine(thread)) {
		return -ESRCH;
	}
	signal_information_user(&info, SIGKILL, SI_USER);
	(void)signal_send(thread->process, thread, &info);
	return 0;
}

/* A seized thread stops soon, whatever it does. */
static long interrupt(struct thread *thread)
{
	struct thread_trace *trace = &thread->trace;
	long result = -EIO;
	u64 flags = spin_lock_irq(&thread->process->signal_lock);

	if (!is_mine(thread)) {
		result = -ESRCH;
	} else if (trace->seized && !thread->exiting) {
		trace->trap_stop = true;
		if (trace->stopped && trace->listening) {
			trace_go_on_locked(thread);
		}
		signal_recalculate_locked(thread);
		result = 0;
	}
	spin_unlock_irq(&thread->process->signal_lock, flags);
	return result;
}

static long listen(struct thread *thread)
{
	struct thread_trace *trace = &thread->trace;
	u64 flags;
	long result = trace_lock_stopped(thread, &flags);

	if (result) {
		return result;
	}
	if (!trace->seized || !trace->info ||
	    trace->info->si_code >> 8 != PTRACE_EVENT_STOP) {
		result = -EIO;
	} else {
		trace->listening = true;
		if (trace->trap_notify) {
			trace_go_on_locked(thread);
		}
	}
	trace_unlock_stopped(thread, flags);
	return result;
}

static long set_options(struct thread *thread, u64 options)
{
	u64 flags;
	long result;

	if (options & ~(u64)OPTIONS_KNOWN) {
		return -EINVAL;
	}
	result = trace_lock_stopped(thread, &flags);
	if (!result) {
		thread->trace.options = (u32)options;
		trace_unlock_stopped(thread, flags);
	}
	return result;
}

static long get_message(struct thread *thread, vaddr_t to)
{
	u64 flags, message;
	long result = trace_lock_stopped(thread, &flags);

	if (result) {
		return result;
	}
	message = thread->trace.message;
	trace_unlock_stopped(thread, flags);
	return user_write(to, &message, sizeof(message));
}

static long get_information(struct thread *thread, vaddr_t to)
{
	siginfo_t info;
	u64 flags;
	long result = trace_lock_stopped(thread, &flags);

	if (result) {
		return result;
	}
	if (thread->trace.info) {
		info = *thread->trace.info;
	} else {
		result = -EINVAL;
	}
	trace_unlock_stopped(thread, flags);
	return result ? result : user_write(to, &info, sizeof(info));
}

static long set_information(struct thread *thread, vaddr_t from)
{
	siginfo_t info;
	u64 flags;
	long result = user_read(&info, from, sizeof(info));

	if (!result) {
		result = trace_lock_stopped(thread, &flags);
	}
	if (result) {
		return result;
	}
	if (thread->trace.info) {
		*thread->trace.info = info;
	} else {
		result = -EINVAL;
	}
	trace_unlock_stopped(thread, flags);
	return result;
}

static long get_mask(struct thread *thread, u64 size, vaddr_t to)
{
	signal_mask mask;
	u64 flags;
	long result = size != sizeof(mask) ? -EINVAL : trace_lock_stopped(thread, &flags);

	if (result) {
		return result;
	}
	mask = thread->signals.restore_blocked ? thread->signals.saved_blocked
					       : thread->signals.blocked;
	trace_unlock_stopped(thread, flags);
	return user_write(to, &mask, sizeof(mask));
}

static long set_mask(struct thread *thread, u64 size, vaddr_t from)
{
	signal_mask mask;
	u64 flags;
	long result = signal_mask_from_user(&mask, from, size);

	if (!result) {
		result = trace_lock_stopped(thread, &flags);
	}
	if (!result) {
		thread->signals.blocked = mask & ~SIGNALS_UNBLOCKABLE;
		thread->signals.restore_blocked = false;
		trace_unlock_stopped(thread, flags);
	}
	return result;
}

static long check_stopped(struct thread *thread)
{
	u64 flags;
	long result = trace_lock_stopped(thread, &flags);

	if (!result) {
		trace_unlock_stopped(thread, flags);
	}
	return result;
}

/* Of those that only look at or change what the stop is about. */
static long stop_request(struct thread *thread, long request, u64 address, u64 data)
{
	switch (request) {
	case PTRACE_SETOPTIONS:
		return set_options(thread, data);
	case PTRACE_GETEVENTMSG:
		return get_message(thread, data);
	case PTRACE_GETSIGINFO:
		return get_information(thread, data);
	case PTRACE_SETSIGINFO:
		return set_information(thread, data);
	case PTRACE_GETSIGMASK:
		return get_mask(thread, address, data);
	case PTRACE_SETSIGMASK:
		return set_mask(thread, address, data);
	case PTRACE_GET_SYSCALL_INFO:
		return trace_syscall_information(thread, address, data);
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
		return trace_peek(thread, address, data);
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
		return trace_poke(thread, address, data);
	default:
		return trace_registers(thread, request, address, data);
	}
}

long trace_request(struct thread *thread, long request, u64 address, u64 data)
{
	long result;

	if (request == PTRACE_KILL) {
		return kill(thread);
	}
	if (request == PTRACE_INTERRUPT) {
		return interrupt(thread);
	}
	result = check_stopped(thread);
	if (result) {
		return result;
	}
	switch (request) {
	case PTRACE_CONT:
		return resume(thread, RESUME_FREE, data);
	case PTRACE_SYSCALL:
		return resume(thread, RESUME_TO_SYSCALL, data);
	case PTRACE_SINGLESTEP:
		return resume(thread, RESUME_STEP, data);
	case PTRACE_DETACH:
		return detach(thread, data);
	case PTRACE_LISTEN:
		return listen(thread);
	default:
		return stop_request(thread, request, address, data);
	}
}
