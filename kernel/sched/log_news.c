// SPDX-License-Identifier: MIT
/*
 * Telling readers of the log that it grew.
 *
 * Anything may log, also who holds the very locks that waking takes. So news only notes that it came and asks for an
 * interrupt of this CPU; the interrupt comes when none of those locks can be held, and wakes. `due` is set before the
 * interrupt is asked for: log_news_deliver() finds it (tests/model/log_news_model.c).
 */
#include "sched/log_news.h"

#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/smp.h"
#include "core/log.h"
#include <linux/eventpoll.h>
#include <stdatomic.h>

static struct wait_queue readers;
static _Atomic bool due;

static void note_news(void)
{
	u64 flags = arch_irq_save();

	atomic_store(&due, true);
	arch_ipi_send(arch_cpu_number(), IPI_RESCHEDULE);
	arch_irq_restore(flags);
}

struct wait_queue *log_news_queue(void)
{
	return &readers;
}

void log_news_init(void)
{
	wait_queue_init(&readers);
	log_set_news_hook(note_news);
}

void log_news_deliver(void)
{
	if (atomic_load_explicit(&due, memory_order_relaxed) &&
	    atomic_exchange(&due, false)) {
		wake_all(&readers, EPOLLIN | EPOLLRDNORM);
	}
}
