// SPDX-License-Identifier: MIT
/*
 * For tests in which processes live and die on the simulated machine: the first process, more of them, killing and reaping, and that of
 * some kinds of objects nothing is left.
 */
#pragma once

#include "arch/trap.h"
#include "fs/file_table.h"
#include "fs/fs_info.h"
#include "fs/path.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "machine.h"
#include "mm/ledger.h"
#include "process/clone.h"
#include "process/current.h"
#include "process/exit.h"
#include "process/job_control.h"
#include "process/pid.h"
#include "process/process.h"
#include "process/session.h"
#include "process/signal/signal.h"
#include "vm/vm_space.h"
#include <linux/sched.h>
#include <linux/wait.h>

enum { LIVES_KINDS_MAX = 16 };

/* Kinds in the ledger of which nothing may be left, and how many there were when lives_begin() was called. */
static struct {
	const char *const *kinds;
	unsigned count;
	s64 before[LIVES_KINDS_MAX];
	_Atomic bool done;
} lives_checked;

/* What clone_thread() returns: the number, or an error. */
static inline pid_nr lives_start(void (*program)(u64), u64 argument, u64 flags,
				 vaddr_t child_tid)
{
	struct clone_request request = {.flags = flags, .child_tid = child_tid};
	struct trap_frame frame = {
		.ip = (u64)(uintptr_t)program, .sp = argument, .from_user = true};

	request.exit_signal = flags & CLONE_THREAD ? 0 : SIGCHLD;
	return (pid_nr)clone_thread(&request, &frame);
}

static inline void lives_kill(pid_nr number)
{
	struct process *process = process_find(number);

	if (process) {
		signal_send_kernel(process, SIGKILL);
		process_put(process);
	}
}

static inline void lives_reap(void)
{
	for (;;) {
		struct wait_request request = {.kind = WAIT_ANY,
					       .options = WEXITED | __WALL};

		if (process_wait(&request) < 0) {
			break; // no more, or we are killed
		}
	}
}

static inline s64 lives_count(const char *kind)
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
static inline void lives_have_spare_page(void)
{
	struct thread_block more[BLOCKS_PER_PAGE] = {0};

	for (unsigned i = 0; i < ARRAY_SIZE(more); i++) {
		EXPECT_EQ(thread_block_take(current_vm(), &more[i]), 0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(more); i++) {
		thread_block_give(current_vm(), &more[i]);
	}
}

/* Of the first process, before it starts anything that is to be gone in the end. */
static inline void lives_begin(void)
{
	for (unsigned i = 0; i < lives_checked.count; i++) {
		lives_checked.before[i] = lives_count(lives_checked.kinds[i]);
	}
}

/* The end of the first process's program: it reaps its children, then all orphans, for ever. */
static inline void lives_end(void)
{
	lives_reap();
	atomic_store(&lives_checked.done, true);
	for (;;) {
		lives_reap();
		machine_sleep(NSEC_PER_MSEC);
	}
}

static inline void lives_start_first(struct path *root, void (*program)(u64))
{
	struct thread_options options;
	struct session *session;
	struct thread *thread;
	u64 flags;

	thread_options_init(&options, NULL);
	options.start_ip = (u64)(uintptr_t)program;
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

/*
 * A machine in which `first` is the first process's program: it calls lives_begin() and lives_end(). Until then `watch` is called again and
 * again, or nothing (NULL). `kinds` stays.
 */
static inline void lives_run(void (*first)(u64), void (*watch)(void),
			     const char *const *kinds, unsigned count)
{
	struct path root;

	EXPECT(count <= LIVES_KINDS_MAX);
	lives_checked.kinds = kinds;
	lives_checked.count = count;
	vm_init();
	fs_init();
	process_init();
	EXPECT_EQ(fs_mount_root(&root), 0);
	lives_start_first(&root, first);
	path_put(&root);
	while (!atomic_load(&lives_checked.done)) {
		if (watch) {
			watch();
		}
		machine_sleep(1000);
	}
	for (unsigned i = 0; i < count; i++) {
		// Orphans are reaped a moment later; if one is not, this runs into the step limit.
		while (lives_count(kinds[i]) != lives_checked.before[i]) {
			machine_sleep(100 * NSEC_PER_USEC);
		}
	}
}
