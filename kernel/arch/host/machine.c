// SPDX-License-Identifier: MIT
/*
 * The simulated machine's life: a process of its own, the boot in the kernel's order,
 * the test's thread, the end.
 */
#include "host/machine.h"
#include "arch/irq.h"
#include "host.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MEMORY_SIZE = 16 << 20 };

/* Defined by the rooms above: declaring is not including. */
void frame_init(void);
void heap_init(void);
void clock_init(void);
void timer_init_system(void);
void sched_init(void);
void sched_start_cpus(void);
_Noreturn void sched_idle(void);
struct sched_entity;
int sched_kernel_thread(const char *name, void (*entry)(void *), void *argument,
			struct sched_entity **out);

/* Of the unit-test kit. */
int unit_failures(void);
#pragma weak unit_failures

static void (*test)(void);
static int failures_before;

static int failures(void)
{
	return unit_failures ? unit_failures() - failures_before : 0;
}

static void main_thread(void *argument)
{
	sched_start_cpus();
	test();
	host_end(failures() ? HOST_FAILED : 0);
}

static _Noreturn void boot(unsigned cpus, u64 seed)
{
	host_machine.cpus = cpus;
	host_machine.seed = host_machine.random_state = seed;
	host_machine.blocks_mean = 1 << (host_random() % 9);
	host_machine.blocks_left = 1;
	host_machine.steps_max = 50 * 1000 * 1000;
	host_cpu_now->irqs_enabled = false;
	host_memory_init(MEMORY_SIZE);
	frame_init();
	heap_init();
	timer_init_system();
	clock_init();
	sched_init();
	host_machine.running = true;
	if (sched_kernel_thread("test", main_thread, NULL, NULL)) {
		abort();
	}
	sched_idle();
}

int host_machine_run(unsigned cpus, u64 seed, void (*run)(void))
{
	int status;
	pid_t child;

	fflush(stdout);
	fflush(stderr);
	child = fork();
	if (child == 0) {
		test = run;
		failures_before = failures();
		boot(cpus, seed);
	}
	if (child < 0 || waitpid(child, &status, 0) != child) {
		perror("host: fork");
		return HOST_FAILED;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int host_machine_explore(unsigned max_cpus, u64 first, u64 count, void (*run)(void))
{
	for (u64 seed = first; seed < first + count; seed++) {
		unsigned cpus = 1 + (unsigned)(seed % max_cpus);
		int status = host_machine_run(cpus, seed, run);

		if (status) {
			printf("host: seed %llu on %u CPUs: status %d\n",
			       (unsigned long long)seed, cpus, status);
			return status;
		}
	}
	return 0;
}

u64 host_seed_factor(void)
{
	const char *text = getenv("HEDDLE_SEEDS");

	return text && atoi(text) > 0 ? (u64)atoi(text) : 1;
}
