// SPDX-License-Identifier: MIT
/* The devices of major 1: null, zero, full, random, urandom; they keep no state. kmsg is kmsg.c's. */
#include "fs/devfs/devfs.h"

#include "core/panic.h"
#include "core/random.h"
#include "fs/kernel_log.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "vm/vm_object.h"
#include "vm/vm_space.h"
#include <asm/ioctls.h>
#include <linux/mman.h>
#include <linux/stat.h>

enum { MEMORY_MAJOR = 1, CHUNK = 512 };

static s64 null_read(struct file *file, struct io_buffer *io, u64 *position)
{
	return 0;
}

static s64 swallow(struct file *file, struct io_buffer *io, u64 *position)
{
	u64 size = io->remaining;

	io_advance(io, size);
	return (s64)size;
}

static s64 zero_read(struct file *file, struct io_buffer *io, u64 *position)
{
	u64 wanted = io->remaining;
	size_t done = io_fill_zero(io, wanted);

	return done > 0 || wanted == 0 ? (s64)done : -EFAULT;
}

static s64 full_write(struct file *file, struct io_buffer *io, u64 *position)
{
	return -ENOSPC;
}

static s64 random_read(struct file *file, struct io_buffer *io, u64 *position)
{
	u8 bytes[CHUNK];
	s64 total = 0;

	while (io->remaining > 0) {
		size_t size = MIN(io->remaining, (u64)CHUNK), done;

		random_bytes(bytes, size);
		done = io_copy_to(io, bytes, size);
		total += (s64)done;
		if (done < size) {
			break;
		}
	}
	memset(bytes, 0, sizeof(bytes));
	return total > 0 || io->remaining == 0 ? total : -EFAULT;
}

static s64 random_write(struct file *file, struct io_buffer *io, u64 *position)
{
	u8 bytes[CHUNK];
	s64 total = 0;

	while (io->remaining > 0) {
		size_t size = MIN(io->remaining, (u64)CHUNK), done;

		done = io_copy_from(io, bytes, size);
		random_add_entropy(bytes, done);
		total += (s64)done;
		if (done < size) {
			break;
		}
	}
	return total > 0 || io->remaining == 0 ? total : -EFAULT;
}

static s64 memory_seek(struct file *file, s64 offset, int whence)
{
	return 0; // as Linux: these devices have no positions, and every seek succeeds
}

/* /dev/zero: private maps are anonymous memory, shared ones an object of their own. */
static int zero_map(struct file *file, struct vm_map_request *request)
{
	if ((request->map_flags & MAP_TYPE) == MAP_PRIVATE) {
		request->object = NULL;
		return 0;
	}
	return vm_object_create_anonymous(request->size + request->offset,
					  &request->object);
}

static const struct file_operations null_operations = {
	.read = null_read, .write = swallow, .seek = memory_seek};
static const struct file_operations zero_operations = {
	.read = zero_read, .write = swallow, .seek = memory_seek, .map = zero_map};
static const struct file_operations full_operations = {
	.read = zero_read, .write = full_write, .seek = memory_seek};
static const struct file_operations random_operations = {
	.read = random_read, .write = random_write, .seek = memory_seek};
void memory_devices_init(void)
{
	static const struct {
		const char *name;
		unsigned minor;
		u32 mode;
		const struct file_operations *operations;
	} devices[] = {
		{"null", 3, 0666, &null_operations},
		{"zero", 5, 0666, &zero_operations},
		{"full", 7, 0666, &full_operations},
		{"random", 8, 0666, &random_operations},
		{"urandom", 9, 0666, &random_operations},
		{"kmsg", 11, 0644, &kmsg_operations},
	};

	kernel_log_init();
	for (unsigned i = 0; i < ARRAY_SIZE(devices); i++) {
		int result = device_register(S_IFCHR, MEMORY_MAJOR, devices[i].minor, 1,
					     "mem", devices[i].operations);

		if (result == 0) {
			result = devfs_add(devices[i].name, S_IFCHR | devices[i].mode,
					   MEMORY_MAJOR, devices[i].minor);
		}
		ASSERT(result == 0);
	}
}
