// SPDX-License-Identifier: MIT
/*
 * sysfs(5), as far as programs look: /sys/devices/system/cpu and node. The tables and inodes are proc's.
 */
#include "procfs/procfs.h"
#include "procfs/procfs_internal.h"

#include "core/percpu.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "net/net_namespace.h"
#include "process/namespace/namespace.h"
#include "process/pidfd.h"
#include "vm/vm_object.h"
#include <linux/magic.h>
#include <linux/stat.h>

#define TEXT(n, function)   {.name = n, .mode = S_IFREG | 0444, .show = function}
#define DIRECTORY(n, table) {.name = n, .mode = S_IFDIR | 0555, .children = table}

enum { TYPE_DIRECTORY = 4 };

static void print_range(struct proc_text *text, unsigned count)
{
	if (count > 1) {
		proc_print(text, "0-%u\n", count - 1);
	} else {
		proc_print(text, "0\n");
	}
}

static int show_cpus(struct proc_text *text, const struct proc_node *node)
{
	print_range(text, cpu_count());
	return 0;
}

/* Words of 32 bits, as many as the machine's CPUs take. */
static void print_map(struct proc_text *text, u64 cpus)
{
	if (cpu_count() > 32) {
		proc_print(text, "%08x,", (u32)(cpus >> 32));
	}
	proc_print(text, "%08x\n", (u32)cpus);
}

static int show_cpu_map(struct proc_text *text, const struct proc_node *node)
{
	print_map(text, ~0ULL >> (64 - cpu_count()));
	return 0;
}

static int show_kernel_max(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "%u\n", MAX_CPUS - 1);
	return 0;
}

static int show_offline(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "\n");
	return 0;
}

static int show_one(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "1\n");
	return 0;
}

static int show_zero(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "0\n");
	return 0;
}

/* One socket, each CPU a core of it. node->fd is the CPU's number. */
static int show_own_number(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "%d\n", node->fd);
	return 0;
}

static int show_own_map(struct proc_text *text, const struct proc_node *node)
{
	print_map(text, 1ULL << node->fd);
	return 0;
}

static const struct proc_entry topology_entries[] = {
	TEXT("physical_package_id", show_zero),
	TEXT("die_id", show_zero),
	TEXT("core_id", show_own_number),
	TEXT("thread_siblings", show_own_map),
	TEXT("thread_siblings_list", show_own_number),
	TEXT("core_cpus", show_own_map),
	TEXT("core_cpus_list", show_own_number),
	TEXT("core_siblings", show_cpu_map),
	TEXT("core_siblings_list", show_cpus),
	TEXT("package_cpus", show_cpu_map),
	TEXT("package_cpus_list", show_cpus),
	{0},
};

static const struct proc_entry one_cpu_entries[] = {
	TEXT("online", show_one),
	DIRECTORY("topology", topology_entries),
	{0},
};
static const struct proc_entry one_cpu = DIRECTORY("", one_cpu_entries);

static int lookup_cpu(struct inode *directory, struct dentry *dentry)
{
	struct proc_node like = {.entry = &one_cpu, .fd = -1};
	u64 number;

	if (strncmp(dentry->name, "cpu", 3) != 0 ||
	    string_to_u64(dentry->name + 3, &number) || number >= cpu_count()) {
		return 0;
	}
	like.fd = (int)number;
	return proc_instantiate(directory, dentry, &like);
}

static int iterate_cpus(struct file *file, struct directory_context *context, u64 first)
{
	for (u64 cpu = context->position - first; cpu < cpu_count(); cpu++) {
		char name[16];

		format_string(name, sizeof(name), "cpu%lu", cpu);
		if (!proc_emit(context, name, first + cpu, first + cpu, TYPE_DIRECTORY)) {
			return 0;
		}
	}
	return 0;
}

static const struct proc_entry cpu_entries[] = {
	TEXT("online", show_cpus),           TEXT("possible", show_cpus),
	TEXT("present", show_cpus),          TEXT("offline", show_offline),
	TEXT("kernel_max", show_kernel_max), {0},
};

/* numa(7), numactl: the node has all the memory there is. */
static int show_node_memory(struct proc_text *text, const struct proc_node *node)
{
	u64 k = PAGE_SIZE / 1024;
	struct frame_statistics memory;

	frame_statistics(&memory);
	proc_print(text,
		   "Node 0 MemTotal:       %8lu kB\nNode 0 MemFree:        %8lu kB\n"
		   "Node 0 MemUsed:        %8lu kB\nNode 0 FilePages:      %8lu kB\n",
		   memory.total * k, memory.free * k, (memory.total - memory.free) * k,
		   (vm_object_cached_pages() + vm_object_shared_pages()) * k);
	return 0;
}

static const struct proc_entry one_node_entries[] = {
	TEXT("cpulist", show_cpus),
	TEXT("cpumap", show_cpu_map),
	TEXT("meminfo", show_node_memory),
	{0},
};
static const struct proc_entry node_entries[] = {
	TEXT("online", show_zero),
	TEXT("possible", show_zero),
	DIRECTORY("node0", one_node_entries),
	{0},
};

static const struct proc_entry system_entries[] = {
	{.name = "cpu",
	 .mode = S_IFDIR | 0555,
	 .children = cpu_entries,
	 .lookup = lookup_cpu,
	 .iterate = iterate_cpus},
	DIRECTORY("node", node_entries),
	{0},
};
static const struct proc_entry devices_entries[] = {DIRECTORY("system", system_entries),
						    {0}};
static const struct proc_entry empty_entries[] = {{0}};
static const struct proc_entry kernel_fs_entries[] = {DIRECTORY("cgroup", empty_entries),
						      {0}};
static const struct proc_entry root_entries[] = {
	DIRECTORY("devices", devices_entries),
	DIRECTORY("fs", kernel_fs_entries),
	DIRECTORY("class", empty_entries),
	DIRECTORY("kernel", empty_entries),
	{0},
};

static const struct proc_entry root_entry = DIRECTORY("", root_entries);

static int sysfs_mount(const struct file_system_type *type, const char *source,
		       unsigned long flags, const char *data, struct super_block **out)
{
	return proc_mount_tree(type, &root_entry, SYSFS_MAGIC, NULL, out);
}

/* Linux's has the network's devices. */
static struct namespace *network_shown(void)
{
	return &current_network()->base;
}

static struct file_system_type sysfs_type = {
	.name = "sysfs",
	.mount = sysfs_mount,
	.shown_namespace = network_shown,
	.flags = FILE_SYSTEM_NODEV | FILE_SYSTEM_FOR_ALL | FILE_SYSTEM_REVEALS,
};

void procfs_init(void)
{
	file_system_register(&proc_type);
	file_system_register(&sysfs_type);
	pidfd_set_directory_hook(proc_get_directory_pid);
}
