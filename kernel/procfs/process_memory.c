// SPDX-License-Identifier: MIT
/*
 * proc(5): what an address space tells: maps, smaps, cmdline, environ, auxv, mem.
 *
 * Context   thread. The space is looked at under vm_lock_shared(), which fails once it is dead; it is never kept alive from here.
 */
#include "procfs/procfs_internal.h"

#include "fs/fs_info.h"
#include "fs/path.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/resources.h"
#include "vm/vm_space.h"
#include <linux/limits.h>

enum { CHUNK = 4096, NAME_COLUMN = 73 };
#define STRINGS_MAX (6UL << 20)

static void print_name(struct proc_text *text, const struct vm_area *area,
		       size_t line_start, const struct path *root, char *buffer)
{
	const char *name = area->name;
	char *start;

	if (!name && area->file) {
		int length = path_to_name(&area->file->path, root, buffer, PATH_MAX,
					  NAME_FOR_READER, &start);

		name = length < 0 ? "?" : start;
		if (length >= 0) {
			start[length] = 0;
		}
	}
	if (!name && area->flags & AREA_SHARED && !area->file) {
		name = "/dev/zero (deleted)";
	}
	if (!name) {
		return;
	}
	while (text->error == 0 && text->size - line_start < NAME_COLUMN) {
		proc_append(text, " ", 1);
	}
	proc_append(text, name, strlen(name));
}

static void print_area(struct proc_text *text, const struct vm_area *area,
		       const struct path *root, char *buffer)
{
	size_t line_start = text->size;
	u64 device = 0, number = 0;
	bool own = area->name &&
		   area->name[0] == '['; // the vDSO is an object of the kernel's

	if (area->file) {
		device = area->file->inode->super_block->device_id;
		number = area->file->inode->attributes.inode_number;
	} else if (area->flags & AREA_SHARED && !own) {
		device = 1; /* as the file of shared memory without a name has there */
	}
	proc_print(text, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", area->start,
		   area->end, area->protect & PROTECT_READ ? 'r' : '-',
		   area->protect & PROTECT_WRITE ? 'w' : '-',
		   area->protect & PROTECT_EXECUTE ? 'x' : '-',
		   area->flags & AREA_SHARED && !own ? 's' : 'p',
		   area->object && !own ? area->offset : 0,
		   (unsigned)(device >> 8 & 0xfff), (unsigned)(device & 0xff), number);
	print_name(text, area, line_start, root, buffer);
	proc_append(text, "\n", 1);
}

struct areas_text {
	struct proc_text *text;
	struct path root;
	char *buffer;
	bool details;
};

static void show_area(struct areas_text *to, struct vm_area *area)
{
	print_area(to->text, area, &to->root, to->buffer);
	if (to->details) {
		proc_print_area_statistics(to->text, area);
	}
}

/* One area a hold of the lock: the owner's changes never wait long. */
static void show_all(struct areas_text *to, struct vm_space *vm)
{
	struct vm_area *area;
	vaddr_t at = 0;

	do {
		if (vm_lock_shared(vm)) {
			return;
		}
		area = vm_next_area(vm, at);
		if (area) {
			show_area(to, area);
			at = area->end;
		}
		vm_unlock_shared(vm);
	} while (area && !to->text->error);
}

static int show_areas(struct proc_text *text, const struct proc_node *node, bool details)
{
	struct areas_text to = {.text = text, .details = details};
	struct vm_space *vm;
	int error = proc_vm(node, &vm);

	if (error) {
		return error == -ESRCH ? 0 : error; /* a zombie: empty */
	}
	to.buffer = heap_allocate(PATH_MAX + 1);
	if (!to.buffer) {
		vm_put(vm);
		return -ENOMEM;
	}
	fs_info_get_root(current_fs(), &to.root);
	show_all(&to, vm);
	path_put(&to.root);
	heap_free(to.buffer);
	vm_put(vm);
	return 0;
}

int proc_show_maps(struct proc_text *text, const struct proc_node *node)
{
	return show_areas(text, node, false);
}

int proc_show_smaps(struct proc_text *text, const struct proc_node *node)
{
	return show_areas(text, node, true);
}

/* Copy [start, end) of the space into the text. */
static int show_range(struct proc_text *text, struct vm_space *vm, vaddr_t start,
		      vaddr_t end)
{
	char *chunk = heap_allocate(CHUNK);

	if (!chunk) {
		return -ENOMEM;
	}
	while (start < end && text->error == 0) {
		s64 got = vm_read(vm, start, chunk, MIN(end - start, (u64)CHUNK), false);

		if (got <= 0) {
			break;
		}
		proc_append(text, chunk, (size_t)got);
		start += (u64)got;
	}
	heap_free(chunk);
	return 0;
}

struct vm_space *proc_any_vm(const struct proc_node *node)
{
	struct vm_space *vm;

	spin_lock(&node->process->resource_lock);
	vm = node->process->vm;
	if (vm) {
		vm_get(vm);
	}
	spin_unlock(&node->process->resource_lock);
	return vm;
}

int proc_show_arguments(struct proc_text *text, const struct proc_node *node)
{
	struct vm_space *vm = proc_any_vm(node); /* anybody may read these */
	int error;

	if (!vm) {
		return 0;
	}
	error = show_range(text, vm, vm->arguments_start,
			   MIN(vm->arguments_end, vm->arguments_start + STRINGS_MAX));
	vm_put(vm);
	return error;
}

int proc_show_environment(struct proc_text *text, const struct proc_node *node)
{
	struct vm_space *vm;
	int error = proc_vm(node, &vm);

	if (error) {
		return error == -ESRCH ? 0 : error;
	}
	error = show_range(text, vm, vm->environment_start,
			   MIN(vm->environment_end, vm->environment_start + STRINGS_MAX));
	vm_put(vm);
	return error;
}

int proc_show_auxv(struct proc_text *text, const struct proc_node *node)
{
	struct vm_space *vm;
	int error = proc_vm(node, &vm);

	if (error) {
		return error == -ESRCH ? 0 : error;
	}
	proc_append(text, vm->auxv, vm->auxv_count * sizeof(vm->auxv[0]));
	vm_put(vm);
	return 0;
}

/* ---- mem ---- */

static int memory_open(struct inode *inode, struct file *file)
{
	struct vm_space *vm;
	int error = proc_vm(proc_node(inode), &vm);

	if (!error) {
		file->data = vm; /* pins the struct, not the memory */
	}
	return error == -EPERM ? -EACCES : error;
}

static s64 memory_transfer(struct file *file, struct io_buffer *io, u64 *position,
			   bool write)
{
	char *chunk = heap_allocate(CHUNK);
	s64 done = 0;

	if (!chunk) {
		return -ENOMEM;
	}
	while (io->remaining > 0) {
		size_t size = MIN(io->remaining, (u64)CHUNK);
		s64 moved;

		if (write) {
			size = io_copy_from(io, chunk, size);
			moved = size ? vm_write(file->data, *position, chunk, size, true)
				     : -EFAULT;
		} else {
			moved = vm_read(file->data, *position, chunk, size, true);
			moved = moved > 0 ? (s64)io_copy_to(io, chunk, (size_t)moved)
					  : moved;
		}
		if (moved <= 0) {
			done = done ? done : moved == -ESRCH ? 0 : -EIO;
			break;
		}
		*position += (u64)moved;
		done += moved;
	}
	heap_free(chunk);
	return done;
}

static s64 memory_read(struct file *file, struct io_buffer *io, u64 *position)
{
	return memory_transfer(file, io, position, false);
}

static s64 memory_write(struct file *file, struct io_buffer *io, u64 *position)
{
	return memory_transfer(file, io, position, true);
}

static s64 memory_seek(struct file *file, s64 offset, int whence)
{
	u64 position = (u64)offset;

	if (whence != 0 && whence != 1) {
		return -EINVAL;
	}
	mutex_lock(&file->position_lock);
	if (whence == 1) {
		position += file->position;
	}
	file->position = position; /* addresses of the upper half are positions too */
	mutex_unlock(&file->position_lock);
	return (s64)position;
}

static void memory_release(struct file *file)
{
	if (file->data) {
		vm_put(file->data);
	}
}

const struct file_operations proc_memory_operations = {
	.open = memory_open,
	.read = memory_read,
	.write = memory_write,
	.seek = memory_seek,
	.release = memory_release,
};
