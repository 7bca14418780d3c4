// SPDX-License-Identifier: MIT
/* Starting the other CPUs: what common/smp.c and a port's smp.c are for each other. */
#pragma once

#include "lib/types.h"

struct arch_thread;
struct cpu_local;

/* The data of one more CPU, whose hardware_id is to be set; NULL: there are enough. At boot. */
struct cpu_local *smp_add_cpu(void);
/* It has reached C within `length`; pass_time() as arch_cpu_start() says. */
bool smp_wait_online(const struct cpu_local *cpu, nsec_t length, void (*pass_time)(void));

/* The port's: `cpu` is to begin with `idle`; `stacks`, zeroed: 1 << EMERGENCY_STACKS_ORDER pages. */
void smp_prepare(struct cpu_local *cpu, struct arch_thread *idle, char *stacks);
/* The port's: wake it. 0, or what the firmware has against it. */
s64 smp_wake(struct cpu_local *cpu, void (*pass_time)(void));
