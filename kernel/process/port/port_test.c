// SPDX-License-Identifier: MIT
/*
 * Ports on the simulated machine, over seeds of schedules (B6, R10): threads of several processes call, receive and answer, with
 * descriptors and with failing allocations, and are killed at any moment. What arrives is whole, each wait ends, and nothing is left.
 */
#include "process/port/port.h"

#include "arch/trap.h"
#include "core/fault_injection.h"
#include "fs/file_table.h"
#include "fs/path.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "machine.h"
#include "mm/heap.h"
#include "mm/ledger.h"
#include "process/clone.h"
#include "process/current.h"
#include "process/exit.h"
#include "process/job_control.h"
#include "process/namespace/pid_namespace.h"
#include "process/pid.h"
#include "process/process.h"
#include "process/session.h"
#include "process/signal/signal.h"
#include "vm/vm_space.h"
#include <heddle/port.h>
#include <linux/sched.h>
#include <linux/wait.h>

enum { CHILDREN = 4, THREADS = 3, STEPS = 12, PORTS = 2 };

/* Kinds of which nothing may be left. */
static const char *const kinds[] = {"thread",        "process",     "pid",  "vm_space",
				    "vm_area",       "file_table",  "file", "port",
				    "kernel_stacks", "thread_block"};
static s64 before[ARRAY_SIZE(kinds)];
static _Atomic bool program_done;
static _Atomic u64 answered;
static int ends[PORTS][2]; /* the same in each process, which may have closed some */

static long start_program(void (*program)(u64), u64 argument, u64 flags, pid_nr *number)
{
	struct clone_request request = {.flags = flags};
	struct trap_frame frame = {
		.ip = (u64)(uintptr_t)program, .sp = argument, .from_user = true};
	long result;

	request.exit_signal = flags & CLONE_THREAD ? 0 : SIGCHLD;
	result = clone_thread(&request, &frame);
	*number = (pid_nr)result;
	return result;
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

/* ---- one thread's steps ---- */

struct worker {
	struct heddle_thread_block *block;
	u64 served;
	bool serving;
};

static u8 byte_of(u64 seed, u64 i)
{
	return (u8)(seed * 31 + i);
}

static u64 write_message(struct worker *w, u64 seed)
{
	u64 size = 8 + host_random() % (HEDDLE_PORT_MESSAGE_MAX - 7);

	memcpy(w->block->message, &seed, sizeof(seed));
	for (u64 i = 8; i < size; i++) {
		w->block->message[i] = byte_of(seed, i);
	}
	return size;
}

static u64 read_message(const struct worker *w, s64 size)
{
	u64 seed;

	EXPECT(size >= 8 && size <= HEDDLE_PORT_MESSAGE_MAX);
	EXPECT_EQ(w->block->message_size, size);
	memcpy(&seed, w->block->message, sizeof(seed));
	for (s64 i = 8; i < size; i++) {
		EXPECT_EQ(w->block->message[i], byte_of(seed, (u64)i));
	}
	for (u32 i = 0; i < w->block->descriptor_count; i++) {
		if (w->block->descriptors[i] >= 0) {
			(void)fd_close(current_files(), w->block->descriptors[i]);
		}
	}
	return seed;
}

static u64 some_descriptors(struct worker *w)
{
	w->block->descriptors[0] = ends[host_random() % PORTS][0];
	w->block->descriptors[1] = ends[host_random() % PORTS][1];
	return host_random() % 3;
}

static u32 some_flags(void)
{
	return host_random() % 2 ? HEDDLE_PORT_NONBLOCK : 0;
}

static void call_somebody(struct worker *w, struct file *end)
{
	u64 seed = host_random() >> 1;
	u64 size = write_message(w, seed);
	s64 result = port_call(end, size, some_descriptors(w), some_flags());

	if (result >= 0) {
		EXPECT_EQ(read_message(w, result), seed + 1);
		atomic_fetch_add(&answered, 1);
	}
}

static void serve_somebody(struct worker *w, struct file *end)
{
	s64 result;

	if (!w->serving) {
		result = port_receive(end, some_flags());
	} else {
		u64 size = write_message(w, w->served + 1);

		result = port_reply_receive(end, size, some_descriptors(w), some_flags());
		if (result == -EBADF) {
			return; // not answered
		}
	}
	w->serving = result >= 0;
	w->served = result >= 0 ? read_message(w, result) : 0;
}

static void one_step(struct worker *w)
{
	bool calls = host_random() % 2;
	struct fd_reference end;
	int fd = ends[host_random() % PORTS][calls];

	if (host_random() % 16 == 0) {
		(void)fd_close(current_files(), fd);
	}
	if (host_random() % 4 == 0) {
		(void)fault_injection_arm(1 + host_random() % 6);
	}
	if (fd_begin(current_files(), fd, &end) == 0) {
		if (calls) {
			call_somebody(w, end.file);
		} else {
			serve_somebody(w, end.file);
		}
		fd_end(&end);
	}
	(void)fault_injection_arm(0);
	host_user_return();
}

static void work(u64 unused)
{
	struct worker w = {0};

	if (thread_block_memory(current_vm(), &current_thread()->block, &w.block) == 0) {
		for (int i = 0; i < STEPS; i++) {
			one_step(&w);
		}
	}
	host_user_return();
	thread_exit(0);
}

static void process_body(u64 argument)
{
	u64 flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FILES;
	pid_nr number;

	for (int i = 1; i < THREADS; i++) {
		(void)start_program(work, argument, flags, &number);
	}
	work(argument);
}

static void make_ports(void)
{
	for (int i = 0; i < PORTS; i++) {
		struct file *files[2];

		EXPECT_EQ(port_create(0, files), 0);
		for (int j = 0; j < 2; j++) {
			ends[i][j] = (int)current_install_file(files[j], false);
			EXPECT(ends[i][j] >= 0);
		}
	}
}

static void close_ports(void)
{
	for (int i = 0; i < 2 * PORTS; i++) {
		EXPECT_EQ(fd_close(current_files(), ends[i / 2][i % 2]), 0);
	}
}

/* The first process: has all others made, and killed. */
static void first_program(u64 unused)
{
	pid_nr numbers[CHILDREN];

	have_spare_page();
	make_ports();
	close_ports();
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		before[i] = live_count(kinds[i]);
	}
	make_ports();
	for (int i = 0; i < CHILDREN; i++) {
		EXPECT(start_program(process_body, 0, 0, &numbers[i]) > 0);
	}
	close_ports();
	for (int i = 0; i < CHILDREN; i++) {
		(void)sched_sleep_until(clock_monotonic() +
						(nsec_t)(host_random() % 400000),
					THREAD_UNINTERRUPTIBLE);
		kill_number(numbers[i]);
	}
	reap_children();
	atomic_store(&program_done, true);
	for (;;) {
		reap_children();
		(void)sched_sleep_until(clock_monotonic() + NSEC_PER_MSEC,
					THREAD_UNINTERRUPTIBLE);
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

static void lives_with_ports(void)
{
	struct path root;

	vm_init();
	fs_init();
	process_init();
	EXPECT_EQ(fs_mount_root(&root), 0);
	start_first(&root);
	path_put(&root);
	while (!atomic_load(&program_done)) {
		machine_sleep(10 * NSEC_PER_USEC);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		while (live_count(kinds[i]) != before[i]) {
			machine_sleep(100 * NSEC_PER_USEC);
		}
	}
}

TEST(B6_nothing_is_left_of_any_call)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(120), lives_with_ports), 0);
}
