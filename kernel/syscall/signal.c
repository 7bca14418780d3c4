// SPDX-License-Identifier: MIT
/*
 * Signals: sending, waiting, masks, actions, stacks, return from handlers.
 */
#include "abi/signal_action.h"
#include "syscall/syscall.h"

#include "arch/signal.h"
#include "fs/file_table.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "process/job_control.h"
#include "process/pid.h"
#include "process/posix_timers.h"
#include "process/signal/alternate_stack.h"
#include "process/signal/group_signal.h"
#include "process/signal/signal.h"
#include "time/clock.h"
#include <asm/unistd.h>
#include <linux/signal.h>
#include <linux/time_types.h>

static bool signal_number_ok(int signal)
{
	return signal >= 0 && signal <= SIGNAL_COUNT;
}

/* To the process of that number, or whose thread has it. */
static long signal_number(pid_nr number, const siginfo_t *info)
{
	struct thread *thread = thread_find(number);
	long result = thread ? process_signal(thread->process, info) : -ESRCH;

	thread_put(thread);
	return result;
}

long sys_kill(const struct syscall_arguments *a)
{
	pid_nr target = (int)a->arg[0];
	int signal = (int)a->arg[1];
	struct pid *group;
	siginfo_t info uninitialized_;
	long result;

	if (!signal_number_ok(signal)) {
		return -EINVAL;
	}
	signal_information_user(&info, signal, SI_USER);
	if (target > 0) {
		return signal_number(target, &info);
	}
	if (target == -1) {
		return everybody_signal(&info);
	}
	if (target == INT32_MIN) {
		return -ESRCH;
	}
	group = target ? pid_find(-target) : job_control_get_group();
	result = group ? group_signal(group, &info) : -ESRCH;
	pid_put(group);
	return result;
}

/* One thread, of process `group` if that is not 0. */
static long send_to_thread(pid_nr group, pid_nr number, const siginfo_t *info)
{
	struct thread *thread;
	long result = -ESRCH;

	if (number <= 0 || group < 0 || !signal_number_ok(info->si_signo)) {
		return -EINVAL;
	}
	thread = thread_find(number);
	if (thread && (!group || process_number(thread->process) == group)) {
		result = thread_signal(thread, info);
	}
	thread_put(thread);
	return result;
}

long sys_tkill(const struct syscall_arguments *a)
{
	siginfo_t info uninitialized_;

	signal_information_user(&info, (int)a->arg[1], SI_TKILL);
	return send_to_thread(0, (int)a->arg[0], &info);
}

long sys_tgkill(const struct syscall_arguments *a)
{
	siginfo_t info uninitialized_;

	if ((int)a->arg[0] <= 0) {
		return -EINVAL;
	}
	signal_information_user(&info, (int)a->arg[2], SI_TKILL);
	return send_to_thread((int)a->arg[0], (int)a->arg[1], &info);
}

/* Information of the sender's own making: not what only the kernel says, unless it is for itself. */
static int read_information(siginfo_t *info, int signal, pid_nr target, vaddr_t from)
{
	int err = user_read(info, from, sizeof(*info));

	if (err) {
		return err;
	}
	info->si_signo = signal;
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) &&
	    target != process_number(current_process())) {
		return -EPERM;
	}
	return signal_number_ok(signal) ? 0 : -EINVAL;
}

long sys_rt_sigqueueinfo(const struct syscall_arguments *a)
{
	siginfo_t info;
	int err = read_information(&info, (int)a->arg[1], (int)a->arg[0], a->arg[2]);

	return err ? err : signal_number((int)a->arg[0], &info);
}

long sys_rt_tgsigqueueinfo(const struct syscall_arguments *a)
{
	siginfo_t info;
	int err = read_information(&info, (int)a->arg[2], (int)a->arg[0], a->arg[3]);

	if (err) {
		return err;
	}
	return (int)a->arg[0] <= 0
		       ? -EINVAL
		       : send_to_thread((int)a->arg[0], (int)a->arg[1], &info);
}

/* --- actions and masks --- */

static void swap_action(struct process *process, int signal,
			const struct signal_action *fresh, struct signal_action *old)
{
	bool ignored;
	u64 flags = spin_lock_irq(&process->signal_lock);
	struct signal_action *action = &process->handlers->action[signal - 1];

	spin_lock(&process->handlers->lock);
	*old = *action;
	if (fresh) {
		*action = *fresh;
	}
	spin_unlock(&process->handlers->lock);
	ignored = fresh && (fresh->handler == (u64)(uintptr_t)SIG_IGN ||
			    (fresh->handler == (u64)(uintptr_t)SIG_DFL &&
			     signal_default_action(signal) == DEFAULT_IGNORE));
	if (ignored) {
		struct thread *thread;

		signal_queue_flush(&process->shared_signals, SIGNAL_BIT(signal));
		for_each_thread(thread, process) {
			signal_queue_flush(&thread->signals.queue, SIGNAL_BIT(signal));
		}
	} else if (fresh) {
		posix_timers_wanted_locked(process, signal);
	}
	spin_unlock_irq(&process->signal_lock, flags);
}

long sys_rt_sigaction(const struct syscall_arguments *a)
{
	const u64 known = SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK |
			  SA_RESTART | SA_NODEFER | SA_RESETHAND | SA_RESTORER;
	int signal = (int)a->arg[0];
	struct signal_action fresh = {0}, old;
	u64 user[SIGNAL_ACTION_WORDS];
	int err = 0;

	if (a->arg[3] != sizeof(signal_mask)) {
		return -EINVAL;
	}
	if (a->arg[1]) {
		err = user_read(user, a->arg[1], sizeof(user));
		fresh.handler = user[SIGNAL_ACTION_HANDLER];
		fresh.flags = user[SIGNAL_ACTION_FLAGS] & known;
		fresh.restorer = SA_RESTORER ? user[SIGNAL_ACTION_RESTORER] : 0;
		fresh.mask = user[SIGNAL_ACTION_MASK] & ~SIGNALS_UNBLOCKABLE;
	}
	if (err) {
		return err;
	}
	if (signal < 1 || signal > SIGNAL_COUNT ||
	    (a->arg[1] && (SIGNAL_BIT(signal) & SIGNALS_UNBLOCKABLE))) {
		return -EINVAL;
	}
	swap_action(current_process(), signal, a->arg[1] ? &fresh : NULL, &old);
	if (!a->arg[2]) {
		return 0;
	}
	user[SIGNAL_ACTION_RESTORER] = old.restorer; /* or the mask's place */
	user[SIGNAL_ACTION_HANDLER] = old.handler;
	user[SIGNAL_ACTION_FLAGS] = old.flags;
	user[SIGNAL_ACTION_MASK] = old.mask;
	return user_write(a->arg[2], user, sizeof(user));
}

long sys_rt_sigprocmask(const struct syscall_arguments *a)
{
	signal_mask old = signal_blocked(), set;
	int err;

	if (a->arg[3] != sizeof(set)) {
		return -EINVAL;
	}
	if (a->arg[1]) {
		err = user_read(&set, a->arg[1], sizeof(set));
		if (err) {
			return err;
		}
		switch ((int)a->arg[0]) {
		case SIG_BLOCK:
			signal_set_blocked(old | set);
			break;
		case SIG_UNBLOCK:
			signal_set_blocked(old & ~set);
			break;
		case SIG_SETMASK:
			signal_set_blocked(set);
			break;
		default:
			return -EINVAL;
		}
	}
	return a->arg[2] ? user_write(a->arg[2], &old, sizeof(old)) : 0;
}

long sys_rt_sigpending(const struct syscall_arguments *a)
{
	struct thread *thread = current_thread();
	struct process *process = thread->process;
	signal_mask pending;
	u64 flags;

	if (a->arg[1] > sizeof(pending)) {
		return -EINVAL;
	}
	flags = spin_lock_irq(&process->signal_lock);
	pending = (thread->signals.queue.pending | process->shared_signals.pending) &
		  thread->signals.blocked;
	spin_unlock_irq(&process->signal_lock, flags);
	return user_write(a->arg[0], &pending, a->arg[1]);
}

long sys_rt_sigsuspend(const struct syscall_arguments *a)
{
	signal_mask mask;
	int err = signal_mask_from_user(&mask, a->arg[0], a->arg[1]);

	if (err) {
		return err;
	}
	signal_set_temporary_blocked(mask);
	(void)sched_sleep_until(NSEC_NEVER, THREAD_INTERRUPTIBLE);
	return -ERESTART_NO_HANDLER;
}

#ifdef __NR_pause
long sys_pause(const struct syscall_arguments *a)
{
	(void)sched_sleep_until(NSEC_NEVER, THREAD_INTERRUPTIBLE);
	return -ERESTART_NO_HANDLER;
}
#endif

/* Wait for one of `wanted`, which are blocked: for the length of the wait they are let through to wake us. */
static int wait_for_signal(signal_mask wanted, nsec_t deadline, siginfo_t *info)
{
	struct thread *thread = current_thread();
	struct process *process = thread->process;
	int signal = signal_dequeue(wanted, info);
	u64 flags;
	int slept;

	if (signal || deadline == 0) {
		return signal ? signal : -EAGAIN;
	}
	flags = spin_lock_irq(&process->signal_lock);
	thread->signals.waited = wanted;
	signal_recalculate_locked(thread);
	spin_unlock_irq(&process->signal_lock, flags);
	slept = sched_sleep_until(deadline, THREAD_INTERRUPTIBLE);
	flags = spin_lock_irq(&process->signal_lock);
	thread->signals.waited = 0;
	spin_unlock_irq(&process->signal_lock, flags);
	signal = signal_dequeue(wanted, info);
	if (signal) {
		return signal;
	}
	return slept ? -EINTR : -EAGAIN;
}

long sys_rt_sigtimedwait(const struct syscall_arguments *a)
{
	nsec_t deadline = NSEC_NEVER;
	struct __kernel_timespec timeout;
	signal_mask wanted;
	siginfo_t info;
	int signal, err = signal_mask_from_user(&wanted, a->arg[0], a->arg[3]);

	if (!err && a->arg[2]) {
		err = user_read(&timeout, a->arg[2], sizeof(timeout));
		if (!err) {
			err = timespec_to_nsec(&timeout, &deadline);
		}
		if (!err) {
			deadline = deadline ? nsec_add(clock_monotonic(), deadline) : 0;
		}
	}
	if (err) {
		return err;
	}
	signal = wait_for_signal(wanted & ~SIGNALS_UNBLOCKABLE, deadline, &info);
	if (signal > 0 && a->arg[1]) {
		err = user_write(a->arg[1], &info, sizeof(info));
	}
	return err ? err : signal;
}

/* --- stacks and the way back --- */

long sys_sigaltstack(const struct syscall_arguments *a)
{
	struct thread *thread = current_thread();
	u64 sp = trap_sp(a->frame);
	stack_t fresh, old;
	int err = 0;

	memset(&old, 0, sizeof(old));
	old.ss_sp = (void *)thread->alternate_stack;
	old.ss_size = thread->alternate_stack_size;
	old.ss_flags = (int)alternate_stack_flags(thread, sp);
	if (a->arg[0]) {
		err = user_read(&fresh, a->arg[0], sizeof(fresh));
		if (!err) {
			err = alternate_stack_set(thread, (u64)(uintptr_t)fresh.ss_sp,
						  fresh.ss_size, (u32)fresh.ss_flags, sp);
		}
	}
	if (!err && a->arg[1]) {
		err = user_write(a->arg[1], &old, sizeof(old));
	}
	return err;
}

long sys_rt_sigreturn(const struct syscall_arguments *a)
{
	struct thread *thread = current_thread();
	struct signal_restore restore;
	int err = arch_signal_return(&thread->sched.arch, a->frame, &restore);

	if (err) {
		signal_force(SIGSEGV, SI_KERNEL, 0);
		return 0;
	}
	signal_set_blocked(restore.blocked_mask);
	// As in Linux a bad alternate stack in the frame is not an error of the return.
	err = alternate_stack_set(thread, restore.alternate_base, restore.alternate_size,
				  restore.alternate_flags & ~(u32)SS_ONSTACK,
				  trap_sp(a->frame));
	(void)err;
	trap_set_syscall_number(a->frame, -1);
	return (long)trap_syscall_result(a->frame);
}

long sys_restart_syscall(const struct syscall_arguments *a)
{
	struct thread *thread = current_thread();

	return thread->restart ? thread->restart(thread) : -EINTR;
}
