// SPDX-License-Identifier: MIT
/*
 * Device interrupt lines and their handlers.
 *
 * Locks     registration_lock: adding handlers. The interrupt itself reads without lock: an entry's handler is
 *           published last, with release, and never changes again.
 */
#include "drivers/interrupt.h"
#include "arch/entry.h"
#include "arch/irq.h"
#include "core/log.h"
#include "core/percpu.h"
#include "core/spinlock.h"
#include "lib/errno.h"
#include <stdatomic.h>

enum { HANDLERS_PER_LINE = 4, UNCLAIMED_MAX = 100 };

typedef void (*interrupt_handler)(void *argument);

struct interrupt_line {
	_Atomic(interrupt_handler) handlers[HANDLERS_PER_LINE];
	void *arguments[HANDLERS_PER_LINE];
};

/* Written by the CPU, interrupts off. */
struct line_counts {
	u32 of[INTERRUPT_LINES];
};

static struct spinlock registration_lock =
	SPINLOCK_INIT(RANK_DRIVER, "registration_lock");
static struct interrupt_line lines[INTERRUPT_LINES];
DEFINE_PER_CPU(struct line_counts, counts);

static int add_handler(struct interrupt_line *line, interrupt_handler handler,
		       void *argument)
{
	int error = -ENOSPC;

	spin_lock(&registration_lock);
	for (unsigned i = 0; i < HANDLERS_PER_LINE; i++) {
		if (atomic_load_explicit(&line->handlers[i], memory_order_relaxed) ==
		    NULL) {
			line->arguments[i] = argument;
			/* order.handler: pairs with entry_device_interrupt() */
			atomic_store_explicit(&line->handlers[i], handler,
					      memory_order_release);
			error = 0;
			break;
		}
	}
	spin_unlock(&registration_lock);
	return error;
}

int interrupt_register(unsigned line, bool level_triggered, interrupt_handler handler,
		       void *argument)
{
	int error;

	if (line >= INTERRUPT_LINES) {
		return -EINVAL;
	}
	error = add_handler(&lines[line], handler, argument);
	return error != 0 ? error : arch_irq_line_enable(line, level_triggered);
}

u32 interrupt_count(unsigned line, unsigned cpu)
{
	return READ_ONCE(per_cpu(counts, cpu)->of[line]);
}

void entry_device_interrupt(unsigned number)
{
	bool handled = false;
	u32 *count;

	if (number >= INTERRUPT_LINES) {
		log_warning("interrupt: line %u is beyond all", number);
		return;
	}
	count = &this_cpu(counts)->of[number];
	WRITE_ONCE(*count, *count + 1);
	for (unsigned i = 0; i < HANDLERS_PER_LINE; i++) {
		/* order.handler: pairs with add_handler() */
		interrupt_handler handler = atomic_load_explicit(
			&lines[number].handlers[i], memory_order_acquire);

		if (handler != NULL) {
			handler(lines[number].arguments[i]);
			handled = true;
		}
	}
	if (!handled && *count <= UNCLAIMED_MAX) {
		log_warning("interrupt: line %u has no handler", number);
	}
}
