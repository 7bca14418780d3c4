// SPDX-License-Identifier: MIT
/*
 * The vDSO of programs: one object for everybody, made at boot; and its data page.
 *
 * The data page is the clock's own, or one that says nothing, so that the vDSO asks the kernel: for programs whose time
 * namespace is not the first.
 */
#include "process/exec/exec_internal.h"

#include "arch/mmu.h"
#include "arch/vdso.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "process/current.h"
#include "process/namespace/namespace.h"
#include "process/namespace/time_namespace.h"
#include "time/clock.h"
#include "vm/vm_space.h"
#include <linux/mman.h>

static u64 vdso_bytes;
static struct vm_object *vdso_object, *silent_data;

static u64 vdso_object_size(struct vm_object *object)
{
	return PAGE_SIZE + vdso_bytes;
}

static const struct vm_object_operations vdso_operations = {
	.kernel_pages = true,
	.size = vdso_object_size,
};

/* Page `index` of the object: a copy of `from` (NULL: zeros, and handed to the clock). */
static int add_vdso_page(struct vm_object *object, u64 index, const u8 *from)
{
	struct frame *frame;
	int err = frame_allocate(FRAME_ZERO, &frame);

	if (err) {
		return err;
	}
	if (from) {
		memcpy(frame_address(frame), from, PAGE_SIZE);
	}
	err = vm_object_insert(object, index, frame);
	if (!err && !from) {
		clock_set_vdso_page(frame_address(frame)); // our reference stays for good
		return 0;
	}
	frame_put(frame);
	return err;
}

static int fill_vdso(struct vm_object *object, const u8 *image)
{
	int err = 0;

	for (u64 offset = 0; offset < vdso_bytes && !err; offset += PAGE_SIZE) {
		err = add_vdso_page(object, 1 + offset / PAGE_SIZE, image + offset);
	}
	return err ? err : add_vdso_page(object, 0, NULL);
}

/* A page of zeros: no clock to read. */
static int make_silent_data(void)
{
	struct frame *frame;
	int err = frame_allocate(FRAME_ZERO, &frame);

	if (err) {
		return err;
	}
	err = vm_object_create(&vdso_operations, NULL, &silent_data);
	if (!err) {
		err = vm_object_insert(silent_data, 0, frame);
	}
	frame_put(frame);
	return err;
}

static int make_vdso(void)
{
	size_t size;
	const u8 *image = arch_vdso_image(&size);
	struct vm_object *object;
	int err;

	vdso_bytes = ALIGN_UP(size, PAGE_SIZE);
	if (!image || !size) {
		return 0;
	}
	err = vm_object_create(&vdso_operations, NULL, &object);
	if (err) {
		return err;
	}
	err = fill_vdso(object, image);
	if (err) {
		vm_object_put(object);
		return err;
	}
	vdso_object = object;
	return make_silent_data();
}

void exec_init(void)
{
	if (make_vdso()) {
		vdso_object = NULL; // programs do without
	}
}

static int map_part(struct vm_space *vm, struct vm_object *object, vaddr_t address,
		    u64 offset, u64 size, u32 protect)
{
	struct vm_map_request request = {
		.address = address,
		.size = size,
		.protect = protect,
		.map_flags = MAP_SHARED | MAP_FIXED,
		.object = object,
		.offset = offset,
		.name = offset ? "[vdso]" : "[vvar]",
	};
	vaddr_t at;

	request.maximum_protect = protect;
	return vm_map(vm, &request, &at);
}

static int map_data(struct vm_space *vm, struct vm_object *object, vaddr_t address)
{
	return map_part(vm, object, address, 0, PAGE_SIZE, PROTECT_READ);
}

/* What the running thread's next program reads the time from. The first program has no namespaces yet. */
static struct vm_object *data_of_next_program(void)
{
	return current_is_user_thread() &&
			       current_namespaces()
					       ->slot[NAMESPACE_SLOT_TIME_FOR_CHILDREN] !=
				       &first_time_namespace.base
		       ? silent_data
		       : vdso_object;
}

static int map_vdso(struct exec_image *image)
{
	struct vm_map_request reserve = {
		.size = PAGE_SIZE + vdso_bytes,
		.map_flags = MAP_PRIVATE | MAP_ANONYMOUS,
	};
	vaddr_t at;
	int err;

	if (!vdso_object) {
		return 0;
	}
	err = vm_map(image->vm, &reserve, &at);
	if (!err) {
		err = map_data(image->vm, data_of_next_program(), at);
	}
	if (!err) {
		err = map_part(image->vm, vdso_object, at + PAGE_SIZE, PAGE_SIZE,
			       vdso_bytes, PROTECT_READ | PROTECT_EXECUTE);
	}
	if (!err) {
		image->vm->vdso = at + PAGE_SIZE;
	}
	return err;
}

int exec_map_vdso(struct exec_image *image)
{
	int err = map_vdso(image);

	return err ? err : thread_blocks_start(image->vm);
}

/* The first place at or behind *address where the clock's data page is mapped. */
static bool find_data(struct vm_space *vm, vaddr_t *address)
{
	struct vm_area *area = NULL;

	if (vm_lock_shared(vm)) {
		return false;
	}
	while ((area = vm_next_area(vm, *address))) {
		*address = area->start;
		if (area->object == vdso_object && area->offset == 0) {
			break;
		}
		*address = area->end;
	}
	vm_unlock_shared(vm);
	return area != NULL;
}

int exec_use_kernel_clock(struct vm_space *vm)
{
	vaddr_t address = 0;
	int err = 0;

	while (vdso_object && !err && find_data(vm, &address)) {
		err = map_data(vm, silent_data, address);
		address += PAGE_SIZE;
	}
	return err;
}
