// SPDX-License-Identifier: MIT
/*
 * For tests: the host port's memory and its simulated machine.
 *
 * Without a machine a test is CPU 0 with interrupts and preemption on, no scheduler,
 * and a clock that goes on with every look at it. Tests of the heap, of frames and
 * the like call host_memory_init(), then frame_init() and heap_init().
 *
 * host_machine_run() forks; the child becomes a machine of `cpus` virtual CPUs, boots
 * memory, clock, timers and scheduler, and calls `run` in a kernel thread once all
 * CPUs run. Virtual CPUs take turns on one host thread, at points chosen by `seed`,
 * which also says when interrupts come and how time goes: the same seed repeats the
 * same run exactly.
 */
#pragma once

#include "lib/types.h"

/* Physical memory of `size` bytes, described in boot_info. */
void host_memory_init(size_t size);

/*
 * 0: `run` returned and no test failed. 255: panic. HOST_DEADLOCK: every CPU idles
 * and no timer is pending. HOST_LIVELOCK: too many steps. Else: what the child ended
 * with; 128 + signal. Nothing of the kernel may have been initialised before.
 */
enum { HOST_DEADLOCK = 100, HOST_LIVELOCK = 101, HOST_FAILED = 102 };
int host_machine_run(unsigned cpus, u64 seed, void (*run)(void));
/*
 * Seeds first … first + count - 1, on 1 … max_cpus CPUs by the seed; prints the first
 * that fails. Its status, or 0.
 */
int host_machine_explore(unsigned max_cpus, u64 first, u64 count, void (*run)(void));

/* In the child. */
u64 host_seed(void);
u64 host_random(void); /* the machine's own, part of the seed's run */
void host_set_step(
	nsec_t mean); /* virtual time of one arch_cpu_relax(); default 200 ns */
void host_set_steps_max(u64 steps); /* before HOST_LIVELOCK; default 50 million */
nsec_t host_now(void);
/* Of a test's user thread, where a system call would return: takes signals, ends if it is killed. */
void host_user_return(void);
/* HEDDLE_SEEDS=n in the environment: n times as many seeds. */
u64 host_seed_factor(void);
