// SPDX-License-Identifier: MIT
/*
 * Memory of the calling process: brk, mmap and their family.
 *
 * The machine is one memory node: mbind(2) and its family are not there (ENOSYS), as in a Linux without NUMA. There are no protection
 * keys: pkey_alloc(2) says ENOSPC.
 */
#include "syscall/syscall.h"

#include "fs/file.h"
#include "fs/file_table.h"
#include "fs/path.h"
#include "mm/usercopy.h"
#include "vm/vm_space.h"
#include <linux/mman.h>

STATIC_ASSERT(PROT_READ == PROTECT_READ && PROT_WRITE == PROTECT_WRITE &&
	      PROT_EXEC == PROTECT_EXECUTE);

enum { PROTECT_ALL = PROTECT_READ | PROTECT_WRITE | PROTECT_EXECUTE };

long sys_brk(const struct syscall_arguments *a)
{
	return (long)vm_set_break(current_vm(), a->arg[0]);
}

/* --- mmap --- */

static long map_and_drop(struct vm_map_request *request)
{
	vaddr_t place;
	int error = vm_map(current_vm(), request, &place);

	vm_object_put(request->object);
	return error ? error : (long)place;
}

static long map_anonymous(struct vm_map_request *request)
{
	int error;

	request->offset = 0;
	if (!(request->map_flags & MAP_SHARED)) {
		return map_and_drop(request);
	}
	if (request->size == 0) {
		return -EINVAL;
	}
	if (request->size > USER_END) {
		return -ENOMEM;
	}
	error = vm_object_create_anonymous(ALIGN_UP(request->size, PAGE_SIZE),
					   &request->object);
	return error ? error : map_and_drop(request);
}

static long map_file(struct vm_map_request *request, int fd)
{
	struct fd_reference reference;
	struct file *file;
	long result = fd_begin(current_files(), fd, &reference);

	if (result) {
		return result;
	}
	file = reference.file;
	request->file = file;
	result = request->size == 0 ? -EINVAL : 0;
	if (!result) {
		result = file->operations->map ? file->operations->map(file, request)
					       : -ENODEV;
	}
	if (!result) {
		result = map_and_drop(request);
	}
	fd_end(&reference);
	return result;
}

static int check_map_flags(u32 flags, u64 offset)
{
	u32 type = flags & MAP_TYPE;
	u32 known = MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_DENYWRITE |
		    MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE |
		    MAP_NONBLOCK | MAP_STACK | MAP_FIXED_NOREPLACE | MAP_UNINITIALIZED;

	if (offset & ~PAGE_MASK || flags & MAP_HUGETLB) {
		return -EINVAL;
	}
	if (type == MAP_SHARED_VALIDATE) {
		return flags & ~known ? -EOPNOTSUPP : 0;
	}
	return type == MAP_SHARED || type == MAP_PRIVATE ? 0 : -EINVAL;
}

long sys_mmap(const struct syscall_arguments *a)
{
	struct vm_map_request request = {
		.address = a->arg[0],
		.size = a->arg[1],
		.protect = (u32)a->arg[2] & PROTECT_ALL,
		.map_flags = (u32)a->arg[3],
		.offset = a->arg[5],
	};
	int error = check_map_flags(request.map_flags, request.offset);

	if (error) {
		return error;
	}
	if (request.map_flags & MAP_ANONYMOUS) {
		return map_anonymous(&request);
	}
	return map_file(&request, (int)a->arg[4]);
}

long sys_munmap(const struct syscall_arguments *a)
{
	return vm_unmap(current_vm(), a->arg[0], a->arg[1]);
}

/* --- mprotect --- */

/* PROT_GROWSDOWN: from the start of the stack that holds the address. */
static int extend_down(vaddr_t *address, u64 *size)
{
	struct vm_space *vm = current_vm();
	struct vm_area *area;
	int error = vm_lock_shared(vm);

	if (error) {
		return error;
	}
	area = vm_next_area(vm, *address);
	if (!area || area->start > *address) {
		error = -ENOMEM;
	} else if (!(area->flags & AREA_STACK)) {
		error = -EINVAL;
	} else {
		*size += *address - area->start;
		*address = area->start;
	}
	vm_unlock_shared(vm);
	return error;
}

static long change_protection(vaddr_t address, u64 size, u64 protect)
{
	u64 known = PROTECT_ALL | PROT_SEM | PROT_GROWSDOWN | PROT_GROWSUP;
	int error;

	if (address & ~PAGE_MASK || protect & ~known || protect & PROT_GROWSUP) {
		return -EINVAL;
	}
	if (size == 0) {
		return 0;
	}
	if (protect & PROT_GROWSDOWN) {
		error = extend_down(&address, &size);
		if (error) {
			return error;
		}
	}
	return vm_protect(current_vm(), address, size, (u32)protect & PROTECT_ALL);
}

long sys_mprotect(const struct syscall_arguments *a)
{
	return change_protection(a->arg[0], a->arg[1], a->arg[2]);
}

long sys_pkey_mprotect(const struct syscall_arguments *a)
{
	if ((int)a->arg[3] != -1) {
		return -EINVAL;
	}
	return change_protection(a->arg[0], a->arg[1], a->arg[2]);
}

long sys_pkey_alloc(const struct syscall_arguments *a)
{
	return a->arg[0] || a->arg[1] & ~3UL ? -EINVAL : -ENOSPC;
}

long sys_pkey_free(const struct syscall_arguments *a)
{
	return -EINVAL;
}

/* --- the others --- */

long sys_mremap(const struct syscall_arguments *a)
{
	vaddr_t place;
	int error = vm_remap(current_vm(), a->arg[0], a->arg[1], a->arg[2],
			     (u32)a->arg[3], a->arg[4], &place);

	return error ? error : (long)place;
}

long sys_remap_file_pages(const struct syscall_arguments *a)
{
	return a->arg[2] ? -EINVAL
			 : vm_remap_pages(current_vm(), a->arg[0], a->arg[1], a->arg[3],
					  (u32)a->arg[4]);
}

long sys_madvise(const struct syscall_arguments *a)
{
	return vm_advise(current_vm(), a->arg[0], a->arg[1], (int)a->arg[2]);
}

long sys_msync(const struct syscall_arguments *a)
{
	return vm_sync(current_vm(), a->arg[0], a->arg[1], (int)a->arg[2]);
}

/* Who could not change the file learns nothing of what others read of it. */
static bool may_know_residence(struct file *file)
{
	const struct credentials *credentials = current_credentials();

	return credentials_owns(credentials, file->inode->attributes.uid) ||
	       fs_permission(file->inode, credentials, ACCESS_WRITE) == 0;
}

long sys_mincore(const struct syscall_arguments *a)
{
	vaddr_t address = a->arg[0];
	u64 pages;
	u8 resident[256];

	if (address & ~PAGE_MASK) {
		return -EINVAL;
	}
	if (!user_range_ok(address, a->arg[1])) {
		return -ENOMEM;
	}
	pages = (a->arg[1] + PAGE_SIZE - 1) >> PAGE_SHIFT;
	if (!user_range_ok(a->arg[2], pages)) {
		return -EFAULT;
	}
	for (u64 done = 0; done < pages;) {
		u64 part = MIN(pages - done, sizeof resident);
		int error = vm_mincore(current_vm(), address + (done << PAGE_SHIFT),
				       part << PAGE_SHIFT, resident, may_know_residence);

		if (!error) {
			error = user_write(a->arg[2] + done, resident, part);
		}
		if (error) {
			return error;
		}
		done += part;
	}
	return 0;
}

long sys_mlock(const struct syscall_arguments *a)
{
	return vm_lock_memory(current_vm(), a->arg[0], a->arg[1], true, false);
}

long sys_mlock2(const struct syscall_arguments *a)
{
	if (a->arg[2] & ~(u64)MLOCK_ONFAULT) {
		return -EINVAL;
	}
	return vm_lock_memory(current_vm(), a->arg[0], a->arg[1], true,
			      a->arg[2] & MLOCK_ONFAULT);
}

long sys_munlock(const struct syscall_arguments *a)
{
	return vm_lock_memory(current_vm(), a->arg[0], a->arg[1], false, false);
}

long sys_mlockall(const struct syscall_arguments *a)
{
	u64 flags = a->arg[0];

	if (!flags || flags & ~(u64)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) ||
	    flags == MCL_ONFAULT) {
		return -EINVAL;
	}
	return vm_lock_all(current_vm(), (int)flags);
}

long sys_munlockall(const struct syscall_arguments *a)
{
	return vm_lock_all(current_vm(), 0);
}
