// SPDX-License-Identifier: MIT
/*
 * Devices by number: which operations the open of a device node, a FIFO or a socket's name gives.
 *
 * Owns      the registry of device numbers.
 * Locks     devices_lock (spin). Entries are never removed.
 */
#include "fs/device.h"

#include "fs/fs_internal.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include <linux/stat.h>

struct device_range {
	u32 type; /* S_IFCHR or S_IFBLK */
	unsigned major, first_minor, count;
	const char *name;
	const struct file_operations *operations;
	struct device_range *next;
};

static struct spinlock devices_lock = SPINLOCK_INIT(RANK_INODE_CACHE, "devices_lock");
static struct device_range *devices GUARDED_BY(devices_lock);
static const struct file_operations *fifo_operations;

int device_register(u32 mode, unsigned major, unsigned first_minor, unsigned count,
		    const char *name, const struct file_operations *operations)
{
	struct device_range *range = heap_allocate(sizeof(*range));

	if (!range) {
		return -ENOMEM;
	}
	*range = (struct device_range){mode & S_IFMT, major,      first_minor, count,
				       name,          operations, NULL};
	spin_lock(&devices_lock);
	range->next = devices;
	devices = range;
	spin_unlock(&devices_lock);
	return 0;
}

void fifo_set_operations(const struct file_operations *operations)
{
	fifo_operations = operations;
}

static const struct file_operations *find_device(u32 type, u64 device)
{
	const struct file_operations *operations = NULL;
	struct device_range *range;
	unsigned major = device_major(device), minor = device_minor(device);

	spin_lock(&devices_lock);
	for (range = devices; range && !operations; range = range->next) {
		if (range->type == type && range->major == major &&
		    minor >= range->first_minor &&
		    minor - range->first_minor < range->count) {
			operations = range->operations;
		}
	}
	spin_unlock(&devices_lock);
	return operations;
}

bool device_nth(unsigned n, struct device_description *out)
{
	struct device_range *range;

	spin_lock(&devices_lock);
	for (range = devices; range && n > 0; range = range->next) {
		n--;
	}
	if (range) {
		*out = (struct device_description){range->type, range->major,
						   range->name};
	}
	spin_unlock(&devices_lock);
	return range != NULL;
}

int special_file_operations(struct inode *inode, const struct file_operations **out)
{
	u32 type = inode->attributes.mode & S_IFMT;

	switch (type) {
	case S_IFIFO:
		*out = fifo_operations;
		break;
	case S_IFCHR:
	case S_IFBLK:
		*out = find_device(type, inode->attributes.special_device);
		break;
	case S_IFSOCK:
		return -ENXIO;
	default:
		*out = inode->file_operations;
		return *out ? 0 : -ENXIO;
	}
	return *out ? 0 : -ENXIO;
}
