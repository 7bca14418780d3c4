// SPDX-License-Identifier: MIT
/*
 * Acting on signals, on the way back to user mode: default actions, handlers' frames, restarted system calls.
 */
#include "process/signal/signal.h"

#include "abi/signal_action.h"
#include "arch/registers.h"
#include "arch/signal.h"
#include "arch/thread.h"
#include "arch/trap.h"
#include "arch/vdso.h"
#include "core/log.h"
#include "lib/errno.h"
#include "process/current.h"
#include "process/exit.h"
#include "process/job_control.h"
#include "process/ptrace/ptrace.h"
#include "process/rseq.h"
#include "process/signal/alternate_stack.h"
#include "process/signal/signal_internal.h"
#include "vm/vm_space.h"
#include <asm/unistd.h>

#define HANDLER_DEFAULT ((u64)(uintptr_t)SIG_DFL)
#define HANDLER_IGNORE  ((u64)(uintptr_t)SIG_IGN)

/* What the system call that was broken comes to, now that it is known whether a handler runs (and which). */
static void settle_syscall(struct thread *thread, struct trap_frame *frame,
			   const struct signal_action *handler)
{
	s64 number = trap_syscall_number(frame);
	s64 result = (s64)trap_syscall_result(frame);
	bool restart;

	if (number < 0 || result > -ERESTART || result < -ERESTART_BLOCK) {
		return;
	}
	switch (-result) {
	case ERESTART:
		restart = !handler || (handler->flags & SA_RESTART);
		break;
	case ERESTART_ALWAYS:
		restart = true;
		break;
	case ERESTART_BLOCK:
		restart = !handler;
		number = __NR_restart_syscall;
		break;
	case ERESTART_NO_HANDLER:
		restart = !handler;
		break;
	default:
		trap_set_syscall_number(frame, -1); // a tracer's word: no call has it
		return;
	}
	if (restart) {
		trap_restart_syscall(frame, number);
	} else {
		trap_set_syscall_result(frame, (u64)-EINTR);
		thread->restart = NULL;
	}
	trap_set_syscall_number(frame, -1);
}

/* The mask that was in force before a sigsuspend or ppoll, if one put another in its place. */
static signal_mask mask_to_restore(struct thread *thread)
{
	return thread->signals.restore_blocked ? thread->signals.saved_blocked
					       : thread->signals.blocked;
}

/* Where a handler returns to: the program says, or the port has a place in the vDSO. 0: nowhere. */
static u64 restorer_of(const struct signal_action *action)
{
	u64 offset = arch_vdso_sigreturn_offset(), vdso = current_vm()->vdso;

	if (action->flags & SA_RESTORER) {
		return action->restorer;
	}
	return offset && vdso ? vdso + offset : 0;
}

/* Run a handler: build its frame. On failure the program gets SIGSEGV, which ends it if that is what was to be handled. */
static void run_handler(struct thread *thread, struct trap_frame *frame,
			const siginfo_t *info, const struct signal_action *action)
{
	int signal = info->si_signo;
	struct signal_delivery delivery = {
		.signal = signal,
		.handler = action->handler,
		.restorer = restorer_of(action),
		.with_info = (action->flags & SA_SIGINFO) != 0,
		.blocked_mask = mask_to_restore(thread),
		.siginfo = info,
		.alternate_base = thread->alternate_stack,
		.alternate_size = thread->alternate_stack_size,
		.alternate_flags = alternate_stack_flags(thread, trap_sp(frame)),
	};

	settle_syscall(thread, frame, action);
	arch_step_set(&thread->sched.arch,
		      false); // what the frame has is the program's own
	alternate_stack_choose(thread, frame, action, &delivery);
	if (rseq_signal(frame) ||
	    arch_signal_deliver(&thread->sched.arch, frame, &delivery)) {
		if (signal == SIGSEGV) {
			signal_kill_current_process(SIGSEGV);
		} else {
			signal_force(SIGSEGV, SI_KERNEL, 0);
		}
		return;
	}
	thread->signals.restore_blocked = false;
	alternate_stack_delivered(thread);
	signal_set_blocked(thread->signals.blocked | action->mask |
			   (action->flags & SA_NODEFER ? 0 : SIGNAL_BIT(signal)));
	trace_handler(thread);
}

/* The default action. true: look for the next signal; otherwise this does not return. */
static void run_default(struct thread *thread, const siginfo_t *info)
{
	struct process *process = thread->process;
	int signal = info->si_signo;
	bool orphaned;
	u64 flags;

	switch (signal_default_action(signal)) {
	case DEFAULT_IGNORE:
		return;
	case DEFAULT_STOP:
		flags = spin_lock_irq(&process_tree_lock);
		orphaned = signal != SIGSTOP &&
			   group_is_orphaned_locked(process->group, NULL);
		spin_lock(&process->signal_lock);
		// Init of a namespace gets no SIGSTOP but one from outside.
		if (!orphaned && (signal == SIGSTOP || !process->immune)) {
			signal_begin_stop_locked(process, signal);
		}
		spin_unlock(&process->signal_lock);
		spin_unlock_irq(&process_tree_lock, flags);
		return;
	default:
		if (process->immune) {
			return;
		}
		process_exit(signal);
	}
}

enum { SIGNAL_SUPPRESSED = -1 };

/* The next signal and what to do about it; 0: none; SIGNAL_SUPPRESSED: a tracer wanted nothing done. signal_lock is taken. */
static int next_signal(struct thread *thread, siginfo_t *info,
		       struct signal_action *action)
{
	struct process *process = thread->process;
	int signal = signal_dequeue(~thread->signals.blocked, info);
	u64 flags;

	if (signal && signal != SIGKILL && thread_is_traced(thread)) {
		signal = trace_signal(thread, info);
		if (!signal) {
			return SIGNAL_SUPPRESSED;
		}
	}
	if (!signal) {
		return 0;
	}
	flags = spin_lock_irq(&process->signal_lock);
	spin_lock(&process->handlers->lock);
	*action = process->handlers->action[signal - 1];
	if ((action->flags & SA_RESETHAND) && action->handler != HANDLER_IGNORE &&
	    action->handler != HANDLER_DEFAULT) {
		process->handlers->action[signal - 1].handler = HANDLER_DEFAULT;
	}
	spin_unlock(&process->handlers->lock);
	spin_unlock_irq(&process->signal_lock, flags);
	return signal;
}

/* Must this thread end or stop, whatever else is pending? true: look again. */
static bool obey_process(struct thread *thread)
{
	struct process *process = thread->process;
	bool die, stop, news, trap;
	int status;
	u64 flags = spin_lock_irq(&process->signal_lock);

	die = process->group_exit ||
	      (process->exec_thread && process->exec_thread != thread);
	status = process->group_exit ? process->group_exit_status : 0;
	stop = process->stop.signal && (!thread->trace.tracer || !thread->stop_counted);
	trap = thread->trace.tracer &&
	       (stop || thread->trace.trap_stop || thread->trace.trap_notify);
	news = process->stop.notify_continue || process->stop.notify_stop;
	spin_unlock_irq(&process->signal_lock, flags);
	if (die) {
		thread_exit(status);
	}
	if (news) {
		signal_deliver_stop_news(process);
	}
	if (trap) {
		trace_trap(thread);
	} else if (stop) {
		signal_stop_here(thread);
	}
	return trap || stop;
}

void signal_handle(struct trap_frame *frame)
{
	struct thread *thread = current_thread();
	struct signal_action action;
	siginfo_t info;

	for (;;) {
		int signal;

		if (obey_process(thread)) {
			continue;
		}
		signal = next_signal(thread, &info, &action);
		if (!signal) {
			break;
		}
		if (signal == SIGNAL_SUPPRESSED || action.handler == HANDLER_IGNORE) {
			continue;
		}
		if (action.handler != HANDLER_DEFAULT) {
			run_handler(thread, frame, &info, &action);
			return; // what else is pending comes on top, when the caller looks again
		}
		run_default(thread, &info);
	}
	settle_syscall(thread, frame, NULL);
	if (thread->signals.restore_blocked) {
		thread->signals.restore_blocked = false;
		signal_set_blocked(thread->signals.saved_blocked);
	}
}
