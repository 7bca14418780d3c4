// SPDX-License-Identifier: MIT
/*
 * proc(5): /proc/PID and /proc/PID/task: which there are, and what is in them.
 */
#include "procfs/procfs_internal.h"

#include "fs/fs_info.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "process/pid.h"
#include "process/process_events.h"
#include "process/resources.h"
#include <linux/capability.h>
#include <linux/stat.h>

#define DIRECTORY(n, ...) {.name = n, .mode = S_IFDIR | 0555, __VA_ARGS__}
#define TEXT(n, function) {.name = n, .mode = S_IFREG | 0444, .show = function}
#define ID_FILE(n, o)     {.name = n, .mode = S_IFREG | 0644, .file_operations = &(o)}
#define GUARDED(n, m, function) \
	{.name = n, .mode = S_IFREG | (m), .show = function, .guarded = true}
#define ENDLESS(n, m, guard, function) \
	{.name = n,                    \
	 .mode = S_IFREG | (m),        \
	 .show = function,             \
	 .guarded = guard,             \
	 .ends_at_0 = true}

enum { TYPE_DIRECTORY = 4 };

/* ---- small files ---- */

static int show_comm(struct proc_text *text, const struct proc_node *node)
{
	struct thread *thread = proc_thread(node);
	char name[THREAD_NAME_SIZE];

	if (!thread) {
		return -ESRCH;
	}
	thread_get_name(thread, name);
	thread_put(thread);
	proc_print(text, "%s\n", name);
	return 0;
}

static int write_comm(const struct proc_node *node, char *value)
{
	struct thread *thread = proc_thread(node);
	int error = 0;

	if (!thread) {
		return -ESRCH;
	}
	if (thread->process != current_process()) {
		error = -EINVAL;
	} else {
		thread_set_name(thread, value);
		process_event_name(thread);
	}
	thread_put(thread);
	return error;
}

static int show_zero(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "0\n");
	return 0;
}

static int show_unset_uid(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "4294967295");
	return 0;
}

static int show_cgroup(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "0::/\n");
	return 0;
}

/* Asked at each read: it may run another program than when it was opened. */
static int show_personality(struct proc_text *text, const struct proc_node *node)
{
	struct thread *thread = proc_thread(node);
	int error;

	if (!thread) {
		return -ESRCH;
	}
	error = thread_check_access(thread, ACCESS_VM_ATTACH);
	if (!error) {
		proc_print(text, "%08x\n", thread->personality);
	}
	thread_put(thread);
	return error;
}

/* ---- the tables ---- */

static const struct proc_entry no_entries[] = {{0}};

#define COMMON_ENTRIES                                                                   \
	{.name = "comm",                                                                 \
	 .mode = S_IFREG | 0644,                                                         \
	 .show = show_comm,                                                              \
	 .write = write_comm},                                                           \
		ENDLESS("cmdline", 0444, false, proc_show_arguments),                    \
		ENDLESS("environ", 0400, true, proc_show_environment),                   \
		ENDLESS("auxv", 0400, true, proc_show_auxv),                             \
		TEXT("stat", proc_show_stat), TEXT("statm", proc_show_statm),            \
		TEXT("status", proc_show_status), GUARDED("maps", 0444, proc_show_maps), \
		GUARDED("smaps", 0444, proc_show_smaps),                                 \
		GUARDED("smaps_rollup", 0444, proc_show_smaps_rollup),                   \
		{.name = "pagemap",                                                      \
		 .mode = S_IFREG | 0400,                                                 \
		 .file_operations = &proc_pagemap_operations},                           \
		TEXT("limits", proc_show_limits), TEXT("wchan", proc_show_wchan),        \
		TEXT("schedstat", proc_show_schedstat), TEXT("sched", proc_show_sched),  \
		{.name = "clear_refs",                                                   \
		 .mode = S_IFREG | 0200,                                                 \
		 .write = proc_write_clear_refs},                                        \
		{.name = "syscall", .mode = S_IFREG | 0400, .show = proc_show_syscall},  \
		{.name = "stack",                                                        \
		 .mode = S_IFREG | 0400,                                                 \
		 .show = proc_show_stack,                                                \
		 .opener_capability = CAP_SYS_ADMIN},                                    \
		TEXT("mounts", proc_show_mounts),                                        \
		TEXT("mountinfo", proc_show_mountinfo),                                  \
		{.name = "mountstats",                                                   \
		 .mode = S_IFREG | 0400,                                                 \
		 .show = proc_show_mountstats},                                          \
		TEXT("oom_score", show_zero),                                            \
		{.name = "oom_score_adj",                                                \
		 .ends_at_0 = true,                                                      \
		 .mode = S_IFREG | 0644,                                                 \
		 .show = proc_show_oom_adjust,                                           \
		 .write = proc_write_oom_adjust},                                        \
		TEXT("loginuid", show_unset_uid), TEXT("sessionid", show_unset_uid),     \
		TEXT("cgroup", show_cgroup),                                             \
		{.name = "personality",                                                  \
		 .mode = S_IFREG | 0400,                                                 \
		 .show = show_personality},                                              \
		{.name = "io", .mode = S_IFREG | 0400, .show = proc_show_io},            \
		ID_FILE("uid_map", proc_id_map_operations),                              \
		ID_FILE("gid_map", proc_id_map_operations),                              \
		ID_FILE("projid_map", proc_id_map_operations),                           \
		ID_FILE("setgroups", proc_setgroups_operations),                         \
		{.name = "mem",                                                          \
		 .mode = S_IFREG | 0600,                                                 \
		 .file_operations = &proc_memory_operations},                            \
		{.name = "exe", .mode = S_IFLNK | 0777, .follow = proc_follow_exe},      \
		{.name = "cwd", .mode = S_IFLNK | 0777, .follow = proc_follow_cwd},      \
		{.name = "root", .mode = S_IFLNK | 0777, .follow = proc_follow_root},    \
		DIRECTORY("ns", .children = proc_namespace_entries),                     \
		{.name = "fd",                                                           \
		 .mode = S_IFDIR | 0500,                                                 \
		 .open_to_self = true,                                                   \
		 .lookup = proc_lookup_fd,                                               \
		 .iterate = proc_iterate_fd},                                            \
	{                                                                                \
		.name = "fdinfo", .mode = S_IFDIR | 0555, .guarded = true,               \
		.lookup = proc_lookup_fdinfo, .iterate = proc_iterate_fd                 \
	}

const struct proc_entry proc_process_entries[] = {
	COMMON_ENTRIES,
	{.name = "coredump_filter",
	 .ends_at_0 = true,
	 .mode = S_IFREG | 0644,
	 .show = proc_show_dump_filter,
	 .write = proc_write_dump_filter},
	{.name = "timerslack_ns",
	 .mode = S_IFREG | 0666,
	 .show = proc_show_timer_slack,
	 .write = proc_write_timer_slack},
	{.name = "timens_offsets",
	 .mode = S_IFREG | 0644,
	 .show = proc_show_time_offsets,
	 .write_as = proc_write_time_offsets},
	{.name = "map_files",
	 .mode = S_IFDIR | 0500,
	 .children = no_entries,
	 .lookup = proc_lookup_map_files,
	 .iterate = proc_iterate_map_files},
	DIRECTORY("net", .children = proc_net_entries),
	DIRECTORY("task", .children = no_entries, .lookup = proc_lookup_task,
		  .iterate = proc_iterate_tasks),
	{0},
};

const struct proc_entry proc_thread_entries[] = {
	COMMON_ENTRIES, TEXT("children", proc_show_children), {0}};

static const struct proc_entry process_entry =
	DIRECTORY("", .children = proc_process_entries);
static const struct proc_entry thread_entry =
	DIRECTORY("", .children = proc_thread_entries);

/* A decimal number without leading zeros, or -1. */
static pid_nr parse_number(const char *name)
{
	u64 number;

	if (name[0] < '1' || name[0] > '9' || string_to_u64(name, &number) ||
	    number > INT32_MAX) {
		return -1;
	}
	return (pid_nr)number;
}

int proc_lookup_process(struct inode *directory, struct dentry *dentry)
{
	pid_nr number = parse_number(dentry->name);
	struct proc_node like = {.entry = &process_entry,
				 .fd = -1,
				 .namespace = proc_node(directory)->namespace};
	struct thread *thread;
	int error;

	if (number < 0) {
		return 0;
	}
	like.process = process_find_in(like.namespace, number);
	if (!like.process) { /* a thread's number works too, though it is not listed */
		thread = thread_find_in(like.namespace, number);
		if (!thread) {
			return 0;
		}
		like.process = thread->process;
		process_get(like.process);
		like.thread = thread;
	}
	error = proc_instantiate(directory, dentry, &like);
	process_put(like.process);
	if (like.thread) {
		thread_put(like.thread);
	}
	return error;
}

struct pid *proc_get_directory_pid(const struct file *file)
{
	const struct proc_node *node;
	struct pid *pid;

	if (file->inode->super_block->type != &proc_type) {
		return NULL;
	}
	node = proc_node(file->inode);
	if (node->entry != &process_entry) {
		return NULL;
	}
	pid = node->thread ? node->thread->pid : node->process->pid;
	pid_get(pid);
	return pid;
}

int proc_iterate_processes(struct file *file, struct directory_context *context,
			   u64 first)
{
	struct pid_namespace *namespace = proc_node(file->inode)->namespace;
	pid_nr number = (pid_nr)(context->position - first);
	struct process *process;

	while ((process = process_next_in(namespace, &number))) {
		char name[16];

		process_put(process);
		format_string(name, sizeof(name), "%d", number);
		if (!proc_emit(context, name, first + (u64)number, first + (u64)number,
			       TYPE_DIRECTORY)) {
			return 0;
		}
		number++;
	}
	return 0;
}

int proc_lookup_task(struct inode *directory, struct dentry *dentry)
{
	const struct proc_node *node = proc_node(directory);
	pid_nr number = parse_number(dentry->name);
	struct proc_node like = {.entry = &thread_entry,
				 .process = node->process,
				 .fd = -1,
				 .namespace = node->namespace};
	int error = 0;

	like.thread = number < 0 ? NULL : thread_find_in(node->namespace, number);
	if (!like.thread) {
		return 0;
	}
	if (like.thread->process == node->process) {
		error = proc_instantiate(directory, dentry, &like);
	}
	thread_put(like.thread);
	return error;
}

/* The smallest thread number >= from in the process, or -1. */
static pid_nr next_task(const struct proc_node *node, pid_nr from)
{
	struct process *process = node->process;
	struct thread *thread;
	pid_nr best = -1;
	u64 flags = spin_lock_irq(&process->signal_lock);

	for_each_thread(thread, process) {
		pid_nr number = pid_number_in(thread->pid, node->namespace);

		if (number >= from && (best < 0 || number < best)) {
			best = number;
		}
	}
	spin_unlock_irq(&process->signal_lock, flags);
	return best;
}

int proc_iterate_tasks(struct file *file, struct directory_context *context, u64 first)
{
	const struct proc_node *node = proc_node(file->inode);
	pid_nr number;

	while ((number = next_task(node, (pid_nr)(context->position - first))) >= 0) {
		char name[16];

		format_string(name, sizeof(name), "%d", number);
		if (!proc_emit(context, name, first + (u64)number, first + (u64)number,
			       TYPE_DIRECTORY)) {
			return 0;
		}
	}
	return 0;
}
