// SPDX-License-Identifier: MIT
/*
 * Signal masks and alternate stacks of the running thread.
 */
#include "process/signal/signal.h"

#include "arch/trap.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "process/current.h"
#include "process/signal/alternate_stack.h"
#include "process/signal/signal_internal.h"
#include "process/signal/temporary_mask.h"
#include <linux/signal.h>

void signal_set_blocked(signal_mask blocked)
{
	struct thread *thread = current_thread(), *other;
	struct process *process = thread->process;
	signal_mask newly, shared;
	u64 flags = spin_lock_irq(&process->signal_lock);

	blocked &= ~SIGNALS_UNBLOCKABLE;
	newly = blocked & ~thread->signals.blocked;
	thread->signals.blocked = blocked;
	signal_recalculate_locked(thread);
	// What we no longer take, and somebody else might have left to us.
	shared = process->shared_signals.pending & newly;
	if (shared) {
		for_each_thread(other, process) {
			if (other != thread && !other->exiting &&
			    (shared & ~other->signals.blocked)) {
				signal_recalculate_locked(other);
			}
		}
	}
	spin_unlock_irq(&process->signal_lock, flags);
}

signal_mask signal_blocked(void)
{
	return current_thread()->signals.blocked; // only we write it
}

void signal_set_temporary_blocked(signal_mask blocked)
{
	struct thread *thread = current_thread();

	if (!thread->signals.restore_blocked) {
		thread->signals.saved_blocked = thread->signals.blocked;
		thread->signals.restore_blocked = true;
	}
	signal_set_blocked(blocked);
}

int signal_mask_from_user(signal_mask *mask, vaddr_t from, u64 size)
{
	if (size != sizeof(*mask)) {
		return -EINVAL;
	}
	return user_read(mask, from, sizeof(*mask));
}

int signal_set_temporary_mask(vaddr_t mask, u64 size)
{
	signal_mask blocked;
	int err;

	if (!mask) {
		return 0;
	}
	err = signal_mask_from_user(&blocked, mask, size);
	if (!err) {
		signal_set_temporary_blocked(blocked);
	}
	return err;
}

long signal_end_temporary_mask(long result)
{
	struct thread *thread = current_thread();
	bool broken =
		result == -EINTR || (result <= -ERESTART && result >= -ERESTART_BLOCK);

	if (thread->signals.restore_blocked && !broken) {
		thread->signals.restore_blocked = false;
		signal_set_blocked(thread->signals.saved_blocked);
	}
	return result;
}

static bool is_on_alternate_stack(const struct thread *thread, u64 sp)
{
	if (thread->alternate_stack_flags & SS_AUTODISARM) {
		return false;
	}
	return sp > thread->alternate_stack &&
	       sp - thread->alternate_stack <= thread->alternate_stack_size;
}

u32 alternate_stack_flags(const struct thread *thread, u64 sp)
{
	u32 flags = thread->alternate_stack_flags & SS_AUTODISARM;

	if (!thread->alternate_stack_size) {
		return flags | SS_DISABLE;
	}
	return is_on_alternate_stack(thread, sp) ? flags | SS_ONSTACK : flags;
}

void alternate_stack_choose(const struct thread *thread, const struct trap_frame *frame,
			    const struct signal_action *action,
			    struct signal_delivery *delivery)
{
	if ((action->flags & SA_ONSTACK) && thread->alternate_stack_size &&
	    !is_on_alternate_stack(thread, trap_sp(frame))) {
		delivery->stack_base = thread->alternate_stack;
		delivery->stack_size = thread->alternate_stack_size;
	}
}

void alternate_stack_delivered(struct thread *thread)
{
	if (thread->alternate_stack_flags & SS_AUTODISARM) {
		thread->alternate_stack = thread->alternate_stack_size = 0;
		thread->alternate_stack_flags = SS_DISABLE;
	}
}

int alternate_stack_set(struct thread *thread, u64 base, u64 size, u32 flags, u64 sp)
{
	u32 mode = flags & ~(u32)SS_AUTODISARM;

	if (is_on_alternate_stack(thread, sp)) {
		return -EPERM;
	}
	if (mode != 0 && mode != SS_DISABLE && mode != SS_ONSTACK) {
		return -EINVAL;
	}
	if (mode == SS_DISABLE) {
		base = size = 0;
	} else if (size < MINSIGSTKSZ) {
		return -ENOMEM;
	}
	thread->alternate_stack = base;
	thread->alternate_stack_size = size;
	thread->alternate_stack_flags = flags;
	return 0;
}
