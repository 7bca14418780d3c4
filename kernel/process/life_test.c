// SPDX-License-Identifier: MIT
/*
 * The lives of threads and processes on the simulated machine: clone with random flags, exit, being killed, unshare, futexes, and an
 * inspector, over seeds of schedules (R1–R6, T9, T12, F1). Every object is gone in the end.
 */
#include "process/clone.h"

#include "arch/irq.h"
#include "core/fault_injection.h"
#include "fs/file_table.h"
#include "fs/fs_info.h"
#include "lives.h"
#include "mm/heap.h"
#include "mm/usercopy.h"
#include "process/current.h"
#include "process/exit.h"
#include "process/futex/futex.h"
#include "process/namespace/pid_namespace.h"
#include "process/resources.h"
#include <linux/mman.h>
#include <linux/sched.h>

enum { CHILDREN = 6, STEPS = 8, DEPTH = 3, WORD = 0x200000 };

/* Kinds of which nothing may be left. */
static const char *const kinds[] = {
	"thread",        "process",     "pid",         "vm_space",      "vm_area",
	"file_table",    "fs_info",     "file",        "namespace_set", "signal_handlers",
	"kernel_stacks", "credentials", "thread_block"};

static u32 word_value(vaddr_t address)
{
	u32 value = 0;

	EXPECT_EQ(user_read(&value, address, sizeof(value)), 0);
	return value;
}

static void unshare_something(void)
{
	struct resource_change change = {0};
	u64 flags = host_random() % 2 ? CLONE_FILES : CLONE_FS | CLONE_FILES;

	if (resources_prepare(&change, flags) == 0) {
		resources_commit(&change);
	}
	resources_release(&change);
}

/* Sleep on a word that somebody may wake, or a short time. */
static void wait_on_word(void)
{
	(void)futex_wait(WORD, false, word_value(WORD),
			 clock_monotonic() + (nsec_t)(host_random() % 20000), false, ~0U);
}

static void wake_word(void)
{
	u32 value = word_value(WORD) + 1;

	EXPECT_EQ(user_write(WORD, &value, sizeof(value)), 0);
	EXPECT(futex_wake(WORD, false, 2, ~0U) >= 0);
}

static void live(u64 depth);

static u64 random_flags(void)
{
	static const u64 threads = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
	static const u64 kinds[] = {0, threads, CLONE_VM, CLONE_VM | CLONE_SIGHAND,
				    CLONE_VM | CLONE_VFORK};
	u64 flags = kinds[host_random() % ARRAY_SIZE(kinds)];

	flags |= host_random() % 2 ? CLONE_FILES : 0;
	flags |= host_random() % 2 ? CLONE_FS : 0;
	flags |= host_random() % 2 ? CLONE_CHILD_CLEARTID : 0;
	return flags;
}

static void one_step(u64 depth)
{
	pid_nr number;

	switch (host_random() % 5) {
	case 0:
		unshare_something();
		break;
	case 1:
		wait_on_word();
		break;
	case 2:
		wake_word();
		break;
	default:
		if (depth == 0) {
			break;
		}
		if (host_random() % 3 == 0) {
			(void)fault_injection_arm(1 + host_random() % 40);
		}
		number = lives_start(live, depth - 1, random_flags(), WORD + 8);
		if (number > 0 && host_random() % 4 == 0) {
			lives_kill(number);
		}
		(void)fault_injection_arm(0);
	}
	host_user_return();
}

static void live(u64 depth)
{
	for (u64 i = 2 + host_random() % STEPS; i > 0; i--) {
		one_step(depth);
	}
	if (host_random() % 2) {
		lives_reap(); // else whoever takes them over does
	}
	host_user_return();
	if (host_random() % 4 == 0) {
		process_exit(0);
	}
	thread_exit(0);
}

/* The first process: has all others made, and reaps all orphans. */
static void first_program(u64 unused)
{
	struct vm_map_request request = {
		.address = WORD,
		.size = PAGE_SIZE,
		.protect = PROTECT_READ | PROTECT_WRITE,
		.map_flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	};
	vaddr_t at;
	pid_nr number;

	EXPECT_EQ(vm_map(current_vm(), &request, &at), 0);
	lives_have_spare_page();
	lives_begin();
	for (int i = 0; i < CHILDREN; i++) {
		u64 flags = random_flags() & ~(u64)CLONE_THREAD & ~(u64)CLONE_SIGHAND;

		number = lives_start(live, DEPTH, flags, WORD + 8);
		EXPECT(number > 0);
		if (host_random() % 3 == 0) {
			lives_kill(number);
		}
	}
	lives_end();
}

/* I1: while the lock is held, slots stay as they are, and what they point to is used. */
static void inspect(struct thread *thread)
{
	const struct thread *slots = thread_lock_resources(thread);
	const struct file_table *files = slots->files;
	const struct fs_info *fs = slots->fs;

	for (int i = 0; i < 20; i++) {
		EXPECT(slots->files == files && slots->fs == fs);
		EXPECT(!files || atomic_load(&files->users) > 0);
		EXPECT(!fs || atomic_load(&fs->users) > 0);
	}
	thread_unlock_resources(thread);
}

/* R3, R4: looks at the slots of everybody, all the time; finds objects or NULL, and changes nothing. */
static void inspect_all(void)
{
	struct pid *pid = pid_next_in(&first_pid_namespace, 1);

	while (pid) {
		pid_nr number = pid_number_global(pid);
		struct thread *thread = pid_get_thread(pid);

		pid_put(pid);
		if (thread) {
			inspect(thread);
		}
		thread_put(thread);
		pid = pid_next_in(&first_pid_namespace, number + 1);
	}
}

static void lives(void)
{
	lives_run(first_program, inspect_all, kinds, ARRAY_SIZE(kinds));
}

TEST(nothing_is_left_of_any_life)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(150), lives), 0);
}
