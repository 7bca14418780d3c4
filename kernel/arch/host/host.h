// SPDX-License-Identifier: MIT
/*
 * Private to the host port. Everything is used by one host thread; nothing needs a
 * lock.
 */
#pragma once

#include "arch/smp.h"
#include "arch/thread.h"
#include "lib/types.h"

enum { HOST_CPUS_MAX = 64 };

/* Of thread contexts that run. A fibre is on one virtual CPU at most. */
struct host_fibre {
	void *stack_pointer;
	void *stack;
	size_t stack_size;
	void (*entry)(void *argument);
	void *argument;
	int cpu; /* it is that CPU's fibre; -1: none's */
	struct host_fibre *next_free;
};

struct host_cpu {
	unsigned number;
	u32 preempt_count;
	bool need_reschedule, irqs_enabled;
	bool started, halted, stopped;
	u32 pending; /* 1 << enum arch_ipi */
	nsec_t timer_deadline;
	struct arch_thread *current;
	struct host_fibre *fibre;
	struct arch_thread *switched_from;
	struct arch_vm *active_vm;
};

struct host_machine {
	bool running;
	unsigned cpus;
	u64 seed, random_state;
	nsec_t now, step;
	u64 steps, steps_max;
	int blocks_left; /* basic blocks until the next switch point */
	int blocks_mean;
};

extern struct host_machine host_machine;
extern struct host_cpu host_cpus[HOST_CPUS_MAX];
extern struct host_cpu *host_cpu_now;

/* fibre.c */
struct host_fibre *host_fibre_create(void (*entry)(void *argument), void *argument);
struct host_fibre *host_fibre_adopt(void); /* of the running context */
void host_fibre_free(struct host_fibre *fibre);
void host_fibre_switch(struct host_fibre *from, struct host_fibre *to);

/* cpu.c */
void host_switch_point(bool leave);
_Noreturn void host_end(int status);
