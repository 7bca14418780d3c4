// SPDX-License-Identifier: MIT
/*
 * Ports on the simulated machine, over seeds of schedules (B6, R10): threads of several processes call, receive and answer, with
 * descriptors and with failing allocations, and are killed at any moment. What arrives is whole, each wait ends, and nothing is left.
 */
#include "process/port/port.h"

#include "core/fault_injection.h"
#include "fs/file_table.h"
#include "lib/string.h"
#include "lives.h"
#include "mm/heap.h"
#include "process/current.h"
#include "process/exit.h"
#include "vm/vm_space.h"
#include <heddle/port.h>
#include <linux/sched.h>

enum { CHILDREN = 4, THREADS = 3, STEPS = 12, PORTS = 2 };

/* Kinds of which nothing may be left. */
static const char *const kinds[] = {"thread",        "process",     "pid",  "vm_space",
				    "vm_area",       "file_table",  "file", "port",
				    "kernel_stacks", "thread_block"};
static _Atomic u64 answered;
static int ends[PORTS][2]; /* the same in each process, which may have closed some */

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

	for (int i = 1; i < THREADS; i++) {
		(void)lives_start(work, argument, flags, 0);
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

	lives_have_spare_page();
	make_ports();
	close_ports();
	lives_begin();
	make_ports();
	for (int i = 0; i < CHILDREN; i++) {
		numbers[i] = lives_start(process_body, 0, 0, 0);
		EXPECT(numbers[i] > 0);
	}
	close_ports();
	for (int i = 0; i < CHILDREN; i++) {
		machine_sleep((nsec_t)(host_random() % 400000));
		lives_kill(numbers[i]);
	}
	lives_end();
}

static void lives_with_ports(void)
{
	lives_run(first_program, NULL, kinds, ARRAY_SIZE(kinds));
}

TEST(B6_nothing_is_left_of_any_call)
{
	EXPECT_EQ(host_machine_explore(4, 1, machine_seeds(120), lives_with_ports), 0);
}
