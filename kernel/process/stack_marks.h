// SPDX-License-Identifier: MIT
/* How deep threads were in their kernel stacks (S3): of one that lives, and the deepest there was. */
#pragma once

#include "process/thread.h"

struct pid_namespace;

struct stack_mark {
	char name[THREAD_NAME_SIZE]; /* of the thread */
	size_t bytes;                /* of KERNEL_STACK_SIZE */
};

/* Most bytes of its kernel stack that `thread` has used; 0: it has given the stack up. Takes its resource_lock. */
size_t thread_stack_mark(struct thread *thread);
/* The stack of a thread that has ended, or never ran, goes back. Not on that stack. */
void thread_give_stack(struct thread *thread);
/* The deepest of all threads that have ended and of those in `namespace` that live; not the kernel's own. Context: no spinlock held. */
void stack_mark_deepest(struct pid_namespace *namespace, struct stack_mark *out);
