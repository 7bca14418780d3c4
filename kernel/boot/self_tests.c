// SPDX-License-Identifier: MIT
/*
 * Tests of the kernel in itself: what no program can provoke, or not before programs run.
 *
 *	heddle.test=threads		kernel threads on every CPU: preemption, sleeping, flushing, starting and ending, one clock
 *	heddle.test=stack-overflow	S2: ends in a panic that names the overflow; -interrupt behind it: the same in an interrupt
 *	heddle.test=panic		P4: ends in a panic
 *	heddle.test=null		a fault of the kernel's own
 *	heddle.test=user-access-N	a page of a program's, reached by one of the 7 ways there are, and then as the kernel's own: a fault
 *	heddle.test=block-…		B4: a thread block given back twice, misaligned or foreign, or left behind, ends in a panic that says so
 */
#include "boot/self_tests.h"
#include "arch/cpu.h"
#include "arch/mmu.h"
#include "arch/usercopy.h"
#include "core/command_line.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/percpu.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "sched/sched.h"
#include "time/clock.h"
#include "time/timer.h"
#include "vm/vm_space.h"
#include <linux/futex.h>

enum { THREADS_PER_CPU = 3, ROUNDS = 400, DEADLINE_SEC = 20 };

static _Atomic unsigned finished, spinners_stop;
static _Atomic u64 rounds_done;
static _Atomic s64 latest; /* what any CPU has read from the clock */

/* The clock is one clock: no CPU reads less than another has read before. */
static void check_clock(void)
{
	nsec_t before = atomic_load(&latest), now = clock_monotonic();

	if (now < before) {
		panic("self test: the clock went back by %lld ns on CPU %u",
		      (long long)(before - now), arch_cpu_number());
	}
	while (before < now && !atomic_compare_exchange_weak(&latest, &before, now)) {
	}
}

/* Never sleeps: on its CPU others run only by preemption. */
static void spin(void *unused)
{
	while (!atomic_load(&spinners_stop)) {
		arch_cpu_relax();
		check_clock();
	}
	atomic_fetch_add(&finished, 1);
}

static void empty(void *unused)
{
	atomic_fetch_add(&rounds_done, 1);
}

/* Sleep, flush, start a thread that ends at once. */
static void work(void *unused)
{
	unsigned rounds = ROUNDS / cpu_count();

	for (unsigned i = 0; i < rounds; i++) {
		nsec_t until = clock_monotonic() + 50 * NSEC_PER_USEC;

		if (sched_sleep_until(until, THREAD_UNINTERRUPTIBLE) != 0 ||
		    clock_monotonic() < until) {
			panic("self test: a sleep ended early");
		}
		arch_kernel_flush(KERNEL_MAP_BASE,
				  KERNEL_MAP_BASE + (i % 40) * PAGE_SIZE);
		if (i % 10 == 0 && sched_kernel_thread("empty", empty, NULL, NULL) != 0) {
			panic("self test: no thread");
		}
	}
	atomic_fetch_add(&finished, 1);
}

static void start(const char *name, void (*entry)(void *))
{
	if (sched_kernel_thread(name, entry, NULL, NULL) != 0) {
		panic("self test: no thread");
	}
}

static void await(const char *what, unsigned count)
{
	nsec_t deadline = clock_monotonic() + DEADLINE_SEC * NSEC_PER_SEC;

	while (atomic_load(&finished) < count) {
		if (clock_monotonic() > deadline) {
			panic("self test: %u of %u %s after %u s", finished, count, what,
			      DEADLINE_SEC);
		}
		(void)sched_sleep_until(clock_monotonic() + NSEC_PER_MSEC,
					THREAD_UNINTERRUPTIBLE);
	}
	atomic_store(&finished, 0);
}

static void test_threads(void)
{
	unsigned cpus = cpu_count();
	nsec_t begun = clock_monotonic();

	for (unsigned i = 0; i < cpus; i++) {
		start("spin", spin);
	}
	for (unsigned i = 0; i < cpus * THREADS_PER_CPU; i++) {
		start("work", work);
	}
	await("workers", cpus * THREADS_PER_CPU);
	atomic_store(&spinners_stop, 1);
	await("spinners", cpus);
	log_info("self test: threads passed on %u CPUs in %lld us, %llu short threads",
		 cpus, (long long)(clock_monotonic() - begun) / NSEC_PER_USEC,
		 (unsigned long long)atomic_load(&rounds_done));
}

static noinline_ u64 descend(volatile u64 *depth)
{
	volatile u64 here[16] = {*depth};

	*depth += 1;
	return *depth == ~0UL ? 0 : descend(depth) + here[*depth % 16];
}

static void overflow(struct timer *unused)
{
	volatile u64 depth = 0;

	log_info("self test: %llu", (unsigned long long)descend(&depth));
}

/* On the stack of the thread that it interrupts. */
static void overflow_in_interrupt(void)
{
	struct timer timer;

	timer_init(&timer, overflow);
	timer_start(&timer, clock_monotonic() + NSEC_PER_MSEC);
	while (timer_pending(&timer)) {
		arch_cpu_relax();
	}
}

/* What programs cannot have done: the kernel loses count of an address space's thread blocks. */
static void test_block(const char *what)
{
	struct thread_block first = {0}, second = {0}, wrong;
	struct vm_space *vm;

	if (vm_create(&vm) || thread_blocks_start(vm) || thread_block_take(vm, &first) ||
	    thread_block_take(vm, &second)) {
		panic("self test: no memory");
	}
	wrong = second;
	thread_block_give(vm, &first);
	if (strcmp(what, "twice") == 0) {
		thread_block_give(vm, &second);
	} else if (strcmp(what, "misaligned") == 0) {
		wrong.address += 8;
	} else if (strcmp(what, "foreign") == 0) {
		wrong.address += PAGE_SIZE;
	} else {
		vm_leave(vm);
	}
	thread_block_give(vm, &wrong);
}

/* The ways to user memory, by number. */
static bool reach_user_memory(unsigned way, u32 *at)
{
	u32 word = 7, seen = 0;

	switch (way) {
	case 0:
		return arch_clear_user(at, PAGE_SIZE) == 0;
	case 1:
		return arch_copy_to_user(at, &word, sizeof(word)) == 0;
	case 2:
		return arch_copy_from_user(&seen, at, sizeof(seen)) == 0;
	case 3:
		return arch_user_load_u32_nofault(&seen, at) == 0;
	case 4:
		return arch_user_cmpxchg_u32_nofault(at, 0, 8, &seen) == 0;
	case 5:
		return arch_user_futex_operation_nofault(at, FUTEX_OP_ADD, 1, &seen) == 0;
	default:
		return arch_copy_string_from_user((char *)&seen, (char *)at, 4) == 0;
	}
}

static void test_user_access(unsigned way)
{
	static struct arch_vm vm;
	const vaddr_t address = USER_LOWEST + 16 * PAGE_SIZE;
	struct frame *frame;

	if (frame_allocate(FRAME_ZERO, &frame) != 0 || arch_vm_init(&vm) != 0 ||
	    arch_vm_map(&vm, address, frame_physical(frame),
			PROTECT_READ | PROTECT_WRITE | PROTECT_USER) != 0) {
		panic("self test: no memory");
	}
	sched_use_vm(&vm);
	if (!reach_user_memory(way, (u32 *)address)) {
		panic("self test: user memory cannot be reached");
	}
	log_info("self test: user memory was reached");
	(void)*(volatile u32 *)address;
}

void self_test_run(void)
{
	const char *name = command_line_value("heddle.test");
	volatile u64 depth = 0;

	if (name == NULL) {
		return;
	}
	if (strcmp(name, "threads") == 0) {
		test_threads();
	} else if (strcmp(name, "stack-overflow") == 0) {
		overflow(NULL);
	} else if (strcmp(name, "stack-overflow-interrupt") == 0) {
		overflow_in_interrupt();
	} else if (strcmp(name, "panic") == 0) {
		panic("self test");
	} else if (strcmp(name, "null") == 0) {
		*(volatile int *)depth = 0;
	} else if (strncmp(name, "user-access-", 12) == 0) {
		test_user_access((unsigned)name[12] - '0');
	} else if (strncmp(name, "block-", 6) == 0) {
		test_block(name + 6);
	} else {
		panic("heddle.test=%s: no such test", name);
	}
	arch_machine_exit(0);
}
