// SPDX-License-Identifier: MIT
/*
 * Thread contexts over fibres, and starting virtual CPUs. User threads: user.c.
 */
#include "arch/thread.h"
#include "arch/entry.h"
#include "arch/irq.h"
#include "host.h"
#include "lib/errno.h"
#include <stdio.h>
#include <stdlib.h>

#pragma weak entry_thread_started

struct start {
	void (*entry)(void *argument);
	void *argument;
};

static void start_thread(void *argument)
{
	struct start start = *(struct start *)argument;

	free(argument);
	entry_thread_started(host_cpu_now->switched_from);
	start.entry(start.argument);
}

void arch_thread_init_kernel(struct arch_thread *thread, vaddr_t stack_top,
			     void (*entry)(void *argument), void *argument)
{
	struct start *start = malloc(sizeof(*start));

	start->entry = entry;
	start->argument = argument;
	thread->stack_top = stack_top;
	thread->fibre = host_fibre_create(start_thread, start);
}

void arch_thread_adopt(struct arch_thread *thread, vaddr_t stack_top)
{
	thread->stack_top = stack_top;
	thread->fibre = host_fibre_adopt();
	thread->fibre->cpu = (int)host_cpu_now->number;
	host_cpu_now->fibre = thread->fibre;
	host_cpu_now->current = thread;
}

void arch_thread_fini(struct arch_thread *thread)
{
	if (thread->fibre) {
		host_fibre_free(thread->fibre);
		thread->fibre = NULL;
	}
	free(thread->frame);
	thread->frame = NULL;
}

struct arch_thread *arch_switch(struct arch_thread *prev, struct arch_thread *next)
{
	struct host_cpu *cpu = host_cpu_now;

	if (prev != cpu->current || cpu->irqs_enabled || cpu->preempt_count != 1 ||
	    next->fibre->cpu != -1) {
		fprintf(stderr,
			"host: bad switch on CPU %u: irqs %d, preempt count %u, next is "
			"on CPU %d\n",
			cpu->number, cpu->irqs_enabled, cpu->preempt_count,
			next->fibre->cpu);
		abort();
	}
	prev->fibre->cpu = -1;
	next->fibre->cpu = (int)cpu->number;
	cpu->fibre = next->fibre;
	cpu->current = next;
	cpu->switched_from = prev;
	host_fibre_switch(prev->fibre, next->fibre);
	return host_cpu_now->switched_from;
}

int arch_thread_prepare_exec(struct arch_thread *thread)
{
	return -ENOSYS;
}

/* Programs of tests have no register to find it by. */
void arch_thread_set_block(struct arch_thread *thread, vaddr_t block)
{
}

int arch_thread_set_tls(struct arch_thread *thread, u64 value)
{
	thread->tls = value;
	return 0;
}

u64 arch_thread_get_tls(const struct arch_thread *thread)
{
	return thread->tls;
}

int arch_thread_prctl(struct arch_thread *thread, int code, u64 address)
{
	return -ENOSYS;
}

long arch_thread_option(struct arch_thread *thread, int option, u64 argument)
{
	return -EINVAL;
}

u64 arch_thread_saved_ip(const struct arch_thread *thread)
{
	return 0;
}

u64 arch_thread_saved_fp(const struct arch_thread *thread)
{
	return 0;
}

unsigned arch_cpus_present(void)
{
	return host_machine.cpus;
}

static void start_cpu(void *argument)
{
	entry_cpu_started(host_cpu_now->number);
}

#pragma weak entry_cpu_started

int arch_cpu_start(unsigned cpu, struct arch_thread *idle, void (*pass_time)(void))
{
	struct host_cpu *target = &host_cpus[cpu];

	if (cpu >= host_machine.cpus || target->started) {
		return -EIO;
	}
	arch_thread_fini(
		idle); /* what arch_thread_init_kernel() made is not where it begins */
	idle->fibre = host_fibre_create(start_cpu, NULL);
	idle->fibre->cpu = (int)cpu;
	*target = (struct host_cpu){
		.number = cpu,
		.started = true,
		.timer_deadline = NSEC_NEVER,
		.current = idle,
		.fibre = idle->fibre,
	};
	return 0;
}
