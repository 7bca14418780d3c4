// SPDX-License-Identifier: MIT
/*
 * Shared memory segments: made, attached, marked, gone.
 *
 * Owns      struct segment.
 * Locks     vm_space.lock > segments_lock (one for all namespaces, for a segment may outlive its own) > vm_object.lock
 *
 * Invariants
 *   H1  `attached` is the number of areas that map the object, and of calls of shmat on their way.
 *   H2  A segment leaves its table when it is marked (SHM_DEST) and attached nowhere, or with its namespace. The table's
 *	 reference on the object goes then; the segment itself goes with the object.
 */
#include "ipc/sysv/segment_internal.h"

#include "lib/format.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "vm/vm_space.h"
#include <linux/mman.h>

OBJECT_CACHE(segments, segment);

static u64 pages_of(u64 size)
{
	return (size >> PAGE_SHIFT) + ((size & ~PAGE_MASK) != 0);
}

/* --- the object's operations --- */

static u64 object_size(struct vm_object *object)
{
	struct segment *segment = object->owner;

	return segment->size;
}

static void object_destroy(struct vm_object *object)
{
	struct segment *segment = object->owner;

	ipc_pid_set(&segment->creator, NULL);
	ipc_pid_set(&segment->last, NULL);
	object_free(&segments, segment);
}

/* Out of the table. true: its reference on the object is now the caller's. */
static bool leave_table(struct segment *segment)
{
	struct sysv_ipc *ipc = segment->ipc;

	if (!ipc) {
		return false;
	}
	segment->ipc = NULL;
	ipc_table_remove(&ipc->segments, &segment->object);
	ipc->segment_pages -= pages_of(segment->size);
	return true;
}

static bool end_if_marked(struct segment *segment)
{
	return segment->object.mode & SHM_DEST && !segment->attached &&
	       leave_table(segment);
}

/* One attachment less. The caller has a reference on the object. */
static void attachment_ended(struct segment *segment, bool by_unmapping)
{
	bool gone;

	mutex_lock(&segments_lock);
	ASSERT(segment->attached);
	segment->attached--;
	if (by_unmapping) {
		segment->detach_time = ipc_now();
		ipc_pid_set(&segment->last, ipc_pid_current());
	}
	gone = end_if_marked(segment);
	mutex_unlock(&segments_lock);
	if (gone) {
		vm_object_put(segment->vm_object);
	}
}

static void object_mapped(struct vm_object *object)
{
	struct segment *segment = object->owner;

	mutex_lock(&segments_lock);
	segment->attached++;
	segment->attach_time = ipc_now();
	ipc_pid_set(&segment->last, ipc_pid_current());
	mutex_unlock(&segments_lock);
}

static void object_unmapped(struct vm_object *object)
{
	attachment_ended(object->owner, true);
}

static const struct vm_object_operations operations = {
	.size = object_size,
	.mapped = object_mapped,
	.unmapped = object_unmapped,
	.destroy = object_destroy,
};

/* --- shmget --- */

static int segment_create(const struct ipc_caller *caller, s32 key, u64 size, u32 flags)
{
	struct sysv_ipc *ipc = caller->ipc;
	struct segment *segment = object_allocate(&segments);
	int error;

	if (!segment) {
		return -ENOMEM;
	}
	segment->size = size;
	segment->change_time = ipc_now();
	(void)format_string(segment->name, sizeof(segment->name), "/SYSV%08x (deleted)",
			    (u32)key);
	error = vm_object_create(&operations, segment, &segment->vm_object);
	if (error) {
		object_free(&segments, segment);
		return error;
	}
	error = ipc_table_add(caller, &ipc->segments, &segment->object, key, flags,
			      READ_ONCE(ipc->segment_limit));
	if (error) {
		vm_object_put(segment->vm_object);
		return error;
	}
	segment->ipc = ipc;
	ipc->segment_pages += pages_of(size);
	ipc_pid_set(&segment->creator, caller->pid);
	return segment->object.id;
}

/* There are no huge pages: none of a size that exists is free. */
static int check_huge(const struct ipc_caller *caller, u32 flags)
{
	u32 size = flags >> 26 & 63;

	if (size && size != 21 && size != 30) {
		return -EINVAL;
	}
	return ipc_capable(caller, CAP_IPC_LOCK) ? -ENOMEM : -EPERM;
}

static int check_new(const struct ipc_caller *caller, u64 size, u32 flags)
{
	const struct sysv_ipc *ipc = caller->ipc;
	struct frame_statistics frames;
	u64 pages = pages_of(size);

	if (size == 0 || size > READ_ONCE(ipc->segment_size)) {
		return -EINVAL;
	}
	if (ipc->segment_pages + pages < pages ||
	    ipc->segment_pages + pages > READ_ONCE(ipc->pages_in_all)) {
		return -ENOSPC;
	}
	if (flags & SHM_HUGETLB) {
		return check_huge(caller, flags);
	}
	if (size > INT64_MAX) { // it is a file, too
		return -EINVAL;
	}
	frame_statistics(&frames);
	return !(flags & SHM_NORESERVE) && pages > frames.total ? -ENOMEM : 0;
}

static int get_locked(const struct ipc_caller *caller, s32 key, u64 size, u32 flags)
{
	struct ipc_object *object;
	int error = ipc_table_find(&caller->ipc->segments, key, flags, &object);

	if (error > 0) {
		error = check_new(caller, size, flags);
		return error ? error : segment_create(caller, key, size, flags);
	}
	if (!error && segment_of(object)->size < size) {
		return -EINVAL;
	}
	if (!error) {
		error = ipc_check(caller, object, flags);
	}
	return error ? error : object->id;
}

int segment_get(const struct ipc_caller *caller, s32 key, u64 size, u32 flags)
{
	int result;

	mutex_lock(&segments_lock);
	result = get_locked(caller, key, size, flags);
	mutex_unlock(&segments_lock);
	return result;
}

/* --- shmat, shmdt --- */

static int place_of(vaddr_t *address, u32 flags, u32 *map_flags)
{
	*map_flags = MAP_SHARED;
	if (!*address) {
		return flags & SHM_REMAP ? -EINVAL : 0;
	}
	if (*address & ~PAGE_MASK) {
		if (!(flags & SHM_RND)) {
			return -EINVAL;
		}
		*address &= PAGE_MASK;
		if (!*address && flags & SHM_REMAP) {
			return -EINVAL;
		}
	}
	*map_flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	return 0;
}

/* Found, allowed, and held: a reference on the object, and counted as attached. */
static int begin_attach(const struct ipc_caller *caller, int id, u32 access,
			struct segment **out)
{
	struct ipc_object *object;
	int error;

	mutex_lock(&segments_lock);
	error = ipc_table_access(caller, &caller->ipc->segments, id, access, &object);
	if (!error) {
		*out = segment_of(object);
		(*out)->attached++;
		vm_object_get((*out)->vm_object);
	}
	mutex_unlock(&segments_lock);
	return error;
}

static int map_segment(struct vm_space *vm, const struct segment *segment,
		       vaddr_t address, u32 map_flags, u32 protect, vaddr_t *out)
{
	struct vm_map_request request = {
		.address = address,
		.size = segment->size,
		.protect = protect,
		.maximum_protect =
			PROTECT_READ | PROTECT_EXECUTE | (protect & PROTECT_WRITE),
		.map_flags = map_flags,
		.object = segment->vm_object,
		.name = segment->name,
	};
	int error;

	if (address && address + segment->size < address) {
		return -EINVAL;
	}
	error = vm_map(vm, &request, out);
	return error == -EEXIST ? -EINVAL : error;
}

int segment_attach(const struct ipc_caller *caller, struct vm_space *vm, int id,
		   vaddr_t address, u32 flags, vaddr_t *out)
{
	u32 protect = PROTECT_READ, access = IPC_READ, map_flags;
	struct segment *segment;
	struct vm_object *object;
	int error = id < 0 ? -EINVAL : place_of(&address, flags, &map_flags);

	if (error) {
		return error;
	}
	if (!(flags & SHM_RDONLY)) {
		protect |= PROTECT_WRITE;
		access |= IPC_WRITE;
	}
	if (flags & SHM_EXEC) {
		protect |= PROTECT_EXECUTE;
		access |= IPC_EXECUTE;
	}
	error = begin_attach(caller, id, access, &segment);
	if (error) {
		return error;
	}
	object = segment->vm_object;
	error = map_segment(vm, segment, address, map_flags, protect, out);
	attachment_ended(segment, false);
	vm_object_put(object);
	return error;
}

int segment_detach(struct vm_space *vm, vaddr_t address)
{
	return address & ~PAGE_MASK ? -EINVAL : vm_unmap_object(vm, address, &operations);
}

/* --- the end --- */

/* Still attached: it goes with the last mapping. true: the table's reference is the caller's. */
static bool mark(struct segment *segment)
{
	segment->object.mode |= SHM_DEST;
	ipc_table_hide(&segment->object);
	return end_if_marked(segment);
}

int segment_remove(const struct ipc_caller *caller, int id)
{
	struct vm_object *unused = NULL;
	struct ipc_object *object;
	int error;

	mutex_lock(&segments_lock);
	error = ipc_table_owned(caller, &caller->ipc->segments, id, &object);
	if (!error && mark(segment_of(object))) {
		unused = segment_of(object)->vm_object;
	}
	mutex_unlock(&segments_lock);
	vm_object_put(unused);
	return error;
}

static struct vm_object *take_first(struct sysv_ipc *ipc)
{
	struct vm_object *first = NULL;
	struct ipc_object *object;
	u64 index = 0;

	mutex_lock(&segments_lock);
	object = ipc_table_next(&ipc->segments, &index);
	if (object) {
		first = segment_of(object)->vm_object;
		(void)leave_table(segment_of(object));
	}
	mutex_unlock(&segments_lock);
	return first;
}

void segments_destroy(struct sysv_ipc *ipc)
{
	struct vm_object *object;

	while ((object = take_first(ipc)) != NULL) {
		vm_object_put(object);
	}
}
