// SPDX-License-Identifier: MIT
/* proc(5), inside the room: entries in tables, nodes behind inodes, and text that is made when a file is read from its start. */
#pragma once

#include "fs/directory.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "lib/compiler.h"
#include "process/current.h"
#include "process/process.h"

/* Text under construction; an allocation that failed is remembered and makes the read fail. */
struct proc_text {
	char *data;
	size_t size, capacity;
	int error;
};
void proc_print(struct proc_text *text, const char *format, ...) printf_like(2, 3);
void proc_append(struct proc_text *text, const void *data, size_t size);
/* `value` with spaces, newlines, backslashes as octal escapes (mounts). */
void proc_append_escaped(struct proc_text *text, const char *value);

struct pid_namespace;
struct proc_entry;

/* What an inode is about. */
struct proc_node {
	const struct proc_entry *entry;
	struct process *process; /* a reference; NULL: the machine as a whole */
	struct thread
		*thread; /* a reference; NULL in /proc/PID itself: the leader is meant */
	int fd;          /* of /proc/PID/fd/N */
	bool setting;    /* /proc/sys and what is in it: its mode and owner stay */
	vaddr_t area_start, area_end; /* of /proc/PID/map_files/START-END; else 0 */
	struct pid_namespace
		*namespace; /* whose numbers are shown; the super block's reference. NULL: not procfs */
};

/* One name in a directory. */
struct proc_entry {
	const char *name;
	u32 mode;
	bool (*is_there)(void); /* NULL: it always is */
	int (*show)(struct proc_text *text, const struct proc_node *node);
	int (*write)(const struct proc_node *node,
		     char *text); /* NUL-terminated, the last newline cut off */
	/* Instead, where the rights of who opened it count: each write from the start, and whole. */
	int (*write_as)(const struct proc_node *node, const struct credentials *opener,
			char *text);
	int (*link)(const struct proc_node *node, char *to, size_t size);
	int (*follow)(const struct proc_node *node, struct path *out);
	int (*may_follow)(void); /* a walk through the link asks; readlink(2) does not */
	const struct proc_entry *children; /* ends with a NULL name */
	unsigned number; /* the functions' own, where one serves several names */
	/* Directories whose names are not in a table. Looked at after `children`. */
	int (*lookup)(struct inode *directory, struct dentry *dentry);
	int (*iterate)(struct file *file, struct directory_context *context, u64 first);
	const struct file_operations *file_operations; /* instead of text */
	int opener_capability; /* text: who opened it must have had this one, else reads are EACCES; 0: none */
	bool guarded; /* asked is whether the reader may look into the process: text: by open; directory: by each walk */
	bool ends_at_0; /* text: SEEK_END is its start, where others refuse it */
	bool open_to_self; /* a directory that a process's own threads may enter whoever owns it */
};

static inline struct proc_node *proc_node(const struct inode *inode)
{
	return inode->data;
}

/* Give the dentry an inode for `entry`; process, thread and fd as in `like`, of which references are taken. */
int proc_instantiate(struct inode *directory, struct dentry *dentry,
		     const struct proc_node *like);
/* Emit one name of a dynamic directory, whose position is `at`; false: the buffer is full. */
bool proc_emit(struct directory_context *context, const char *name, u64 at, u64 number,
	       unsigned type);
/* The thread a node is about, with a reference; NULL: it is gone. */
struct thread *proc_thread(const struct proc_node *node);
/* An open file of a thread, with a reference, or NULL. */
struct file *proc_get_file(struct thread *thread, int fd);
/* How it is open, FILE_*, or -EBADF: for who holds a directory's lock, within which the last reference must not go. */
int proc_file_mode(struct thread *thread, int fd);
/* The node's address space with a reference, if the reader may look into it. -ESRCH, -EACCES, -EPERM */
int proc_vm(const struct proc_node *node, struct vm_space **out) must_check;
/* The same for what needs no leave to look, or asks itself; NULL: it has none. */
struct vm_space *proc_any_vm(const struct proc_node *node);

extern const struct proc_entry proc_root_entries[], proc_process_entries[],
	proc_thread_entries[], proc_namespace_entries[], proc_sys_entries[],
	proc_net_entries[], proc_heddle_entries[], proc_sysvipc_entries[],
	proc_fanotify_entries[], proc_inotify_entries[], proc_mqueue_entries[];
extern const struct file_operations proc_memory_operations, proc_id_map_operations,
	proc_setgroups_operations, proc_pagemap_operations, proc_kmsg_operations;
/* What CAP_SYS_ADMIN writes to a setting of the machine: a number up to `most`. -EPERM, -EINVAL */
int proc_parse_limit(const char *value, u64 most, u64 *out) must_check;
int proc_show_dnotify(struct proc_text *text, const struct proc_node *node);
int proc_write_dnotify(const struct proc_node *node, char *value);
int proc_show_dmesg_restrict(struct proc_text *text, const struct proc_node *node);
int proc_write_dmesg_restrict(const struct proc_node *node, char *value);
int proc_show_printk(struct proc_text *text, const struct proc_node *node);
/* The lines of smaps below the one that maps has too. The space's lock is held. */
struct vm_area;
void proc_print_area_statistics(struct proc_text *text, struct vm_area *area);
int proc_show_smaps_rollup(struct proc_text *text, const struct proc_node *node);
int proc_show_timer_slack(struct proc_text *text, const struct proc_node *node);
int proc_write_timer_slack(const struct proc_node *node, char *value);
int proc_show_children(struct proc_text *text, const struct proc_node *node);
int proc_show_oom_adjust(struct proc_text *text, const struct proc_node *node);
int proc_write_oom_adjust(const struct proc_node *node, char *value);
int proc_show_io(struct proc_text *text, const struct proc_node *node);
/* May the reader look into the process (dumpable, or privileged)? 0, -EACCES, -ESRCH. */
int proc_check_access(const struct proc_node *node) must_check;

/* Shows, by file. */
int proc_show_maps(struct proc_text *text, const struct proc_node *node);
int proc_show_smaps(struct proc_text *text, const struct proc_node *node);
int proc_show_arguments(struct proc_text *text, const struct proc_node *node);
int proc_show_environment(struct proc_text *text, const struct proc_node *node);
int proc_show_auxv(struct proc_text *text, const struct proc_node *node);
int proc_show_stat(struct proc_text *text, const struct proc_node *node);
int proc_show_statm(struct proc_text *text, const struct proc_node *node);
int proc_show_status(struct proc_text *text, const struct proc_node *node);
int proc_show_limits(struct proc_text *text, const struct proc_node *node);
int proc_show_wchan(struct proc_text *text, const struct proc_node *node);
int proc_show_syscall(struct proc_text *text, const struct proc_node *node);
int proc_show_stack(struct proc_text *text, const struct proc_node *node);
int proc_show_sched(struct proc_text *text, const struct proc_node *node);
int proc_show_dump_filter(struct proc_text *text, const struct proc_node *node);
int proc_write_dump_filter(const struct proc_node *node, char *value);
int proc_write_clear_refs(const struct proc_node *node, char *value);
int proc_show_schedstat(struct proc_text *text, const struct proc_node *node);
int proc_show_locks(struct proc_text *text, const struct proc_node *node);
/* fdinfo: what was locked through `file` by the descriptor table `table`, which is compared only. */
int proc_print_file_locks(struct proc_text *text, const struct file *file,
			  const void *table);
int proc_show_mounts(struct proc_text *text, const struct proc_node *node);
int proc_show_ledger(struct proc_text *text, const struct proc_node *node);
int proc_write_ledger(const struct proc_node *node, char *text);
int proc_show_faults(struct proc_text *text, const struct proc_node *node);
int proc_write_faults(const struct proc_node *node, char *text);
int proc_show_mountstats(struct proc_text *text, const struct proc_node *node);
int proc_show_mountinfo(struct proc_text *text, const struct proc_node *node);
int proc_follow_exe(const struct proc_node *node, struct path *out);
int proc_follow_cwd(const struct proc_node *node, struct path *out);
int proc_follow_root(const struct proc_node *node, struct path *out);
int proc_show_time_offsets(struct proc_text *text, const struct proc_node *node);
int proc_write_time_offsets(const struct proc_node *node,
			    const struct credentials *opener, char *text);
int proc_lookup_fd(struct inode *directory, struct dentry *dentry);
int proc_lookup_fdinfo(struct inode *directory, struct dentry *dentry);
int proc_iterate_fd(struct file *file, struct directory_context *context, u64 first);
int proc_lookup_map_files(struct inode *directory, struct dentry *dentry);
int proc_iterate_map_files(struct file *file, struct directory_context *context,
			   u64 first);
/* Is the area that a node of map_files names still there, and may the reader know? */
bool proc_map_file_there(const struct proc_node *node);
int proc_lookup_process(struct inode *directory, struct dentry *dentry);
/* Of /proc/PID, with a reference; NULL: the file is none of those. */
struct pid *proc_get_directory_pid(const struct file *file);
int proc_iterate_processes(struct file *file, struct directory_context *context,
			   u64 first);
int proc_lookup_task(struct inode *directory, struct dentry *dentry);
int proc_iterate_tasks(struct file *file, struct directory_context *context, u64 first);

extern struct file_system_type proc_type;
/* A file system over a table: its statfs magic, and its root's entry. */
int proc_mount_tree(const struct file_system_type *type, const struct proc_entry *entry,
		    u64 magic, struct pid_namespace *namespace,
		    struct super_block **out) must_check;
