// SPDX-License-Identifier: MIT
/*
 * Virtual CPUs: whose turn it is, when interrupts come, how time goes.
 *
 *   H1  One virtual CPU executes at a time: host_cpu_now, on its fibre. The others are
 *       suspended in a switch point or in a halt.
 *   H2  A switch point is: let a little time pass; take a pending interrupt if interrupts
 *       are on; perhaps go on with another CPU. Kernel code comes by at basic blocks (a
 *       random number of them apart) and in spin loops.
 *   H3  The port's own code is never interrupted.
 *
 * Memory is sequentially consistent here. What weaker orders allow is for the models
 * (tests/model).
 */
#include "arch/cpu.h"
#include "arch/entry.h"
#include "arch/irq.h"
#include "arch/timer.h"
#include "host.h"
#include "host/machine.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Not there in a program without the rooms that define them. */
#pragma weak entry_timer_interrupt
#pragma weak entry_reschedule_interrupt
#pragma weak entry_interrupt_exit

/*
 * What arch_current() is before there is a scheduler: large enough for whoever embeds
 * it.
 */
static _Alignas(64) char boot_thread[16384];

enum { BLOCK_NS = 100 };

struct host_machine host_machine = {.cpus = 1, .step = 200};
struct host_cpu host_cpus[HOST_CPUS_MAX] = {
	[0] =
		{
			.started = true,
			.irqs_enabled = true,
			.timer_deadline = NSEC_NEVER,
			.current = (struct arch_thread *)boot_thread,
		},
};
struct host_cpu *host_cpu_now = &host_cpus[0];

u64 host_random(void)
{
	u64 mixed = host_machine.random_state += 0x9e3779b97f4a7c15ull;

	mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ull;
	mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebull;
	return mixed ^ (mixed >> 31);
}

_Noreturn void host_end(int status)
{
	fflush(stdout);
	fflush(stderr);
	_exit(status);
}

static _Noreturn void end_with(int status, const char *why)
{
	printf("host: %s (seed %llu, %u CPUs, %llu steps, %lld ns)\n", why,
	       (unsigned long long)host_machine.seed, host_machine.cpus,
	       (unsigned long long)host_machine.steps, (long long)host_machine.now);
	for (unsigned i = 0; i < host_machine.cpus; i++) {
		struct host_cpu *cpu = &host_cpus[i];

		printf("  cpu %u: started %d halted %d irqs %d preempt %u pending %#x\n",
		       i, cpu->started, cpu->halted, cpu->irqs_enabled,
		       cpu->preempt_count, cpu->pending);
	}
	host_end(status);
}

static bool interrupt_pending(const struct host_cpu *cpu)
{
	return cpu->pending || cpu->timer_deadline <= host_machine.now;
}

/* A halted CPU goes on when an interrupt is pending. */
static bool can_go_on(const struct host_cpu *cpu)
{
	return cpu->started && !cpu->stopped && (!cpu->halted || interrupt_pending(cpu));
}

/* All are halted: the next thing that happens is a timer. */
static void skip_to_next_timer(void)
{
	nsec_t next = NSEC_NEVER;

	for (unsigned i = 0; i < host_machine.cpus; i++) {
		if (host_cpus[i].started && host_cpus[i].timer_deadline < next) {
			next = host_cpus[i].timer_deadline;
		}
	}
	if (next == NSEC_NEVER) {
		end_with(HOST_DEADLOCK, "every CPU idles, and no timer is pending");
	}
	if (next > host_machine.now) {
		host_machine.now = next;
	}
}

static struct host_cpu *choose(bool not_self)
{
	struct host_cpu *candidates[HOST_CPUS_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < host_machine.cpus; i++) {
		struct host_cpu *cpu = &host_cpus[i];

		if (can_go_on(cpu) && !(not_self && cpu == host_cpu_now)) {
			candidates[count++] = cpu;
		}
	}
	return count ? candidates[host_random() % count] : NULL;
}

static void go_on_with(struct host_cpu *next)
{
	struct host_cpu *self = host_cpu_now;

	if (next != self) {
		host_cpu_now = next;
		host_fibre_switch(self->fibre, next->fibre);
	}
}

static void take_interrupts(void)
{
	while (host_cpu_now->irqs_enabled && interrupt_pending(host_cpu_now)) {
		struct host_cpu *cpu = host_cpu_now;

		cpu->irqs_enabled = false;
		if (cpu->pending & (1u << IPI_STOP)) {
			arch_cpu_stop();
		} else if (cpu->timer_deadline <= host_machine.now) {
			cpu->timer_deadline = NSEC_NEVER;
			if (entry_timer_interrupt) {
				entry_timer_interrupt();
			}
		} else {
			bool reschedule = cpu->pending & (1u << IPI_RESCHEDULE);

			cpu->pending = 0;
			if (reschedule && entry_reschedule_interrupt) {
				entry_reschedule_interrupt();
			}
		}
		if (entry_interrupt_exit) {
			entry_interrupt_exit();
		}
		host_cpu_now->irqs_enabled = true; /* perhaps another CPU by now */
	}
}

static void pass_time(nsec_t mean)
{
	host_machine.now += 1 + (nsec_t)(host_random() % (2 * (u64)mean));
	host_machine.blocks_left =
		1 + (int)(host_random() % (2 * (u64)host_machine.blocks_mean));
	if (++host_machine.steps > host_machine.steps_max) {
		end_with(HOST_LIVELOCK, "no end in sight");
	}
}

/* leave: let another CPU run if one can. */
void host_switch_point(bool leave)
{
	struct host_cpu *next;

	if (!host_machine.running) {
		return;
	}
	/*
	 * Spinning takes what the test says; other code is never so slow that
	 * interrupts eat all time.
	 */
	pass_time(leave ? host_machine.step : MIN(host_machine.step, (nsec_t)BLOCK_NS));
	take_interrupts();
	next = choose(leave);
	if (next) {
		go_on_with(next);
	}
	take_interrupts();
}

/* The compiler calls this at each basic block of kernel code. */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
	if (host_machine.running && --host_machine.blocks_left <= 0) {
		host_switch_point(false);
	}
}

unsigned host_cpu_number(void)
{
	return host_cpu_now->number;
}

void host_cpu_relax(void)
{
	if (!host_machine.running) {
		host_machine.now += host_machine.step;
	}
	host_switch_point(true);
}

u32 host_preempt_count(void)
{
	return host_cpu_now->preempt_count;
}

void host_preempt_add(s32 delta)
{
	host_cpu_now->preempt_count += (u32)delta;
}

bool host_need_reschedule(void)
{
	return host_cpu_now->need_reschedule;
}

void host_set_need_reschedule(bool due)
{
	host_cpu_now->need_reschedule = due;
}

struct arch_thread *host_current(void)
{
	return host_cpu_now->current;
}

bool host_irqs_enabled(void)
{
	return host_cpu_now->irqs_enabled;
}

bool host_irqs_set(bool enabled)
{
	bool before = host_cpu_now->irqs_enabled;

	host_cpu_now->irqs_enabled = enabled;
	if (enabled && !before && host_machine.running) {
		take_interrupts();
	}
	return before;
}

void arch_cpu_idle(void)
{
	struct host_cpu *self = host_cpu_now;

	if (!host_machine.running) {
		return;
	}
	self->halted = true;
	while (!interrupt_pending(self)) {
		struct host_cpu *next = choose(true);

		if (next) {
			go_on_with(next);
		} else {
			skip_to_next_timer();
		}
	}
	self->halted = false;
	self->irqs_enabled = true;
	take_interrupts();
	host_cpu_now->irqs_enabled = false;
}

noreturn_ void arch_cpu_stop(void)
{
	host_cpu_now->stopped = true;
	for (;;) {
		struct host_cpu *next = choose(true);

		if (!next) {
			host_end(255);
		}
		go_on_with(next);
	}
}

void arch_ipi_send(unsigned cpu, enum arch_ipi kind)
{
	if (cpu < HOST_CPUS_MAX && host_cpus[cpu].started) {
		host_cpus[cpu].pending |= 1u << kind;
	}
}

/* Simulated CPUs take turns: whoever asks finds the others between two steps, and none in user mode. */
void arch_interrupt_others(u64 cpus)
{
}

nsec_t arch_clock_read(void)
{
	if (!host_machine.running) {
		host_machine.now += 100;
	}
	return host_machine.now;
}

u64 arch_counter_read(void)
{
	return (u64)host_machine.now;
}

nsec_t arch_counter_time(u64 units)
{
	return (nsec_t)units;
}

void arch_timer_set(nsec_t deadline)
{
	host_cpu_now->timer_deadline = deadline;
}

void arch_clock_refine(void)
{
	/* It is exact. */
}

void arch_delay(nsec_t length)
{
	nsec_t end = host_machine.now + length;

	while (host_machine.now < end) {
		host_cpu_relax();
	}
}

nsec_t host_now(void)
{
	return host_machine.now;
}

u64 host_seed(void)
{
	return host_machine.seed;
}

void host_set_step(nsec_t mean)
{
	host_machine.step = mean;
}

void host_set_steps_max(u64 steps)
{
	host_machine.steps_max = steps;
}
