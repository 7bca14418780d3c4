// SPDX-License-Identifier: MIT
/*
 * Per-CPU data: arrays with one cache-line aligned element a CPU.
 *
 *	DEFINE_PER_CPU(struct run_queue, run_queues);
 *	this_cpu(run_queues)->x		preemption or interrupts off
 *	per_cpu(run_queues, cpu)->x	the variable's own lock rules
 */
#pragma once

#include "arch/cpu.h"
#include "lib/compiler.h"
#include "lib/cpumask.h"

#define PER_CPU_TYPE(type, name) \
	struct name##_element {  \
		type value;      \
	} aligned_(CACHE_LINE)
#define DEFINE_PER_CPU(type, name) \
	PER_CPU_TYPE(type, name);  \
	static struct name##_element name[MAX_CPUS]
/* In a header, for a variable that another file defines: type name##_element name[MAX_CPUS]. */
#define DECLARE_PER_CPU(type, name) \
	PER_CPU_TYPE(type, name);   \
	extern struct name##_element name[MAX_CPUS]
#define per_cpu(name, cpu) (&(name)[cpu].value)
#define this_cpu(name)     per_cpu(name, arch_cpu_number())

/* CPUs found at boot, and those that run. Written during boot only. */
unsigned cpu_count(void);
void cpu_set_count(unsigned count);
