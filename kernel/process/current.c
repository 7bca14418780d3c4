// SPDX-License-Identifier: MIT
/* The running thread's own slots: plain reads, for only their owner writes them (I1, I2). */
#include "process/current.h"

#include "core/panic.h"
#include "cred/user_namespace.h"
#include "fs/file_table.h"
#include "process/process.h"
#include <asm/resource.h>

struct file_table *current_files(void)
{
	struct file_table *files = current_thread()->files;

	ASSERT(files);
	return files;
}

struct fs_info *current_fs(void)
{
	struct fs_info *fs = current_thread()->fs;

	ASSERT(fs);
	return fs;
}

struct namespace_set *current_namespaces(void)
{
	struct namespace_set *namespaces = current_thread()->namespaces;

	ASSERT(namespaces);
	return namespaces;
}

struct vm_space *current_vm(void)
{
	struct vm_space *vm = current_thread()->process->vm;

	ASSERT(vm);
	return vm;
}

u64 current_limit(unsigned resource)
{
	return process_limit(current_process(), resource);
}

int current_reserve_fd(bool close_on_exec)
{
	return fd_reserve(current_files(), 0, current_limit(RLIMIT_NOFILE),
			  close_on_exec);
}

long current_install_file(struct file *file, bool close_on_exec)
{
	int fd = current_reserve_fd(close_on_exec);

	if (fd < 0) {
		file_put(file);
		return fd;
	}
	fd_install(current_files(), fd, file);
	return fd;
}

bool current_capable(int capability)
{
	return credentials_capable(current_credentials(), capability);
}

bool current_capable_inside(int capability)
{
	const struct credentials *own = current_credentials();

	return credentials_capable_in(own, own->user_namespace, capability);
}

u32 current_uid_to_kernel(u32 uid)
{
	return id_to_kernel(current_credentials()->user_namespace, ID_USER, uid);
}

u32 current_gid_to_kernel(u32 gid)
{
	return id_to_kernel(current_credentials()->user_namespace, ID_GROUP, gid);
}

u32 current_uid_shown(u32 kernel_uid)
{
	return id_from_kernel_or_overflow(current_credentials()->user_namespace, ID_USER,
					  kernel_uid);
}

u32 current_gid_shown(u32 kernel_gid)
{
	return id_from_kernel_or_overflow(current_credentials()->user_namespace, ID_GROUP,
					  kernel_gid);
}
