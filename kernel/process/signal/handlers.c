// SPDX-License-Identifier: MIT
/*
 * struct signal_handlers: the actions of a process, shared by CLONE_SIGHAND.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/resources.h"
#include "process/signal/signal.h"

OBJECT_CACHE(handlers_cache, signal_handlers);

int signal_handlers_create(struct signal_handlers **out)
{
	struct signal_handlers *handlers = object_allocate(&handlers_cache);

	if (!handlers) {
		return -ENOMEM;
	}
	handlers->users = 1;
	spin_init(&handlers->lock, RANK_SIGNAL_HANDLERS, "signal_handlers.lock");
	*out = handlers;
	return 0;
}

int signal_handlers_copy(struct signal_handlers *from, struct signal_handlers **out)
{
	int err = signal_handlers_create(out);

	if (!err) {
		u64 flags = spin_lock_irq(&from->lock);

		memcpy((*out)->action, from->action, sizeof(from->action));
		spin_unlock_irq(&from->lock, flags);
	}
	return err;
}

void signal_handlers_share(struct signal_handlers *handlers)
{
	atomic_fetch_add_explicit(&handlers->users, 1, memory_order_relaxed);
}

void signal_handlers_leave(struct signal_handlers *handlers)
{
	if (atomic_fetch_sub_explicit(&handlers->users, 1, memory_order_acq_rel) == 1) {
		object_free(&handlers_cache, handlers);
	}
}

void signal_handlers_reset(struct signal_handlers *handlers)
{
	u64 flags = spin_lock_irq(&handlers->lock);

	for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
		struct signal_action *action = &handlers->action[i];
		u64 handler = action->handler;

		*action = (struct signal_action){0};
		if (handler == (u64)(uintptr_t)SIG_IGN) {
			action->handler = handler;
		}
	}
	spin_unlock_irq(&handlers->lock, flags);
}
