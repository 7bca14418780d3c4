// SPDX-License-Identifier: MIT
/* Between the files of signal/. */
#pragma once

#include "process/signal/signal.h"

#define SIGNALS_STOPPING                                                   \
	(SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | \
	 SIGNAL_BIT(SIGTTOU))

/* The next signal in `mask` out of one queue; *used: its entry, to be destroyed outside the lock. signal_lock held. */
int signal_take_from_queue(struct signal_queue *queue, signal_mask mask, siginfo_t *info,
			   struct queued_signal **used);
/* The action for `signal`; handlers must exist. signal_lock held. */
struct signal_action signal_action_of(struct process *process, int signal);
/* SIGCONT was sent: whatever stops is over. signal_lock held. */
void signal_continue_locked(struct process *process);
/* The running thread takes part in a stop: sleeps until it is over. signal_lock held at entry, not at return. */
void signal_begin_stop_locked(struct process *process, int signal)
	MUST_HOLD(&process->signal_lock);
void signal_stop_here(struct thread *thread);
