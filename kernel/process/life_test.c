// SPDX-License-Identifier: MIT
/*
 * The lives of threads and processes on the simulated machine: clone with random flags, exit, being killed, unshare, futexes, and an
 * inspector, over seeds of schedules (R1–R6, T9, T12, F1). Every object is gone in the end.
 */
#include "process/clone.h"

#include "arch/irq.h"
#include "arch/trap.h"
#include "core/fault_injection.h"
#include "fs/file_table.h"
#include "fs/fs_info.h"
#include "fs/path.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "machine.h"
#include "mm/heap.h"
#include "mm/ledger.h"
#include "mm/usercopy.h"
#include "process/current.h"
#include "process/exit.h"
#include "process/futex/futex.h"
#include "process/job_control.h"
#include "process/namespace/pid_namespace.h"
#include "process/pid.h"
#include "process/process.h"
#include "process/resources.h"
#include "process/session.h"
#include "process/signal/signal.h"
#include "vm/vm_space.h"
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/wait.h>

enum { CHILDREN = 6, STEPS = 8, DEPTH = 3, WORD = 0x200000 };

/* Kinds of which nothing may be left. */
static const char *const kinds[] = {
	"thread",        "process",     "pid",         "vm_space",      "vm_area",
	"file_table",    "fs_info",     "file",        "namespace_set", "signal_handlers",
	"kernel_stacks", "credentials", "thread_block"};
static s64 before[ARRAY_SIZE(kinds)];
static _Atomic bool program_done;

static long start_program(void (*program)(u64), u64 argument, u64 flags, pid_nr *number)
{
	struct clone_request request = {.flags = flags, .child_tid = WORD + 8};
	struct trap_frame frame = {
		.ip = (u64)(uintptr_t)program, .sp = argument, .from_user = true};
	long result;

	request.exit_signal = flags & CLONE_THREAD ? 0 : SIGCHLD;
	result = clone_thread(&request, &frame);
	*number = (pid_nr)result;
	return result;
}

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

static void kill_number(pid_nr number)
{
	struct process *process = process_find(number);

	if (process) {
		signal_send_kernel(process, SIGKILL);
		process_put(process);
	}
}

static void reap_children(void)
{
	for (;;) {
		struct wait_request request = {.kind = WAIT_ANY,
					       .options = WEXITED | __WALL};

		if (process_wait(&request) < 0) {
			break; // no more, or we are killed
		}
	}
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
		if (start_program(live, depth - 1, random_flags(), &number) > 0 &&
		    host_random() % 4 == 0) {
			kill_number(number);
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
		reap_children(); // else whoever takes them over does
	}
	host_user_return();
	if (host_random() % 4 == 0) {
		process_exit(0);
	}
	thread_exit(0);
}

static s64 live_count(const char *kind)
{
	struct ledger_line line;

	for (unsigned i = 0; ledger_line(i, &line); i++) {
		if (strcmp(line.name, kind) == 0) {
			return line.live;
		}
	}
	return 0;
}

/* Once it had two, an address space keeps a page of thread blocks that nobody uses: have it before anything is counted. */
static void have_spare_page(void)
{
	struct thread_block more[BLOCKS_PER_PAGE] = {0};

	for (unsigned i = 0; i < ARRAY_SIZE(more); i++) {
		EXPECT_EQ(thread_block_take(current_vm(), &more[i]), 0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(more); i++) {
		thread_block_give(current_vm(), &more[i]);
	}
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
	have_spare_page();
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		before[i] = live_count(kinds[i]);
	}
	for (int i = 0; i < CHILDREN; i++) {
		EXPECT(start_program(live, DEPTH,
				     random_flags() & ~(u64)CLONE_THREAD &
					     ~(u64)CLONE_SIGHAND,
				     &number) > 0);
		if (host_random() % 3 == 0) {
			kill_number(number);
		}
	}
	reap_children();
	atomic_store(&program_done, true);
	for (;;) {
		reap_children();
		(void)sched_sleep_until(clock_monotonic() + NSEC_PER_MSEC,
					THREAD_UNINTERRUPTIBLE);
	}
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

static void start_first(struct path *root)
{
	struct thread_options options;
	struct session *session;
	struct thread *thread;
	u64 flags;

	thread_options_init(&options, NULL);
	options.start_ip = (u64)(uintptr_t)first_program;
	EXPECT_EQ(vm_create(&options.vm), 0);
	EXPECT_EQ(file_table_create(&options.files), 0);
	EXPECT_EQ(fs_info_create(root, &options.fs), 0);
	EXPECT_EQ(credentials_create_root(&options.credentials), 0);
	EXPECT_EQ(thread_build(&options, &thread), 0);
	EXPECT_EQ(session_create(&idle_pid, &session), 0);
	init_process = thread->process;
	flags = spin_lock_irq(&process_tree_lock);
	job_control_join_locked(thread->process, session, &idle_pid);
	spin_unlock_irq(&process_tree_lock, flags);
	session_put(session);
	EXPECT_EQ(thread_publish(thread, &options), 0);
	credentials_put(options.credentials);
	sched_start(&thread->sched);
}

static void lives(void)
{
	struct path root;

	vm_init();
	fs_init();
	process_init();
	EXPECT_EQ(fs_mount_root(&root), 0);
	start_first(&root);
	path_put(&root);
	while (!atomic_load(&program_done)) {
		inspect_all();
		machine_sleep(1000);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		// Orphans are reaped a moment later; if one is not, this runs into the step limit.
		while (live_count(kinds[i]) != before[i]) {
			machine_sleep(100 * NSEC_PER_USEC);
		}
	}
}

TEST(nothing_is_left_of_any_life)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(150), lives), 0);
}
