// SPDX-License-Identifier: MIT
/*
 * The end of the kernel (P4).
 *
 * The first CPU to panic owns the report; the others are told to stop and those that panic too
 * stop by themselves. From then on spinlocks no longer wait: a holder may have been stopped.
 */
#include "core/panic.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/smp.h"
#include "core/lock_check.h"
#include "core/log.h"
#include "core/percpu.h"
#include "lib/format.h"
#include <stdatomic.h>

enum { PANIC_STATUS = 255, BACKTRACE_MAX = 40 };

static _Atomic unsigned owner; /* CPU + 1; 0: all is well */
static void (*describe_thread)(char *to, size_t size);

bool panic_in_progress(void)
{
	return atomic_load_explicit(&owner, memory_order_relaxed) != 0;
}

void panic_set_describe_thread(void (*describe)(char *to, size_t size))
{
	describe_thread = describe;
}

static void visit(void *context, u64 address)
{
	unsigned *depth = context;

	if ((*depth)++ < BACKTRACE_MAX) {
		log_line(LOG_EMERGENCY, "  [%2u] %#lx", *depth - 1,
			 (unsigned long)address);
	}
}

static void stop_others(unsigned self)
{
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		if (cpu != self) {
			arch_ipi_send(cpu, IPI_STOP);
		}
	}
}

static void report(const char *message)
{
	char text[128] = "";
	unsigned depth = 0;

	log_line(LOG_EMERGENCY, "panic: %s", message);
	if (describe_thread) {
		describe_thread(text, sizeof(text));
	}
	log_line(LOG_EMERGENCY, "CPU %u, %s", arch_cpu_number(),
		 text[0] ? text : "no thread");
	log_line(LOG_EMERGENCY, "backtrace:");
	arch_backtrace(0, visit, &depth);
	lock_check_report(NULL);
}

noreturn_ void panic(const char *format, ...)
{
	char message[200];
	va_list args;
	unsigned self = arch_cpu_number(), nobody = 0;

	arch_irq_disable();
	if (!atomic_compare_exchange_strong(&owner, &nobody, self + 1)) {
		if (nobody == self + 1) {
			arch_machine_exit(PANIC_STATUS); /* a panic while reporting one */
		}
		arch_cpu_stop();
	}
	stop_others(self);
	va_start(args, format);
	format_string_v(message, sizeof(message), format, args);
	va_end(args);
	report(message);
	arch_machine_exit(PANIC_STATUS);
}

noreturn_ void assert_failed(const char *condition, const char *file, int line)
{
	panic("assertion failed: %s, %s:%d", condition, file, line);
}
