// SPDX-License-Identifier: MIT
/* What the running thread may ask about itself (rank 9 and above only). Borrowed until its own next commit: see resources.h. */
#pragma once

#include "process/thread.h"

struct file;

static inline struct thread *current_thread(void)
{
	return thread_from_entity(sched_current());
}
/* Is the running thread a user thread, with a struct thread around its entity? */
static inline bool current_is_user_thread(void)
{
	return !sched_current()->kernel_name;
}
static inline struct process *current_process(void)
{
	return current_thread()->process;
}
static inline const struct credentials *current_credentials(void)
{
	return current_thread()->credentials;
}
struct file_table *current_files(void);
struct fs_info *current_fs(void);
struct namespace_set *current_namespaces(void);
struct vm_space *current_vm(void);
u64 current_limit(unsigned resource); /* RLIMIT_*: soft value */
/* The lowest free descriptor below RLIMIT_NOFILE, or fd_reserve()'s errors; then fd_install() or fd_cancel(). May sleep. */
int current_reserve_fd(bool close_on_exec);
/* Give `file` (a reference, taken over, also on failure) that descriptor: its number, or fd_reserve()'s errors. May sleep. */
long current_install_file(struct file *file, bool close_on_exec);
bool current_capable(int capability); /* CAP_*, over the machine */
/* CAP_*, over what belongs to the running thread's user namespace. */
bool current_capable_inside(int capability);
/* Ids as the running thread's user namespace writes them, from and to kernel ids. Inward ID_INVALID, outward ID_OVERFLOW
 * where there is no mapping. */
u32 current_uid_to_kernel(u32 uid);
u32 current_gid_to_kernel(u32 gid);
u32 current_uid_shown(u32 kernel_uid);
u32 current_gid_shown(u32 kernel_gid);
